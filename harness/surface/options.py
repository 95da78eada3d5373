"""The optional arguments of an op, and values to give in place of their defaults."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.cases.argument_facets import Option
from harness.cases.sample import Arg, DtypeArg, EnumArg
from harness.programs.program import overload

from .attribute_coverage import PLUMBING

_INTEGERS: tuple[Arg, ...] = (1, 2, 0, -1, 3)
_FLOATS: tuple[Arg, ...] = (0.5, 2.0, 1.0, -1.0, 0.0)
_WORDS: tuple[str, ...] = (
    "trunc",
    "floor",
    "tanh",
    "none",
    "ortho",
    "forward",
    "reflect",
    "constant",
    "replicate",
    "circular",
)
_WORDS += ("fro", "nuc", "complete", "reduced", "r", "U", "L", "gelsd", "gesvd", "valid", "same", "ij", "xy")
_WORDS += ("sum", "prod", "mean", "amax", "amin", "linear", "lower", "higher", "midpoint", "nearest", "left", "right")
VALUES: Mapping[str, tuple[Arg, ...]] = {
    "bool": (True, False),
    "int": _INTEGERS,
    "float": _FLOATS,
    "number": (2, *_FLOATS, True),
    "str": _WORDS,
    "ScalarType": tuple(map(DtypeArg, ("f64", "f32", "i64", "f16", "i32", "bool", "c64"))),
    "MemoryFormat": tuple(EnumArg("memory_format", f) for f in ("contiguous_format", "channels_last")),
    "List[int]": (*tuple((n,) * count for count in (1, 2, 3) for n in (1, 2, 0, -1)), (0, 1), ()),
    "List[bool]": ((True,), (False,), (True, False), (True, False, True)),
    "List[float]": tuple((f,) * count for count in (1, 2, 3) for f in (2.0, 0.5)),
}
"""By the type of an argument, what it is given."""


def options(op: str) -> list[Option]:
    """The optional arguments of an op that change a value on the CPU."""
    arguments = (a for a in overload(op)._schema.arguments if a.has_default_value() and a.name not in PLUMBING)
    return [_option(argument) for argument in arguments]


def _option(argument: Any) -> Option:
    kind = str(argument.real_type).removeprefix("Optional[")
    kind = kind if kind == str(argument.real_type) else kind[:-1]
    default = argument.default_value
    values = VALUES.get(kind, ())
    return Option(
        name=argument.name,
        default=tuple(default) if isinstance(default, list) else default,
        values=tuple(sorted(values, key=lambda v: _unlike(v, default))),
        tensor=kind == "Tensor",
    )


def _unlike(value: Arg, default: Any) -> bool:
    """Whether a value is a list of another length than the default; those of its length come first."""
    return isinstance(value, tuple) and isinstance(default, list) and len(value) != len(default)
