"""Which frontend takes a sample to the backend contract."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from harness.cases.road import EXPORT
from harness.cases.sample import Sample
from harness.programs import plugins
from harness.programs.protocols import Frontend


@dataclass(frozen=True, slots=True)
class Frontends:
    """The built-in frontend, and the others by their names, each made when the first sample needs it."""

    built_in: Frontend
    make: Callable[[str], Frontend] = plugins.frontend
    _made: dict[str, Frontend] = field(default_factory=dict)

    def __call__(self, sample: Sample) -> Frontend:
        """The frontend of the sample's road; raises UnknownName and MissingPackage."""
        name = sample.road.frontend
        if name == EXPORT:
            return self.built_in
        if name not in self._made:
            self._made[name] = self.make(name)
        return self._made[name]
