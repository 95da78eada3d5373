"""What torch's own decomposition makes of a sample, before torch-mlir sees it: where that is wrong, torch-mlir is not.

The frontend's column says so of each sample. A backend is excused where its result is wrong in the same way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from harness.judging.reference import Run
from harness.programs.materialize import copied
from harness.programs.program import seed_eager
from harness.programs.protocols import Contract, Specialized
from harness.records.frontend import DECOMPOSITION, NOT_EAGER
from harness.records.outcome import NotExported, Wrong

from .caches import Stop

ALIKE = 4.0
"""A result is as wrong as torch's decomposition if its error is at most this many times the decomposition's."""

Results = Sequence[torch.Tensor]
Compare = Callable[[Results, Run], float | Wrong]


def results(contract: Contract, run: Run) -> Results | NotExported | None:
    """What the decomposed program computes; the outcome where it takes some sizes only, None where it cannot be had."""
    if contract.decomposed is None:
        return None
    try:
        seed_eager(0)
        return contract.decomposed()([copied(t) for t in run.inputs])
    except Specialized as guard:
        return _for_some_sizes(str(guard))
    except Exception:  # it does not take these sizes, or is not to be had: then it is no excuse
        return None


def refuse_constant(contract: Contract, references: Sequence[Run]) -> None:
    """Raise Stop with the outcome of a dynamic program that takes the sizes of export only.

    Frontends keep sizes of 0 and 1 apart, which says nothing of the others.
    """
    export = references[0].sizes
    others = [run for run in references if run.sizes != export and all(size > 1 for size in run.sizes.values())]
    if not others or any(contract.admits(run.shapes) for run in others):
        return
    why = _broken_guard(contract, others[0])
    text = f"of the sizes that were tried, the program takes those of export only{why and f': {why}'}"
    raise Stop(NotExported("export", text))


def _broken_guard(contract: Contract, run: Run) -> str:
    """The first guard that the sizes of a run do not keep; empty if they keep all."""
    return contract.guards(run.shapes) if contract.guards else ""


def fault(contract: Contract, allowed: Sequence[Run], compare: Compare) -> NotExported | None:
    """What is wrong with the decomposition in the first run in which it is; None if it is right in all of them."""
    for run in allowed:
        guard = _broken_guard(contract, run)
        if not (guard or contract.decomposes):
            continue
        found = results(contract, run)
        if isinstance(found, NotExported):
            return found
        wrong = 0.0 if found is None else compare(found, run)
        if guard and (found is None or isinstance(wrong, Wrong)):
            return _for_some_sizes(guard)
        if isinstance(wrong, Wrong):
            return _not_as_eager(wrong)
    return None


def excuse(wrong: Wrong, contract: Contract, run: Run, compare: Compare) -> NotExported | None:
    """The outcome of a sample whose decomposition is as wrong as a backend's result; None if it is not."""
    found = results(contract, run)
    if found is None or isinstance(found, NotExported):
        return found
    before = compare(found, run)
    if not isinstance(before, Wrong) or (before.kind, before.output) != (wrong.kind, wrong.output):
        return None
    exact = wrong.error is None or before.error is None
    if exact and (before.element, before.actual) != (wrong.element, wrong.actual):
        return None
    if not exact and (wrong.error or 0.0) > ALIKE * (before.error or 0.0):
        return None
    return _not_as_eager(before)


def _for_some_sizes(guard: str) -> NotExported:
    return NotExported("export", f"{DECOMPOSITION} holds for some sizes only: {guard}")


def _not_as_eager(wrong: Wrong) -> NotExported:
    return NotExported("export", f"{NOT_EAGER}: {wrong.message}")


def retyped(contract: Contract, run: Run) -> dict[int, torch.dtype]:
    """By output, the dtype that the decomposition gives it where that is not eager's."""
    expected = [output.eager.dtype for output in run.outputs]
    if not contract.decomposes or not contract.dtypes or list(contract.dtypes) == expected:
        return {}
    found = results(contract, run)
    if found is None or isinstance(found, NotExported) or len(found) != len(expected):
        return {}
    return {i: got.dtype for i, got in enumerate(found) if got.dtype != expected[i]}
