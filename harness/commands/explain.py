"""`opcov explain`: tell the outcomes of one op by trait, its smallest failing sample, the diagnostic and the IR."""

from __future__ import annotations

import argparse

from harness.cases.sample import dumps
from harness.errors import Exit
from harness.programs.provider import use
from harness.records.expectation import one_line
from harness.records.outcome import BEST, Excluded
from reports.answers.explain import explain
from reports.fold.failures import FOLD as FAILURES
from reports.fold.matrix import FOLD
from reports.index.index import Index

from .arguments import add_compiler, add_journal_option, add_where, open_index, print_answer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the op, the backend, whether to show the IR, and the journal."""
    parser.add_argument("op")
    parser.add_argument("--backend", help="only this backend")
    parser.add_argument("--ir", action="store_true", help="run the smallest failing sample, show the IR of each stage")
    add_compiler(parser)
    add_journal_option(parser)
    add_where(parser)


def run(options: argparse.Namespace) -> Exit:
    """Print the explanation.

    Raises BadJournal, BadCompiler, UnknownName if the journal has no such op or backend, and what a wrong query raises.
    """
    where = f"op:{options.op} ({options.where})" if options.where else ""
    index = open_index(options.journal, where, (FOLD, FAILURES))
    if options.ir:
        use(options.torch_mlir or index.run.compiler)
    ir = _stages(index, options.op, options.backend) if options.ir else None
    answer = explain(index, options.op, options.backend, ir=ir)
    print_answer(options, text=answer.text, data=answer.json, index=index)
    return Exit.OK


def _stages(index: Index, op: str, backend: str | None) -> str:
    """The IR at each stage of the op's smallest failing sample, or of its smallest sample if none fails.

    Minimised samples come first. The text is empty if the journal has no sample of the op on the backend.
    """
    from harness.running.supervisor import Limits  # late: only this needs what runs samples

    from .rerun import rerun

    records = [r for r in index.records(op).records if r.sample and backend in (None, r.backend)]
    failing = [r for r in records if not isinstance(r.outcome, (*BEST, Excluded))]
    if not records:
        return ""
    record = min(
        failing or records,
        key=lambda r: (r.minimised is None or r.without is not None, len(dumps(r.sample)) if r.sample else 0),
    )
    assert record.sample is not None
    result, ir, _ = rerun(record.sample, record.backend, Limits())
    parts = [f"// {stage} ({record.backend}, sample {record.id})\n{text.strip()}" for stage, text in ir.items()]
    parts.append(f"// {type(result.outcome).__name__}: {one_line(result.outcome)}")
    return "\n\n".join([*parts, f"// {result.first_wrong_pass}"] if result.first_wrong_pass else parts)
