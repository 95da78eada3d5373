"""Facets of the elements of tensors: special values, equal elements, equal indices. See `harness/cases/facets.py`."""

from __future__ import annotations

import base64
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from harness.cases.dtypes import BY_TORCH, DTYPES, Dtype
from harness.cases.facets import Kind, specs, static, with_specs
from harness.cases.sample import Fill, Layout, Sample, TensorSpec

from .elements import as_bytes
from .materialize import materialize

INDEX_FILLS = ("index", "permutation", "pivots")
"""The fills whose elements are indices: equal ones are duplicates, no ties."""

Special = Callable[[torch.Tensor, Dtype], torch.Tensor]
"""Where a real tensor of this dtype holds a special value."""

SPECIALS: Mapping[str, Special] = {
    "nan": lambda x, kind: x.isnan(),
    "+inf": lambda x, kind: x == float("inf"),
    "-inf": lambda x, kind: x == float("-inf"),
    "-0.0": lambda x, kind: (x == 0) & x.signbit(),
    "subnormal": lambda x, kind: (x != 0) & (x.abs() < kind.tiny),
    "least": lambda x, kind: x == kind.low,
    "largest": lambda x, kind: x == kind.high,
    "high_bit": lambda x, kind: x > kind.high // 2,
}
"""The special values by their names."""


def specials(dtype: str) -> tuple[str, ...]:
    """The names of the special values that a dtype has; those of a complex one are of its parts."""
    kind = DTYPES[dtype]
    if kind.kind in ("float", "complex"):
        return tuple(name for name in SPECIALS if name != "high_bit")
    return ("least", "largest", "high_bit") if kind.kind == "int" and kind.low == 0 else ("least", "largest")


def held(t: torch.Tensor) -> set[str]:
    """The names of the special values that a tensor holds."""
    name = _name(t)
    parts = torch.view_as_real(t) if t.is_complex() else t.to(torch.uint8) if t.dtype == torch.bool else t
    return {special for special in specials(name) if bool(SPECIALS[special](parts, DTYPES[name]).any())}


def _name(t: torch.Tensor) -> str:
    return BY_TORCH[str(t.dtype).removeprefix("torch.")]


def value(special: str, dtype: str) -> float:
    """The special value of that name in a dtype."""
    kind = DTYPES[dtype]
    values = {"-0.0": -0.0, "subnormal": kind.tiny / 2, "least": kind.low, "largest": kind.high}
    return values[special] if special in values else kind.high // 2 + 1 if special == "high_bit" else float(special)


def literal(spec: TensorSpec, t: torch.Tensor) -> TensorSpec:
    """The spec of a tensor with these elements, laid out as it was; row-major if elements were one in memory."""
    data = base64.b64encode(zlib.compress(as_bytes(t))).decode()
    layout: Layout = "contiguous" if spec.layout == "expanded" else spec.layout
    return replace(spec, fill=Fill(kind="literal", values=spec.fill.values, data=data), layout=layout)


@dataclass(frozen=True, slots=True)
class Value:
    """A tensor argument of this dtype holds a special value."""

    argument: str
    dtype: str
    special: str
    kind: Kind = "value"
    same_result: bool = False

    @property
    def name(self) -> str:
        """`self:nan`."""
        return f"{self.argument}:{self.special}"

    def holds(self, sample: Sample) -> bool:
        """Whether the sample has it in any run."""
        found = (t for t in specs(sample, self.argument) if t.dtype == self.dtype)
        return any(self.special in held(materialize(t, run)) for t in found for run in sample.runs)

    def injected(self, sample: Sample) -> Iterator[Sample]:
        """The value in the middle of the tensor, or at its start; of a complex one in the real or in the other part."""
        parts = (0, 1) if DTYPES[self.dtype].kind == "complex" else (0,)
        for middle in (True, False):
            for part in parts:
                yield from _replaced(sample, self.argument, self.dtype, self._placing(middle, part))

    def _placing(self, middle: bool, part: int) -> Callable[[torch.Tensor], torch.Tensor]:
        def place(t: torch.Tensor) -> torch.Tensor:
            flat = t.view(-1)
            _put(flat, flat.numel() // 2 if middle else 0, part, self)
            return t

        return place


def holding(sample: Sample, values: Sequence[Value]) -> Sample | None:
    """The sample with several special values of one argument and dtype, each at another place; None without room."""

    def place(t: torch.Tensor) -> torch.Tensor | None:
        flat = t.view(-1)
        if flat.numel() < len(values):
            return None
        for i, facet in enumerate(values):
            _put(flat, i * flat.numel() // len(values), 0, facet)
        return t

    return next(_replaced(sample, values[0].argument, values[0].dtype, place), None)


def _put(flat: torch.Tensor, at: int, part: int, facet: Value) -> None:
    """Write a special value; of a complex tensor into the real part or (1) the other one."""
    number = value(facet.special, facet.dtype)
    if flat.is_complex():
        torch.view_as_real(flat)[at, part] = number
    else:
        flat[at] = int(number) if not flat.is_floating_point() else number


@dataclass(frozen=True, slots=True)
class Equal:
    """A tensor argument has two equal elements along a dim: ties, or duplicates where its elements are indices."""

    argument: str
    kind: Kind
    same_result: bool = False

    @property
    def name(self) -> str:
        """`self:ties`, `index:duplicates`."""
        return f"{self.argument}:{'ties' if self.kind == 'tie' else 'duplicates'}"

    def holds(self, sample: Sample) -> bool:
        """Whether the sample has them in any run."""
        found = (materialize(t, run) for t in specs(sample, self.argument) for run in sample.runs)
        return any(map(has_equal, found))

    def injected(self, sample: Sample) -> Iterator[Sample]:
        """The second slice along a dim made equal to the first, along the last dim or another."""
        for dim in (-1, -2, -3):
            yield from _replaced(sample, self.argument, None, lambda t, d=dim: _repeated(t, d))  # type: ignore[misc]


def has_equal(t: torch.Tensor) -> bool:
    """Whether two elements along a dim are equal."""
    for dim in range(t.dim()):
        if t.shape[dim] > 1 and t.numel():
            x = torch.view_as_real(t).sum(-1) if t.is_complex() else t
            x = x.sort(dim).values
            if bool((x.diff(dim=dim) == 0 if x.dtype != torch.bool else ~x.diff(dim=dim)).any()):
                return True
    return False


def _repeated(t: torch.Tensor, dim: int) -> torch.Tensor | None:
    if t.dim() < -dim or t.shape[dim] < 2:
        return None
    t.select(dim, 1).copy_(t.select(dim, 0))
    return t


def _replaced(
    sample: Sample, argument: str, dtype: str | None, change: Callable[[torch.Tensor], torch.Tensor | None]
) -> Iterator[Sample]:
    """The sample with the elements of the first tensor of an argument and dtype changed; none if it has no elements."""
    done: list[Sample] = []

    def leaf(t: TensorSpec) -> TensorSpec:
        if done or (dtype and t.dtype != dtype) or not all(t.shape(sample.sizes)):
            return t
        changed = change(materialize(replace(t, layout="contiguous"), sample.sizes).clone())
        if changed is None:
            return t
        done.append(sample)
        return literal(t, changed)

    if any(t.dtype == dtype or not dtype for t in specs(sample, argument)):
        changed = with_specs(sample, argument, leaf)
        if done:
            yield static(changed)


def is_index(t: TensorSpec) -> bool:
    """Whether a tensor's elements are indices."""
    return t.fill.kind in INDEX_FILLS
