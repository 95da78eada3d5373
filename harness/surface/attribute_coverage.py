"""What the registry's censuses draw of each op, against its schema and against what eager takes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass

from harness.cases.case import OpCase
from harness.cases.draw import Profile, census, profile
from harness.cases.dtypes import DTYPES
from harness.cases.sample import Sample, SizeOf, map_leaves
from harness.judging.reference import EagerRefuses, runs
from harness.programs.program import overload

PLUMBING = ("generator", "device", "layout", "pin_memory", "names")
"""Arguments that change no value on the CPU."""
ONE = Profile(name="one", first=1, others=1)
LEFT_OUT = "left out"


@dataclass(frozen=True, slots=True, kw_only=True)
class AttributeValues:
    """What is drawn of one argument: the values as text, and the reason why it is one only, if there is one."""

    values: tuple[str, ...]
    reason: str | None

    @property
    def varies(self) -> bool:
        """Whether it takes two values or more."""
        return len(self.values) > 1


def attributes(op: str) -> list[str]:
    """The schema's arguments that are no tensors and no plumbing."""
    return [a.name for a in overload(op)._schema.arguments if "Tensor" not in str(a.type) and a.name not in PLUMBING]


def attribute_values(case: OpCase) -> Mapping[str, AttributeValues]:
    """By attribute, what the censuses draw: those of small profiles first, larger ones until each attribute varies."""
    seen: dict[str, dict[str, None]] = {name: {} for name in attributes(case.op)}
    for sample in _widening(case):
        if all(len(values) > 1 for values in seen.values()):
            break
        for name, values in seen.items():
            values.setdefault(_value(sample, name))
    return {name: AttributeValues(values=tuple(values), reason=case.fixed.get(name)) for name, values in seen.items()}


def _widening(case: OpCase) -> Iterator[Sample]:
    for size in ("quick", "default", "nightly"):
        for mode in case.modes():
            for dtype in profile("default").dtypes(case, mode):
                yield from census(case, dtype, mode, profile(size), seed=0)


def _value(sample: Sample, name: str) -> str:
    if name not in sample.args:
        return LEFT_OUT
    return str(map_leaves(sample.args[name], lambda arg: sample.sizes[arg.dim] if isinstance(arg, SizeOf) else arg))


@dataclass(frozen=True, slots=True, kw_only=True)
class DtypeCoverage:
    """The dtypes of one op: those drawn, those left out for a reason, and those that eager takes all the same."""

    drawn: tuple[str, ...]
    excluded: Mapping[str, str]
    eager_only: tuple[str, ...]


def dtypes(case: OpCase) -> DtypeCoverage:
    """Which dtypes eager takes (the case's own arguments, drawn for that dtype) and which the case draws."""
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
