"""Pick the calls of OpInfo that the census keeps, and write them to op_suites/opinfo.

`python -m harness.commands.picks` draws the static censuses of the profile `default`, and picks from OpInfo's calls
those that show what these do not: `harness/surface/picks.py`. A call is kept only if the control passes it, and if no
roundoff decides its result. `--check` writes nothing: it compares what is there with a trace of the installed torch.
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from harness.cases import picks_file
from harness.cases.case import OpCase
from harness.cases.draw import census
from harness.cases.profile import profile
from harness.cases.sample import Sample
from harness.errors import Exit, OpcovError, UnknownName
from harness.programs.compiler import INSTALLED
from harness.records.outcome import Passed
from harness.surface import opinfo
from harness.surface.picks import Cell, pick, telling
from harness.text import plural
from op_suites import OPINFO, catalog

from .check import control

if TYPE_CHECKING:
    from harness.running.pipeline import Pipeline

WITHOUT = replace(profile("default"), picks=False)
"""The census to which the picks are added."""
WRITES = picks_file.WRITES["opinfo"]
SHOWN = 10
"""So many calls that are gone are named."""


@dataclass(slots=True)
class Judge:
    """Says whether a call can be judged; `refused` counts those that cannot, by reason."""

    pipeline: Pipeline
    refused: Counter[str] = field(default_factory=Counter)

    def of(self, case: OpCase) -> Callable[[Sample], bool]:
        """The judge of the calls of a case."""
        return partial(self._fits, case)

    def _fits(self, case: OpCase, sample: Sample) -> bool:
        from harness.judging.discontinuity import is_on_edge  # late: `control` chooses the compiler before torch loads
        from harness.judging.reference import runs

        result = self.pipeline.run(case, sample, "control", lambda stage: None)
        if not isinstance(result.outcome, Passed):
            self.refused[f"{type(result.outcome).__name__} on the control"] += 1
            return False
        if is_on_edge(sample, runs(sample, case.numeric_of(sample), case.canonical)[0], case.canonical):
            self.refused["a roundoff decides the result"] += 1
            return False
        return True


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the picks, or check them; return the exit status: 1 if a check finds that OpInfo has changed."""
    parser = argparse.ArgumentParser(prog=WRITES, description=__doc__)
    parser.add_argument("families", nargs="*", default=tuple(catalog()), help="only these families")
    parser.add_argument("--check", action="store_true", help="compare with a trace of the installed torch")
    options = parser.parse_args(arguments)
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")  # torch warns of what OpInfo tries: thousands of lines
    warnings.filterwarnings("ignore")
    try:
        return _check() if options.check else _write(options.families)
    except OpcovError as error:
        print(f"picks: {error}", file=sys.stderr)
        return error.code


def _check() -> int:
    """Say which picks OpInfo no longer calls: with other shapes or attributes; elements differ between machines."""
    picks = [
        sample for cases in catalog().values() for case in cases for sample in case.picks() if sample.origin == "picked"
    ]
    missing = gone(picks, opinfo.trace().samples)
    for sample in missing[:SHOWN]:
        print(f"gone from OpInfo: {sample.op} {sample.dtype} {sample.id}")
    if missing:
        print(f"{len(missing)} of {plural(len(picks), 'pick')} gone from OpInfo: run `{WRITES}`")
        return Exit.FOUND
    print(f"{plural(len(picks), 'pick')}, all in OpInfo")
    return Exit.OK


def gone(picks: Sequence[Sample], traced: Mapping[str, Mapping[str, Sequence[Sample]]]) -> list[Sample]:
    """The picks whose program OpInfo does not call."""
    calls = {s.program for of in traced.values() for found in of.values() for s in found}
    return [sample for sample in picks if sample.program not in calls]


def check_families(families: Sequence[str]) -> None:
    """Raise UnknownName if one of them is no family."""
    for family in families:
        if family not in catalog():
            raise UnknownName("family", family, catalog())


def _write(families: Sequence[str]) -> int:
    check_families(families)
    traced = opinfo.trace().samples
    judge = Judge(control(INSTALLED))
    found: dict[str, list[Sample]] = {}
    for family in families:
        found[family] = [s for case in catalog()[family] for s in pick(dict(_cells(case, traced)), judge.of(case))]
        print(f"{family}: {plural(len(found[family]), 'pick')}", file=sys.stderr, flush=True)
    changed = picks_file.write(OPINFO, found)
    size = sum(path.stat().st_size for path in OPINFO.glob("*.jsonl"))
    print(f"{plural(sum(map(len, found.values())), 'pick')} in {size:,} bytes; files that changed: {len(changed)}")
    for reason, count in sorted(judge.refused.items()):
        print(f"left out: {plural(count, 'call')}: {reason}")
    return Exit.OK


def _cells(case: OpCase, traced: Mapping[str, Mapping[str, Sequence[Sample]]]) -> Iterator[tuple[str, Cell]]:
    """The static cells of an op, by dtype."""
    for dtype in WITHOUT.dtypes(case, "static"):
        calls = [s for s in traced.get(case.op, {}).get(dtype, ()) if s.origin == "opinfo"]
        yield dtype, Cell(_shown(case, dtype), calls)


def _shown(case: OpCase, dtype: str) -> frozenset[str]:
    """The traits that the case's own samples show in a static cell."""
    return frozenset(t for sample in census(case, dtype, "static", WITHOUT, seed=0) for t in telling(sample))


if __name__ == "__main__":
    sys.exit(main())
