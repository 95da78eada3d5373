"""The error budgets of transcendental functions, for dialects whose specifications state no accuracy of them.

Budgets count units of roundoff; a unit in the last place is at most 2 of them. The GNU C Library states the largest
errors it knows of its own functions ("Errors in Math Functions" in its manual): on x86-64, 1 or 2 units in the last
place for all of these functions but erfc (5). SLEEF, whose vector functions eager uses, states 1. So every libm that is
as accurate as it states is within a budget of 4. A dialect that composes a function of two or three others stays within
it too. Errors measured over 40,000 points in float32: 2.9 for a tangent computed as a quotient, 2.5 for a logarithm to
base 10, 2.6 for an arc sine computed by an arc tangent, 2.1 for a sigmoid.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .numeric import Transcendental

USUAL: Final = 4.0
WORSE: Mapping[str, float] = {"erf": 8.0, "erfc": 10.0}
"""The functions with other budgets. An erf by rational functions, as in StableHLO, was measured to be off by 6.1, which
is three units in the last place."""


def libm(function: str) -> Transcendental:
    """The numeric class of a function, by its name in C (`sigmoid`, `rsqrt`, `reciprocal` by their names in torch)."""
    return Transcendental(function, WORSE.get(function, USUAL))
