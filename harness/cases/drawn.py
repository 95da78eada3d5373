"""Which arguments a case draws: a sample that was written down earlier may have one that it no longer draws."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from .case import OpCase
from .draw import draw_count, draw_programs
from .plain import plain_call
from .profile import Profile
from .sample import Mode, Sample

MANY = 200
"""So many programs are drawn before an argument counts as one that the case does not draw."""


@dataclass(slots=True)
class Drawn:
    """The arguments that a case draws in one dtype and mode, found with no more work than a question needs.

    With the profile and seed of the census that had a sample, a case that has not changed draws its arguments at once.
    """

    case: OpCase
    dtype: str
    mode: Mode
    profile: Profile
    seed: int
    _known: list[frozenset[str]] = field(default_factory=list)

    def lacks(self, sample: Sample) -> tuple[str, ...]:
        """The arguments of a sample that the case no longer draws; none if the sample fits."""
        missing = set(sample.args)
        for drawn in self._more():
            missing -= drawn
            if not missing:
                return ()
        return tuple(name for name in sample.args if name in missing)

    def _more(self) -> Iterator[frozenset[str]]:
        yield from self._known
        plain = plain_call(self.case, self.mode) if not self._known else None
        counts = (0, draw_count(self.case, self.dtype, self.mode, self.profile), MANY)[len(self._known) :]
        for count in counts:
            drawn = draw_programs(self.case, self.dtype, self.mode, self.seed, count) if count else [plain]
            self._known.append(frozenset(name for sample in drawn if sample for name in sample.args))
            yield self._known[-1]
