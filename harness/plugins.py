"""Backends and executors by name, found through entry points; the built-in ones come the same way."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

from .errors import MissingPackage, UnknownName

BACKENDS = "opcov.backends"
EXECUTORS = "opcov.executors"
CONTROL = "control"


def names(group: str) -> tuple[str, ...]:
    """The names declared in a group, sorted, `control` last; raises MissingPackage if opcov is not installed."""
    found = sorted({e.name for e in entry_points(group=group)}, key=lambda n: (n == CONTROL, n))
    if not found:
        raise MissingPackage(f"no entry points in {group!r}: opcov is not installed", hint="run `pip install -e .`")
    return tuple(found)


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
