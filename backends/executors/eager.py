"""The eager executor: PyTorch itself, for the control backend."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.utils import _pytree as pytree

from harness.programs.protocols import Executable, Lowered


class Eager:
    """Executor of the control backend: it runs the program that was exported, not IR."""

    name = "eager"
    dialects = frozenset(("eager",))

    def compile(self, lowered: Lowered) -> Executable:
        """Return a function that calls the program's module; nothing is compiled."""
        module = lowered.program.module

        def run(inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
            with torch.no_grad():
                leaves = pytree.tree_leaves(module(*inputs))
            return [torch.as_tensor(leaf).detach().clone() for leaf in leaves if leaf is not None]

        return run
