"""Pooling: the largest or the mean of sliding or adaptive windows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from harness.cases.case import OMIT, Dims, Draw, Inputs, OpCase
from harness.cases.dtypes import FLOAT, REAL
from harness.cases.numeric import EXACT, Linear
from harness.cases.sample import Fill

DISTINCT = Fill(kind="distinct")
"""For ops that return the indices of the largest elements: with ties these are open."""

KERNELS = {1: ((2, 1, 3, 4),), 2: ((2, 1, 3), (2, 3, 1)), 3: ((2, 1, 3), (2, 1), (2, 1))}
"""Window sizes by spatial rank."""
HOLDS = {1: 4, 2: 9, 3: 12}
"""The most elements of a window, by spatial rank, which bounds the length of a mean's sum."""


@dataclass(frozen=True, slots=True)
class Windows:
    """What windows require of one spatial dim: its least size, and whether export can keep it symbolic."""

    least: int = 1
    symbolic: bool = True


def image(d: Draw, spatial: tuple[Windows, ...], *, batched: bool) -> Dims:
    """Batch (empty ones too), channels, and spatial dims that start at the least sizes given."""
    more = (6, 4, 3)[len(spatial) - 1]
    sizes = tuple(d.size(f"x{i}", w.least, w.least + more, symbolic=w.symbolic) for i, w in enumerate(spatial))
    channels = d.size("c", 1, 2)
    return (d.size("n", high=3), channels, *sizes) if batched else (channels, *sizes)


def windows(d: Draw, rank: int, *, dilated: bool = False) -> tuple[dict[str, Any], tuple[Windows, ...]]:
    """Kernel, stride, padding (half a kernel at most), dilation, ceil mode, and what they require of each spatial dim.

    The least sizes give a result of one element, or of two where the dim is symbolic, since export specializes ones. In
    ceil mode, unless the stride is 1, export checks the size itself to see whether the last window starts inside, so
    that the dim is constant.
    """
    kernel = tuple(d.choose(*options) for options in KERNELS[rank])
    stride = d.choose(OMIT, (), "given")
    steps = tuple(d.choose(1, 2, 3) for _ in kernel) if stride == "given" else kernel
    padding: Any = tuple(d.choose(0, k // 2) for k in kernel) if d.flag() else OMIT
    dilation: Any = tuple(d.choose(1, 2) for _ in kernel) if dilated and d.flag() else OMIT
    ceil_mode = d.choose(OMIT, True, False)
    args = {"kernel_size": kernel, "stride": steps if stride == "given" else stride, "padding": padding}
    args |= {"dilation": dilation} if dilated else {}
    pads = (0,) * rank if padding is OMIT else padding
    spread = (1,) * rank if dilation is OMIT else dilation
    spatial = []
    for k, step, pad, gap in zip(kernel, steps, pads, spread, strict=True):
        symbolic = ceil_mode is not True or step == 1
        more = step if d.mode == "dynamic" and symbolic else 0
        spatial.append(Windows(max(1, more + gap * (k - 1) + 1 - 2 * pad), symbolic))
    return args | {"ceil_mode": ceil_mode}, tuple(spatial)


def max_pool_inputs(rank: int, fill: Fill | None = None, *, symbolic: bool = True) -> Inputs:
    """Every attribute, batched or not."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        args, spatial = windows(d, rank, dilated=True)
        spatial = tuple(replace(w, symbolic=w.symbolic and symbolic) for w in spatial)
        dims = image(d, spatial, batched=d.choose(True, True, False))
        return {"self": d.tensor(dims, fill=fill), **args}

    return inputs


def avg_pool_inputs(rank: int) -> Inputs:
    """Every attribute, batched or not; for two and three dims also a divisor."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        args, spatial = windows(d, rank)
        if rank == 3:  # eager requires a whole window even with padding
            spatial = tuple(
                replace(w, least=max(w.least, k)) for w, k in zip(spatial, args["kernel_size"], strict=True)
            )
        dims = image(d, spatial, batched=d.choose(True, True, False))
        args |= {"count_include_pad": d.choose(OMIT, False, True)}
        divisor = {"divisor_override": d.choose(OMIT, 3, None, -2)} if rank > 1 else {}
        return {"self": d.tensor(dims), **args, **divisor}

    return inputs


def plain_pool_inputs(rank: int, fill: Fill | None = None, *, padded: bool = True) -> Inputs:
    """A batch of images and windows with a stride and a padding, as networks have them."""
    kernel = 2 if rank == 3 else 3
    padding = {"padding": (1,) * rank} if padded else {}

    def inputs(d: Draw) -> Mapping[str, Any]:
        dims = image(d, (Windows(4),) * rank, batched=True)
        return {"self": d.tensor(dims, fill=fill), "kernel_size": (kernel,) * rank, "stride": (2,) * rank, **padding}

    return inputs


def adaptive_inputs(rank: int, fill: Fill | None = None) -> Inputs:
    """Output sizes that divide the input's or do not, equal it or exceed it."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        sizes = tuple(d.choose(1, 2, 3, 5) for _ in range(rank))
        dims = image(d, (Windows(),) * rank, batched=d.choose(True, True, False))
        return {"self": d.tensor(dims, fill=fill), "output_size": sizes}

    return inputs


def max_pool(op: str, rank: int, fill: Fill | None = None) -> OpCase:
    """The largest of each window."""
    plain = plain_pool_inputs(rank, fill)
    return OpCase(op=op, inputs=max_pool_inputs(rank, fill), dtypes=REAL, numeric=EXACT, plain=plain)


def avg_pool(op: str, rank: int, dtypes: tuple[str, ...] = (*FLOAT, "i64")) -> OpCase:
    """The mean of each window, or its sum divided by a given divisor."""
    numeric, plain = Linear((HOLDS[rank],)), plain_pool_inputs(rank, padded=rank < 3)
    return OpCase(op=op, inputs=avg_pool_inputs(rank), dtypes=dtypes, numeric=numeric, plain=plain)


def adaptive_avg(op: str, rank: int) -> OpCase:
    """The mean of adaptive windows, which hold the whole input at most."""
    length = tuple(f"x{i}" for i in range(rank))
    return OpCase(op=op, inputs=adaptive_inputs(rank), dtypes=FLOAT, numeric=Linear(length))


def adaptive_max(op: str, rank: int) -> OpCase:
    """The largest of adaptive windows, and where it is."""
    return OpCase(op=op, inputs=adaptive_inputs(rank, DISTINCT), dtypes=FLOAT, numeric=EXACT)


CASES = (
    # export specializes the only spatial dim of max_pool1d, not that of the op with indices
    OpCase(
        op="aten.max_pool1d.default",
        inputs=max_pool_inputs(1, symbolic=False),
        dtypes=FLOAT,
        numeric=EXACT,
        plain=plain_pool_inputs(1),
    ),
    max_pool("aten.max_pool2d.default", 2),
    max_pool("aten.max_pool3d.default", 3),
    max_pool("aten.max_pool1d_with_indices.default", 1, DISTINCT),
    max_pool("aten.max_pool2d_with_indices.default", 2, DISTINCT),
    max_pool("aten.max_pool3d_with_indices.default", 3, DISTINCT),
    avg_pool("aten.avg_pool1d.default", 1),
    avg_pool("aten.avg_pool2d.default", 2),
    avg_pool("aten.avg_pool3d.default", 3, ("f32", "f64", "i64")),
    adaptive_avg("aten.adaptive_avg_pool1d.default", 1),
    adaptive_avg("aten.adaptive_avg_pool2d.default", 2),
    adaptive_avg("aten.adaptive_avg_pool3d.default", 3),
    adaptive_avg("aten._adaptive_avg_pool2d.default", 2),
    adaptive_avg("aten._adaptive_avg_pool3d.default", 3),
    adaptive_max("aten.adaptive_max_pool1d.default", 1),
    adaptive_max("aten.adaptive_max_pool2d.default", 2),
    adaptive_max("aten.adaptive_max_pool3d.default", 3),
)
