"""What a text about a cause shows of its example: the program, a script, and what running it once more gives."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from harness.cases.case import OpCase
from harness.cases.sample import Sample
from harness.programs.compiler import chosen
from harness.programs.protocols import Recipe
from harness.records.expectation import one_line
from harness.records.frontend import FRONTEND, is_of_decomposition
from harness.records.journal import Record
from harness.records.outcome import Outcome, Result, Wrong
from harness.records.signature import signature
from harness.running.supervisor import Limits
from harness.text import portable
from reports.answers.issue import Issue
from reports.pages.issue import Evidence

from .repro import recipe_of, script_text
from .rerun import rerun
from .sample import case_of

ALONE = ("llvm-jit", "stablehlo-interpreter")
"""The executors that need torch and torch-mlir alone, so that a script can carry them."""


@dataclass(frozen=True, slots=True)
class _Ran:
    """What running the example once more has given."""

    ir: Mapping[str, str] = field(default_factory=dict)
    result: Result | None = None
    note: str = ""


def evidence(issue: Issue, *, running: bool) -> Evidence:
    """What a text shows; with `running`, the example is run once more, in a process of its own.

    Without it there is no IR but that of the culprit alone, if the program was cut. Raises UnknownName and BadSample if
    the registry no longer has the example's op, or takes the example no longer.
    """
    record = issue.record
    recipe = recipe_of(record.backend) if record else None
    if record is None or record.sample is None or recipe is None:
        return Evidence()
    sample, name = record.sample, issue.cluster.id
    case = case_of(sample)
    ran = _run(record, sample) if running else _Ran()
    outcome = _shown(record.outcome)
    contract = ran.ir.get("contract", "")
    return Evidence(
        **_written(case, sample, record, recipe, outcome, issue),
        contract=contract,
        before=ran.ir.get("before", ""),
        after=ran.ir.get("after", ""),
        command=_command(recipe, f"{name}.mlir") if _lowers(record) and (contract or issue.cut) else "",
        ir_file=f"{name}.mlir",
        script_file=f"{name}.py",
        first_wrong_pass=ran.result.first_wrong_pass if ran.result else None,
        cause=ran.result.cause if ran.result else "",
        notes=(ran.note,) if ran.note else (),
    )


def _run(record: Record, sample: Sample) -> _Ran:
    result, ir, _ = rerun(sample, record.backend, Limits())
    if signature(result.outcome, record.backend) == signature(record.outcome, record.backend):
        return _Ran(ir, result)
    said = portable(one_line(result.outcome))
    note = f"Run again for this text, it came out otherwise: {type(result.outcome).__name__}, {said}"
    print(f"opcov: {sample.id} on {record.backend}: {note}", file=sys.stderr)
    return _Ran(ir, None, f"{note}.")


def _lowers(record: Record) -> bool:
    """Whether there is a lowering to run on IR in the backend contract."""
    return record.backend != FRONTEND


def _shown(outcome: Outcome) -> Outcome:
    """The outcome, of a wrong sample by an executor that a script can carry, if one of them confirms it."""
    if not isinstance(outcome, Wrong) or outcome.executor in ALONE:
        return outcome
    return replace(outcome, executor=next((name for name in ALONE if name in outcome.confirmed), outcome.executor))


def _written(
    case: OpCase, sample: Sample, record: Record, recipe: Recipe, outcome: Outcome, issue: Issue
) -> dict[str, str]:
    """The program, the script, and the worst element in float64: they take eager alone."""
    from .repro_script import failing_run, smallest_program

    found = {"program": smallest_program(sample, recipe)}
    if is_of_decomposition(outcome):
        return found
    script = script_text(case, sample, record.backend, recipe, outcome, issue.versions, short=True)
    found["script"] = _anywhere(script)
    if isinstance(outcome, Wrong):
        outputs = failing_run(case, sample, outcome).outputs
        wide = outputs[outcome.output].wide if outcome.output < len(outputs) else None
        found["float64"] = (
            str(wide[outcome.element].item()) if wide is not None and wide[outcome.element].dim() == 0 else ""
        )
        found["needs"] = "" if outcome.executor in ALONE else outcome.executor
    return found


def _command(recipe: Recipe, ir_file: str) -> str:
    from .repro_script import opt_command

    return _anywhere(opt_command(recipe, ir_file))


def _anywhere(text: str) -> str:
    """A script or a command without what names the compiler's folder on this machine."""
    from .repro_script import only_folder

    for line in only_folder():
        text = text.replace(f"{line}; ", "").replace(f"{line}\n", "")
    return text.replace(shlex.quote(chosen().opt), "torch-mlir-opt")
