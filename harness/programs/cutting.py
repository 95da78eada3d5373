"""The protocol of what cuts programs of torch-dialect IR into pieces, and what a piece is."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import torch

    from .protocols import Program

Point = tuple[int, int]
"""A value of a program in torch-dialect IR: the index of the op of `main` that makes it, and of the result of that op.

An argument of `main` has -1 for the op.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Piece:
    """A program that was cut out of another one, as torch-dialect IR: `ops` are the names of its ops that compute.

    - `arguments`, `results`: which values of the whole program its arguments and results are.
    - `constants`: which of its numbers are constants that it has in their place.
    - `outputs`: which of the whole program's results each of its own is; None for one that is not.
    - `behind`: by result, the names of the ops of the piece that it is computed by.
    """

    ir: str
    ops: tuple[str, ...]
    arguments: tuple[Point, ...]
    results: tuple[Point, ...]
    outputs: tuple[int | None, ...]
    constants: tuple[Point, ...]
    behind: tuple[tuple[str, ...], ...]


class CannotCut(Exception):
    """A piece cannot be had; the text says why."""


class Cuttable(Protocol):
    """A program that can be cut; `ops` are the names of those of its ops that may be at fault, in program order."""

    ops: tuple[str, ...]

    def only(self, kept: Iterable[int], numbers: Mapping[Point, Any] | None = None) -> Piece:
        """Return the piece of these ops, by their indices in `ops`; raises CannotCut.

        `numbers` are values of the program that are no tensors.
        """
        ...


class ExportedCuttable(Cuttable, Protocol):
    """An exported graph that can be cut; the text of its pieces is their code."""

    def run(self, kept: Iterable[int], *, legalize: bool) -> None:
        """Import the piece of these ops, and run the contract pipeline; raises CannotCut and NotExpressible."""
        ...


class Cutting(Protocol):
    """What cuts programs of torch-dialect IR, and runs what was cut without a backend: `backends.cutting`."""

    def cuttable(self, text: str) -> Cuttable:
        """Return the program of a text; raises CannotCut."""
        ...

    def interpret(
        self,
        text: str,
        inputs: Sequence[torch.Tensor],
        *,
        watch: Callable[[int, Sequence[Any]], None] = ...,
        wide: bool = False,
    ) -> list[torch.Tensor]:
        """Return what `main` computes; raises CannotExecute.

        `watch` is given the index of each op of `main` and the values of its results. With `wide`, what the text
        computes in a narrower floating dtype is computed in float64.
        """
        ...

    def exported(self, program: Program) -> ExportedCuttable:
        """Return the exported and decomposed graph of a program; raises NotExpressible."""
        ...

    def imported(self, program: Program) -> str:
        """Return the IR of a program as it was imported, before the contract pipeline; raises NotExpressible."""
        ...

    def legalize(self, text: str, legal: Sequence[str] = ()) -> str:
        """Return imported IR after the contract pipeline, which leaves the legal ops whole; raises NotExpressible."""
        ...
