"""`opcov`: reads journals and answers questions; what it prints is for people, `--json` is for programs."""

from __future__ import annotations

import argparse
import inspect
import json
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import reports.answers.blame
import reports.answers.explain
import reports.answers.gap
import reports.answers.sensitivity
import reports.answers.slack
import reports.answers.todo
import reports.fold.matrix
import reports.pages.formats
import reports.pages.html
from harness.cases.case import OpCase
from harness.cases.sample import Sample, dumps, from_json
from harness.errors import BadSample, Exit, MissingPackage, OpcovError, UnknownName
from harness.programs import plugins
from harness.programs.protocols import Recipe
from harness.records.expectation import CONTROL, one_line
from harness.records.journal import Journal, JournalWriter, Record, read
from harness.records.mutant import MutantRecord, mutant_json
from harness.records.outcome import Excluded, Outcome, Passed, Result, Wrong
from harness.running.cells import Selection
from harness.running.supervisor import Limits, Supervisor
from op_suites import catalog, excluded

JOURNAL = Path("reports/out/journal.jsonl")
SEEDED = Path("reports/out/sensitivity.jsonl")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status (see `errors.Exit`)."""
    options = _parser().parse_args(argv)
    try:
        status: Exit = options.command(options)
        sys.stdout.flush()
    except OpcovError as error:
        print(f"opcov: {error}", file=sys.stderr)
        return error.code
    except BrokenPipeError:  # `opcov ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    return status


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="opcov",
        description="Op coverage of torch-mlir's lowerings.",
        epilog="exit status: 0 ok, 1 the command found a failure, 2 bad usage, 3 bad data, 4 bad environment",
    )
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    def add(name: str, run: Callable[[Any], Exit], text: str) -> argparse.ArgumentParser:
        command = commands.add_parser(name, help=text, description=text[0].upper() + text[1:] + ".")
        command.set_defaults(command=run)
        command.add_argument("--json", action="store_true", help="print JSON")
        return command

    ops = add("ops", _ops, "what is in the registry, against which denominators, what is missing")
    ops.add_argument("--op", action="append", default=[], metavar="GLOB", help="only these (--attributes, --dtypes)")
    ops.add_argument("--names", action="store_true", help="name all that is missing, and all that is excluded and why")
    ops.add_argument("--no-opinfo", action="store_true", help="leave out OpInfo, which takes a minute the first time")
    ops.add_argument("--attributes", action="store_true", help="the values drawn of every schema argument")
    ops.add_argument("--dtypes", action="store_true", help="the dtypes drawn, and those that eager takes")
    ops.add_argument(
        "--opinfo-gap", type=Path, metavar="JOURNAL", help="what OpInfo's samples show that the cases' own do not"
    )
    matrix = add("matrix", _matrix, "the coverage matrix as text, Markdown or CSV")
    matrix.add_argument("--format", choices=("text", "markdown", "csv", "json"), default="text")
    html = add("html", _html, "the report, one self-contained file")
    html.add_argument("--out", type=Path, default=Path("reports/out/index.html"), help="where to write it")
    todo = add("todo", _todo, "what to lower next, ranked by how many cells each culprit op holds back")
    todo.add_argument("--backend", required=True)
    blame = add("blame", _blame, "how many executors confirm a verdict, and which are at fault themselves")
    sensitivity = add("sensitivity", _sensitivity, "seed wrong lowerings, see how many the census catches")
    for name, text in (("op", "only these"), ("backend", "only this"), ("mode", "only this"), ("dtype", "these")):
        sensitivity.add_argument(
            f"--{name}", action="append", default=[], metavar="GLOB" if name == "op" else name.upper(), help=text
        )
    sensitivity.add_argument("--kind", action="append", default=[], help="only mistakes of this kind")
    sensitivity.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    sensitivity.add_argument("--out", type=Path, default=SEEDED, help="the journal of the trials")
    sensitivity.add_argument("--read", action="store_true", help="run nothing: show the journal of trials given")
    sensitivity.add_argument("--all", action="store_true", help="list every survivor")
    slack = add("slack", _slack, "how much of their bounds results use: cells close to theirs, classes with too much")
    for command in (matrix, html, todo, blame, slack, sensitivity):
        command.add_argument("journal", type=Path, nargs="?", default=JOURNAL, metavar="JOURNAL")
    explain = add("explain", _explain, "one op: outcomes by trait, smallest failing sample, diagnostic, IR")
    explain.add_argument("op")
    explain.add_argument("--backend", help="only this backend")
    explain.add_argument("--ir", action="store_true", help="run the smallest failing sample, show the IR of each stage")
    repro = add("repro", _repro, "run one sample again, alone; write a standalone script and the IR")
    repro.add_argument("sample", metavar="ID", help="a sample's id, or its JSON, or a file of it, or - for stdin")
    repro.add_argument("--backend", required=True)
    repro.add_argument("--out", type=Path, default=Path("repro"), help="folder for the script and the IR")
    repro.add_argument("--seconds", type=float, default=Limits().seconds, help="deadline")
    for command in (explain, repro):
        command.add_argument("--journal", type=Path, default=JOURNAL, metavar="JOURNAL")
    return parser


# the registry ---------------------------------------------------------------------------------------------------------


def _ops(options: argparse.Namespace) -> Exit:
    if options.opinfo_gap:
        return _opinfo_gap(options)
    wanted = Selection(ops=tuple(options.op))
    wanted.check(catalog(), ())
    cases = [case for found in catalog().values() for case in found if wanted.takes(case)]
    try:
        from backends.declared import declared
        from harness.surface import ops

        if options.attributes:
            text, data = ops.attributes(cases)
        elif options.dtypes:
            text, data = ops.dtypes(cases)
        else:
            text, data = ops.summary(
                catalog(), excluded(), declared(), names=options.names, with_opinfo=not options.no_opinfo
            )
    except ImportError as error:
        raise MissingPackage(f"`opcov ops` needs {error.name}", hint="run `make setup`") from None
    print(json.dumps(data, indent=1) if options.json else text)
    return Exit.OK


def _opinfo_gap(options: argparse.Namespace) -> Exit:
    found = reports.answers.gap.compare(read(options.opinfo_gap))
    if not found.compared:
        raise OpcovError(
            f"{options.opinfo_gap} has no cell with samples of both sources",
            hint="run `pytest -n auto op_suites --samples both`",
        )
    print(
        json.dumps(reports.answers.gap.as_json(found), indent=1) if options.json else reports.answers.gap.as_text(found)
    )
    return Exit.OK


# journals -------------------------------------------------------------------------------------------------------------


def _matrix(options: argparse.Namespace) -> Exit:
    journal = read(options.journal)
    style = "json" if options.json else options.format
    print(reports.pages.formats.render(reports.fold.matrix.fold(journal), journal, style))
    return Exit.OK


def _html(options: argparse.Namespace) -> Exit:
    text = reports.pages.html.render(read(options.journal))
    try:
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OpcovError(
            f"cannot write {options.out}: {error.strerror}", hint="choose another file with --out"
        ) from None
    print(json.dumps({"written": str(options.out)}) if options.json else options.out)
    return Exit.OK


def _todo(options: argparse.Namespace) -> Exit:
    found = reports.answers.todo.todo(read(options.journal), options.backend)
    print(json.dumps(found.json(), indent=1) if options.json else found.text())
    return Exit.OK


def _blame(options: argparse.Namespace) -> Exit:
    found = reports.answers.blame.blame(read(options.journal))
    print(
        json.dumps(reports.answers.blame.as_json(found), indent=1)
        if options.json
        else reports.answers.blame.as_text(found)
    )
    return Exit.OK


def _sensitivity(options: argparse.Namespace) -> Exit:
    journal = read(options.journal)
    trials = journal.mutants if options.read else _seeded(journal, options)
    if not trials:
        raise OpcovError(
            f"{options.journal} has no {'trial' if options.read else 'sample that passed and is asked for'}",
            hint="`opcov sensitivity` reads what `make matrix` writes; with --read, what it has written itself",
        )
    as_json, as_text = reports.answers.sensitivity.as_json, reports.answers.sensitivity.as_text
    print(json.dumps(as_json(trials), indent=1) if options.json else as_text(trials, all=options.all))
    reached = all(
        rate.value >= reports.answers.sensitivity.TARGET for rate in reports.answers.sensitivity.kinds(trials)
    )
    return Exit.OK if reached else Exit.FOUND


def _seeded(journal: Journal, options: argparse.Namespace) -> tuple[MutantRecord, ...]:
    """Seed mistakes into what passed, write the trials as they come."""
    from backends.mutants.toolbox import TOOLBOX
    from harness.mutation import sensitivity

    wanted = Selection(
        ops=tuple(options.op),
        backends=tuple(options.backend),
        modes=tuple(options.mode),
        dtypes=tuple(options.dtype),
    )
    wanted.check(catalog(), plugins.names(plugins.BACKENDS))
    kinds = sensitivity.kinds(options.kind, TOOLBOX.kinds)
    cells = sensitivity.cells(journal.records, wanted, kinds)
    print(f"{len(cells):,} cells that pass", file=sys.stderr)
    found: list[MutantRecord] = []
    if not cells:
        return ()
    with JournalWriter(options.out, {**journal.header, "seeded": list(kinds)}) as writer:
        for i, trials in enumerate(sensitivity.run_cells(TOOLBOX, cells, options.jobs), 1):
            for trial in trials:
                writer.write(mutant_json(trial))
            found += trials
            if i % 50 == 0:
                print(f"{len(found):,} mistakes in {i:,} ops and modes", file=sys.stderr, flush=True)
        writer.close()
    print(f"written: {options.out}", file=sys.stderr)
    return tuple(found)


def _slack(options: argparse.Namespace) -> Exit:
    found = reports.answers.slack.slack(read(options.journal))
    print(
        json.dumps(reports.answers.slack.as_json(found), indent=1)
        if options.json
        else reports.answers.slack.as_text(found)
    )
    return Exit.OK


def _explain(options: argparse.Namespace) -> Exit:
    journal = read(options.journal)
    ir = _stages(journal, options.op, options.backend) if options.ir else None
    found = reports.answers.explain.explain(journal, options.op, options.backend, ir=ir)
    print(json.dumps(found.json(), indent=1) if options.json else found.text())
    return Exit.OK


def _stages(journal: Journal, op: str, backend: str | None) -> str:
    """The IR at each stage of the smallest failing (else the first) sample of an op."""
    records = [r for r in journal.records if r.op == op and r.sample and backend in (None, r.backend)]
    failing = [r for r in records if not isinstance(r.outcome, (Passed, Excluded))]
    if not records:
        return ""
    record = min(failing or records, key=lambda r: (r.minimised is None, len(dumps(r.sample)) if r.sample else 0))
    assert record.sample is not None
    result, shown = _run(record.sample, record.backend, Limits())
    parts = [f"// {stage} ({record.backend}, sample {record.id})\n{text.strip()}" for stage, text in shown.items()]
    parts.append(f"// {type(result.outcome).__name__}: {one_line(result.outcome)}")
    return "\n\n".join([*parts, f"// {result.first_wrong_pass}"] if result.first_wrong_pass else parts)


# one sample -----------------------------------------------------------------------------------------------------------


def _run(sample: Sample, backend: str, limits: Limits) -> tuple[Result, dict[str, str]]:
    """Run a sample in a worker of its own; the result, and the IR of the stages that were reached.

    Where it parts from eager, the IR before and after that is there too.
    """
    shown: dict[str, str] = {}
    with Supervisor((backend,), limits, thorough=True) as supervisor:
        return supervisor.run(sample, backend, shown.__setitem__, find_pass=True), shown


def _repro(options: argparse.Namespace) -> Exit:
    if options.backend not in (known := plugins.names(plugins.BACKENDS, plugins.CASCADES)):
        raise UnknownName("backend", options.backend, known)
    sample = _sample(options)
    case = _fitting(sample)
    result, shown = _run(sample, options.backend, Limits(seconds=options.seconds))
    outcome, parts = result.outcome, result.first_wrong_pass
    files = _write(case, sample, options, outcome, shown)
    name = type(outcome).__name__
    if options.json:
        data = {"outcome": name, "why": one_line(outcome), "cause": result.cause, "sample": sample.id, **files}
        print(json.dumps(data | ({"parts": asdict(parts)} if parts else {}), indent=1))
    else:
        print(f"{sample.op} on {options.backend}, {sample.mode}, {sample.dtype}, sample {sample.id}: {name}")
        print(f"  {one_line(outcome)}")
        if result.cause:
            print(f"  runtime verification: {result.cause}")
        if parts:
            print(f"  {parts}")
        for key, value in files.items():
            print(f"\n{_TITLES[key]}:\n  {value}")
    return Exit.OK if isinstance(outcome, Passed) else Exit.FOUND


_TITLES = {
    "sample_file": "the sample (edit it, then `opcov repro FILE --backend B`)",
    "script": "a script that needs only torch and torch-mlir",
    "ir": "the IR in the backend contract",
    "lowered": "the lowered IR",
    "before": "the IR of the last step that is right",
    "after": "the IR of the first step that is wrong",
    "command": "lower it with",
}


def _sample(options: argparse.Namespace) -> Sample:
    """A sample from an id, from inline JSON, a file or standard input."""
    text: str = options.sample
    if text == "-":
        return _parsed(sys.stdin.read(), "standard input")
    if text.lstrip().startswith("{"):
        return _parsed(text, "the argument")
    if Path(text).is_file():
        return _parsed(Path(text).read_text(encoding="utf-8", errors="replace"), text)
    return _from_journal(read(options.journal), text, options.journal)


def _parsed(text: str, origin: str) -> Sample:
    try:
        data = json.loads(text)
    except ValueError as error:
        raise BadSample(f"{origin} is not JSON: {error}", hint="`opcov repro ID` writes a well-formed one") from None
    return from_json(data)


def _from_journal(journal: Journal, name: str, path: Path) -> Sample:
    found: list[Record] = [r for r in journal.records if r.sample and r.id == name]
    if not found:
        raise BadSample(
            f"no sample {name!r} in {path}, and no such file", hint="`opcov explain OP` names the samples of an op"
        )
    assert found[0].sample is not None
    return found[0].sample


def _fitting(sample: Sample) -> OpCase:
    """The case of the sample's op, once its arguments are seen to fit the schema; raises UnknownName or BadSample."""
    cases = {case.op: case for found in catalog().values() for case in found}
    if sample.op not in cases:
        raise UnknownName("op", sample.op, cases)
    from harness.programs.program import call

    call(sample)
    return cases[sample.op]


def _write(
    case: OpCase, sample: Sample, options: argparse.Namespace, outcome: Outcome, shown: dict[str, str]
) -> dict[str, str]:
    """Write what reproduces the outcome; the files by what they are, and the command."""
    from .repro_script import opt_command

    folder: Path = options.out / f"{sample.op}-{sample.id}-{options.backend}"
    folder.mkdir(parents=True, exist_ok=True)
    files = {"sample_file": folder / "sample.json"}
    files["sample_file"].write_text(dumps(sample) + "\n", encoding="utf-8")
    recipe: Recipe | None = getattr(plugins.backend(options.backend), "recipe", None)
    if recipe and not isinstance(outcome, Excluded):
        files["script"] = folder / "repro.py"
        files["script"].write_text(_script(case, sample, options.backend, recipe, outcome), encoding="utf-8")
    for stage, key in (("contract", "ir"), ("lower", "lowered"), ("before", "before"), ("after", "after")):
        if stage in shown and options.backend != CONTROL:
            files[key] = folder / f"{stage}.mlir"
            files[key].write_text(shown[stage], encoding="utf-8")
    out = {key: str(path) for key, path in files.items()}
    return out | ({"command": opt_command(recipe, out["ir"])} if recipe and "ir" in out else {})


def _script(case: OpCase, sample: Sample, backend: str, recipe: Recipe, outcome: Outcome) -> str:
    from .repro_script import script

    sources = [_source("llvm-jit")]
    if isinstance(outcome, Wrong) and outcome.executor != "llvm-jit":
        sources.append(_source(outcome.executor))
    return script(case, sample, backend, recipe, outcome, sources)


def _source(executor: str) -> tuple[str, str]:
    """The class of an executor, and the text of its module."""
    made = plugins.factory(plugins.EXECUTORS, executor)
    return made.__name__, Path(inspect.getfile(made)).read_text(encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
