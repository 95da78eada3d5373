"""A sample: one invocation of one op as plain data, JSON in and out; it holds no tensor."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from harness.errors import BadSample

from .dtypes import DTYPES

Mode = Literal["static", "dynamic"]
MODES: tuple[Mode, ...] = ("static", "dynamic")
Values = Literal["simple", "mixed", "extreme", "nonfinite", "below", "above"]
Origin = Literal["census", "opinfo", "rejected"]
ORIGINS: tuple[Origin, ...] = ("census", "opinfo", "rejected")
Layout = Literal["contiguous", "transposed", "sliced", "expanded"]
LAYOUTS: tuple[Layout, ...] = ("contiguous", "transposed", "sliced", "expanded")
VALUES: tuple[Values, ...] = ("simple", "mixed", "extreme", "nonfinite", "below", "above")
ONE_SIDED: tuple[Values, ...] = ("below", "above")
Sizes = Mapping[str, int]
Dim = str | int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """How the elements of one tensor are chosen, within `[low, high]` clipped to its dtype.

    `values` picks among them: `simple` small integers, `mixed` signs, zeros, ties and several magnitudes, `extreme`
    the ends of the range, `nonfinite` mixed with NaN and infinities, `below` and `above` all on that side of 0 and away
    from it (where nothing is below 0, in that half of the range). `reach` bounds magnitudes where no range is given:
    `full` goes to the dtype's largest, `root` keeps products and sums finite, `unit` stays within single digits.
    `step` rounds to its multiples, `avoid` keeps floats `margin` away from these points (edges of discontinuities) and
    integers off them.
    `kind` selects a structure: `any`, `distinct` (no two elements alike along any dim), `index` (integers in
    [0, size of the dim `of`), negative ones too if `low` < 0), `permutation` (along the last dim), `sorted` (last dim),
    `one_hot` (last dim), `pivots` (last dim: the row that LU swaps with row i, from 1 to the size of the dim `of`),
    `literal` (`data` holds the bytes of the elements, row-major and little-endian, deflated, in base64).
    Matrices (last two dims), no worse conditioned than they are large: `positive_definite` (Hermitian), `triangular`
    and `upper_triangular` (2 on the diagonal), `well_conditioned` (singular values 1, 2, 3 ...), `hermitian`
    (eigenvalues 1, 2, 3 ... of either sign), `diagonalizable` (eigenvalues apart, pairs of conjugate ones among them).
    """

    kind: Literal[
        "any",
        "distinct",
        "index",
        "permutation",
        "sorted",
        "one_hot",
        "pivots",
        "literal",
        "positive_definite",
        "triangular",
        "upper_triangular",
        "well_conditioned",
        "hermitian",
        "diagonalizable",
    ] = "any"
    values: Values = "mixed"
    low: float | None = None
    high: float | None = None
    reach: Literal["full", "root", "unit"] = "full"
    step: float | None = None
    avoid: tuple[float, ...] = ()
    margin: float = 0.0
    nonfinite: bool = True
    of: Dim | None = None
    data: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorSpec:
    """A tensor argument: `dims` are names looked up in the sample's sizes, or literal sizes.

    `layout` is how its elements lie in memory: row-major, the last two dims swapped, every second element of the last
    dim (from an odd offset), or the first dim repeated with stride 0. Where the rank does not permit it: row-major.
    """

    dims: tuple[Dim, ...]
    dtype: str
    fill: Fill = field(default_factory=Fill)
    seed: int = 0
    layout: Layout = "contiguous"

    def shape(self, sizes: Sizes) -> tuple[int, ...]:
        """The sizes of the dims, in order."""
        return tuple(d if isinstance(d, int) else sizes[d] for d in self.dims)


@dataclass(frozen=True, slots=True)
class SizeOf:
    """An integer argument that is the size of a named dim (symbolic where that dim is dynamic)."""

    dim: str


@dataclass(frozen=True, slots=True)
class DtypeArg:
    """A `dtype=` argument, by its short name."""

    name: str


@dataclass(frozen=True, slots=True)
class EnumArg:
    """An argument torch takes as an object of its own: `kind` is `layout`, `device` or `memory_format`."""

    kind: str
    name: str


Arg = Any
"""None, bool, int, float, complex, str, TensorSpec, SizeOf, DtypeArg, EnumArg, or a tuple of these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One invocation: `args` by schema name (what is left out takes its default).

    `sizes` are the sizes of the named dims at export; `dynamic` names those that are symbolic; `runs` are the sizes at
    which the one compiled artifact is run. A static sample has no dynamic dims and one run, its sizes. `origin` is who
    chose it: the case's own strategy, OpInfo, or OpInfo as an input that eager rejects.
    """

    op: str
    dtype: str
    mode: Mode
    sizes: Sizes
    args: Mapping[str, Arg]
    dynamic: tuple[str, ...] = ()
    runs: tuple[Sizes, ...] = ()
    origin: Origin = "census"

    @property
    def values(self) -> Values:
        """The most demanding way any of its tensors is filled."""
        return max((t.fill.values for t in tensors(self.args)), key=VALUES.index, default="simple")

    @property
    def id(self) -> str:
        """Ten hex digits that name this sample."""
        return hashlib.sha256(dumps(self).encode()).hexdigest()[:10]

    @property
    def program(self) -> str:
        """A key that samples share if they differ in nothing but the values of their tensors."""
        blank = Fill()
        return dumps(map_tensors(self, lambda t: replace(t, fill=blank, seed=0)))


def walk(arg: Arg) -> Iterator[Arg]:
    """Every leaf of an argument or of a mapping of arguments, in order."""
    if isinstance(arg, Mapping):
        arg = tuple(arg.values())
    if isinstance(arg, (tuple, list)):
        for item in arg:
            yield from walk(item)
    else:
        yield arg


def tensors(arg: Arg) -> list[TensorSpec]:
    """The tensor arguments, in order."""
    return [leaf for leaf in walk(arg) if isinstance(leaf, TensorSpec)]


def map_leaves(arg: Arg, change: Callable[[Arg], Arg]) -> Arg:
    """The same argument with every leaf changed."""
    if isinstance(arg, Mapping):
        return {name: map_leaves(value, change) for name, value in arg.items()}
    if isinstance(arg, (tuple, list)):
        return tuple(map_leaves(item, change) for item in arg)
    return change(arg)


def map_tensors(sample: Sample, change: Callable[[TensorSpec], TensorSpec]) -> Sample:
    """The same sample with every tensor spec changed."""
    return replace(
        sample, args=map_leaves(sample.args, lambda leaf: change(leaf) if isinstance(leaf, TensorSpec) else leaf)
    )


def seeded(sample: Sample, fill: int) -> Sample:
    """The same program with other values, filled alike; the 0th is the sample itself."""
    return map_tensors(sample, lambda t: replace(t, seed=t.seed + 1000 * fill)) if fill else sample


def with_values(sample: Sample, values: Values) -> Sample:
    """The same sample with its values chosen another way, where its fills allow it."""

    def refill(t: TensorSpec) -> TensorSpec:
        if values == "nonfinite" and not (t.fill.nonfinite and DTYPES[t.dtype].kind in ("float", "complex")):
            return t
        return replace(t, fill=replace(t.fill, values=values))

    return map_tensors(sample, refill)


def with_dynamic(sample: Sample, dims: Sequence[str], at: Sizes) -> Sample:
    """The same sample with only these dims dynamic, all others at the sizes of export; with none, static `at` sizes."""
    if not dims:
        return replace(sample, mode="static", sizes=at, dynamic=(), runs=(at,))
    runs = [{name: run[name] if name in dims else size for name, size in sample.sizes.items()} for run in sample.runs]
    return replace(sample, dynamic=tuple(dims), runs=tuple({tuple(run.values()): run for run in runs}.values()))


# JSON -----------------------------------------------------------------------------------------------------------------

_DEFAULT_FILL = Fill()


def _fill_json(fill: Fill) -> dict[str, Any]:
    default = _DEFAULT_FILL
    out = {name: getattr(fill, name) for name in Fill.__slots__ if getattr(fill, name) != getattr(default, name)}
    if "avoid" in out:
        out["avoid"] = list(out["avoid"])
    return out


def _arg_json(arg: Arg) -> Any:
    match arg:
        case TensorSpec():
            spec = {"dims": list(arg.dims), "dtype": arg.dtype, "fill": _fill_json(arg.fill), "seed": arg.seed}
            return {"tensor": spec | ({} if arg.layout == "contiguous" else {"layout": arg.layout})}
        case SizeOf():
            return {"size_of": arg.dim}
        case DtypeArg():
            return {"dtype": arg.name}
        case EnumArg():
            return {arg.kind: arg.name}
        case complex():
            return {"complex": [_arg_json(arg.real), _arg_json(arg.imag)]}
        case float() if not math.isfinite(arg):
            return {"float": str(arg)}
        case tuple() | list():
            return [_arg_json(item) for item in arg]
        case _:
            return arg


def _arg_restore(value: Any) -> Arg:
    match value:
        case {"tensor": spec}:
            fill = dict(spec.get("fill", {}))
            if "avoid" in fill:
                fill["avoid"] = tuple(fill["avoid"])
            dims = tuple(spec["dims"])
            layout = spec.get("layout", "contiguous")
            named = spec["dtype"] in DTYPES and layout in LAYOUTS
            if not named or not all(isinstance(d, (str, int)) for d in dims):
                raise ValueError(f"bad tensor {spec}")
            return TensorSpec(dims=dims, dtype=spec["dtype"], fill=Fill(**fill), seed=int(spec["seed"]), layout=layout)
        case {"size_of": dim}:
            return SizeOf(dim)
        case {"dtype": name}:
            return DtypeArg(name)
        case {"complex": [re, im]}:
            return complex(_arg_restore(re), _arg_restore(im))
        case {"float": text}:
            return float(text)
        case {"layout": name} | {"device": name} | {"memory_format": name}:
            return EnumArg(next(iter(value)), name)
        case list():
            return tuple(_arg_restore(item) for item in value)
        case dict():
            raise ValueError(f"unknown argument form {value}")
        case _:
            return value


def to_json(sample: Sample) -> dict[str, Any]:
    """The sample as JSON values."""
    out: dict[str, Any] = {
        "op": sample.op,
        "dtype": sample.dtype,
        "mode": sample.mode,
        "sizes": dict(sample.sizes),
        "args": {name: _arg_json(arg) for name, arg in sample.args.items()},
    }
    if sample.mode == "dynamic":
        out |= {"dynamic": list(sample.dynamic), "runs": [dict(r) for r in sample.runs]}
    return out if sample.origin == "census" else out | {"origin": sample.origin}


def from_json(data: Any) -> Sample:
    """The inverse of `to_json`; raises BadSample for what is no sample."""
    try:
        if data["mode"] not in MODES:
            raise ValueError(f"mode {data['mode']!r}")
        if data["dtype"] not in DTYPES:
            raise ValueError(f"dtype {data['dtype']!r}")
        if (origin := data.get("origin", "census")) not in ORIGINS:
            raise ValueError(f"origin {origin!r}")
        sample = Sample(
            op=str(data["op"]),
            dtype=data["dtype"],
            mode=data["mode"],
            sizes={str(k): int(v) for k, v in data["sizes"].items()},
            args={str(k): _arg_restore(v) for k, v in data["args"].items()},
            dynamic=tuple(data.get("dynamic", ())),
            runs=tuple({str(k): int(v) for k, v in r.items()} for r in data.get("runs", ())),
            origin=origin,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise BadSample(
            f"not a sample: {type(error).__name__}: {error}", hint="`opcov repro ID` prints a well-formed one"
        ) from None
    _check_names(sample)
    return replace(sample, runs=sample.runs or (sample.sizes,))


def _check_names(sample: Sample) -> None:
    used = {d for t in tensors(sample.args) for d in (*t.dims, t.fill.of) if isinstance(d, str)}
    used |= {leaf.dim for leaf in walk(sample.args) if isinstance(leaf, SizeOf)} | set(sample.dynamic)
    for sizes in (sample.sizes, *sample.runs):
        if missing := sorted(used - set(sizes)):
            raise BadSample(f"the sample uses dims that have no size: {', '.join(missing)}", hint='add them to "sizes"')


def dumps(sample: Sample) -> str:
    """The sample as one line of JSON, the same text for equal samples."""
    return json.dumps(to_json(sample), sort_keys=False, separators=(",", ":"))
