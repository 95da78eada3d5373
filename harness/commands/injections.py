"""Find what the censuses never hold though eager takes it, and keep samples of it.

`python -m harness.commands.injections` asks eager what `opcov ops --tame` asks it, and writes the calls that it takes:
to op_suites/injected for the census, to op_suites/nightly and op_suites/promoted for the nightly. A call is kept only
if the control passes it.

What is kept changes what facets are injected into, so that a few more are found then. `--add FILE` takes them from what
`opcov ops --tame --json` lists.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cases import picks_file, promotions
from harness.cases.case import OpCase
from harness.cases.sample import Sample, from_json
from harness.errors import BadSample, Exit, OpcovError
from harness.programs.compiler import INSTALLED
from harness.programs.provider import use
from harness.surface import opinfo
from harness.text import one_line, plural
from op_suites import INJECTED, NIGHTLY, PROMOTED, catalog

from .picks import check_families
from .tameness import Searcher, of_opinfo, on_control

if TYPE_CHECKING:
    from harness.surface.injected import Injected

WRITES = picks_file.WRITES["injected"]


def to_keep(searcher: Searcher, case: OpCase) -> Injected | None:
    """What is to be kept of a case beside OpInfo's calls; None if it cannot be searched."""
    from harness.surface.injected import injected

    picked = tuple(sample for sample in case.picks() if sample.origin == "picked")
    return searcher.of(replace(case, picks=lambda: picked, nightly=tuple), injected)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write what is to be kept of these families; return the exit status."""
    parser = argparse.ArgumentParser(prog=WRITES, description=__doc__)
    parser.add_argument("families", nargs="*", default=tuple(catalog()), help="only these families")
    parser.add_argument("--add", type=Path, metavar="FILE", help="search nothing; add these findings for the nightly")
    options = parser.parse_args(arguments)
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    logging.disable()  # torch tells of each call that it refuses
    try:
        return _add(options.add) if options.add else _write(options.families)
    except OpcovError as error:
        print(f"injections: {error}", file=sys.stderr)
        return error.code


def _add(path: Path) -> int:
    """Add the calls of findings to those of the nightly; raises BadSample."""
    for family, found in _findings(path).items():
        kept = [sample for of in picks_file.read(NIGHTLY / f"{family}.jsonl").values() for sample in of]
        new = [sample for sample in {s.id: s for s in found}.values() if sample.id not in {s.id for s in kept}]
        print(f"{family}: {plural(len(new), 'sample')} more for the nightly")
        picks_file.write(NIGHTLY, {family: [*kept, *new]})
    return Exit.OK


def _findings(path: Path) -> dict[str, list[Sample]]:
    """The calls that `opcov ops --tame --json` lists, by family."""
    found: dict[str, list[Sample]] = {}
    try:
        for finding in json.loads(path.read_text(encoding="utf-8"))["findings"]:
            found.setdefault(finding["family"], []).append(replace(from_json(finding["sample"]), origin="injected"))
    except (BadSample, OSError, ValueError, KeyError, TypeError) as error:
        why = getattr(error, "strerror", None) or f"{type(error).__name__}: {one_line(str(error))}"
        raise BadSample(f"{path}: {why}", hint="--add takes what `opcov ops --tame --json` prints") from None
    check_families(list(found))
    return found


def _write(families: Sequence[str]) -> int:
    check_families(families)
    use(INSTALLED)
    opinfo.trace()  # makes it where there is none: pairs of arguments are those that OpInfo combines
    searcher = Searcher(on_control(), of_opinfo()[0])
    gc.freeze()
    for family in families:
        found = [to_keep(searcher, case) for case in catalog()[family]]
        kept = [of for of in found if of]
        if len(kept) < len(found):
            print(f"{family}: left as it was, since an op could not be searched", flush=True)
            continue
        samples = [sample for of in kept for sample in of.samples]
        nightly = [sample for of in kept for sample in of.nightly]
        pairs = [promotion for of in kept for promotion in of.promotions]
        count = len(nightly) + sum(len(promotion.dtypes) for promotion in pairs)
        print(f"{family}: {plural(len(samples), 'sample')}, {count:,} for the nightly", flush=True)
        picks_file.write(INJECTED, {family: samples})
        picks_file.write(NIGHTLY, {family: nightly})
        picks_file.write_texts(PROMOTED, {family: promotions.text(pairs)})
    for op, why in searcher.failed.items():
        print(f"not searched: {op}: {why}")
    return Exit.FOUND if searcher.failed else Exit.OK


if __name__ == "__main__":
    sys.exit(main())
