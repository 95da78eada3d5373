"""Random values, judged by their range, mean and standard deviation.

The law that an output is held to belongs to the case, so the parameters of a distribution are constants: where an op
has them, they are not its defaults, which shows that they are heeded.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from harness.case import OMIT, Dims, Draw, Inputs, OpCase
from harness.dtypes import ALL, COMPLEX, EVERY, FLOAT
from harness.numeric import EXACT, Distribution
from harness.sample import DtypeArg, Fill, SizeOf

UNIT = Distribution(low=0.0, high=1.0, mean=0.5, std=math.sqrt(1 / 12))
NORMAL = Distribution(low=-8.0, high=8.0, mean=0.0, std=1.0)
DIE = Distribution(low=1, high=6, mean=3.5, std=math.sqrt(35 / 12))
COUNT = Distribution(low=0, high=5, mean=2.5, std=math.sqrt(35 / 12))
QUARTER = Distribution(low=0.0, high=1.0, mean=0.25, std=math.sqrt(3 / 16))
KEPT = Distribution(low=0.0, high=4.0, mean=1.0, std=math.sqrt(3.0))
ONES = Fill(low=1.0, high=1.0, nonfinite=False)
LAW = "the law that the output is held to belongs to the case, so its parameters are constants"
LAYOUT = {"memory_format": "tensors are contiguous in MLIR: no other layout is expressible"}
COMPLEX_LAW = dict.fromkeys(COMPLEX, "a range and a standard deviation judge real numbers only")


def large(d: Draw) -> Dims:
    """The dims of one or two hundred elements, or more; or of none."""
    return (d.size("n", high=12), *d.choose((24,), (6, 7), ()), d.size("m", low=8, high=16))


def size_inputs(**constants: Any) -> Inputs:
    """The size of what is created, some of it symbolic, and `dtype`."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        size = tuple(SizeOf(n) if isinstance(n, str) else n for n in large(d))
        default = d.dtype == ("i64" if "high" in constants else "f32")
        dtype = d.choose(DtypeArg(d.dtype), OMIT) if default else DtypeArg(d.dtype)
        return {**constants, "size": size, "dtype": dtype}

    return inputs


def like_inputs(**constants: Any) -> Inputs:
    """A tensor whose dims, and whose dtype if no other is given, the result has."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        source = d.choose(d.dtype, "f64" if d.dtype == "f32" else "f32")
        dtype = DtypeArg(d.dtype) if source != d.dtype else d.maybe(DtypeArg(d.dtype))
        return {"self": d.tensor(large(d), source), **constants, "dtype": dtype}

    return inputs


def self_inputs(fill: Fill | None = None, **constants: Any) -> Inputs:
    """A tensor and the parameters of a distribution."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        return {"self": d.tensor(large(d), fill=fill), **constants}

    return inputs


def uniform_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor and the ends of a range."""
    return {"self": d.tensor(large(d)), "from": -1.0, "to": 3.0}


def dropout_inputs(d: Draw) -> Mapping[str, Any]:
    """Ones of which a quarter are kept, and scaled."""
    return {"input": d.tensor(large(d), fill=ONES), "p": 0.75, "train": True}


def idle_dropout_inputs(d: Draw) -> Mapping[str, Any]:
    """Dropout that is not trained: the tensor itself."""
    return {"input": d.tensor(d.shape()), "p": d.choose(0.5, 0.0, 1.0), "train": False}


def random(op: str, inputs: Inputs, law: Distribution, dtypes: tuple[str, ...] = FLOAT, **more: Any) -> OpCase:
    """An op whose values are random."""
    more = {"values": ("mixed",), "exclude": COMPLEX_LAW} | more
    return OpCase(op=f"aten.{op}", inputs=inputs, dtypes=dtypes, numeric=law, **more)


CASES = (
    random("rand.default", size_inputs(), UNIT),
    random("randn.default", size_inputs(), NORMAL),
    random(
        "randint.default",
        size_inputs(high=6),
        COUNT,
        ("i64", "i32", "i16", "i8", "u8", *FLOAT),
        fixed=dict.fromkeys(("high",), LAW),
    ),
    random(
        "randint.low",
        size_inputs(low=1, high=7),
        DIE,
        ("i64", "i32", "i16", "i8", "u8", *FLOAT),
        fixed=dict.fromkeys(
            (
                "low",
                "high",
            ),
            LAW,
        ),
    ),
    random("rand_like.default", like_inputs(), UNIT, fixed=LAYOUT),
    random("randn_like.default", like_inputs(), NORMAL, fixed=LAYOUT),
    random("bernoulli.default", self_inputs(Fill(low=0.25, high=0.25)), QUARTER),
    random("bernoulli.p", self_inputs(p=0.25), QUARTER, ALL, fixed=dict.fromkeys(("p",), LAW)),
    random(
        "uniform.default",
        uniform_inputs,
        Distribution(-1.0, 3.0, 1.0, math.sqrt(4 / 3)),
        fixed=dict.fromkeys(
            (
                "from",
                "to",
            ),
            LAW,
        ),
    ),
    random(
        "normal_functional.default",
        self_inputs(mean=2.0, std=0.5),
        Distribution(-2.0, 6.0, 2.0, 0.5),
        fixed=dict.fromkeys(
            (
                "mean",
                "std",
            ),
            LAW,
        ),
    ),
    random(
        "exponential.default",
        self_inputs(lambd=2.0),
        Distribution(0.0, 40.0, 0.5, 0.5, sigmas=8),
        fixed=dict.fromkeys(("lambd",), LAW),
    ),
    random(
        "native_dropout.default",
        dropout_inputs,
        KEPT,
        unjudged={1: "random; output 0 shows its effect"},
        fixed={"p": LAW, "train": f"{LAW}; aten.dropout.default has the other value"},
    ),
    OpCase(
        op="aten.dropout.default",
        inputs=idle_dropout_inputs,
        dtypes=EVERY,
        numeric=EXACT,
        fixed={"train": "trained dropout is random: aten.native_dropout.default has it"},
    ),
)
