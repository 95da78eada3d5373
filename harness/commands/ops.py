"""`opcov ops`: list the registry, measure it against its denominators, show what its cases draw."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from backends.declared import declared
from harness.cases.case import OpCase
from harness.errors import Exit, MissingPackage, OpcovError
from harness.programs import plugins
from harness.programs.compiler import INSTALLED
from harness.programs.provider import use
from harness.records.query import Query
from harness.running.cells import Selection, case_facts, registry_query
from harness.surface import ops
from op_suites import catalog, excluded
from reports.answers.gap import FOLD, as_json, as_text, compare

from .arguments import add_compiler, add_where, open_index, print_answer


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare which ops are listed, and which of their facts."""
    parser.add_argument(
        "--op", action="append", default=[], metavar="GLOB", help="only these (--attributes, --dtypes, --tame)"
    )
    parser.add_argument(
        "--names", action="store_true", help="name all that is missing, and all that is excluded and why"
    )
    parser.add_argument(
        "--no-opinfo", action="store_true", help="leave out OpInfo, which takes a minute the first time"
    )
    parser.add_argument("--attributes", action="store_true", help="the values drawn of every schema argument")
    parser.add_argument("--dtypes", action="store_true", help="the dtypes drawn, and those that eager takes")
    parser.add_argument("--tame", action="store_true", help="what eager takes and the census never holds, by trying")
    add_compiler(parser)
    parser.add_argument(
        "--opinfo-gap", type=Path, metavar="JOURNAL", help="what OpInfo's samples show that the cases' own do not"
    )
    add_where(parser)


def run(options: argparse.Namespace) -> Exit:
    """Print the facts that the options name; raises UnknownName, MissingPackage, BadCompiler, BadJournal."""
    use(options.torch_mlir or INSTALLED)
    if options.opinfo_gap:
        _print_opinfo_gap(options)
        return Exit.OK
    try:
        if options.tame:
            return _print_tameness(options)
        text, data = _answer(options)
    except ImportError as error:
        raise MissingPackage(f"`opcov ops` needs {error.name}", hint="run `make setup`") from None
    print_answer(options, text=lambda: text, data=lambda: data)
    return Exit.OK


def _print_tameness(options: argparse.Namespace) -> Exit:
    """Print what the censuses never hold, though eager takes it; FOUND if there is any."""
    from harness.surface.tame_report import as_data, as_text

    from .tameness import tameness

    found = tameness(_selected(options))
    print_answer(options, text=lambda: as_text(found), data=lambda: as_data(found))
    return Exit.OK if found.is_empty else Exit.FOUND


def _selected(options: argparse.Namespace) -> dict[str, list[OpCase]]:
    """The cases that the options name, by family; raises UnknownName, BadQuery."""
    selection = Selection(ops=tuple(options.op))
    selection.check(catalog(), ())
    where = _where(options)

    def takes(family: str, case: OpCase) -> bool:
        return selection.takes(case) and (where is None or any(map(where.may_hold, case_facts(family, case))))

    return {family: [case for case in cases if takes(family, case)] for family, cases in catalog().items()}


def _answer(options: argparse.Namespace) -> tuple[str, dict[str, Any]]:
    """The answer as text and as JSON values; raises ImportError if torch or torch-mlir is not installed."""
    cases = [case for family in _selected(options).values() for case in family]
    if options.attributes:
        return ops.attributes(cases)
    if options.dtypes:
        return ops.dtypes(cases)
    return ops.summary(catalog(), excluded(), declared(), names=options.names, with_opinfo=not options.no_opinfo)


def _where(options: argparse.Namespace) -> Query | None:
    """The query about the registry; raises BadQuery, and OpcovError where the answer is about all of it."""
    if not options.where:
        return None
    if not (options.attributes or options.dtypes or options.tame):
        raise OpcovError(
            "--where: the registry is counted as a whole",
            hint="add --attributes, --dtypes, --tame or --opinfo-gap JOURNAL",
        )
    columns = plugins.columns(plugins.BACKENDS, plugins.CASCADES)
    return registry_query(options.where, catalog(), columns, hint="`opcov matrix --where` asks a journal")


def _print_opinfo_gap(options: argparse.Namespace) -> None:
    index = open_index(options.opinfo_gap, options.where, (FOLD,))
    gap = compare(index)
    if not gap.compared:
        raise OpcovError(
            f"{options.opinfo_gap} has no cell with samples of both sources",
            hint="run `pytest -n auto op_suites --samples both`",
        )
    print_answer(options, text=lambda: as_text(gap), data=lambda: as_json(gap), index=index)
