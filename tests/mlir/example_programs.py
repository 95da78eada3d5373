"""Small programs of many kinds, which the tests of the frontend, the lowerings and the executors share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch.export import Dim

from backends.frontend import Fx
from harness.programs.protocols import Contract, Program

aten = torch.ops.aten


class Call(torch.nn.Module):
    """A function as a module."""

    def __init__(self, function: Callable[..., Any]) -> None:
        super().__init__()
        self.function = function

    def forward(self, *args: torch.Tensor) -> Any:
        return self.function(*args)


_contracts: dict[int, tuple[Program, Contract]] = {}


def contract(given: Program) -> Contract:
    """Return the frontend's result for the program; it runs once per program."""
    if id(given) not in _contracts:
        _contracts[id(given)] = given, Fx().run(given, lambda stage: None)
    return _contracts[id(given)][1]


class Weights(torch.nn.Module):
    """A parameter and a buffer of more than one element, which become `dense_resource` blobs."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.arange(6.0).reshape(2, 3))
        self.register_buffer("shift", torch.tensor([1.0, -1.0]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.nn.functional.linear(x, self.weight, self.shift)


def program(function: Callable[..., Any], *args: torch.Tensor, dynamic: tuple[Any, ...] | None = None) -> Program:
    """Make a program that calls the function on the arguments; `dynamic` has one spec per argument."""
    shapes = None if dynamic is None else (dynamic,)
    return Program(op="test", module=Call(function), args=args, dynamic_shapes=shapes)


def tensor(*shape: int, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Make a tensor with values of both signs, the same on every call."""
    generator = torch.Generator().manual_seed(sum(shape) + 1)
    if dtype is torch.bool:
        return torch.rand(shape, generator=generator) > 0.5
    if dtype.is_complex:
        return torch.complex(tensor(*shape), tensor(*shape) - 1).to(dtype)
    if dtype.is_floating_point:
        return (torch.randn(shape, generator=generator) * 2).to(dtype)
    return torch.randint(-9, 10, shape, generator=generator).to(dtype)


X = tensor(3, 4)
IMAGE = tensor(2, 3, 8, 8)
ROWS = {0: Dim.DYNAMIC}

PROGRAMS: dict[str, Program] = {
    "add": program(aten.add.Tensor, X, tensor(4)),
    "mul-rank0": program(aten.mul.Tensor, tensor(), tensor()),
    "tanh-bf16": program(aten.tanh.default, X.bfloat16()),
    "gelu": program(aten.gelu.default, X),
    "where": program(aten.where.self, X > 0, X, X),
    "to-copy": program(lambda x: aten._to_copy.default(x, dtype=torch.int32), X),
    "conv2d": program(
        lambda x, w, b: aten.conv2d.default(x, w, b, [1, 1], [1, 1]), IMAGE, tensor(4, 3, 3, 3), tensor(4)
    ),
    "conv-transpose": program(aten.conv_transpose2d.input, IMAGE, tensor(3, 4, 3, 3)),
    "linear": program(aten.linear.default, X, tensor(5, 4)),
    "matmul": program(aten.matmul.default, tensor(2, 3, 4), tensor(4, 5)),
    "addmm": program(aten.addmm.default, X, tensor(3, 4), tensor(4, 4)),
    "bmm": program(aten.bmm.default, tensor(2, 4, 4), tensor(2, 4, 4)),
    "layer-norm": program(lambda x: aten.layer_norm.default(x, [4]), X),
    "group-norm": program(lambda x: aten.group_norm.default(x, 3), IMAGE),
    "batch-norm": program(
        lambda x, m, v: aten.batch_norm.default(x, None, None, m, v, False, 0.1, 1e-5, False),
        IMAGE,
        tensor(3),
        tensor(3).abs(),
    ),
    "softmax": program(lambda x: aten.softmax.int(x, 1), X),
    "log-softmax": program(lambda x: aten.log_softmax.int(x, 1), X),
    "sdpa": program(lambda q: aten.scaled_dot_product_attention.default(q, q, q), tensor(1, 2, 4, 8)),
    "nearest": program(lambda x: aten.upsample_nearest2d.vec(x, None, [2.0, 2.0]), IMAGE),
    "bilinear": program(lambda x: aten.upsample_bilinear2d.vec(x, None, False, [2.0, 2.0]), IMAGE),
    "index": program(lambda x, i: aten.index.Tensor(x, [i]), X, torch.tensor([0, 2])),
    "gather": program(lambda x, i: aten.gather.default(x, 1, i), X, torch.tensor([[0], [1], [2]])),
    "scatter": program(lambda x, i, s: aten.scatter.src(x, 0, i, s), X, torch.tensor([[0, 1, 2, 0]]), tensor(1, 4)),
    "max-pool": program(lambda x: aten.max_pool2d_with_indices.default(x, [2, 2]), IMAGE),
    "avg-pool": program(lambda x: aten.avg_pool2d.default(x, [2, 2], [1, 1], [1, 1]), IMAGE),
    "adaptive-pool": program(lambda x: aten.adaptive_avg_pool2d.default(x, [3, 3]), IMAGE),
    "dropout": program(lambda x: aten.dropout.default(x, 0.5, False), X),
    "mse-loss": program(aten.mse_loss.default, X, tensor(3, 4) + 1),
    "nll-loss": program(lambda x, t: aten.nll_loss_forward.default(x, t, None, 1, -100), X, torch.tensor([0, 1, 2])),
    "cat": program(lambda x, y: aten.cat.default([x, y], 1), X, X),
    "pad": program(lambda x: aten.constant_pad_nd.default(x, [1, 2, 0, 1], 1.5), X),
    "sort": program(aten.sort.default, X),
    "topk": program(lambda x: aten.topk.default(x, 2), X),
    "cumsum": program(lambda x: aten.cumsum.default(x, 1), X),
    "split": program(lambda x: aten.split.Tensor(x, 2, 1), X),
    "var": program(lambda x: aten.var.correction(x, [1]), X),
    "argmax": program(lambda x: aten.argmax.default(x, 1), X),
    "arange": program(lambda: aten.arange.default(5)),
    "full": program(lambda: aten.full.default([2, 3], 1.5)),
    "slice-view": program(lambda x: (aten.view.default(x, [4, 3]), aten.slice.Tensor(x, 0, 1, 3), x), X),
    "einsum": program(lambda x, y: torch.einsum("ij,kj->ik", x, y), X, X),
    "masked-fill": program(lambda x, m: aten.masked_fill.Scalar(x, m, 2.0), X, X > 0),
    "embedding": program(aten.embedding.default, X, torch.tensor([0, 2])),
    "weights": Program(op="test", module=Weights().eval(), args=(tensor(4, 3),)),
    "dynamic-add": program(aten.add.Tensor, X, tensor(4), dynamic=(ROWS, None)),
    "dynamic-matmul": program(aten.matmul.default, X, tensor(4, 5), dynamic=(ROWS, None)),
    "dynamic-softmax": program(lambda x: aten.softmax.int(x, 1), X, dynamic=(ROWS,)),
    "dynamic-layer-norm": program(lambda x: aten.layer_norm.default(x, [4]), X, dynamic=(ROWS,)),
    "dynamic-view": program(lambda x: aten.view.default(x, [-1]), X, dynamic=(ROWS,)),
    "dynamic-cat": program(lambda x, y: aten.cat.default([x, y], 0), X, X, dynamic=(ROWS, ROWS)),
}
