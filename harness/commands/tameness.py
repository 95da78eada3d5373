"""`opcov ops --tame`: search the cases of the registry, one after another, each in a fork."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from harness.cases.case import OpCase
from harness.cases.profile import profile
from harness.cases.sample import Sample
from harness.errors import MissingPackage
from harness.records.outcome import Passed
from harness.surface import opinfo
from harness.surface.tame_report import Tameness
from harness.text import one_line

from .arguments import Progress
from .check import control

if TYPE_CHECKING:
    from harness.cases.argument_facets import Option
    from harness.surface.asking import Ask, Passes
    from harness.surface.tame import Drawn

T = TypeVar("T")
Find = Callable[["Drawn", "Sequence[Option]", Sequence[Sample], "Ask"], T]
"""From what a case draws, its optional arguments, OpInfo's samples, and how to ask, to what is looked for."""
PROFILE = "default"
SEED = 0


@dataclass(slots=True)
class Searcher:
    """Searches cases, each in a fork; `failed` are the ops that could not be searched, with the reason.

    `passes` says whether the control passes a call; `opinfo` has the samples of OpInfo by op.
    """

    passes: Passes
    opinfo: Mapping[str, Sequence[Sample]]
    failed: dict[str, str] = field(default_factory=dict)

    def of(self, case: OpCase, find: Find[T]) -> T | None:
        """What is found in what a case draws in the profile `default` with seed 0; None if it cannot be searched."""
        from harness.surface.asking import ask_in_fork

        try:
            return ask_in_fork(case, partial(self._search, case, find), self.passes)
        except Exception as error:  # Died, or an error of ours: the other ops are searched all the same
            self.failed[case.op] = one_line(f"{type(error).__name__}: {error}")
            return None

    def _search(self, case: OpCase, find: Find[T], ask: Ask) -> T:
        from harness.surface.options import options
        from harness.surface.tame import Drawn

        return find(Drawn.of(case, profile(PROFILE), SEED), options(case.op), self.opinfo.get(case.op, ()), ask)


def tameness(cases: Mapping[str, Sequence[OpCase]]) -> Tameness:
    """Return what the censuses of these cases, given by family, never hold in the profile `default` with seed 0."""
    import torch

    from harness.surface.tame import Drawn, Lack, lacks

    samples, note = of_opinfo()
    searcher = Searcher(on_control(), samples)
    torch.set_num_threads(1)  # a fork has one thread; it must not wait for others
    searched = [case for family in cases.values() for case in family]
    found: list[Lack] = []
    if searched:
        Drawn.of(searched[0], profile(PROFILE), SEED)  # loads hypothesis, so that no fork has to
    gc.freeze()
    progress = Progress("opcov: trying what is never drawn", "op")
    for done, case in enumerate(searched):
        progress(done, len(searched))
        found += searcher.of(case, lacks) or []
    progress.end()
    families = {case.op: family for family, members in cases.items() for case in members}
    return Tameness(lacks=found, families=families, failed=searcher.failed, note=note)


def on_control() -> Passes:
    """Whether the control passes a call, as a function of the case and the sample."""
    pipeline = control()

    def passes(case: OpCase, sample: Sample) -> bool:
        return isinstance(pipeline.run(case, sample, "control", lambda stage: None).outcome, Passed)

    return passes


def of_opinfo() -> tuple[Mapping[str, Sequence[Sample]], str]:
    """The samples of OpInfo by op, and what to say if there are none."""
    without = "pairs of arguments were not tried: OpInfo was not traced, run `python -m harness.surface.opinfo`"
    try:
        if not opinfo.is_traced():
            return {}, without
        calls = opinfo.trace().samples
    except MissingPackage as error:
        return {}, f"pairs of arguments were not tried: {error}"
    return {op: [s for by in found.values() for s in by if s.origin == "opinfo"] for op, found in calls.items()}, ""
