"""Random values, judged by their range, mean and standard deviation, and ops whose random draws are an argument.

The distribution that an output is compared with belongs to the case, so its parameters are constants. Where an op has
them as arguments, they are not its defaults: else ignoring them would not show.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from harness.cases.case import OMIT, Dims, Draw, Inputs, OpCase, dtype_of
from harness.cases.dtypes import ALL, COMPLEX, DTYPES, EVERY, FLOAT, INT
from harness.cases.numeric import EXACT, Distribution, Ulp
from harness.cases.sample import DtypeArg, Fill, SizeOf

UNIT = Distribution(low=0.0, high=1.0, mean=0.5, std=math.sqrt(1 / 12))
NORMAL = Distribution(low=-8.0, high=8.0, mean=0.0, std=1.0)
DIE = Distribution(low=1, high=6, mean=3.5, std=math.sqrt(35 / 12))
COUNT = Distribution(low=0, high=5, mean=2.5, std=math.sqrt(35 / 12))
QUARTER = Distribution(low=0.0, high=1.0, mean=0.25, std=math.sqrt(3 / 16))
KEPT = Distribution(low=0.0, high=4.0, mean=1.0, std=math.sqrt(3.0))
SHIFTED = Distribution(low=-2.0, high=6.0, mean=2.0, std=0.5)
EIGHTH = Distribution(low=0, high=8, mean=3.5, std=math.sqrt(63 / 12))
FEATURES = Distribution(low=0.0, high=4.0, mean=1.0, std=math.sqrt(3.0), sigmas=12)
"""Up to four elements share a draw, which doubles the standard errors: hence twice as many `sigmas`."""
ONES = Fill(low=1.0, high=1.0, nonfinite=False)
LAW = "the law that the output is held to belongs to the case, so its parameters are constants"
TRAINED = f"{LAW}; what is not trained is the tensor itself"
LAYOUT = {"memory_format": "tensors are contiguous in MLIR: no other layout is expressible"}
COMPLEX_LAW = dict.fromkeys(COMPLEX, "a range and a standard deviation judge real numbers only")


INTEGERS = ("i64", "i32", "i16", "i8", "u8", *FLOAT)
NO_BOOL = COMPLEX_LAW | {"bool": "its range is no more than 0 and 1"}


def alpha_law(p: float, sigmas: float = 6) -> Distribution:
    """The distribution of ones after alpha dropout: two values, one of them with probability `p`."""
    alpha = 1.7580993408473766
    a = 1 / math.sqrt((alpha * alpha * p + 1) * (1 - p))
    dropped, kept = alpha * a * (p - 1), a * (1 + alpha * p)
    std = math.sqrt(p * (1 - p)) * (kept - dropped)
    return Distribution(dropped - 0.05, kept + 0.05, (1 - p) * kept + p * dropped, std, sigmas)


def large(d: Draw) -> Dims:
    """Dims of a hundred elements or more, as a rule; or of none."""
    return (d.size("n", high=12), *d.choose((24,), (6, 7), ()), d.size("m", low=8, high=16))


def size_inputs(**constants: Any) -> Inputs:
    """The size of the tensor to create, some of it symbolic, and `dtype`."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        size = tuple(SizeOf(n) if isinstance(n, str) else n for n in large(d))
        default = d.dtype == ("i64" if "high" in constants else "f32")
        dtype = d.choose(DtypeArg(d.dtype), OMIT) if default else DtypeArg(d.dtype)
        return {**constants, "size": size, "dtype": dtype}

    return inputs


def like_inputs(**constants: Any) -> Inputs:
    """A tensor whose dims the result has, and whose dtype it has unless another is given."""

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


def from_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor and a range of integers."""
    return {"self": d.tensor(large(d)), "from": 1, "to": 7}


def chances_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor and a tensor of probabilities, one for each element or shared along the first dim."""
    dims = large(d)
    p = d.tensor(d.choose(dims, dims[1:]), d.choose("f32", "f64"), Fill(low=0.25, high=0.25))
    return {"self": d.tensor(dims), "p": p}


def normal_inputs(*, std: bool) -> Inputs:
    """A mean of each element, and the standard deviation of each or of all."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        dims = large(d)
        mean = d.tensor(dims, fill=Fill(low=2.0, high=2.0))
        return {"mean": mean, "std": d.tensor(d.choose(dims, dims[1:]), fill=Fill(low=0.5, high=0.5)) if std else 0.5}

    return inputs


def permutation_inputs(d: Draw) -> Mapping[str, Any]:
    """How many integers to shuffle."""
    dtype = d.choose(DtypeArg(d.dtype), OMIT) if d.dtype == "i64" else DtypeArg(d.dtype)
    return {"n": SizeOf(d.size("n", high=12)), "dtype": dtype}


def in_order(results: Sequence[Any]) -> Sequence[Any]:
    """Sort the elements, which makes all permutations of them equal."""
    return [t.sort().values for t in results]


def eighths(results: Sequence[Any]) -> Sequence[Any]:
    """Replace each value by the eighth of its dtype's range, from 0, in which it lies; 8 is the end of the range."""
    found = []
    for t in results:
        dtype = DTYPES[dtype_of(str(t.dtype))]
        span = 1 / dtype.roundoff if dtype.roundoff else dtype.high + 1
        found.append((t.double() * (8 / span)).floor().to(t.dtype))
    return found


def features_inputs(d: Draw) -> Mapping[str, Any]:
    """Ones, of which a quarter of the channels is kept."""
    dims = (d.size("n", high=12), d.size("m", low=8, high=16), *d.choose((2,), (), (2, 2)))
    return {"input": d.tensor(dims, fill=ONES), "p": 0.75, "train": True}


def dropout_inputs(d: Draw) -> Mapping[str, Any]:
    """Ones, of which a quarter is kept and scaled."""
    return {"input": d.tensor(large(d), fill=ONES), "p": 0.75, "train": True}


def idle_dropout_inputs(d: Draw) -> Mapping[str, Any]:
    """Dropout that is not random: outside of training, whose result is the tensor itself, or of no element or all."""
    p, train = d.choose((0.5, False), (1.0, True), (0.0, True))
    return {"input": d.tensor(d.shape()), "p": p, "train": train}


def fractional_inputs(rank: int) -> Inputs:
    """Images, the size and the number of the windows per dim, and the random numbers that place them.

    Steps between windows are multiples of a quarter, and so are the random numbers: where a window starts is exact in
    every dtype.
    """

    def inputs(d: Draw) -> Mapping[str, Any]:
        kernel = tuple(d.choose(2, 1, 3) for _ in range(rank))
        counts = tuple(d.choose(3, 2, 1, 5) for _ in range(rank))
        least = [k + n - (rank == 2) for k, n in zip(kernel, counts, strict=True)]
        image = tuple(d.size(f"x{i}", low, low + 3) for i, low in enumerate(least))
        batch, channels = d.choose((d.size("n", 1, 3),), ()), d.size("c", 1, 3)
        draws = d.tensor((*(batch or (1,)), channels, rank), fill=Fill(low=0.0, high=0.75, step=0.25, nonfinite=False))
        distinct = d.tensor((*batch, channels, *image), fill=Fill(kind="distinct"))
        return {"self": distinct, "kernel_size": kernel, "output_size": counts, "random_samples": draws}

    return inputs


def noisy_inputs(d: Draw) -> Mapping[str, Any]:
    """A gradient, the input or result of the forward pass, the slopes that it drew, and their range."""
    dims = d.shape()
    lower, upper = d.choose((0.125, 0.375), (0.1, 0.3), (0.25, 0.25))
    args = {name: d.tensor(dims) for name in ("grad_output", "self", "noise")}
    return {**args, "lower": lower, "upper": upper, "training": d.choose(True, False), "self_is_result": d.flag()}


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
        INTEGERS,
        fixed={"high": LAW},
    ),
    random(
        "randint.low",
        size_inputs(low=1, high=7),
        DIE,
        INTEGERS,
        fixed=dict.fromkeys(("low", "high"), LAW),
    ),
    random("rand_like.default", like_inputs(), UNIT, fixed=LAYOUT),
    random("randn_like.default", like_inputs(), NORMAL, fixed=LAYOUT),
    random("bernoulli.default", self_inputs(Fill(low=0.25, high=0.25)), QUARTER),
    random("bernoulli.p", self_inputs(p=0.25), QUARTER, ALL, fixed={"p": LAW}),
    random(
        "uniform.default",
        uniform_inputs,
        Distribution(-1.0, 3.0, 1.0, math.sqrt(4 / 3)),
        fixed=dict.fromkeys(("from", "to"), LAW),
    ),
    random(
        "normal_functional.default",
        self_inputs(mean=2.0, std=0.5),
        Distribution(-2.0, 6.0, 2.0, 0.5),
        fixed=dict.fromkeys(("mean", "std"), LAW),
    ),
    random(
        "exponential.default",
        self_inputs(lambd=2.0),
        Distribution(0.0, 40.0, 0.5, 0.5, sigmas=8),
        fixed={"lambd": LAW},
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
    ),
    random(
        "randn.generator",
        lambda d: {**size_inputs()(d), "generator": None},
        NORMAL,
        unexported="with symbolic sizes: its kernel takes concrete ones alone",
    ),
    random("random.default", self_inputs(), EIGHTH, INTEGERS, canonical=eighths, exclude=NO_BOOL),
    random(
        "random.from",
        from_inputs,
        DIE,
        INTEGERS,
        exclude=NO_BOOL,
        fixed=dict.fromkeys(("from", "to"), LAW),
        unexported="the graph's Python code names the overload, and `from` is a keyword: a SyntaxError",
    ),
    random("bernoulli.Tensor", chances_inputs, QUARTER, ALL),
    OpCase(
        op="aten.randperm.default",
        inputs=permutation_inputs,
        dtypes=("i64", *(t for t in INT if t != "i64"), *FLOAT),
        values=("mixed",),
        canonical=in_order,
    ),
    random(
        "randint_like.default",
        like_inputs(high=6),
        COUNT,
        INTEGERS,
        exclude=NO_BOOL,
        fixed=LAYOUT | {"high": LAW},
    ),
    random(
        "randint_like.low_dtype",
        like_inputs(low=1, high=7),
        DIE,
        INTEGERS,
        exclude=NO_BOOL,
        fixed=LAYOUT | dict.fromkeys(("low", "high"), LAW),
    ),
    random("normal.Tensor_Tensor", normal_inputs(std=True), SHIFTED),
    random("normal.Tensor_float", normal_inputs(std=False), SHIFTED, fixed={"std": LAW}),
    random(
        "normal.float_float",
        size_inputs(mean=2.0, std=0.5),
        SHIFTED,
        fixed=dict.fromkeys(("mean", "std"), LAW),
    ),
    random("alpha_dropout.default", dropout_inputs, alpha_law(0.75), fixed={"p": LAW, "train": TRAINED}),
    random("feature_dropout.default", features_inputs, FEATURES, fixed={"p": LAW, "train": TRAINED}),
    random(
        "feature_alpha_dropout.default",
        features_inputs,
        alpha_law(0.75, sigmas=12),
        fixed={"p": LAW, "train": TRAINED},
    ),
    OpCase(op="aten.fractional_max_pool2d.default", inputs=fractional_inputs(2), dtypes=FLOAT),
    OpCase(
        op="aten.fractional_max_pool3d.default",
        inputs=fractional_inputs(3),
        dtypes=FLOAT,
        unexported="with symbolic sizes: its rule for shapes makes constants of them all",
    ),
    OpCase(
        op="aten.rrelu_with_noise_backward.default",
        inputs=noisy_inputs,
        dtypes=FLOAT,
        numeric=Ulp(2),
        exclude=dict.fromkeys((*INT, "bool", *COMPLEX), "eager has it in training alone"),
    ),
)
