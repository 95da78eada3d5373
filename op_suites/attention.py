"""Attention: softmax of scaled products of queries and keys, applied to values; and the softmax that it is made of.

`dropout_p` is 0 throughout: any other value would make the result random. `_masked_softmax` and its variants are left
out: they have no kernel that export could trace with symbolic sizes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.cases.case import OMIT, Dims, Draw, Inputs, OpCase
from harness.cases.dtypes import FLOAT
from harness.cases.explicit import example
from harness.cases.libm import libm
from harness.cases.numeric import ROUNDED, Composite, Linear, Over, Ulp
from harness.cases.sample import Dim, DtypeArg, Fill, TensorSpec
from harness.cases.strategies import FAR_BELOW, OVERFLOWING, row_major

FINITE = Fill(reach="unit", nonfinite=False)
"""Whether a NaN that is masked out still counts differs between eager's own kernels."""

ADDED = Fill(low=-8, high=2, nonfinite=False)
"""A mask that is added to the scores."""

LSE = "torch's decomposition returns the attention weights where eager has the logarithms of the sums"


SOFTMAX = (ROUNDED, libm("exp"), Linear((Over(),)), ROUNDED)
"""The largest is subtracted, then come the exponentials, their sum, and the division by it."""
ATTENTION = Composite((Linear(("e",)), Ulp(2), ROUNDED, libm("exp"), Linear(("s",)), ROUNDED, Linear(("s",))))
"""Products over the features, scale and mask, softmax over the keys, products over the keys."""


def projections(d: Draw, lead: Dims, heads: tuple[Dim, ...], kv_heads: tuple[Dim, ...]) -> dict[str, TensorSpec]:
    """Queries, keys and values: `l` queries, `s` keys, `e` features."""
    queries, keys, features = d.size("l", 1, 5), d.size("s", 1, 5), d.size("e", 1, 4, symbolic=False)
    return {
        "query": d.tensor((*lead, *heads, queries, features), fill=FINITE),
        "key": d.tensor((*lead, *kv_heads, keys, features), fill=FINITE),
        "value": d.tensor((*lead, *kv_heads, keys, features), fill=FINITE),
    }


def mask_for(d: Draw, lead: Dims, *kinds: str) -> Any:
    """No mask, or one with an element per query and key, which broadcasts over the leading dims."""
    kind = d.choose(*kinds)
    if kind == "none":
        return d.choose(OMIT, None)
    ones = tuple(d.choose(1, dim) for dim in lead)
    dims = (*d.choose((), ones), "l", "s")
    return d.tensor(dims, "bool") if kind == "bool" else d.tensor(dims, fill=ADDED)


def attention_inputs(*, gqa: bool = True, ranks: tuple[int, ...] = (4, 3), masks: tuple[str, ...]) -> Inputs:
    """Queries, keys and values; a (causal) mask or none; a scale; with `gqa` maybe two query heads per key head."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        rank = d.choose(*ranks)
        grouped = gqa and rank == 4 and d.choose(False, False, True)
        lead: Dims = (d.size("n", 1, 3),)
        heads: Dims = () if rank == 3 else (4,) if grouped else (d.size("h", 1, 3),)
        args: dict[str, Any] = dict(projections(d, lead, heads, (2,) if grouped else heads))
        mask = mask_for(d, (*lead, *heads), *masks)
        causal = d.choose(OMIT, True) if mask in (OMIT, None) else OMIT
        args |= {
            "attn_mask": mask,
            "dropout_p": d.maybe(0.0),
            "is_causal": causal,
            "scale": d.choose(OMIT, None, 0.5, 1.5),
        }
        return args | ({"enable_gqa": True if grouped else OMIT} if gqa else {})

    return inputs


def safe_softmax_inputs(d: Draw) -> Mapping[str, Any]:
    """A dim, and a dtype to compute and return; rows of minus infinity come out as zeros."""
    dims = d.shape(1, 4)
    dtype = d.choose(OMIT, None, DtypeArg("f64"))
    return {"self": d.tensor(dims, fill=OVERFLOWING), "dim": d.axis(dims), "dtype": dtype}


ANY_MASK = ("none", "bool", "float")

CASES = (
    OpCase(
        op="aten.scaled_dot_product_attention.default",
        inputs=attention_inputs(masks=ANY_MASK),
        dtypes=FLOAT,
        numeric=ATTENTION,
    ),
    OpCase(
        op="aten._scaled_dot_product_flash_attention_for_cpu.default",
        inputs=attention_inputs(gqa=False, ranks=(4,), masks=("none", "float")),
        dtypes=FLOAT,
        numeric=ATTENTION,
        misshapen={1: LSE},
        untried=row_major("eager's kernel reads rows as if their elements were neighbours, whatever they are"),
    ),
    OpCase(
        op="aten._scaled_dot_product_attention_math.default",
        inputs=attention_inputs(masks=ANY_MASK),
        dtypes=FLOAT,
        numeric=ATTENTION,
    ),
    OpCase(
        op="aten._safe_softmax.default",
        inputs=safe_softmax_inputs,
        dtypes=FLOAT,
        numeric=Composite(SOFTMAX),
        examples=(example(self=FAR_BELOW, dim=1),),
    ),
)
