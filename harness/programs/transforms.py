"""A program's transforms: `torch.func.vjp`, `jvp` or `vmap` of the module that calls the op, and what goes into them.

The arguments of a transformed program are those of the plain one, mapped over where vmap maps over them, and after them
the cotangents of vjp (one for each floating result) or the tangents of jvp (one for each argument that it varies).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch.utils import _pytree as pytree

from harness.cases.dtypes import BY_TORCH
from harness.cases.road import Transform
from harness.cases.sample import Fill, Sizes, TensorSpec
from harness.cases.varied import Varied

from .materialize import materialize

Tensors = tuple[torch.Tensor, ...]
Module = torch.nn.Module


class Untransformable(Exception):
    """A transform has nothing to work on; the text says what is missing. Becomes `Excluded`."""


class Transformed(Module):
    """A module transformed: its results are gradients, tangents, or the mapped results, of which no int is one."""

    def __init__(self, module: Module, count: int, transform: Transform, varied: Varied) -> None:
        super().__init__()
        self.module = module
        self.count = count
        self.transform = transform
        self.varied = varied

    def forward(self, *inputs: torch.Tensor) -> Any:
        """Return a tuple of tensors."""
        given, more = inputs[: self.count], inputs[self.count :]
        match self.transform:
            case "vjp":
                return self._vjp(given, more)
            case "jvp":
                return torch.func.jvp(*self._of_chosen(given), more)[1]
            case _:
                return self._vmap(given)

    def _vjp(self, given: Tensors, cotangents: Tensors) -> Any:
        function, chosen = self._of_chosen(given)
        pull: Any = torch.func.vjp(function, *chosen)[1]
        return pull(cotangents)

    def _of_chosen(self, given: Tensors) -> tuple[Any, Tensors]:
        """The function from the chosen arguments to the floating results, and these arguments."""

        def function(*chosen: torch.Tensor) -> Tensors:
            own = list(given)
            for place, tensor in zip(self.varied.tensors, chosen, strict=True):
                own[place] = tensor
            return floating(self.module(*own))

        return function, tuple(given[place] for place in self.varied.tensors)

    def _vmap(self, given: Tensors) -> Any:
        dim = -1 if self.varied.last else 0
        dims = tuple(dim if place in self.varied.tensors else None for place in range(self.count))

        def function(*own: torch.Tensor) -> Any:
            return tuple(leaf for leaf in pytree.tree_leaves(self.module(*own)) if leaf is not None)

        for _ in self.varied.batch:
            function = torch.func.vmap(function, in_dims=dims, randomness=self.varied.randomness)
        return function(*given)


def floating(results: Any) -> Tensors:
    """The results that have a derivative."""
    leaves = pytree.tree_leaves(results)
    return tuple(t for t in leaves if isinstance(t, torch.Tensor) and (t.is_floating_point() or t.is_complex()))


def mapped(spec: TensorSpec, sizes: Sizes, varied: Varied) -> torch.Tensor:
    """Tensors of a spec, each with its own seed, stacked along the dims that vmap maps over."""

    def stacked(batch: Sequence[int], seed: int) -> torch.Tensor:
        if not batch:
            return materialize(replace(spec, seed=seed), sizes)
        parts = [stacked(batch[1:], seed + 1000 * (i + 1) * 10 ** len(batch[1:])) for i in range(batch[0])]
        return torch.stack(parts, dim=-1 if varied.last else 0)

    return stacked(varied.batch, spec.seed)


def batch_first(tensor: torch.Tensor, varied: Varied, rank: int) -> torch.Tensor:
    """A mapped tensor as vmap's results have it: the dims that are mapped over first, and so many dims in all."""
    count = len(varied.batch)
    for place in range(count if varied.last else 0):
        tensor = tensor.movedim(-1, place)
    between = (1,) * (rank - tensor.ndim)
    return tensor.reshape(*tensor.shape[:count], *between, *tensor.shape[count:])


def directions(tensors: Sequence[torch.Tensor], varied: Varied) -> Tensors:
    """Cotangents or tangents of the shapes and dtypes of these tensors."""
    return tuple(
        materialize(
            TensorSpec(
                dims=tuple(t.shape),
                dtype=BY_TORCH[str(t.dtype).removeprefix("torch.")],
                fill=Fill(reach="unit", nonfinite=False),
                seed=varied.seed * 100 + i,
            ),
            {},
        )
        for i, t in enumerate(tensors)
    )
