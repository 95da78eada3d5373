"""The parts of a compiler that mutation testing uses: the command passes them in, since harness imports no backend."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from harness.programs.protocols import Executor, Frontend
from harness.records.mutant import Mutant

Shapes = Sequence[Sequence[int]]
"""The shapes of a program's tensor arguments at export."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Toolbox:
    """A frontend, an executor, and the functions that find mutants of a lowered module and make them.

    A toolbox is pickled and sent to worker processes, so each function and class in it is defined at module level.

    - `kinds`: the kinds of mutants that there are.
    - `frontend`, `executor`: make the frontend that lowers programs and the executor that runs mutants.
    - `find_mutants(ir, shapes, kinds)`: the mutants of these kinds that a module has a place for.
    - `apply_mutant(ir, mutant, shapes)`: the module with the mutant seeded into it; None if the module has no place for
      the mutant, or does not verify with it.
    - `trivially_equivalent(sound, mutated)`: whether two modules are the same after dead code is removed.
    """

    kinds: tuple[str, ...]
    frontend: Callable[[], Frontend]
    executor: Callable[[], Executor]
    find_mutants: Callable[[str, Shapes, Iterable[str]], list[Mutant]]
    apply_mutant: Callable[[str, Mutant, Shapes], str | None]
    trivially_equivalent: Callable[[str, str], bool]
