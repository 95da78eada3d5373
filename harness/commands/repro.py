"""`opcov repro`: run one sample again, alone, and write the files that reproduce its outcome."""

from __future__ import annotations

import argparse
import inspect
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from harness.cases.case import OpCase
from harness.cases.sample import Sample, dumps
from harness.errors import Exit, UnknownName
from harness.programs import plugins
from harness.programs.protocols import Recipe
from harness.programs.provider import use
from harness.records.expectation import CONTROL, one_line
from harness.records.frontend import FRONTEND, is_of_decomposition
from harness.records.opinion import opinion_json
from harness.records.outcome import BEST, Excluded, Outcome, Result, Wrong
from harness.records.toolchain import Loaded, compilers
from harness.running.supervisor import Limits

from .arguments import add_compiler, add_journal_option, print_answer
from .python_text import uncommented
from .rerun import get_ready, rerun
from .sample import add_sample, case_of, sample_of

TITLES = {
    "sample_file": "the sample (edit it, then `opcov repro FILE --backend B`)",
    "script": "a script that needs only torch and torch-mlir",
    "ir": "the IR in the backend contract",
    "lowered": "the lowered IR",
    "before": "the IR of the last step that is right",
    "after": "the IR of the first step that is wrong",
    "command": "lower it with",
}
"""What the text says of each file and of the command, by their keys in the JSON answer."""
IR_FILES = {"contract": "ir", "lower": "lowered", "before": "before", "after": "after"}
"""The stages whose IR is written, with their keys in the JSON answer."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sample, the backend, where to write, the deadline, and the journal in which an id is looked up."""
    add_sample(parser)
    parser.add_argument("--backend", required=True)
    parser.add_argument("--out", type=Path, default=Path("repro"), help="folder for the script and the IR")
    parser.add_argument("--seconds", type=float, default=Limits().seconds, help="deadline")
    add_compiler(parser)
    add_journal_option(parser)


def run(options: argparse.Namespace) -> Exit:
    """Print the outcome and the files written; the status is `Exit.FOUND` unless the sample passed, or got through.

    Raises UnknownName, BadCompiler, BadSample and BadJournal.
    """
    if options.backend not in (known := plugins.columns(plugins.BACKENDS, plugins.CASCADES)):
        raise UnknownName("backend", options.backend, known)
    sample, measured_with = sample_of(options.sample, options.journal)
    use(options.torch_mlir or measured_with)
    get_ready(sample, options.backend)
    case = case_of(sample)
    result, ir, loaded = rerun(sample, options.backend, Limits(seconds=options.seconds))
    shown = (result.opinion and result.opinion.instead) or result.outcome  # what there is to reproduce
    files = _write(options.out, case, sample, options.backend, shown, ir, loaded)
    print_answer(
        options,
        text=lambda: _text(sample, options.backend, result, files, loaded),
        data=lambda: _data(sample, result, files, loaded),
    )
    return Exit.OK if isinstance(result.outcome, BEST) else Exit.FOUND


def _text(sample: Sample, backend: str, result: Result, files: Mapping[str, str], loaded: Loaded) -> str:
    name = type(result.outcome).__name__
    lines = [
        f"{sample.op} on {backend}, {sample.mode}, {sample.dtype}, sample {sample.id}: {name}",
        f"  {one_line(result.outcome)}",
        f"  with {', '.join(compilers(loaded))}",
    ]
    if result.cause:
        lines.append(f"  runtime verification: {result.cause}")
    if result.opinion:
        lines.append(f"  second opinion: {result.opinion}")
    if result.first_wrong_pass:
        lines.append(f"  {result.first_wrong_pass}")
    return "\n".join([*lines, *(f"\n{TITLES[key]}:\n  {value}" for key, value in files.items())])


def _data(sample: Sample, result: Result, files: Mapping[str, str], loaded: Loaded) -> dict[str, object]:
    data: dict[str, object] = {
        "with": compilers(loaded),
        "outcome": type(result.outcome).__name__,
        "why": one_line(result.outcome),
        "cause": result.cause,
        "sample": sample.id,
        **files,
    }
    data |= {"parts": asdict(result.first_wrong_pass)} if result.first_wrong_pass else {}
    return data | ({"opinion": opinion_json(result.opinion)} if result.opinion else {})


# the files ------------------------------------------------------------------------------------------------------------


def _write(
    out: Path, case: OpCase, sample: Sample, backend: str, outcome: Outcome, ir: Mapping[str, str], loaded: Loaded
) -> dict[str, str]:
    """Write the sample, the script and the IR to a folder in `out`; return their paths and the command, by key.

    There is no script for a backend without a recipe, for a sample that is excluded, or where torch's decomposition is
    at fault: torch-mlir does nothing wrong then.
    """
    from .repro_script import opt_command

    folder = out / f"{sample.op}-{sample.id}-{backend}"
    folder.mkdir(parents=True, exist_ok=True)
    files = {"sample_file": folder / "sample.json"}
    files["sample_file"].write_text(dumps(sample) + "\n", encoding="utf-8")
    recipe = recipe_of(backend)
    if recipe and not isinstance(outcome, Excluded) and not is_of_decomposition(outcome):
        files["script"] = folder / "repro.py"
        files["script"].write_text(
            script_text(case, sample, backend, recipe, outcome, compilers(loaded)), encoding="utf-8"
        )
    for stage, key in IR_FILES.items():
        if stage in ir and backend != CONTROL:
            files[key] = folder / f"{stage}.mlir"
            files[key].write_text(ir[stage], encoding="utf-8")
    paths = {key: str(path) for key, path in files.items()}
    lowers = recipe and backend != FRONTEND
    return paths | ({"command": opt_command(recipe, paths["ir"])} if recipe and lowers and "ir" in paths else {})


def recipe_of(backend: str) -> Recipe | None:
    """How a user gets the backend's IR; that of the frontend stops at the backend contract."""
    if backend == FRONTEND:
        return Recipe(dialect="torch", output_type="torch", pipeline="")
    recipe: Recipe | None = getattr(plugins.backend(backend), "recipe", None)
    return recipe


def script_text(
    case: OpCase,
    sample: Sample,
    backend: str,
    recipe: Recipe,
    outcome: Outcome,
    measured_with: Sequence[str],
    short: bool = False,
) -> str:
    """The script that reproduces the outcome; a `short` one has the executors without their comments."""
    from .repro_script import script

    executors = [_executor_source("llvm-jit")]
    if isinstance(outcome, Wrong) and outcome.executor != "llvm-jit":
        executors.append(_executor_source(outcome.executor))
    if short:
        executors = [(name, uncommented(text)) for name, text in executors]
    return script(case, sample, backend, recipe, outcome, executors, measured_with)


def _executor_source(name: str) -> tuple[str, str]:
    """The name of an executor's class, and the text of its module."""
    executor_class = plugins.factory(plugins.EXECUTORS, name)
    return executor_class.__name__, Path(inspect.getfile(executor_class)).read_text(encoding="utf-8")
