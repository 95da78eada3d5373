"""Losses, each with its reductions (0 none, 1 mean, 2 sum), weights and attributes."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.cases.case import OMIT, Dims, Draw, Inputs, OpCase
from harness.cases.dtypes import ALL, COMPLEX, FLOAT, REAL
from harness.cases.explicit import example, tensor
from harness.cases.facets import Undefined
from harness.cases.libm import libm
from harness.cases.numeric import Composite, Linear, Numeric, Over, Stated, Ulp
from harness.cases.sample import Fill, TensorSpec

MEAN = Linear((Over(None),))
LOSS = Composite((Ulp(4), MEAN, Ulp(2)))
"""A few operations per element, their weighted sum, and the quotient by the weights."""
LOG_LOSS = Composite((libm("exp"), libm("log1p"), Ulp(6), MEAN, Ulp(2)))
"""As `LOSS`, with logarithms and exponentials."""
TARGETS = Linear(("n", "x0", "x1", "x2"))
CHOSEN = Composite((Ulp(2), TARGETS, Ulp(2)))
"""The scores of the right classes, their weights, and the mean over the targets."""
ENTROPY = Composite((Ulp(1), libm("exp"), Linear(("c",)), libm("log"), Ulp(3), Linear(("c",)), TARGETS, Ulp(2)))
"""A log softmax over the classes, its products with the target's, their mean."""
CONNECTED = Composite((Stated(32, "a log-sum-exp of three terms at each step, of 8 steps at most"),))
DISTANCE = Composite((Ulp(2), MEAN, Ulp(2), MEAN, Ulp(8)))
"""Norms and products along the vectors, a few operations on them, their mean."""
ANGLE = replace(DISTANCE, least=1.0)
"""As `DISTANCE`, and the difference of 1 and a cosine."""
PROBABILITY = Fill(low=0.03125, high=0.96875, nonfinite=False)
FINITE = Fill(reach="unit", nonfinite=False)
SCORES = Fill(reach="unit")
SIGNS = Fill(low=-1.0, high=1.0, avoid=(0.0,), margin=1.0)
LOGITS = Fill(low=-8.0, high=8.0)
"""At their ends log(1 + exp(-x)) is so small that the roundoff of 1 + exp(-x) shows: eager takes the log1p."""
WEIGHT = Fill(low=0.25, high=2.0)
VECTOR = Fill(low=-8, high=8, avoid=(0.0,), margin=0.5, nonfinite=False)
"""No vector of zeros, whose direction depends on an epsilon that is 0 in half precision."""


def reduction(d: Draw) -> Any:
    """The mean, the sum or none at all."""
    return d.choose(1, 0, 2)


def pair_inputs(fill: Fill | None = None, target: Fill | None = None, **options: tuple[Any, ...]) -> Inputs:
    """A prediction and a target of the same dims, the reduction, and each attribute as one of its options."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        dims = d.shape()
        pair = {"self": d.tensor(dims, fill=fill), "target": d.tensor(dims, fill=target), "reduction": reduction(d)}
        return pair | {name: d.choose(*some) for name, some in options.items()}

    return inputs


def binary_inputs(*, logits: bool) -> Inputs:
    """A probability or a logit, a target in [0, 1], a weight and maybe a weight of the positive ones that broadcast."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        dims = d.shape()
        weight = d.choose(OMIT, d.tensor(d.broadcast(dims), fill=WEIGHT))
        args = {
            "self": d.tensor(dims, fill=None if logits else PROBABILITY),
            "target": d.tensor(dims, fill=Fill(low=0.0, high=1.0, nonfinite=False)),
            "weight": weight,
            "reduction": reduction(d),
        }
        if logits:
            args["pos_weight"] = d.choose(OMIT, d.tensor(dims[-1:], fill=WEIGHT))
        return args

    return inputs


def classes(d: Draw, min_rank: int, max_rank: int, *, constant: bool = False, least: int = 0) -> tuple[Dims, Dims, str]:
    """The dims of scores over classes, (C) or (N, C, ...), those of their targets, and C, maybe constant."""
    rank = d.integer(min_rank, max_rank)
    c = d.size("c", low=1, symbolic=not constant)
    if rank == 1:
        return (c,), (), c
    n = d.size("n", low=least)
    spatial = tuple(d.size(f"x{i}", low=1, high=4) for i in range(rank - 2))
    return (n, c, *spatial), (n, *spatial), c


def nll_inputs(min_rank: int, max_rank: int, *, smoothing: bool = False) -> Inputs:
    """Scores, the index of the right class, the classes' weights, and an index that is ignored, which may occur."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        smooth = smoothing and d.flag()
        scores, targets, c = classes(d, min_rank, max_rank, constant=smooth)  # smoothing divides by a constant C
        weight: TensorSpec | Any = d.choose(None, d.tensor((c,), fill=WEIGHT))
        args = {
            "self": d.tensor(scores),
            "target": d.index(targets, c),
            "weight": weight,
            "reduction": reduction(d),
            "ignore_index": d.choose(-100, 0, 1),
        }
        return {**args, "label_smoothing": 0.25} if smooth else args

    return inputs


def cross_entropy_inputs(d: Draw) -> Mapping[str, Any]:
    """Scores, and the right class or a probability of each class as the target."""
    if d.choose("index", "index", "probability") == "index":
        return nll_inputs(1, 4, smoothing=True)(d)
    smooth = d.flag()
    scores, _, c = classes(d, 1, 3, constant=smooth)
    return {
        "self": d.tensor(scores),
        "target": d.tensor(scores, fill=PROBABILITY),
        "weight": d.choose(None, d.tensor((c,), fill=WEIGHT)),
        "reduction": reduction(d),
        "label_smoothing": 0.25 if smooth else OMIT,
    }


def kl_div_inputs(d: Draw) -> Mapping[str, Any]:
    """A log probability and a target that is a probability, 0 among them, or its log."""
    dims = d.shape()
    log = d.flag()
    target = Fill(low=-4.0, high=0.0) if log else Fill(low=0.0, high=1.0)
    args = {"self": d.tensor(dims), "target": d.tensor(dims, fill=target), "reduction": reduction(d)}
    return {**args, "log_target": log}


def vectors(d: Draw, max_rank: int) -> tuple[Dims, Dims]:
    """The dims of a tensor of vectors, which lie along its last dim and are not empty, and its dims before that."""
    lead = d.shape(0, max_rank - 1)
    return (*lead, d.size("e", low=1)), lead


def cosine_inputs(d: Draw) -> Mapping[str, Any]:
    """Two vectors or two batches of them, whether each pair is to be similar (1) or not (-1), and the margin."""
    dims, lead = vectors(d, 2)
    fill = replace(VECTOR, nonfinite=True)
    return {
        "input1": d.tensor(dims, fill=fill),
        "input2": d.tensor(dims, fill=fill),
        "target": d.tensor(lead, fill=SIGNS),
        "margin": d.choose(OMIT, 0.3, -0.25),
        "reduction": reduction(d),
    }


def similarity_inputs(d: Draw) -> Mapping[str, Any]:
    """Tensors that broadcast, with vectors along any dim. Short vectors and zeros occur only with a large `eps`."""
    dims = d.shape(1, 4, low=1)
    eps = d.choose(OMIT, 2.0, 1e-6)
    fill = FINITE if eps == 2.0 else VECTOR
    a, b = d.choose((dims, dims), (tuple(d.choose(1, dim) for dim in dims), dims))
    return {
        "x1": d.tensor(a, fill=fill),
        "x2": d.tensor(b, fill=fill),
        "dim": OMIT if len(dims) > 1 and d.flag() else d.axis(dims),
        "eps": eps,
    }


def ranking_inputs(d: Draw) -> Mapping[str, Any]:
    """Two tensors, a third that says which of them is to be ranked higher, and the margin; all three broadcast."""
    dims = d.shape()
    return {
        "input1": d.tensor(dims),
        "input2": d.tensor(d.broadcast(dims)),
        "target": d.tensor(d.broadcast(dims), fill=SIGNS),
        "margin": d.choose(OMIT, 0.5, -1.0),
        "reduction": reduction(d),
    }


def multi_margin_inputs(d: Draw) -> Mapping[str, Any]:
    """Scores, the index of the right class, the power of the hinge, its margin, and the classes' weights.

    No batch is empty: eager leaves the mean over it uninitialized.
    """
    scores, targets, c = classes(d, 1, 2, least=1)
    return {
        "self": d.tensor(scores, fill=SCORES),
        "target": d.index(targets, c),
        "p": d.choose(OMIT, 2, 1),
        "margin": d.choose(OMIT, 0.3, 2),
        "weight": d.choose(OMIT, None, d.tensor((c,), fill=WEIGHT)),
        "reduction": reduction(d),
    }


def multilabel_margin_inputs(d: Draw) -> Mapping[str, Any]:
    """Scores, and the indices of the right classes: all of them, or those before the first -1."""
    scores, _, c = classes(d, 1, 2, least=1)
    target = d.tensor(scores, "i64", Fill(low=-1, high=d.least(c) - 1)) if d.flag() else d.index(scores, c)
    return {"self": d.tensor(scores, fill=SCORES), "target": target, "reduction": reduction(d)}


def poisson_inputs(d: Draw) -> Mapping[str, Any]:
    """A rate or its log, and a count, with or without Stirling's terms, which set in with a jump at a count of 1."""
    dims = d.shape()
    log_input = d.flag()
    return {
        "input": d.tensor(dims, fill=Fill(low=-4, high=4) if log_input else Fill(low=1, high=16)),
        "target": d.tensor(dims, fill=Fill(low=0, high=8, avoid=(1.0,), margin=0.25)),
        "log_input": log_input,
        "full": d.flag(),
        "eps": d.choose(1e-8, 0.5),
        "reduction": reduction(d),
    }


def triplet_inputs(d: Draw) -> Mapping[str, Any]:
    """Vectors, others to be near to them, others to be far from them, and any p-norm; the first two maybe swapped."""
    dims, _ = vectors(d, 3)
    anchor, positive, negative = (d.tensor(dims, fill=Fill(low=-16, high=16)) for _ in range(3))
    return {
        "anchor": anchor,
        "positive": positive,
        "negative": negative,
        "margin": d.choose(OMIT, 0.3, 4.0),
        "p": d.choose(OMIT, 1.0, 3.0, math.inf),
        "eps": d.choose(OMIT, 0.25),
        "swap": d.choose(OMIT, True, False),
        "reduction": reduction(d),
    }


def ctc_inputs(*, lists: bool) -> Inputs:
    """Log probabilities over time, batched or not, labels that are not the blank, and the lengths of both.

    The lengths are lists of integers or tensors; with lists the labels may also be concatenated.
    """

    def inputs(d: Draw) -> Mapping[str, Any]:
        times, labels, c = d.size("t", 3, 6), d.size("s", 2, 4), d.size("c", 3, 5)
        batch = d.choose(2, 3, 1, None)
        blank = d.choose(OMIT, 0, 2)
        label = Fill(low=0, high=1) if blank == 2 else Fill(low=1, high=d.least(c) - 1)
        kind = d.choose("i64", "i32")
        lead: Dims = () if batch is None else (batch,)
        counts = tuple(d.choose(2, 1, 0) for _ in range(batch)) if batch else (d.choose(2, 1),)
        strung = batch is None or (lists and sum(counts) > 0 and d.flag())
        targets = (sum(counts),) if strung else (*lead, labels)
        lengths: dict[str, Any]
        if lists:
            lengths = {"input_lengths": tuple(d.choose(3, 2, 1) for _ in counts), "target_lengths": counts}
        else:
            few = Fill(low=0, high=2) if batch else Fill(low=counts[0], high=counts[0])
            lengths = {
                "input_lengths": d.tensor(lead, "i64", Fill(low=1, high=3)),
                "target_lengths": d.tensor(lead, "i64", few),
            }
        return {
            "log_probs": d.tensor((times, *lead, c), fill=Fill(low=-8, high=0, nonfinite=False)),
            "targets": d.tensor(targets, kind, label),
            **lengths,
            "blank": blank,
            "reduction": reduction(d),
            "zero_infinity": d.choose(OMIT, True, False),
        }

    return inputs


def loss(op: str, inputs: Inputs, dtypes: tuple[str, ...] = FLOAT, numeric: Numeric = LOSS, **more: Any) -> OpCase:
    """A loss."""
    return OpCase(op=f"aten.{op}.default", inputs=inputs, dtypes=dtypes, numeric=numeric, **more)


ENDS = ("nan", "+inf", "-inf", "least", "largest", "high_bit")
"""Special values that are no labels."""
UNCHECKED = Undefined("a label would be none of the classes, which eager does not check: it reads outside of log_probs")


IGNORED = example(
    self=tensor([[-0.5, -1.5], [-2.0, -0.25], [-1.0, -3.0]], dims=("n", "c")),
    target=tensor([1, 0, 1], "i64", dims=("n",)),
    weight=None,
    reduction=2,
    ignore_index=1,
)
"""A label that is left out, and one that is not."""
UNLABELLED = example(
    self=tensor([[[[]]]], dims=("n", "c", "x0", "x1")),
    target=tensor([[[]]], "i64", dims=("n", "x0", "x1")),
    weight=None,
    reduction=1,
    ignore_index=-100,
)
"""The mean over no labels at all, which is NaN."""
IMPOSSIBLE = example(
    self=tensor([-1.0, -2.0, -0.5], dims=("n",)), target=tensor([0.0, 0.5, 1.0], dims=("n",)), reduction=0
)
"""A probability of 0, whose logarithm no result may hold."""
SHORT = example(
    x1=tensor([[0.25, 0.5], [3.0, -4.0]], dims=("n", "m")),
    x2=tensor([[0.5, -0.25], [2.0, 1.5]], dims=("n", "m")),
    dim=1,
    eps=2.0,
)
"""Vectors that are shorter than `eps`, and vectors that are longer."""


def ctc(overload: str) -> OpCase:
    """A connectionist temporal classification loss."""
    return OpCase(
        op=f"aten.ctc_loss.{overload}",
        inputs=ctc_inputs(lists=overload == "IntList"),
        dtypes=("f32", "f64"),
        numeric=CONNECTED,
        untried=dict.fromkeys(("log_probs:size_[01]@[12]", *(f"targets:{name}" for name in ENDS)), UNCHECKED),
        unexported="torch.export raises DynamicOutputShapeException: aten._ctc_loss cannot be traced",
    )


CASES = (
    loss("mse_loss", pair_inputs()),
    loss("l1_loss", pair_inputs(), FLOAT + COMPLEX),
    loss("smooth_l1_loss", pair_inputs(beta=(OMIT, 0.5, 2.0, 0.0))),
    loss("huber_loss", pair_inputs(delta=(OMIT, 0.5, 2.0))),
    loss("binary_cross_entropy", binary_inputs(logits=False), numeric=LOG_LOSS),
    loss("binary_cross_entropy_with_logits", binary_inputs(logits=True), numeric=LOG_LOSS),
    loss("nll_loss_forward", nll_inputs(1, 2), numeric=CHOSEN, examples=(IGNORED,)),
    loss("nll_loss2d_forward", nll_inputs(4, 4), numeric=CHOSEN, examples=(UNLABELLED,)),
    loss("nll_loss_nd", nll_inputs(1, 5), numeric=CHOSEN),
    loss("cross_entropy_loss", cross_entropy_inputs, numeric=ENTROPY),
    loss("kl_div", kl_div_inputs, numeric=LOG_LOSS, examples=(IMPOSSIBLE,)),
    loss("soft_margin_loss", pair_inputs(LOGITS, SIGNS), numeric=LOG_LOSS),
    loss("hinge_embedding_loss", pair_inputs(target=SIGNS, margin=(OMIT, 0.3))),
    loss("cosine_embedding_loss", cosine_inputs, ALL, ANGLE),
    loss("cosine_similarity", similarity_inputs, numeric=DISTANCE, examples=(SHORT,)),
    loss("margin_ranking_loss", ranking_inputs, REAL),
    loss("multi_margin_loss", multi_margin_inputs, ("f32", "f64")),
    loss("multilabel_margin_loss", multilabel_margin_inputs, ("f32", "f64")),
    loss("poisson_nll_loss", poisson_inputs, REAL, LOG_LOSS),
    loss("triplet_margin_loss", triplet_inputs, REAL + COMPLEX, DISTANCE),
    ctc("IntList"),
    ctc("Tensor"),
)
