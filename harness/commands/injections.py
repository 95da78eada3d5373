"""Find what the censuses never hold though eager takes it, and keep samples of it.

`python -m harness.commands.injections` asks eager what `opcov ops --tame` asks it, and writes the calls that it takes:
to op_suites/injected for the census, and to op_suites/promoted for the nightly. A call is kept only if the control
passes it.
"""

from __future__ import annotations

import argparse
import gc
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from harness.cases import picks_file, promotions
from harness.cases.case import OpCase
from harness.cases.profile import profile
from harness.cases.sample import Sample
from harness.errors import Exit, OpcovError, UnknownName
from harness.programs.compiler import INSTALLED
from harness.programs.provider import use
from harness.surface import opinfo
from harness.text import one_line, plural
from op_suites import INJECTED, PROMOTED, catalog

from .tameness import PROFILE, SEED, of_opinfo, on_control

if TYPE_CHECKING:
    from harness.surface.asking import Ask, Passes
    from harness.surface.injected import Injected

WRITES = picks_file.WRITES["injected"]


@dataclass(slots=True)
class Keeper:
    """Searches cases for what is to be kept; `failed` are the ops that cannot be searched, with the reason."""

    passes: Passes
    opinfo: Mapping[str, Sequence[Sample]]
    failed: dict[str, str] = field(default_factory=dict)

    def of(self, case: OpCase) -> Injected:
        """What is to be kept of a case; nothing if it cannot be searched."""
        from harness.surface.asking import ask_in_fork
        from harness.surface.injected import Injected

        picked = tuple(sample for sample in case.picks() if sample.origin == "picked")
        bare = replace(case, picks=lambda: picked, promotions=tuple)
        try:
            return ask_in_fork(bare, partial(self._search, bare), self.passes)
        except Exception as error:  # Died, or an error of ours: the other ops are searched all the same
            self.failed[case.op] = one_line(f"{type(error).__name__}: {error}")
            return Injected()

    def _search(self, case: OpCase, ask: Ask) -> Injected:
        from harness.surface.injected import injected
        from harness.surface.options import options
        from harness.surface.tame import Drawn

        drawn = Drawn.of(case, profile(PROFILE), SEED)
        return injected(drawn, options(case.op), self.opinfo.get(case.op, ()), ask)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write what is to be kept of these families; return the exit status."""
    parser = argparse.ArgumentParser(prog=WRITES, description=__doc__)
    parser.add_argument("families", nargs="*", default=tuple(catalog()), help="only these families")
    options = parser.parse_args(arguments)
    os.environ.setdefault("TORCH_CPP_LOG_LEVEL", "ERROR")
    logging.disable()  # torch tells of each call that it refuses
    try:
        return _write(options.families)
    except OpcovError as error:
        print(f"injections: {error}", file=sys.stderr)
        return error.code


def _write(families: Sequence[str]) -> int:
    for family in families:
        if family not in catalog():
            raise UnknownName("family", family, catalog())
    use(INSTALLED)
    opinfo.trace()  # makes it where there is none: pairs of arguments are those that OpInfo combines
    keeper = Keeper(on_control(), of_opinfo()[0])
    gc.freeze()
    for family in families:
        found = [keeper.of(case) for case in catalog()[family]]
        samples = [sample for of in found for sample in of.samples]
        pairs = [promotion for of in found for promotion in of.promotions]
        count = sum(len(promotion.dtypes) for promotion in pairs)
        print(f"{family}: {plural(len(samples), 'sample')}, {count:,} for the nightly", flush=True)
        picks_file.write(INJECTED, {family: samples})
        picks_file.write_texts(PROMOTED, {family: promotions.text(pairs)})
    for op, why in keeper.failed.items():
        print(f"not searched: {op}: {why}")
    return Exit.FOUND if keeper.failed else Exit.OK


if __name__ == "__main__":
    sys.exit(main())
