"""Padding by a constant, by reflection, by replication or circularly; negative amounts crop."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from harness.cases.case import OMIT, Dims, Draw, Inputs, OpCase
from harness.cases.dtypes import COMPLEX, EVERY, REAL
from harness.cases.numeric import EXACT

NUMBER = REAL + COMPLEX


def amounts(d: Draw, count: int, *options: int) -> tuple[tuple[int, int], ...]:
    """The amounts before and after, for each of the padded dims, the last one first."""
    return tuple((d.choose(*options), d.choose(*options)) for _ in range(count))


def padded(d: Draw, rank: int, pads: tuple[tuple[int, int], ...]) -> Dims:
    """Dims for these amounts: a cropped dim is as large as what is cropped, and in dynamic mode larger by two.

    (Export specializes a dim that is cropped to size 1.)
    """
    crops = [sum(max(0, -p) for p in pair) for pair in pads] + [0] * (rank - len(pads))
    least = [crop + 2 if crop and d.mode == "dynamic" else crop for crop in reversed(crops)]
    return tuple(d.size(f"d{i}", low, low + (5, 5, 5, 4, 3, 2)[rank]) for i, low in enumerate(least))


def flat(pads: tuple[tuple[int, int], ...]) -> tuple[int, ...]:
    """The amounts as one list."""
    return tuple(p for pair in pads for p in pair)


def value_of(d: Draw) -> Any:
    """A constant that fits the dtype."""
    if d.kind in ("int", "bool"):
        return d.scalar(ints=(2, -3, 0))
    return d.choose(1.5, -2.0, 0.0, 3, math.inf, -math.inf)


def constant_inputs(d: Draw) -> Mapping[str, Any]:
    """Any rank, padded in its last dims only or in all of them, some cropped."""
    rank = d.integer(1, 5)
    pads = amounts(d, d.integer(1, rank), 1, 0, 2, -1)
    return {"self": d.tensor(padded(d, rank, pads)), "pad": flat(pads), "value": d.maybe(value_of(d))}


def pad_inputs(d: Draw) -> Mapping[str, Any]:
    """Each mode; the modes that copy elements pad one to three dims behind one or two others."""
    mode = d.choose(OMIT, "constant", "reflect", "replicate", "circular")
    if mode in (OMIT, "constant"):
        rank = d.integer(1, 5)
        pads = amounts(d, d.integer(1, rank), 1, 0, 2, -1)
        value = OMIT if d.kind == "complex" else d.choose(OMIT, None, 1.0, 0.0)  # a float that any dtype can hold
        return {"self": d.tensor(padded(d, rank, pads)), "pad": flat(pads), "mode": mode, "value": value}
    args = copied(d, d.choose(1, 2, 3), reflect=mode == "reflect", batched=mode == "circular" or d.flag())
    return {"self": args["self"], "pad": args["padding"], "mode": mode}


def copied(d: Draw, count: int, *, reflect: bool, batched: bool) -> dict[str, Any]:
    """The last `count` dims padded by copies of their elements, of which there are enough."""
    pads = amounts(d, count, 1, 0, 2)
    least = [max(pair) + reflect for pair in reversed(pads)]
    spatial = tuple(d.size(f"x{i}", max(low, 1), max(low, 1) + 3) for i, low in enumerate(least))
    lead = (d.size("n", high=3), d.size("c", 1, 3)) if batched else (d.size("c", 1, 3),)
    return {"self": d.tensor((*lead, *spatial)), "padding": flat(pads)}


def copied_inputs(count: int, *, reflect: bool) -> Inputs:
    """Reflection or replication of the last `count` dims, batched or not."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        return copied(d, count, reflect=reflect, batched=d.flag())

    return inputs


def reflection(op: str, count: int) -> OpCase:
    """Padding by reflection of the elements inside of the edge."""
    return OpCase(op=op, inputs=copied_inputs(count, reflect=True), dtypes=NUMBER, numeric=EXACT)


def replication(op: str, count: int) -> OpCase:
    """Padding by copies of the edge."""
    return OpCase(op=op, inputs=copied_inputs(count, reflect=False), dtypes=NUMBER, numeric=EXACT)


CASES = (
    OpCase(op="aten.constant_pad_nd.default", inputs=constant_inputs, dtypes=EVERY, numeric=EXACT),
    OpCase(op="aten.pad.default", inputs=pad_inputs, dtypes=NUMBER, numeric=EXACT),
    reflection("aten.reflection_pad1d.default", 1),
    reflection("aten.reflection_pad2d.default", 2),
    reflection("aten.reflection_pad3d.default", 3),
    replication("aten.replication_pad1d.default", 1),
    replication("aten.replication_pad2d.default", 2),
    replication("aten.replication_pad3d.default", 3),
)
