"""Losses, each with its reductions (0 none, 1 mean, 2 sum), weights and attributes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.case import OMIT, Dims, Draw, Inputs, OpCase
from harness.dtypes import COMPLEX, FLOAT
from harness.numeric import Composite
from harness.sample import Fill, TensorSpec

LOSS = Composite(32)
PROBABILITY = Fill(low=0.03125, high=0.96875, nonfinite=False)
SIGNS = Fill(low=-1.0, high=1.0, avoid=(0.0,), margin=1.0)
NEAR = Fill(low=-2.0, high=2.0)
"""Where log(1 + exp(-x)) is not yet so small that the roundoff of the sum shows."""
WEIGHT = Fill(low=0.25, high=2.0)


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


def classes(d: Draw, min_rank: int, max_rank: int, *, constant: bool = False) -> tuple[Dims, Dims, str]:
    """The dims of scores over classes, (C) or (N, C, ...), those of their targets, and C, maybe constant."""
    rank = d.integer(min_rank, max_rank)
    c = d.size("c", low=1, symbolic=not constant)
    if rank == 1:
        return (c,), (), c
    n = d.size("n")
    spatial = tuple(d.size(f"x{i}", low=1, high=4) for i in range(rank - 2))
    return (n, c, *spatial), (n, *spatial), c


def nll_inputs(min_rank: int, max_rank: int, *, smoothing: bool = False) -> Inputs:
    """Scores, the index of the right class, the classes' weights, and an index that is ignored, which may occur."""

    def inputs(d: Draw) -> Mapping[str, Any]:
        smooth = smoothing and d.flag()
        scores, targets, c = classes(d, min_rank, max_rank, constant=smooth)  # export divides by it as by a constant
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


def loss(op: str, inputs: Inputs, dtypes: tuple[str, ...] = FLOAT, **more: Any) -> OpCase:
    """A loss."""
    return OpCase(op=f"aten.{op}.default", inputs=inputs, dtypes=dtypes, numeric=LOSS, **more)


CASES = (
    loss("mse_loss", pair_inputs()),
    loss("l1_loss", pair_inputs(), FLOAT + COMPLEX),
    loss("smooth_l1_loss", pair_inputs(beta=(OMIT, 0.5, 2.0, 0.0))),
    loss("huber_loss", pair_inputs(delta=(OMIT, 0.5, 2.0))),
    loss("binary_cross_entropy", binary_inputs(logits=False)),
    loss("binary_cross_entropy_with_logits", binary_inputs(logits=True)),
    loss("nll_loss_forward", nll_inputs(1, 2)),
    loss("nll_loss2d_forward", nll_inputs(4, 4)),
    loss("nll_loss_nd", nll_inputs(1, 5)),
    loss("cross_entropy_loss", cross_entropy_inputs),
    loss("kl_div", kl_div_inputs),
    loss("soft_margin_loss", pair_inputs(NEAR, SIGNS)),
    loss("hinge_embedding_loss", pair_inputs(target=SIGNS, margin=(OMIT, 0.5))),
)
