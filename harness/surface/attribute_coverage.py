"""The attribute values and dtypes that an op's censuses draw, against the op's schema and what eager takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

from harness.cases.case import OpCase
from harness.cases.draw import census
from harness.cases.dtypes import DTYPES
from harness.cases.profile import Profile, profile
from harness.cases.sample import Sample, SizeOf, map_leaves
from harness.judging.reference import EagerRefuses, runs
from harness.programs.program import overload

PLUMBING = ("generator", "device", "layout", "pin_memory", "names")
"""Arguments that change no value on the CPU."""
ONE = Profile(name="one", first=1, others=1)
"""One program of each dtype."""
MANY = Profile(name="many", first=40, others=12)
"""So many programs that only a value which is never drawn does not show."""
LEFT_OUT = "left out"
"""The value of an argument that a call leaves to its default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeValues:
    """The values drawn for one argument, as text, and the case's reason for drawing a single one, if it gives any."""

    values: tuple[str, ...]
    reason: str | None

    @property
    def varies(self) -> bool:
        """Whether the argument takes two values or more."""
        return len(self.values) > 1


def attributes(op: str) -> list[str]:
    """The names of the schema's arguments that are neither tensors nor in `PLUMBING`."""
    return [a.name for a in overload(op)._schema.arguments if "Tensor" not in str(a.type) and a.name not in PLUMBING]


def attribute_values(case: OpCase) -> Mapping[str, AttributeValues]:
    """The values that the case's censuses draw, by attribute.

    The census of a larger profile is drawn only if an attribute takes a single value in the smaller ones.
    """
    seen: dict[str, dict[str, None]] = {name: {} for name in attributes(case.op)}
    for sample in _samples(case):
        if all(len(values) > 1 for values in seen.values()):
            break
        for name, values in seen.items():
            values.setdefault(_value(sample, name))
    return {name: AttributeValues(values=tuple(values), reason=case.fixed.get(name)) for name, values in seen.items()}


def _samples(case: OpCase) -> Iterator[Sample]:
    """The samples of the case's censuses, those of small profiles first."""
    for size in (profile("quick"), replace(profile("default"), picks=False), MANY):
        for mode in case.modes():
            for dtype in profile("default").dtypes(case, mode):
                yield from census(case, dtype, mode, size, seed=0)


def _value(sample: Sample, name: str) -> str:
    if name not in sample.args:
        return LEFT_OUT
    return str(map_leaves(sample.args[name], lambda arg: sample.sizes[arg.dim] if isinstance(arg, SizeOf) else arg))


@dataclass(frozen=True, slots=True, kw_only=True)
class DtypeCoverage:
    """The dtypes of one op: those drawn, those excluded with a reason, and the others that eager takes."""

    drawn: tuple[str, ...]
    excluded: Mapping[str, str]
    eager_only: tuple[str, ...]


def dtype_coverage(case: OpCase) -> DtypeCoverage:
    """The dtypes that the case draws and excludes, and the others in which eager takes the first sample of a census."""
    rest = (name for name in DTYPES if name not in case.dtypes and name not in case.exclude)
    return DtypeCoverage(
        drawn=case.dtypes,
        excluded=case.exclude,
        eager_only=tuple(name for name in rest if _eager_takes(case, name)),
    )


def _eager_takes(case: OpCase, dtype: str) -> bool:
    with suppress(EagerRefuses, ArithmeticError, LookupError, TypeError, ValueError, RuntimeError):
        return any(runs(sample, case.numeric_of(sample)) for sample in census(case, dtype, "static", ONE, seed=0)[:1])
    return False
