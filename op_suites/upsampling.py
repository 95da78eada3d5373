"""Resizing images: nearest neighbours, linear and cubic interpolation, by output size, by scale or along a grid."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from harness.cases.case import OMIT, Dims, Draw, Inputs, OpCase
from harness.cases.dtypes import FLOAT
from harness.cases.numeric import EXACT, Composite, Linear, Numeric, Stated
from harness.cases.sample import Fill, SizeOf

SCALES = (2.0, 1.5, 0.5, 1.25)
LETTERS = {1: ("scales",), 2: ("scales_h", "scales_w"), 3: ("scales_d", "scales_h", "scales_w")}

MODEST = Fill(reach="unit", avoid=(0.0,), margin=0.5, low=-16, high=16, nonfinite=False)
"""Neighbours of similar magnitude, and finite: a weight that is 0 in one implementation is a roundoff in another."""

AROUND = Fill(low=-1.25, high=1.25, nonfinite=False)
"""Places around an image, which goes from -1 to 1."""

FIXED_POINT = {"u8": "eager's weights are fixed-point numbers of its own, so that its results are not to be matched"}


def image(d: Draw, spatial: tuple[str, ...]) -> Dims:
    """Batch, channels, spatial dims."""
    return (d.size("n", high=3), d.size("c", 1, 2), *spatial)


def least(d: Draw, scale: float) -> int:
    """The least size that scales to 1, to 2 where the dim is symbolic: export specializes a result of size 1."""
    return math.ceil((2 if d.mode == "dynamic" else 1) / scale)


def scaled(d: Draw, rank: int, *, symbolic: bool) -> tuple[tuple[str, ...], tuple[float, ...]]:
    """Spatial dims and the scale of each."""
    scales = tuple(d.choose(*SCALES) for _ in range(rank))
    lows = [least(d, s) if symbolic else math.ceil(1 / s) for s in scales]
    return tuple(d.size(f"x{i}", low, low + 4, symbolic=symbolic) for i, low in enumerate(lows)), scales


def resized(d: Draw, rank: int) -> tuple[tuple[str, ...], tuple[Any, ...]]:
    """Spatial dims and output sizes: smaller, larger, or the same."""
    names = tuple(d.size(f"x{i}", 1, 5) for i in range(rank))
    return names, tuple(d.choose(4, 1, 7, 2, SizeOf(name)) for name in names)


def sized_inputs(rank: int, *, aligned: bool, fill: Fill | None) -> Inputs:
    """Output sizes, and where the sizes are constant also the scales that lead there; both corner conventions."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        if d.choose(False, False, True):
            spatial, scales = scaled(d, rank, symbolic=False)
            size: tuple[Any, ...] = tuple(int(d.sizes[x] * s) for x, s in zip(spatial, scales, strict=True))
            given: Mapping[str, Any] = dict(zip(LETTERS[rank], scales, strict=True))
        else:
            spatial, size = resized(d, rank)
            given = dict.fromkeys(LETTERS[rank], d.choose(OMIT, None))
        corners = {"align_corners": d.flag()} if aligned else {}
        return {"self": d.tensor(image(d, spatial), fill=fill), "output_size": size, **corners, **given}

    return inputs


def vec_inputs(rank: int, *, aligned: bool, fill: Fill | None) -> Inputs:
    """Either output sizes or scales; both corner conventions."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        by_scale = d.flag()
        spatial, numbers = scaled(d, rank, symbolic=True) if by_scale else resized(d, rank)
        corners = {"align_corners": d.flag()} if aligned else {}
        return {
            "input": d.tensor(image(d, spatial), fill=fill),
            "output_size": None if by_scale else numbers,
            **corners,
            "scale_factors": numbers if by_scale else None,
        }

    return inputs


def grid_inputs(*ranks: int) -> Inputs:
    """Places inside and a little outside of the image, each interpolation and padding, both corner conventions.

    For the nearest neighbour (mode 1) the places keep away from where it changes: in an image 3 or 5 wide, a multiple
    of 0.4 is a tenth of a pixel or more away from there in either convention.
    """

    def inputs(d: Draw) -> Mapping[str, Any]:
        rank = d.choose(*ranks)
        mode = d.choose(0, 1, 2) if rank == 2 else d.choose(0, 1)
        batch, channels = d.size("n", 1, 3), d.size("c", 1, 2)
        pixels = tuple(d.choose(5, 3) if mode == 1 else d.size(f"x{i}", 2, 5) for i in range(rank))
        places = tuple(d.size(f"p{i}", 1, (4, 3)[rank - 2]) for i in range(rank))
        grid = Fill(low=-1.2, high=1.2, step=0.4, nonfinite=False) if mode == 1 else AROUND
        return {
            "input": d.tensor((batch, channels, *pixels), fill=MODEST),
            "grid": d.tensor((batch, *places, rank), fill=grid),
            "interpolation_mode": mode,
            "padding_mode": d.choose(0, 1, 2),
            "align_corners": d.flag(),
        }

    return inputs


PLACES = Stated(32, "a place is rounded in proportion to the size, and each weight is as steep as the place is far off")
CUBIC = Composite((PLACES, Linear((16,)), Linear((4,))))
"""Places, the weights, which are polynomials of them, and the weighted sum."""


def sampler(name: str, *ranks: int) -> OpCase:
    """Interpolation at the places of a grid."""
    return OpCase(op=f"aten.{name}.default", inputs=grid_inputs(*ranks), dtypes=FLOAT, numeric=CUBIC)


def pair(
    name: str, rank: int, numeric: Numeric, *, aligned: bool = False, dtypes: tuple[str, ...] = FLOAT, **more: Any
) -> tuple[OpCase, OpCase]:
    """An op that takes output sizes, and its overload that takes these or scales."""
    fill = MODEST if aligned else None
    sized = sized_inputs(rank, aligned=aligned, fill=fill)
    either = vec_inputs(rank, aligned=aligned, fill=fill)
    return (
        OpCase(op=f"aten.{name}.default", inputs=sized, dtypes=dtypes, numeric=numeric, **more),
        OpCase(op=f"aten.{name}.vec", inputs=either, dtypes=dtypes, numeric=numeric, **more),
    )


def nearest(name: str, rank: int) -> tuple[OpCase, OpCase]:
    """Copies of the nearest elements."""
    return pair(name, rank, EXACT, dtypes=(*FLOAT, "u8"))


def linear(name: str, rank: int, **more: Any) -> tuple[OpCase, OpCase]:
    """Weighted sums of neighbours, whose places are rounded in proportion to the size: hence the length."""
    return pair(name, rank, Linear((32,)), aligned=True, **more)


EXCLUDED: Mapping[str, str] = {
    "aten.__interpolate.size_list_scale_list": "a TorchScript builtin without an entry in the dispatcher: it calls"
    " another upsampling op, which is what export sees"
}

CASES = (
    *nearest("upsample_nearest1d", 1),
    *nearest("upsample_nearest2d", 2),
    *nearest("upsample_nearest3d", 3),
    *nearest("_upsample_nearest_exact1d", 1),
    *nearest("_upsample_nearest_exact2d", 2),
    *nearest("_upsample_nearest_exact3d", 3),
    *linear("upsample_linear1d", 1),
    *linear("upsample_bilinear2d", 2, exclude=FIXED_POINT),
    *linear("upsample_trilinear3d", 3),
    *pair("upsample_bicubic2d", 2, CUBIC, aligned=True, exclude=FIXED_POINT),
    *linear("_upsample_bilinear2d_aa", 2, dtypes=("f32", "f64"), exclude=FIXED_POINT),
    sampler("grid_sampler_2d", 2),
    sampler("grid_sampler_3d", 3),
    sampler("grid_sampler", 2, 3),
)
