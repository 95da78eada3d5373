"""Convolutions and transposed convolutions over one, two and three spatial dims, and similar sums of products."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.cases.case import OMIT, Draw, Inputs, OpCase
from harness.cases.dtypes import COMPLEX, FLOAT, REAL
from harness.cases.numeric import Linear
from harness.cases.sample import Fill, TensorSpec

NUMBER = (*FLOAT, "i64")
"""The dtypes that all of eager's kernels take. Those of dilated or transposed convolutions take no narrow integers."""

NO_COMPLEX = dict.fromkeys(
    COMPLEX, "eager makes three real convolutions and a complex constant of it, which no importer takes"
)
PRODUCTS = Linear((3, "k0", "k1", "k2"))
"""Sums over the channels of a group, three at most, and the kernel, whose dims are named `k0`, `k1` and `k2` here."""

FINITE = Fill(reach="root", nonfinite=False)
"""For weights: eager's own kernels differ in whether an infinite weight is multiplied with the zeros of the padding.

For inputs of dilated kernels too: some implementations, such as the reference lowering of StableHLO, fill the gaps of
the kernel with zeros.
"""


@dataclass(frozen=True, slots=True)
class Geometry:
    """A window's attributes, one number per spatial dim; the kernel's sizes are named dims of the weight."""

    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[int, ...]
    dilation: tuple[int, ...]
    output_padding: tuple[int, ...]


def narrow(d: Draw) -> bool:
    """Whether the dtype is an integer that few of eager's kernels take."""
    return d.dtype not in NUMBER and d.kind == "int"


def per_dim(d: Draw, rank: int, *options: int) -> tuple[int, ...]:
    """One of the options for each spatial dim."""
    return tuple(d.choose(*options) for _ in range(rank))


def geometry(d: Draw, rank: int, *, transposed: bool) -> Geometry:
    """Kernel sizes (declared as `k0, k1, ...`), strides, paddings and dilations, plain or uneven."""
    kernel = tuple(d.sizes[d.size(f"k{i}", 1, 3, symbolic=False)] for i in range(rank))
    stride, dilation = per_dim(d, rank, 1, 2, 3), per_dim(d, rank, *((1,) if narrow(d) else (1, 2)))
    if d.dtype == "f16":  # eager's kernel dies of some dilations of a window of size 1, which mean nothing
        dilation = tuple(g if k > 1 else 1 for g, k in zip(dilation, kernel, strict=True))
    padding = per_dim(d, rank, 0, 1, 2)
    extra = tuple(d.choose(0, max(s, g) - 1) if transposed else 0 for s, g in zip(stride, dilation, strict=True))
    return Geometry(kernel, stride, padding, dilation, extra)


def least_sizes(d: Draw, g: Geometry, *, transposed: bool = False) -> tuple[int, ...]:
    """The least size of each spatial dim for which the result has an element; two where the dim is symbolic.

    (Export specializes a dim that gives a result of size 1.)
    """
    more = 1 if d.mode == "dynamic" else 0
    out = []
    for k, step, pad, spread, extra in zip(g.kernel, g.stride, g.padding, g.dilation, g.output_padding, strict=True):
        reach = spread * (k - 1) - 2 * pad
        plain = more * step + reach + 1
        out.append(max(1, 1 - (reach + extra - more) // step if transposed else plain))
    return tuple(out)


def operands(
    d: Draw, g: Geometry, least: tuple[int, ...], *, transposed: bool, batched: bool
) -> tuple[TensorSpec, TensorSpec, int]:
    """Input, weight and the number of groups: one, two, or one per channel with a multiplier."""
    rank = len(least)
    groups, outer = d.choose((1, 2), (1, 1), (2, 1), (3, 2), (2, 2))
    inner = d.integer(1, 3 // groups + 1 if groups > 1 else 3)
    spatial = tuple(d.size(f"x{i}", low, low + (5, 3, 2)[rank - 1]) for i, low in enumerate(least))
    lead = (d.size("n", high=3),) if batched else ()
    window = tuple(f"k{i}" for i in range(rank))
    channels = (groups * inner, outer) if transposed else (groups * outer, inner)
    weight = d.tensor((*channels, *window), fill=FINITE)
    x = d.tensor((*lead, groups * inner, *spatial), fill=FINITE if max(g.dilation) > 1 else None)
    return x, weight, groups


def bias_for(d: Draw, weight: TensorSpec, groups: int, *, transposed: bool) -> TensorSpec:
    """One element per output channel."""
    first, second = weight.dims[:2]
    channels = groups * int(second) if transposed else int(first)
    return d.tensor((channels,))


def convolution_inputs(d: Draw) -> Mapping[str, Any]:
    """Every attribute given, for one to three spatial dims, plain or transposed."""
    rank, transposed = d.choose(2, 1, 3), d.flag() and not narrow(d)
    g = geometry(d, rank, transposed=transposed)
    least = least_sizes(d, g, transposed=transposed)
    x, weight, groups = operands(d, g, least, transposed=transposed, batched=True)
    return {
        "input": x,
        "weight": weight,
        "bias": bias_for(d, weight, groups, transposed=transposed) if d.flag() else None,
        "stride": g.stride,
        "padding": g.padding,
        "dilation": g.dilation,
        "transposed": transposed,
        "output_padding": g.output_padding,
        "groups": groups,
    }


def flagged_inputs(*flags: str) -> Inputs:
    """As `convolution_inputs`, with flags for the libraries of other devices, which do not change the result."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        return {**convolution_inputs(d), **{flag: d.flag() for flag in flags}}

    return inputs


def conv_inputs(rank: int, *, transposed: bool = False) -> Inputs:
    """The convolution of that many spatial dims, batched or not, each attribute given or left out."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        g = geometry(d, rank, transposed=transposed)
        plain = (0,) * rank
        stride, padding, dilation = d.flag(), d.flag(), d.flag()
        g = Geometry(
            g.kernel,
            g.stride if stride else (1,) * rank,
            g.padding if padding else plain,
            g.dilation if dilation else (1,) * rank,
            g.output_padding if stride and dilation else plain,
        )
        least = least_sizes(d, g, transposed=transposed)
        x, weight, groups = operands(d, g, least, transposed=transposed, batched=d.choose(True, True, False))
        bias = d.choose(OMIT, None, "bias")
        return {
            "input": x,
            "weight": weight,
            "bias": bias_for(d, weight, groups, transposed=transposed) if bias == "bias" else bias,
            "stride": g.stride if stride else OMIT,
            "padding": g.padding if padding else OMIT,
            **({"output_padding": g.output_padding if any(g.output_padding) else OMIT} if transposed else {}),
            "groups": groups if groups > 1 else OMIT,
            "dilation": g.dilation if dilation else OMIT,
        }

    return inputs


def plain_conv_inputs(rank: int, *, transposed: bool = False) -> Inputs:
    """A batch of images and windows of size 3 with a stride, a padding and a bias, as networks have them."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        batch, spatial = d.size("n"), tuple(d.size(f"x{i}", 4) for i in range(rank))
        window = tuple(d.size(f"k{i}", 3, 3, symbolic=False) for i in range(rank))
        channels = (2, 4) if transposed else (4, 2)
        return {
            "input": d.tensor((batch, 2, *spatial)),
            "weight": d.tensor((*channels, *window), fill=FINITE),
            "bias": d.tensor((4,)),
            "stride": (2,) * rank,
            "padding": (1,) * rank,
            **({"output_padding": (1,) * rank} if transposed else {}),
        }

    return inputs


def padded_inputs(rank: int) -> Inputs:
    """The convolution whose padding is named: `same` (at stride 1) or `valid`."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        padding = d.choose("same", "valid", OMIT)
        g = geometry(d, rank, transposed=False)
        one, none = (1,) * rank, (0,) * rank
        strided = padding != "same" and d.flag()
        g = Geometry(g.kernel, g.stride if strided else one, none, g.dilation if d.flag() else one, none)
        least = one if padding == "same" else least_sizes(d, g)
        x, weight, groups = operands(d, g, least, transposed=False, batched=d.choose(True, True, False))
        return {
            "input": x,
            "weight": weight,
            "bias": bias_for(d, weight, groups, transposed=False) if d.flag() else OMIT,
            "stride": g.stride if strided else OMIT,
            "padding": padding,
            "dilation": g.dilation if g.dilation != one else OMIT,
            "groups": groups if groups > 1 else OMIT,
        }

    return inputs


def tbc_inputs(d: Draw) -> Mapping[str, Any]:
    """An input of (times, batch, channels), convolved over the times, padded or not."""
    kernel, pad = d.size("k0", 1, 3), d.choose(OMIT, 1, 2, 0)
    least = max(1, d.sizes[kernel] - 2 * (0 if pad is OMIT else pad))
    channels, outer = d.size("c", 1, 3), d.size("o", 1, 3)
    return {
        "self": d.tensor((d.size("t", least, least + 4), d.size("n", 1, 3), channels)),
        "weight": d.tensor((kernel, channels, outer), fill=FINITE),
        "bias": d.tensor((outer,)),
        "pad": pad,
    }


def bilinear_inputs(d: Draw) -> Mapping[str, Any]:
    """Two tensors of features, a weight, maybe a bias; export makes the number of output features a constant."""
    lead, left, right = d.shape(0, 3), d.size("a", 1, 4), d.size("b", 1, 4)
    outer = d.size("o", 1, 4, symbolic=False)
    return {
        "input1": d.tensor((*lead, left), fill=FINITE),
        "input2": d.tensor((*lead, right), fill=FINITE),
        "weight": d.tensor((outer, left, right), fill=FINITE),
        "bias": d.choose(OMIT, None, d.tensor((outer,))),
    }


def trilinear_inputs(d: Draw) -> Mapping[str, Any]:
    """Three factors, each over some of two to four dims; some dims are summed, and eager loops over one."""
    rank = d.integer(2, 4)
    summed = tuple(d.flag() for _ in range(rank))
    unrolled = d.integer(0, rank - 1)
    dims = tuple(d.size(f"s{i}" if s else f"x{i}", 1, 4, symbolic=i != unrolled) for i, s in enumerate(summed))
    shared, alone = ((0, 1, 2), (0, 1), (1, 2), (0, 2)), ((0,), (1,), (2,))
    options = shared if narrow(d) else shared + alone  # the sum of a factor alone widens narrow integers
    owners = tuple(d.choose(*options) for _ in dims)
    factors = [tuple(dim for dim, own in zip(dims, owners, strict=True) if who in own) for who in range(3)]
    expand = [tuple(i for i, own in enumerate(owners) if who not in own) for who in range(3)]
    return {
        **{f"i{who + 1}": d.tensor(factor, fill=FINITE) for who, factor in enumerate(factors)},
        **{f"expand{who + 1}": where for who, where in enumerate(expand)},
        "sumdim": tuple(i for i, s in enumerate(summed) if s),
        "unroll_dim": unrolled,
    }


def conv(
    op: str,
    inputs: Inputs,
    dtypes: tuple[str, ...] = REAL,
    exclude: Mapping[str, str] = NO_COMPLEX,
    plain: Inputs | None = None,
) -> OpCase:
    """A convolution, judged as a sum of products."""
    return OpCase(op=op, inputs=inputs, dtypes=dtypes, numeric=PRODUCTS, exclude=exclude, plain=plain)


def conv_transpose(op: str, rank: int) -> OpCase:
    """A transposed convolution."""
    inputs, plain = conv_inputs(rank, transposed=True), plain_conv_inputs(rank, transposed=True)
    return conv(op, inputs, NUMBER, plain=plain)


FLAGS = ("benchmark", "deterministic", "cudnn_enabled")

CASES = (
    conv("aten.convolution.default", convolution_inputs, exclude={}),
    conv("aten._convolution.default", flagged_inputs(*FLAGS, "allow_tf32"), exclude={}),
    conv("aten._convolution.deprecated", flagged_inputs(*FLAGS), exclude={}),
    conv("aten.conv1d.default", conv_inputs(1), plain=plain_conv_inputs(1)),
    conv("aten.conv2d.default", conv_inputs(2), plain=plain_conv_inputs(2)),
    conv("aten.conv3d.default", conv_inputs(3)),
    conv("aten.conv1d.padding", padded_inputs(1)),
    conv("aten.conv2d.padding", padded_inputs(2)),
    conv("aten.conv3d.padding", padded_inputs(3)),
    conv_transpose("aten.conv_transpose1d.default", 1),
    conv_transpose("aten.conv_transpose2d.input", 2),
    conv_transpose("aten.conv_transpose3d.input", 3),
    OpCase(
        op="aten.conv_tbc.default",
        inputs=tbc_inputs,
        dtypes=REAL + COMPLEX,
        numeric=Linear(("k0", "c")),
        untried={
            f"self:{layout}": "its kernel views the input, so that eager refuses most sizes of such a tensor"
            for layout in ("transposed", "expanded")
        },
        static_only="its kernel, which export traces, makes constants of all sizes",
    ),
    OpCase(op="aten.bilinear.default", inputs=bilinear_inputs, dtypes=REAL + COMPLEX, numeric=Linear(("a", "b"))),
    OpCase(
        op="aten._trilinear.default",
        inputs=trilinear_inputs,
        dtypes=REAL + COMPLEX,
        numeric=Linear(("s0", "s1", "s2", "s3")),
    ),
)
