"""Make a sample's tensors: the same spec and sizes give the same elements, on any machine with the same torch."""

from __future__ import annotations

import base64
import math
import zlib
from dataclasses import replace

import torch

from harness.cases.dtypes import DTYPES, Dtype
from harness.cases.sample import MATRICES, ONE_SIDED, Fill, Layout, Sizes, TensorSpec
from harness.errors import BadSample

from .booleans import booleans
from .matrices import matrices
from .special_values import placed, special_values

_SIMPLE = (1.0, 2.0, 0.0, -1.0, 3.0, -2.0)


def dtype(name: str) -> torch.dtype:
    """Return the torch dtype of a short name such as `bf16`."""
    named: torch.dtype = getattr(torch, DTYPES[name].torch)
    return named


def materialize(spec: TensorSpec, sizes: Sizes) -> torch.Tensor:
    """Return the tensor that a spec describes at these sizes, on the CPU, in the memory layout of the spec.

    Raises BadSample where a literal does not fit its shape and dtype.
    """
    if spec.layout == "expanded" and spec.fill.kind == "any" and spec.dims and all(spec.shape(sizes)):
        return _contiguous(replace(spec, dims=(1, *spec.dims[1:])), sizes).expand(spec.shape(sizes))
    return _laid_out(_contiguous(spec, sizes), spec.layout)


def copied(t: torch.Tensor) -> torch.Tensor:
    """Return a copy with memory of its own and the same strides and offset, overlapping elements included."""
    if t.is_contiguous():
        return t.clone()
    storage = t.untyped_storage().clone()  # type: ignore[no-untyped-call]
    return torch.empty(0, dtype=t.dtype).set_(storage, t.storage_offset(), t.shape, t.stride())


def _laid_out(t: torch.Tensor, layout: Layout) -> torch.Tensor:
    if layout == "transposed" and t.dim() >= 2:
        return t.mT.contiguous().mT
    if layout == "sliced" and t.dim() >= 1:
        wide = torch.ones((*t.shape[:-1], 2 * t.shape[-1] + 1), dtype=t.dtype)
        wide[..., 1::2] = t
        return wide[..., 1::2]
    if layout == "expanded" and t.dim() >= 1 and t.shape[0]:
        return t[:1].expand(t.shape)
    return t


def _contiguous(spec: TensorSpec, sizes: Sizes) -> torch.Tensor:
    shape = spec.shape(sizes)
    if spec.fill.kind == "literal":
        return _literal(spec, shape)
    generator = torch.Generator().manual_seed(_seed(spec.seed, shape))
    kind = DTYPES[spec.dtype]
    if kind.kind == "complex" and spec.fill.kind in MATRICES:
        return matrices(spec.fill, shape, torch.complex128, generator).to(dtype(spec.dtype)).contiguous()
    if kind.kind == "complex":
        part = replace(spec, dtype="f64" if kind.bits == 128 else "f32")
        real, imag = (_elements(part, shape, sizes, generator) for _ in range(2))
        return torch.complex(real, imag).to(dtype(spec.dtype))
    if kind.kind == "bool":
        return booleans(spec, shape, _seed(spec.seed // 1000, shape))
    return _elements(spec, shape, sizes, generator).to(dtype(spec.dtype)).contiguous()


def _literal(spec: TensorSpec, shape: tuple[int, ...]) -> torch.Tensor:
    """The tensor of a literal fill; raises BadSample where its data does not fit the shape and dtype."""
    try:
        raw = bytearray(zlib.decompress(base64.b64decode(spec.fill.data or "", validate=True)))
    except (ValueError, zlib.error):
        raise BadSample("the literal of a tensor is damaged", hint="copy the whole sample") from None
    kind = dtype(spec.dtype)
    if len(raw) != math.prod(shape) * kind.itemsize:
        raise BadSample(f"the literal of a tensor holds {len(raw)} bytes, which is not {spec.dtype}{list(shape)}")
    flat = torch.frombuffer(raw, dtype=torch.uint8) if raw else torch.empty(0, dtype=torch.uint8)
    return flat.clone().view(kind).reshape(shape)


def _turn(spec: TensorSpec) -> int:
    """Which special values a tensor holds that has not room for all: other ones for each tensor and each refill."""
    return spec.seed % 1000 + spec.seed // 1000


def _seed(seed: int, shape: tuple[int, ...]) -> int:
    """The generator's seed; it depends on the shape, lest one run of a dynamic sample is a prefix of another."""
    return (seed * 1_000_003 + sum((i + 1) * 7919 * n for i, n in enumerate(shape))) % 2**63


def _elements(spec: TensorSpec, shape: tuple[int, ...], sizes: Sizes, g: torch.Generator) -> torch.Tensor:
    """The elements as float64 (int64 for integer dtypes), within the dtype's range."""
    fill, kind = spec.fill, DTYPES[spec.dtype]
    match fill.kind:
        case "index":
            return _index(fill, shape, sizes, g)
        case "permutation":
            return _permutation(fill, shape, sizes, g)
        case "distinct":
            return _distinct(fill, shape, kind, g, _turn(spec))
        case "sorted":
            x = _unstructured(fill, shape, kind, g, _turn(spec))
            return torch.sort(x, dim=-1).values if shape else x
        case "sparse":
            x = _unstructured(fill, shape, kind, g, _turn(spec))
            zero = (torch.rand(shape, generator=g) < 2 / 3) & x.isfinite()
            return x if fill.values == "extreme" else x.masked_fill(zero, 0)
        case "one_hot":
            hot = torch.randint(0, max(shape[-1], 1), shape[:-1], generator=g)
            return torch.nn.functional.one_hot(hot, shape[-1]).double() if shape[-1] else torch.zeros(shape)
        case "pivots":
            row = torch.arange(1, shape[-1] + 1)
            return row + (torch.rand(shape, generator=g) * (_size_of(fill, sizes) + 1 - row)).long()
        case "any":
            return _unstructured(fill, shape, kind, g, _turn(spec))
        case _:
            return matrices(fill, shape, torch.float64, g)


def _size_of(fill: Fill, sizes: Sizes) -> int:
    """The size that the fill's `of` names, or is."""
    return fill.of if isinstance(fill.of, int) else sizes[str(fill.of)]


def _index(fill: Fill, shape: tuple[int, ...], sizes: Sizes, g: torch.Generator) -> torch.Tensor:
    size = _size_of(fill, sizes)
    low = -size if fill.low is not None and fill.low < 0 else 0
    return torch.randint(low, max(size, 1), shape, generator=g)


def _permutation(fill: Fill, shape: tuple[int, ...], sizes: Sizes, g: torch.Generator) -> torch.Tensor:
    """Integers that are distinct along the last dim, below the size of `of` (or of the last dim)."""
    if not shape:
        return torch.zeros((), dtype=torch.int64)
    size = max(_size_of(fill, sizes) if fill.of is not None else shape[-1], shape[-1])
    return torch.rand((*shape[:-1], size), generator=g).argsort(-1)[..., : shape[-1]]


def _distinct(fill: Fill, shape: tuple[int, ...], kind: Dtype, g: torch.Generator, turn: int) -> torch.Tensor:
    """Shuffled consecutive integers, small enough to be exact in the dtype, each once while they suffice.

    They start at `low` where the fill gives it, on the side of 0 that it asks for, or else lie around 0. Some of them
    give way to the special values that the fill asks for, each once; the extremes of integers are at the ends.
    """
    count = math.prod(shape)
    low, high = _bounds(fill, kind)
    exact = 2.0 ** (1 + round(-math.log2(kind.roundoff))) if kind.kind == "float" else high - low + 1
    span = int(min(max(high - low + 1, 1), exact, 2**31))
    first = {"below": -min(count, span) - 1, "above": 1}.get(fill.values, -(min(count, span) // 2))
    start = max(low, first) if fill.low is None else low
    order = torch.randperm(count, generator=g) if count <= span else torch.arange(count) * 3 % span
    whole = fill.low is None and fill.high is None and fill.reach == "full"
    if kind.kind != "float":
        if fill.values == "extreme" and whole and count <= span:
            half = count // 2
            return torch.where(order < half, order + int(low), int(high) - (count - 1 - order)).reshape(shape)
        return (order.double() + math.ceil(start)).to(torch.int64).reshape(shape)
    out = order.double() + math.ceil(start)
    if fill.values == "nonfinite" and fill.nonfinite:
        out = placed(out, [math.nan, math.inf, -math.inf] if whole else [math.inf], g, turn)
    if fill.values == "extreme" and whole:
        out = torch.where(out == 0, -0.0, out)
        out[out != 0] = placed(out[out != 0], [kind.high, kind.low, kind.tiny / 2], g, turn)
    return out.reshape(shape)


def _bounds(fill: Fill, kind: Dtype) -> tuple[float, float]:
    low = kind.low if fill.low is None else max(fill.low, kind.low)
    high = kind.high if fill.high is None else min(fill.high, kind.high)
    return low, high


def _unstructured(fill: Fill, shape: tuple[int, ...], kind: Dtype, g: torch.Generator, turn: int) -> torch.Tensor:
    """Elements without structure: integers, or reals with the fill's step, points to avoid and special values."""
    if kind.kind == "int":
        return _integers(fill, shape, kind, g, turn)
    x = _reals(fill, shape, kind, g)
    if fill.step:
        x = (x / fill.step).round() * fill.step
    for edge in fill.avoid:
        near = (x - edge).abs() < fill.margin
        x = torch.where(near, edge + torch.where(x < edge, -fill.margin, fill.margin), x)
    if fill.values == "nonfinite" and fill.nonfinite:
        return _nonfinite(x, fill, g, turn)
    return placed(x, special_values(fill, kind), g, turn) if fill.values == "extreme" else x


def _pick(options: torch.Tensor, shape: tuple[int, ...], g: torch.Generator) -> torch.Tensor:
    return options[torch.randint(0, len(options), shape, generator=g)]


def _integers(fill: Fill, shape: tuple[int, ...], kind: Dtype, g: torch.Generator, turn: int) -> torch.Tensor:
    low, high = _side_of_0(fill, *(int(b) for b in _bounds(fill, kind)))
    small = torch.randint(max(low, -9), max(min(high, 9), low, -9) + 1, shape, generator=g)
    if fill.values == "simple":
        return _without_avoided(small.clamp(max(low, -2), max(min(high, 3), low)), fill)
    edges = {low, low + 1, high - 1, high, 0, 1, -1, (low + high) // 2} if fill.values == "extreme" else set()
    wide = torch.randint(low, high, shape, generator=g) if high > low else small
    # large unsigned values come twice as often: half of them are negative if a lowering takes them for signed
    often = wide if low >= 0 else small
    candidates = torch.stack([small, wide, often])
    if inside := sorted(e for e in edges if low <= e <= high):
        candidates = torch.stack([wide, _pick(torch.tensor(inside), shape, g), _pick(torch.tensor(inside), shape, g)])
    which = torch.randint(0, 3, shape, generator=g)
    x = candidates.gather(0, which.unsqueeze(0)).squeeze(0)
    return _without_avoided(placed(x, _special_integers(fill, kind, low, high, g), g, turn), fill)


def _special_integers(fill: Fill, kind: Dtype, low: int, high: int, g: torch.Generator) -> list[int]:
    """The integers that a fill brings in for sure: ends, or an unsigned one that would be negative with a sign."""
    if fill.values == "extreme":
        return [low, high]
    signed = int(kind.high) // 2  # the largest one that is the same with a sign
    if fill.values == "mixed" and kind.low == 0 and high > signed:
        return [int(torch.randint(max(signed + 1, low), high + 1, (), generator=g))]
    return []


def _side_of_0(fill: Fill, low: int, high: int) -> tuple[int, int]:
    """The part of an integer range that the fill's values ask for, or the whole range if that part is empty.

    `below` and `above` are the sides of 0, or the halves of a range in which nothing is below 0.
    """
    middle = (low + high) // 2 if low >= 0 else 0
    half = {"below": (low, middle - 1), "above": (middle + 1, high)}.get(fill.values, (low, high))
    return half if half[0] <= half[1] else (low, high)


def _without_avoided(x: torch.Tensor, fill: Fill) -> torch.Tensor:
    """The integers with those at a point to avoid replaced by the next one above all of these points."""
    for edge in fill.avoid:
        x = torch.where(x == edge, int(max(fill.avoid)) + 1, x)
    return x


def _exponents(fill: Fill, kind: Dtype) -> tuple[float, float]:
    """The exponents (base 2) of the smallest and the largest magnitude that the fill's reach allows."""
    top = math.log2(kind.high)
    match fill.reach:
        case "full":
            return (math.log2(kind.tiny), top) if fill.values == "extreme" else (-10.0, min(10.0, top))
        case "root":
            return (-top / 4, top / 2 - 4) if fill.values == "extreme" else (-4.0, min(6.0, top / 2 - 4))
        case "unit":
            return (-6.0, 4.5) if fill.values == "extreme" else (-3.0, 3.0)


def _reals(fill: Fill, shape: tuple[int, ...], kind: Dtype, g: torch.Generator) -> torch.Tensor:
    """Elements as float64, within the fill's bounds.

    They are a mix of normally distributed numbers, ties (multiples of a half), zeros of both signs and numbers whose
    magnitudes are widely spread. The extremes are without the first of these, and `simple` values are small integers.
    """
    if fill.values == "simple":
        x = _pick(torch.tensor(_SIMPLE, dtype=torch.float64), shape, g)
    else:
        least, most = _exponents(fill, kind)
        normal = torch.randn(shape, generator=g, dtype=torch.float64)
        ties = torch.randint(-6, 7, shape, generator=g).double() * 0.5
        wide = torch.exp2(torch.rand(shape, generator=g, dtype=torch.float64) * (most - least) + least)
        wide = torch.copysign(wide, normal).clamp(kind.low, kind.high)
        zeros = torch.copysign(torch.zeros(shape, dtype=torch.float64), normal)
        mix = (
            (wide, wide, zeros, ties) if fill.values == "extreme" else (normal, normal, normal, ties, ties, wide, zeros)
        )
        which = torch.randint(0, len(mix), shape, generator=g)
        x = torch.stack(mix).gather(0, which.unsqueeze(0)).squeeze(0)
    if fill.values in ONE_SIDED:
        x = (x.abs() + 1) * (1 if fill.values == "above" else -1)
    return _into_range(x, fill, kind)


def _into_range(x: torch.Tensor, fill: Fill, kind: Dtype) -> torch.Tensor:
    """The elements brought into the fill's range, so that both its ends and its inside occur."""
    low, high = _bounds(fill, kind)
    if fill.low is not None and fill.high is not None and high - low < 64:
        if fill.values == "extreme":
            return torch.where(x > 0, high, low).where(x.abs() > 1, low + (high - low) * torch.sigmoid(x))
        return low + (high - low) * torch.sigmoid(x) if fill.values != "simple" else x.clamp(low, high)
    if fill.low is not None and low >= 0:
        x = x.abs()
    return x.clamp(low, high)


def _nonfinite(x: torch.Tensor, fill: Fill, g: torch.Generator, turn: int) -> torch.Tensor:
    """The elements with NaN among them, and the infinities on the sides where the fill has no bound.

    There is one of each where there is room, and about 5 % of the other elements. More would make every large sum NaN.
    """
    specials = [math.nan] + [math.inf] * (fill.high is None) + [-math.inf] * (fill.low is None)
    chosen = _pick(torch.tensor(specials, dtype=torch.float64), tuple(x.shape), g)
    hit = torch.rand(x.shape, generator=g) < 0.05
    return placed(torch.where(hit, chosen, x), specials, g, turn)
