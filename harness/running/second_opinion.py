"""Asks executors for a second opinion on a sample that failed; one that dies or returns rubbish has no opinion."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from harness.judging.blame import ExecutorVerdict
from harness.judging.opinion import with_opinion
from harness.judging.reference import Run
from harness.programs.feeding import ONLY_TENSORS, can_feed, fed
from harness.programs.materialize import copied
from harness.programs.protocols import CannotExecute, Checker, Executor
from harness.records.opinion import Opinion
from harness.records.outcome import Result, Wrong
from harness.text import one_line

from .clock import Clock
from .executables import OPINION_SECONDS, doubts, in_a_fork
from .verdicts import Prepared


def ask(
    failed: Result, prepared: Prepared, advisers: Sequence[Executor], checkers: Sequence[Checker], clock: Clock
) -> Result:
    """The result of a failed sample with the opinion of the first adviser that has one."""
    nobody = Opinion(executor=", ".join(failed.advisers), says="none", why="it does not take the module")
    found = replace(failed, opinion=nobody)
    clock.enter("execute")
    for adviser in (each for each in advisers if prepared.dialect in each.dialects):
        runs = _ordered(failed, prepared)
        verified = (_doubts(checkers, prepared, run) for run in runs)
        found = with_opinion(failed, adviser.name, _verdicts(adviser, prepared, runs), verified)
        if found.opinion and found.opinion.says != "none":
            return found
    return found


def _ordered(failed: Result, prepared: Prepared) -> list[Run]:
    """The runs of the sample, the one at the sizes where it is wrong in front."""
    sizes = failed.outcome.sizes if isinstance(failed.outcome, Wrong) else None
    return sorted(prepared.admitted, key=lambda run: run.sizes != sizes)


def _verdicts(adviser: Executor, prepared: Prepared, runs: Sequence[Run]) -> Iterator[ExecutorVerdict]:
    """What the adviser makes of each run; an exception of any kind, and a death, is why it makes nothing of it."""
    lowered = prepared.artifact.lowered
    if not can_feed(adviser, lowered.program):
        yield from (ONLY_TENSORS for _ in runs)
        return
    run_it = in_a_fork(adviser, lowered, OPINION_SECONDS)
    for run in runs:
        try:
            given = fed(lowered.program, [copied(t) for t in run.inputs])
            yield prepared.compare(run_it(given), run, adviser.name)
        except CannotExecute as refusal:
            yield str(refusal)
        except Exception as error:
            yield f"{type(error).__name__}: {one_line(str(error))}"


def _doubts(checkers: Sequence[Checker], prepared: Prepared, run: Run) -> str:
    """Why it is not certain that the module accesses nothing out of bounds at this run; empty if it is."""
    takers = [checker for checker in checkers if prepared.dialect in checker.dialects]
    if not takers:
        return "nothing verifies the module at run time"
    return next(filter(None, (doubts(checker, prepared.artifact.lowered, run) for checker in takers)), "")
