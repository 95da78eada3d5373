"""A sample: one invocation of one op as plain data, to and from JSON. It holds no tensor."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

from harness.errors import BadSample

from .dtypes import DTYPES
from .road import DEFAULT, Road
from .road import road as road_of
from .varied import Varied, varied_json, varied_restore

Mode = Literal["static", "dynamic"]
MODES: tuple[Mode, ...] = ("static", "dynamic")
Values = Literal["simple", "mixed", "extreme", "nonfinite", "below", "above"]
Origin = Literal["census", "explicit", "injected", "picked", "opinfo", "rejected"]
ORIGINS: tuple[Origin, ...] = get_args(Origin)
RULED: tuple[Origin, ...] = ("census", "explicit", "injected", "picked")  # those that all rules of a census hold for
Structure = Literal["any", "distinct", "index", "permutation", "sorted", "sparse", "one_hot", "pivots", "literal"]
Matrix = Literal[
    "positive_definite", "triangular", "upper_triangular", "well_conditioned", "hermitian", "diagonalizable"
]
MATRICES: tuple[Matrix, ...] = get_args(Matrix)
Layout = Literal["contiguous", "transposed", "sliced", "expanded"]
LAYOUTS: tuple[Layout, ...] = ("contiguous", "transposed", "sliced", "expanded")
VALUES: tuple[Values, ...] = ("simple", "mixed", "extreme", "nonfinite", "below", "above")
ONE_SIDED: tuple[Values, ...] = ("below", "above")
Sizes = Mapping[str, int]
Dim = str | int


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """How the elements of one tensor are chosen, within `[low, high]` clipped to its dtype.

    `values` is the way of filling:

    - `simple`: small integers.
    - `mixed`: both signs, zeros, ties and several magnitudes.
    - `extreme`: the ends of the range.
    - `nonfinite`: `mixed`, with NaN and infinities (if the field `nonfinite` allows them).
    - `below`, `above`: all on that side of 0 and away from it, or in that half of a range that has nothing below 0.

    `reach` bounds the magnitudes where no range is given: `full` by the dtype's largest number, `root` so that products
    and sums stay finite, `unit` to single digits. With `step` elements are multiples of it. `avoid` lists points, such
    as edges of discontinuities: floats keep at least `margin` away from them, integers are never equal to them.

    `kind` is a structure:

    - `any`: none.
    - `distinct`: no two elements along any dim are equal.
    - `index`: integers in [0, size of the dim `of`), or in [-size, size) if `low` < 0.
    - `permutation`, `sorted`, `one_hot`: along the last dim.
    - `sparse`: two of three finite elements are 0, unless the values are `extreme`, which have zeros of their own.
    - `pivots`: along the last dim, the row that LU swaps with row i, from 1 to the size of the dim `of`.
    - `literal`: `data` holds the bytes of the elements, row-major and little-endian, deflated, in base64.

    These kinds make the last two dims a matrix whose condition number is no larger than its size:

    - `positive_definite` (and Hermitian), `triangular` and `upper_triangular` (2 on the diagonal).
    - `well_conditioned`: the singular values are 1, 2, 3 ...
    - `hermitian`: the eigenvalues are 1, 2, 3 ... of either sign.
    - `diagonalizable`: the eigenvalues keep apart; some are conjugate pairs.
    """

    kind: Structure | Matrix = "any"
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
    """A tensor argument: `dims` are names of dims, whose sizes the sample holds, or literal sizes.

    `layout` is how its elements lie in memory: row-major (`contiguous`), with the last two dims swapped (`transposed`),
    every second element of a longer last dim, from offset 1 (`sliced`), or the first dim repeated with stride 0
    (`expanded`). It is row-major where the rank does not permit the layout.
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
    """An argument that is an object of a torch class: `kind` is `layout`, `device` or `memory_format`."""

    kind: str
    name: str


Arg = Any
"""None, bool, int, float, complex, str, TensorSpec, SizeOf, DtypeArg, EnumArg, or a tuple of these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sample:
    """One invocation of an op.

    - `op`: the overload; `dtype` and `mode` are those of the cell.
    - `sizes`: the sizes of the named dims at export.
    - `args`: the arguments by schema name; those left out take their defaults.
    - `dynamic`: the named dims that are symbolic; a static sample has none.
    - `runs`: the sizes at which the one compiled artifact is run; a static sample has one run, at its `sizes`.
    - `origin`: who chose it: the case, drawn (`census`) or by hand (`explicit`); a search for what no draw shows
      (`injected`); or OpInfo, kept for the census (`picked`), traced (`opinfo`), or rejected by eager (`rejected`).
    - `road`: how its program comes to the backend contract; `varied` is what the road's transform varies.
    """

    op: str
    dtype: str
    mode: Mode
    sizes: Sizes
    args: Mapping[str, Arg]
    dynamic: tuple[str, ...] = ()
    runs: tuple[Sizes, ...] = ()
    origin: Origin = "census"
    road: Road = DEFAULT
    varied: Varied | None = None
    _text: str = field(default="", init=False, repr=False, compare=False)
    _id: str = field(default="", init=False, repr=False, compare=False)

    def __hash__(self) -> int:  # what is derived from a sample is kept by it
        return hash(dumps(self))

    @property
    def values(self) -> Values:
        """The most demanding way in which any of its tensors is filled: the last of them in `VALUES`."""
        return max((t.fill.values for t in tensors(self.args)), key=VALUES.index, default="simple")

    @property
    def id(self) -> str:
        """Ten hex digits that identify the sample: the start of the SHA-256 of its JSON text."""
        if not self._id:  # kept, because every fold of a report asks for it
            object.__setattr__(self, "_id", hashlib.sha256(dumps(self).encode()).hexdigest()[:10])
        return self._id

    @property
    def program(self) -> str:
        """A key that samples share if they differ in nothing but their tensors' values and where they are from."""
        blank = Fill()
        varied = replace(self.varied, seed=0) if self.varied else None
        plain = replace(self, varied=varied, origin="census")
        return dumps(map_tensors(plain, lambda t: replace(t, fill=blank, seed=0)))


def walk(arg: Arg) -> Iterator[Arg]:
    """Every leaf of an argument or of a mapping of arguments, in order."""
    for item in arg.values() if isinstance(arg, Mapping) else (arg,):
        if isinstance(item, (tuple, list)):
            for inner in item:
                yield from walk(inner)
        else:
            yield item


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
    return replace(sample, args=map_leaves(sample.args, lambda a: change(a) if isinstance(a, TensorSpec) else a))


# JSON -----------------------------------------------------------------------------------------------------------------

_DEFAULTS = {name: getattr(Fill(), name) for name in Fill.__slots__}


def _fill_json(fill: Fill) -> dict[str, Any]:
    out = {name: value for name, default in _DEFAULTS.items() if (value := getattr(fill, name)) != default}
    return out | {"avoid": list(fill.avoid)} if fill.avoid else out


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
            fill: dict[str, Any] = {k: tuple(v) if k == "avoid" else v for k, v in spec.get("fill", {}).items()}
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
    more: dict[str, Any] = {"origin": "" if sample.origin == "census" else sample.origin, "road": str(sample.road)}
    more["varied"] = varied_json(sample.varied) if sample.varied else None
    return out | {key: value for key, value in more.items() if value}


def from_json(data: Any) -> Sample:
    """The inverse of `to_json`; raises BadSample if the data is not a sample."""
    try:
        for key, known in (("mode", MODES), ("dtype", DTYPES)):
            if data[key] not in known:
                raise ValueError(f"{key} {data[key]!r}")
        if (origin := data.get("origin", "census")) not in ORIGINS:
            raise ValueError(f"origin {origin!r}")
        sizes = {str(k): int(v) for k, v in data["sizes"].items()}
        sample = Sample(
            op=str(data["op"]),
            dtype=data["dtype"],
            mode=data["mode"],
            sizes=sizes,
            args={str(k): _arg_restore(v) for k, v in data["args"].items()},
            dynamic=tuple(data.get("dynamic", ())),
            runs=tuple({str(k): int(v) for k, v in r.items()} for r in data.get("runs", ())) or (sizes,),
            origin=origin,
            road=road_of(str(data.get("road", ""))),
            varied=varied_restore(data["varied"]) if "varied" in data else None,
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        what = f"not a sample: {type(error).__name__}: {error}"
        raise BadSample(what, hint="`opcov repro ID` prints a well-formed one") from None
    _check_names(sample)
    return sample


def _check_names(sample: Sample) -> None:
    """Raise BadSample if the arguments use a dim that has no size."""
    leaves = list(walk(sample.args))
    used = {d for t in leaves if isinstance(t, TensorSpec) for d in (*t.dims, t.fill.of) if isinstance(d, str)}
    used |= {leaf.dim for leaf in leaves if isinstance(leaf, SizeOf)}.union(sample.dynamic)
    for sizes in (sample.sizes, *sample.runs):
        if missing := sorted(used - sizes.keys()):
            raise BadSample(f"the sample uses dims that have no size: {', '.join(missing)}", hint='add them to "sizes"')


def dumps(sample: Sample) -> str:
    """The sample as one line of JSON; equal samples give the same text."""
    if not sample._text:  # kept, because every id and every order of samples asks for it
        object.__setattr__(sample, "_text", json.dumps(to_json(sample), separators=(",", ":")))
    return sample._text
