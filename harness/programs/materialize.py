"""From a sample to tensors: the same sample and sizes give the same elements, on any machine with the same torch."""

from __future__ import annotations

import base64
import math
import zlib

import torch

from harness.cases.dtypes import DTYPES, Dtype
from harness.cases.sample import ONE_SIDED, Fill, Layout, Sizes, TensorSpec
from harness.errors import BadSample

_SIMPLE = (1.0, 2.0, 0.0, -1.0, 3.0, -2.0)
_MATRICES = (
    "positive_definite",
    "triangular",
    "upper_triangular",
    "well_conditioned",
    "hermitian",
    "diagonalizable",
)


def dtype(name: str) -> torch.dtype:
    """The torch dtype of a short name."""
    found: torch.dtype = getattr(torch, DTYPES[name].torch)
    return found


def materialize(spec: TensorSpec, sizes: Sizes) -> torch.Tensor:
    """The tensor that a spec describes at these sizes, laid out in memory as it says, on the CPU."""
    return _laid_out(_contiguous(spec, sizes), spec.layout)


def copied(t: torch.Tensor) -> torch.Tensor:
    """A copy with memory of its own that is laid out alike, overlaps and all."""
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
    if kind.kind == "complex" and spec.fill.kind in _MATRICES:
        return _matrices(spec.fill, shape, torch.complex128, generator).to(dtype(spec.dtype)).contiguous()
    if kind.kind == "complex":
        part = TensorSpec(dims=spec.dims, dtype="f64" if kind.bits == 128 else "f32", fill=spec.fill)
        real, imag = (_elements(part, shape, sizes, generator) for _ in range(2))
        return torch.complex(real, imag).to(dtype(spec.dtype))
    if kind.kind == "bool":
        return torch.rand(shape, generator=generator) < 0.5
    return _elements(spec, shape, sizes, generator).to(dtype(spec.dtype)).contiguous()


def _literal(spec: TensorSpec, shape: tuple[int, ...]) -> torch.Tensor:
    """Raises BadSample where the data is not that of the shape and dtype."""
    try:
        raw = bytearray(zlib.decompress(base64.b64decode(spec.fill.data or "", validate=True)))
    except (ValueError, zlib.error):
        raise BadSample("the literal of a tensor is damaged", hint="copy the whole sample") from None
    kind = dtype(spec.dtype)
    if len(raw) != math.prod(shape) * kind.itemsize:
        raise BadSample(f"the literal of a tensor holds {len(raw)} bytes, which is not {spec.dtype}{list(shape)}")
    flat = torch.frombuffer(raw, dtype=torch.uint8) if raw else torch.empty(0, dtype=torch.uint8)
    return flat.clone().view(kind).reshape(shape)


def _seed(seed: int, shape: tuple[int, ...]) -> int:
    """Depends on the shape too, so that the runs of a dynamic sample are not prefixes of each other."""
    return (seed * 1_000_003 + sum((i + 1) * 7919 * n for i, n in enumerate(shape))) % 2**63


def _elements(spec: TensorSpec, shape: tuple[int, ...], sizes: Sizes, g: torch.Generator) -> torch.Tensor:
    """Elements as float64 (int64 for integer dtypes), within the dtype's range."""
    fill, kind = spec.fill, DTYPES[spec.dtype]
    match fill.kind:
        case "index":
            return _index(fill, shape, sizes, g)
        case "permutation":
            return _permutation(fill, shape, sizes, g)
        case "distinct":
            return _distinct(fill, shape, kind, g)
        case "sorted":
            return torch.sort(_any(fill, shape, kind, g), dim=-1).values if shape else _any(fill, shape, kind, g)
        case "one_hot":
            hot = torch.randint(0, max(shape[-1], 1), shape[:-1], generator=g)
            return torch.nn.functional.one_hot(hot, shape[-1]).double() if shape[-1] else torch.zeros(shape)
        case "pivots":
            row = torch.arange(1, shape[-1] + 1)
            return row + (torch.rand(shape, generator=g) * (_size(fill, sizes) + 1 - row)).long()
        case "any":
            return _any(fill, shape, kind, g)
        case _:
            return _matrices(fill, shape, torch.float64, g)


def _matrices(fill: Fill, shape: tuple[int, ...], wide: torch.dtype, g: torch.Generator) -> torch.Tensor:
    """A structured matrix, or a batch of them, in a wide dtype, real or complex."""
    *batch, rows, columns = shape
    eye = torch.eye(rows, columns, dtype=wide)

    def normal(*dims: int) -> torch.Tensor:
        return torch.randn((*batch, *dims), generator=g, dtype=wide)

    def unitary(n: int) -> torch.Tensor:
        q: torch.Tensor = torch.linalg.qr(normal(n, n)).Q
        return q

    def spectrum(n: int) -> torch.Tensor:
        signs = torch.randint(0, 2, (*batch, 1, n), generator=g) * 2 - 1
        return signs * torch.arange(1, n + 1)

    match fill.kind:
        case "positive_definite":
            a = normal(rows, columns)
            return a @ a.mH + columns * eye
        case "triangular":
            return normal(rows, columns).tril(-1) * 0.5 + 2 * eye
        case "upper_triangular":
            return normal(rows, columns).triu(1) * 0.5 + 2 * eye
        case "well_conditioned":
            k = min(rows, columns)
            return (unitary(rows)[..., :k] * spectrum(k)) @ unitary(columns)[..., :k].mH
        case "hermitian":
            q = unitary(rows)
            a = (q * spectrum(rows)) @ q.mH
            return (a + a.mH) / 2
        case "diagonalizable":
            q = unitary(rows)
            return q @ _schur(normal(rows, rows).triu(1) * 0.5, g) @ q.mH
        case _:
            raise AssertionError(fill.kind)


def _schur(above: torch.Tensor, g: torch.Generator) -> torch.Tensor:
    """What is above the diagonal completed by eigenvalues 3 apart, some of them in pairs a + i, a - i."""
    n = above.shape[-1]
    first = 2 * torch.arange(n // 2)  # of each pair, which is conjugate where `turned` is 1
    turned = torch.randint(0, 2, (*above.shape[:-2], n // 2), generator=g).to(above.dtype)
    t = above + torch.diag(3.0 * (torch.arange(n) - n // 2) + 1).to(above.dtype)
    t[..., first + 1, first + 1] -= 3 * turned
    t[..., first, first + 1] += turned * (1 - t[..., first, first + 1])
    t[..., first + 1, first] = -turned
    return t * (1 + 0.5j) if t.is_complex() else t


def _size(fill: Fill, sizes: Sizes) -> int:
    return fill.of if isinstance(fill.of, int) else sizes[str(fill.of)]


def _index(fill: Fill, shape: tuple[int, ...], sizes: Sizes, g: torch.Generator) -> torch.Tensor:
    size = _size(fill, sizes)
    low = -size if fill.low is not None and fill.low < 0 else 0
    return torch.randint(low, max(size, 1), shape, generator=g)


def _permutation(fill: Fill, shape: tuple[int, ...], sizes: Sizes, g: torch.Generator) -> torch.Tensor:
    """Distinct integers below the size of `of`, along the last dim."""
    if not shape:
        return torch.zeros((), dtype=torch.int64)
    size = max(_size(fill, sizes) if fill.of is not None else shape[-1], shape[-1])
    return torch.rand((*shape[:-1], size), generator=g).argsort(-1)[..., : shape[-1]]


def _distinct(fill: Fill, shape: tuple[int, ...], kind: Dtype, g: torch.Generator) -> torch.Tensor:
    """A shuffled arithmetic sequence around 0 (from `low` where given), of integers small enough to be exact."""
    count = math.prod(shape)
    low, high = _bounds(fill, kind)
    exact = 2.0 ** (1 + round(-math.log2(kind.roundoff))) if kind.kind == "float" else high - low + 1
    span = int(min(max(high - low + 1, 1), exact, 2**31))
    first = {"below": -min(count, span) - 1, "above": 1}.get(fill.values, -(min(count, span) // 2))
    start = max(low, first) if fill.low is None else low
    order = torch.randperm(count, generator=g) if count <= span else torch.arange(count) * 3 % span
    out = order.double() + math.ceil(start)
    if fill.values == "nonfinite" and count and kind.kind == "float" and fill.nonfinite:
        out[torch.randint(0, count, (1,), generator=g)] = math.inf
    return out.reshape(shape) if kind.kind == "float" else out.to(torch.int64).reshape(shape)


def _bounds(fill: Fill, kind: Dtype) -> tuple[float, float]:
    low = kind.low if fill.low is None else max(fill.low, kind.low)
    high = kind.high if fill.high is None else min(fill.high, kind.high)
    return low, high


def _any(fill: Fill, shape: tuple[int, ...], kind: Dtype, g: torch.Generator) -> torch.Tensor:
    if kind.kind == "int":
        return _integers(fill, shape, kind, g)
    x = _reals(fill, shape, kind, g)
    if fill.step:
        x = (x / fill.step).round() * fill.step
    for edge in fill.avoid:
        near = (x - edge).abs() < fill.margin
        x = torch.where(near, edge + torch.where(x < edge, -fill.margin, fill.margin), x)
    if fill.values == "nonfinite" and fill.nonfinite:
        x = _nonfinite(x, fill, g)
    return x


def _pick(options: torch.Tensor, shape: tuple[int, ...], g: torch.Generator) -> torch.Tensor:
    return options[torch.randint(0, len(options), shape, generator=g)]


def _integers(fill: Fill, shape: tuple[int, ...], kind: Dtype, g: torch.Generator) -> torch.Tensor:
    low, high = _half(fill, *(int(b) for b in _bounds(fill, kind)))
    small = torch.randint(max(low, -9), max(min(high, 9), low, -9) + 1, shape, generator=g)
    if fill.values == "simple":
        return _off(small.clamp(max(low, -2), max(min(high, 3), low)), fill)
    edges = {low, low + 1, high - 1, high, 0, 1, -1, (low + high) // 2} if fill.values == "extreme" else set()
    wide = torch.randint(low, high, shape, generator=g) if high > low else small
    often = wide if low >= 0 else small  # half of what has no sign is negative to who takes it for signed
    candidates = torch.stack([small, wide, often])
    if inside := sorted(e for e in edges if low <= e <= high):
        candidates = torch.stack([wide, _pick(torch.tensor(inside), shape, g), _pick(torch.tensor(inside), shape, g)])
    which = torch.randint(0, 3, shape, generator=g)
    return _off(candidates.gather(0, which.unsqueeze(0)).squeeze(0), fill)


def _half(fill: Fill, low: int, high: int) -> tuple[int, int]:
    """The part of a range that is on the side that the fill asks for, if there is one."""
    middle = (low + high) // 2 if low >= 0 else 0
    half = {"below": (low, middle - 1), "above": (middle + 1, high)}.get(fill.values, (low, high))
    return half if half[0] <= half[1] else (low, high)


def _off(x: torch.Tensor, fill: Fill) -> torch.Tensor:
    """Integers moved from the points to avoid to the next one above them all."""
    for edge in fill.avoid:
        x = torch.where(x == edge, int(max(fill.avoid)) + 1, x)
    return x


def _magnitudes(fill: Fill, kind: Dtype) -> tuple[float, float]:
    """Exponents (base 2) of the least and the largest magnitudes that the fill's reach allows."""
    top = math.log2(kind.high)
    match fill.reach:
        case "full":
            return (math.log2(kind.tiny), top) if fill.values == "extreme" else (-10.0, min(10.0, top))
        case "root":
            return (-top / 4, top / 2 - 4) if fill.values == "extreme" else (-4.0, min(6.0, top / 2 - 4))
        case "unit":
            return (-6.0, 4.5) if fill.values == "extreme" else (-3.0, 3.0)


def _reals(fill: Fill, shape: tuple[int, ...], kind: Dtype, g: torch.Generator) -> torch.Tensor:
    """float64 elements: a blend of normal, tied (multiples of a half), zero and widely spread magnitudes, in bounds."""
    if fill.values == "simple":
        x = _pick(torch.tensor(_SIMPLE, dtype=torch.float64), shape, g)
    else:
        least, most = _magnitudes(fill, kind)
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
    return _bounded(x, fill, kind)


def _bounded(x: torch.Tensor, fill: Fill, kind: Dtype) -> torch.Tensor:
    """Fold what lies outside of a given range back into it, so that both its ends and its inside occur."""
    low, high = _bounds(fill, kind)
    if fill.low is not None and fill.high is not None and high - low < 64:
        if fill.values == "extreme":
            return torch.where(x > 0, high, low).where(x.abs() > 1, low + (high - low) * torch.sigmoid(x))
        return low + (high - low) * torch.sigmoid(x) if fill.values != "simple" else x.clamp(low, high)
    if fill.low is not None and low >= 0:
        x = x.abs()
    return x.clamp(low, high)


def _nonfinite(x: torch.Tensor, fill: Fill, g: torch.Generator) -> torch.Tensor:
    """Sprinkle NaN and infinities: one of each where there is room, and few more, lest a sum of many is always NaN."""
    specials = [math.nan] + [math.inf] * (fill.high is None) + [-math.inf] * (fill.low is None)
    chosen = _pick(torch.tensor(specials, dtype=torch.float64), tuple(x.shape), g)
    hit = torch.rand(x.shape, generator=g) < 0.05
    sure = torch.randperm(x.numel(), generator=g)[: len(specials)]
    hit.view(-1)[sure] = True
    chosen.view(-1)[sure] = torch.tensor(specials[: len(sure)], dtype=torch.float64)
    return torch.where(hit, chosen, x)
