"""Backends and executors by name, found through entry points; the built-in ones come the same way.

A backend that cannot be loaded is an error, since it was asked for; an executor is absent, which is said wherever the
others are named. The entry point of one that needs more than its distribution does names the extra:
`xla = "backends.executors.xla_cpu:XlaCpu [xla]"`.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from typing import Any

from harness.errors import MissingPackage, UnknownName
from harness.records.expectation import CONTROL

BACKENDS = "opcov.backends"
CASCADES = "opcov.cascades"
"""Backends that are measured only where they are asked for."""
EXECUTORS = "opcov.executors"


def names(*groups: str) -> tuple[str, ...]:
    """The names declared in these groups, sorted, `control` last; raises MissingPackage if opcov is not installed."""
    found = sorted({e.name for group in groups for e in entry_points(group=group)}, key=lambda n: (n == CONTROL, n))
    if not found:
        raise MissingPackage(f"no entry points in {groups[0]!r}: opcov is not installed", hint="run `pip install -e .`")
    return tuple(found)


def backend(name: str) -> Callable[[], Any]:
    """What makes the backend of that name, whether or not it is measured by default; raises as `factory` does."""
    return factory(CASCADES if entry_points(group=CASCADES, name=name) else BACKENDS, name)


def factory(group: str, name: str) -> Callable[[], Any]:
    """What makes the plugin of that name; raises UnknownName or MissingPackage."""
    entry = _entry(group, name)
    try:
        loaded: Callable[[], Any] = entry.load()
    except ImportError as error:
        missing = error.name or str(error)
        raise MissingPackage(
            f"{_kind(group)} {name!r} needs {missing}, which cannot be imported",
            hint=f"run `{_install(entry, missing)}` (see the README, Setup)",
        ) from error
    return loaded


def executors() -> tuple[list[Any], dict[str, str]]:
    """Every executor that can be had; and, by name, for each other one what installs it, or how it is broken."""
    present, absent = [], {}
    for name in names(EXECUTORS):
        entry = _entry(EXECUTORS, name)
        try:
            present.append(entry.load()())
        except Exception as error:  # a broken package raises what it likes
            absent[name] = _remedy(entry, error)
    return present, absent


def absent() -> dict[str, str]:
    """The executors that cannot be had, as `executors` says: it loads them all, so another process is asked."""
    done = subprocess.run([sys.executable, "-m", __name__], capture_output=True, text=True, check=False)
    try:
        said: dict[str, str] = json.loads(done.stdout)
    except ValueError:
        *_, last = done.stderr.strip().splitlines() or [f"exit {done.returncode}"]
        raise MissingPackage(f"the executors cannot be loaded: {last}", hint="run `make setup` again") from None
    return said


def _entry(group: str, name: str) -> EntryPoint:
    for entry in entry_points(group=group):
        if entry.name == name:
            return entry
    raise UnknownName(_kind(group), name, names(group))


def _kind(group: str) -> str:
    return group.removeprefix("opcov.").removesuffix("s")


def _remedy(entry: EntryPoint, error: Exception) -> str:
    """The command that installs what is missing; where nothing is, the error."""
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    if missing and not find_spec(missing.partition(".")[0]):
        return _install(entry, missing)
    return f"{type(error).__name__}: {error}"


def _install(entry: EntryPoint, module: str) -> str:
    """The command that installs the extra that the entry point names, or else the package of the module."""
    extra = f"{entry.dist.name}[{','.join(entry.extras)}]" if entry.dist and entry.extras else ""
    return f"pip install {shlex.quote(extra or module.partition('.')[0].replace('_', '-'))}"


if __name__ == "__main__":
    print(json.dumps(executors()[1]))
