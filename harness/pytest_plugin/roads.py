"""The options that name roads: which frontend, transform and decompositions, which ops stay whole."""

from __future__ import annotations

from collections.abc import Callable
from itertools import product
from typing import Any, cast

import pytest

from backends.declared import declared
from harness.cases.road import EXPORT, LEVELS, TRANSFORMS, Level, Road, Transform
from harness.errors import UnknownName
from harness.programs import plugins
from harness.running.cells import split

from .replay import REPLAY

DEFAULT_OVERLOAD = ".default"


def add_options(add: Callable[..., None]) -> None:
    """Declare the options."""
    add(
        "--frontend",
        action="append",
        default=[],
        metavar="NAME",
        help=f"how programs are traced ({EXPORT}; repeatable)",
    )
    add(
        "--transform",
        action="append",
        default=[],
        metavar="NAME",
        help=f"what is applied to programs: {', '.join(TRANSFORMS)} ({TRANSFORMS[0]}; repeatable)",
    )
    add(
        "--decompositions",
        action="append",
        default=[],
        metavar="LEVEL",
        help=f"the level of decomposition: {', '.join(LEVELS)} ({LEVELS[0]}; repeatable)",
    )
    add(
        "--legal-op",
        action="append",
        default=[],
        metavar="OP",
        help="an op that torch-mlir must not decompose, such as aten.gelu (repeatable)",
    )


def asked(config: pytest.Config) -> tuple[Road, ...]:
    """The roads that the options ask for, or else those of a replay; none if that is the default one alone."""
    option = config.option
    frontends, transforms = split(option.frontend), split(option.transform)
    levels, legal = split(option.decompositions), split(option.legal_op)
    if not (frontends or transforms or levels or legal):
        replay = config.stash.get(REPLAY, None)
        return replay.roads if replay and replay.roads != (Road(),) else ()
    whole = tuple(sorted({op.removeprefix("torch.").removesuffix(DEFAULT_OVERLOAD) for op in legal}))
    found = product(frontends or (EXPORT,), transforms or (TRANSFORMS[0],), levels or (LEVELS[0],))
    return tuple(
        dict.fromkeys(Road(name, cast(Transform, how), cast(Level, level), whole) for name, how, level in found)
    )


def check(config: pytest.Config) -> None:
    """Raise UnknownName for the first name that no road has."""
    for kind, name, known in _named(asked(config)):
        if name not in known:
            raise UnknownName(kind, name, known)


def _named(roads: tuple[Road, ...]) -> Any:
    """What the roads name: of each name the kind, and the names that there are."""
    for road in roads:
        yield "frontend", road.frontend, plugins.frontend_names()
        yield "transform", road.transform, TRANSFORMS
        yield "level of decomposition", road.level, LEVELS
        ops = {op.removesuffix(DEFAULT_OVERLOAD) for op in declared()} if road.legal else set()
        yield from (("legal op", op, ops) for op in road.legal)
