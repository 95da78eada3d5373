"""The sample that a command runs again: an id in a journal, or its JSON."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from harness.cases.case import OpCase
from harness.cases.sample import Sample, from_json
from harness.cases.transformed import judging
from harness.errors import BadSample, UnknownName
from harness.programs.compiler import INSTALLED
from op_suites import catalog

from .arguments import last_journal, open_index


def add_sample(parser: argparse.ArgumentParser) -> None:
    """Add the positional argument ID."""
    parser.add_argument("sample", metavar="ID", help="a sample's id, or its JSON, or a file of it, or - for stdin")


def sample_of(text: str, journal: Path | None) -> tuple[Sample, str]:
    """The sample that the text is (JSON) or names: `-` for standard input, a file, or an id in the journal.

    And the SPEC of the compiler that it was measured with, for all that is known.
    """
    if text == "-":
        return _parsed(sys.stdin.read(), "standard input"), INSTALLED
    if text.lstrip().startswith("{"):
        return _parsed(text, "the argument"), INSTALLED
    if Path(text).is_file():
        return _parsed(Path(text).read_text(encoding="utf-8", errors="replace"), text), INSTALLED
    return _from_journal(journal, text)


def _parsed(text: str, origin: str) -> Sample:
    try:
        data = json.loads(text)
    except ValueError as error:
        raise BadSample(f"{origin} is not JSON: {error}", hint="`opcov repro ID` writes a well-formed one") from None
    return from_json(data)


def _from_journal(path: Path | None, sample_id: str) -> tuple[Sample, str]:
    index = open_index(path)
    record = index.record(sample_id)
    if record and record.sample:
        return record.sample, index.run.compiler
    raise BadSample(
        f"no sample {sample_id!r} in {path or last_journal()}, and no such file",
        hint="`opcov explain OP` names the samples of an op",
    )


def case_of(sample: Sample) -> OpCase:
    """The case by which the sample is judged; raises UnknownName, and BadSample if its arguments fit no schema."""
    cases = {case.op: case for family in catalog().values() for case in family}
    if sample.op not in cases:
        raise UnknownName("op", sample.op, cases)
    from harness.programs.program import call

    call(sample)
    return judging(cases[sample.op], sample)
