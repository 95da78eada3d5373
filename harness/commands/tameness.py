"""`opcov ops --tame`: search the cases of the registry, one after another, each in a fork."""

from __future__ import annotations

import gc
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

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
    from harness.surface.asking import Passes

PROFILE = "default"
SEED = 0


def tameness(cases: Mapping[str, Sequence[OpCase]]) -> Tameness:
    """Return what the censuses of these cases, given by family, never hold in the profile `default` with seed 0."""
    import torch

    from harness.surface.asking import ask_in_fork
    from harness.surface.options import options
    from harness.surface.tame import Drawn, Lack, lacks

    passes = on_control()
    torch.set_num_threads(1)  # a fork has one thread; it must not wait for others
    samples, note = of_opinfo()
    searched = [case for family in cases.values() for case in family]
    found: list[Lack] = []
    failed: dict[str, str] = {}
    if searched:
        Drawn.of(searched[0], profile(PROFILE), SEED)  # loads hypothesis, so that no fork has to
    gc.freeze()
    progress = Progress("opcov: trying what is never drawn", "op")
    for done, case in enumerate(searched):
        progress(done, len(searched))
        try:
            found += ask_in_fork(
                case,
                lambda ask, case=case: lacks(  # type: ignore[misc]
                    Drawn.of(case, profile(PROFILE), SEED), options(case.op), samples.get(case.op, ()), ask
                ),
                passes,
            )
        except Exception as error:  # Died, or an error of ours: the other ops are searched all the same
            failed[case.op] = one_line(f"{type(error).__name__}: {error}")
    progress.end()
    families = {case.op: family for family, members in cases.items() for case in members}
    return Tameness(lacks=found, families=families, failed=failed, note=note)


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
