"""Samples as hypothesis generates them, without what it does around each one for the sake of tests."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import TYPE_CHECKING

from .sample import Sample

if TYPE_CHECKING:
    from hypothesis import settings
    from hypothesis.strategies import SearchStrategy


def generate(
    strategy: SearchStrategy[Sample], collect: Callable[[Sample], None], wanted: settings, random: Random
) -> None:
    """Hand `collect` each sample that `hypothesis.find` would try for a condition that no sample meets.

    Mirrors `hypothesis.find` and what it calls in `hypothesis.core` (6.x) down to the engine: it prepares each draw for
    what a test may do, such as to use Python's global random numbers, and that takes a third of the time.
    """
    from hypothesis.control import BuildContext
    from hypothesis.errors import UnsatisfiedAssumption
    from hypothesis.internal.conjecture.data import ConjectureData
    from hypothesis.internal.conjecture.engine import ConjectureRunner

    def draw(data: ConjectureData) -> None:
        try:
            with BuildContext(data, wrapped_test=collect):
                sample = data.draw(strategy)
        except UnsatisfiedAssumption:
            data.mark_invalid()
        collect(sample)

    ConjectureRunner(draw, settings=wanted, random=Random(random.getrandbits(64)), database_key=None).run()
