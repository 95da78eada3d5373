"""What `main` takes: mostly the program's arguments, on some roads also their sizes, as numbers."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from .protocols import Executable, Executor, Program

ONLY_TENSORS = "main takes sizes as numbers, and the executor takes tensors only"


def takes_numbers(program: Program) -> bool:
    """Whether `main` takes numbers beside tensors."""
    return any(isinstance(argument, tuple) for argument in program.arguments)


def can_feed(executor: Executor, program: Program) -> bool:
    """Whether an executor takes what `main` does."""
    return getattr(executor, "takes_numbers", False) or not takes_numbers(program)


def fed(program: Program, inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """The arguments of `main` for those of the program; a number is an i64 tensor of rank 0."""
    if not program.arguments:
        return list(inputs)
    return [
        torch.tensor(inputs[argument[0]].shape[argument[1]]) if isinstance(argument, tuple) else inputs[argument]
        for argument in program.arguments
    ]


class Fed:
    """An executable that is called with the program's arguments, and feeds those of `main`."""

    def __init__(self, executable: Executable, program: Program) -> None:
        self._executable = executable
        self._program = program

    def __call__(self, inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Run it; raises what it raises."""
        return self._executable(fed(self._program, inputs))

    @property
    def unguarded(self) -> int:
        """How many buffers had no guard in the last run."""
        return getattr(self._executable, "unguarded", 0)
