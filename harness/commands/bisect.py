"""`opcov bisect`: the first bad one of a list of compilers, found by running one sample with a few of them."""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.cases.sample import Sample
from harness.errors import Exit, OpcovError, UnknownName
from harness.programs import plugins
from harness.programs.provider import use
from harness.records.expectation import one_line
from harness.records.signature import signature
from harness.records.toolchain import compilers
from harness.running.bisection import Bisection, Verdict
from harness.running.supervisor import Limits

from .arguments import add_journal_option, print_answer
from .rerun import rerun
from .sample import add_sample, case_of, sample_of

OUT = Path("bisect")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the sample, the backend, the compilers from the oldest to the newest, and where their IR goes."""
    add_sample(parser)
    parser.add_argument("--backend", required=True)
    parser.add_argument(
        "--between", nargs="+", required=True, metavar="SPEC", help="compilers as --torch-mlir takes them, oldest first"
    )
    parser.add_argument("--out", type=Path, default=OUT, help=f"folder for each step's verdict and IR ({OUT})")
    parser.add_argument("--seconds", type=float, default=Limits().seconds, help="deadline")
    add_journal_option(parser)


def run(options: argparse.Namespace) -> Exit:
    """Print the first bad compiler; the status is `Exit.FOUND` if there is one.

    Raises UnknownName, BadCompiler, BadSample and BadJournal.
    """
    if options.backend not in (known := plugins.columns(plugins.BACKENDS, plugins.CASCADES)):
        raise UnknownName("backend", options.backend, known)
    if len(options.between) < 2:
        raise OpcovError("--between needs two compilers or more", hint="name the good one first and the bad one last")
    sample, _ = sample_of(options.sample, options.journal)
    case_of(sample)
    folder = options.out / f"{sample.op}-{sample.id}-{options.backend}"

    def judge(place: int) -> Verdict:
        return _step(sample, options, folder, place)

    found = Bisection(tuple(options.between), judge)
    found.search()
    print_answer(options, text=lambda: _text(found, sample, options.backend, folder), data=lambda: _data(found, folder))
    return Exit.FOUND if found.first_bad is not None else Exit.OK


def _step(sample: Sample, options: argparse.Namespace, out: Path, place: int) -> Verdict:
    """Run the sample with one compiler; keep its verdict and the IR of its stages in a folder of its own."""
    spec = options.between[place]
    use(spec)
    result, ir, loaded = rerun(sample, options.backend, Limits(seconds=options.seconds))
    verdict = Verdict(signature(result.outcome, options.backend), one_line(result.outcome))
    folder = out / f"{place + 1}-{re.sub(r'[^A-Za-z0-9.=_-]+', '-', Path(spec).name)}"
    folder.mkdir(parents=True, exist_ok=True)
    for stage, text in ir.items():
        (folder / f"{stage}.mlir").write_text(text, encoding="utf-8")
    said = {"spec": spec, "with": compilers(loaded), "verdict": str(verdict.signature), "why": verdict.why}
    (folder / "verdict.json").write_text(json.dumps(said, indent=1) + "\n", encoding="utf-8")
    return verdict


def _text(found: Bisection, sample: Sample, backend: str, folder: Path) -> str:
    steps = [
        f"  {place + 1} {found.said(place):11} {found.specs[place]}: {found.verdicts[place].signature}; "
        f"{found.verdicts[place].why}"
        for place in sorted(found.verdicts)
    ]
    lines = [found.answer(), f"{sample.op} on {backend}, {sample.mode}, {sample.dtype}, sample {sample.id}", *steps]
    return "\n".join([*lines, f"verdicts and IR of each step: {folder}"])


def _data(found: Bisection, folder: Path) -> Mapping[str, Any]:
    first = found.first_bad
    return {
        "answer": found.answer(),
        "first_bad": None if first is None else found.specs[first],
        "steps": [
            {"spec": found.specs[place], "is": found.said(place), "verdict": str(verdict.signature), "why": verdict.why}
            for place, verdict in sorted(found.verdicts.items())
        ],
        "folder": str(folder),
    }
