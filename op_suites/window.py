"""Rearranging images: windows to columns and back, pooled elements back to their places, channels shuffled."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.cases.case import Dims, Draw, Inputs, OpCase
from harness.cases.dtypes import BOOL, COMPLEX, EVERY, FLOAT
from harness.cases.numeric import EXACT, Linear
from harness.cases.sample import Fill
from harness.cases.strategies import row_major

from .convolution import Geometry, geometry, least_sizes

MOVED = FLOAT + BOOL + COMPLEX
"""The dtypes that eager moves by windows: no integers."""

PLACES = Fill(kind="distinct", low=0, nonfinite=False)
"""No two values go to one place: which of them would stay there is open."""


def attributes(g: Geometry) -> dict[str, tuple[int, ...]]:
    """The attributes of windows, by the names that these ops give them."""
    return {"kernel_size": g.kernel, "dilation": g.dilation, "padding": g.padding, "stride": g.stride}


def batch(d: Draw) -> Dims:
    """A batch, maybe empty, or none."""
    return (d.size("n", high=3),) if d.choose(True, True, False) else ()


def im2col_inputs(d: Draw) -> Mapping[str, Any]:
    """Windows of an image, plain or uneven."""
    g = geometry(d, 2, transposed=False)
    spatial = tuple(d.size(f"x{i}", low, low + 4) for i, low in enumerate(least_sizes(d, g)))
    return {"self": d.tensor((*batch(d), d.size("c", 1, 3), *spatial)), **attributes(g)}


def col2im_inputs(d: Draw) -> Mapping[str, Any]:
    """Columns, as many as the image has windows, summed where these overlap: so the image's sizes are constant."""
    g = geometry(d, 2, transposed=False)
    image = tuple(low + d.integer(0, 3) for low in least_sizes(d, g))
    columns = 1
    for size, k, step, pad, spread in zip(image, g.kernel, g.stride, g.padding, g.dilation, strict=True):
        columns *= (size + 2 * pad - spread * (k - 1) - 1) // step + 1
    rows = d.choose(1, 2) * g.kernel[0] * g.kernel[1]
    return {"self": d.tensor((*batch(d), rows, columns)), "output_size": image, **attributes(g)}


def unpool_inputs(rank: int) -> Inputs:
    """Values and their places in a larger image, which has enough places for all to differ, at any batch size."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        pooled = (d.choose(2, 1), *(d.choose(1, 2) for _ in range(rank - 2)), d.size("w", 1, 3))
        dims = (*batch(d), d.choose(1, 2), *pooled)
        size = d.choose((14, 24), (20, 17)) if rank == 2 else d.choose((7, 8, 12), (9, 5, 16))
        windows = {"stride": d.choose((2, 2, 2), (1, 2, 3)), "padding": d.choose((0, 0, 0), (1, 0, 1))}
        places = {"self": d.tensor(dims), "indices": d.tensor(dims, "i64", PLACES), "output_size": size}
        return places if rank == 2 else {**places, **windows}

    return inputs


def shuffle_inputs(d: Draw) -> Mapping[str, Any]:
    """Channels in groups, and one to three spatial dims; none is empty, which export refuses to trace."""
    groups = d.choose(2, 3, 1)
    channels = groups * d.choose(2, 1, 3)
    return {"self": d.tensor((d.size("n", 1, 3), channels, *d.shape(1, 3, low=1, prefix="x"))), "groups": groups}


CASES = (
    OpCase(op="aten.im2col.default", inputs=im2col_inputs, dtypes=MOVED, numeric=EXACT),
    OpCase(op="aten.col2im.default", inputs=col2im_inputs, dtypes=MOVED, numeric=Linear((9,))),
    OpCase(op="aten.max_unpool2d.default", inputs=unpool_inputs(2), dtypes=FLOAT, numeric=EXACT),
    OpCase(op="aten.max_unpool3d.default", inputs=unpool_inputs(3), dtypes=FLOAT, numeric=EXACT),
    OpCase(
        op="aten.native_channel_shuffle.default",
        inputs=shuffle_inputs,
        dtypes=EVERY,
        numeric=EXACT,
        untried=row_major(
            "torch's decomposition views the input: export fails for most sizes of such a tensor", "self"
        ),
        static_only="its kernel, which export traces, makes constants of all sizes",
    ),
)
