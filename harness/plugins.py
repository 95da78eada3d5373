"""Backends and executors by name, found through entry points; the built-in ones come the same way."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

from .errors import MissingPackage, UnknownName

BACKENDS = "opcov.backends"
CASCADES = "opcov.cascades"
"""Backends that are measured only where they are asked for."""
EXECUTORS = "opcov.executors"
CONTROL = "control"


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
    found = [e for e in entry_points(group=group) if e.name == name]
    if not found:
        raise UnknownName(group.removeprefix("opcov.").removesuffix("s"), name, names(group))
    try:
        loaded: Callable[[], Any] = found[0].load()
    except ImportError as error:
        missing = getattr(error, "name", None) or str(error)
        raise MissingPackage(
            f"{group.removeprefix('opcov.').removesuffix('s')} {name!r} needs {missing}, which cannot be imported",
            hint=f"run `pip install {str(missing).split('.')[0].replace('_', '-')}` (see the README, Setup)",
        ) from error
    return loaded
