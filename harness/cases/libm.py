"""The stated budgets of transcendental functions, for dialects whose specifications promise nothing of them.

The GNU C Library states the largest errors it knows of its own ("Errors in Math Functions" in its manual): on x86-64,
1 or 2 units in the last place for all of these but erfc (5), and SLEEF, which eager uses, 1 for its vectors. A unit in
the last place is 2 of roundoff at most, so a budget of 4 holds any libm to its word; a dialect that has a function by
two or three others stays within it. Measured over 40,000 points in float32: 2.9 where a tangent is a quotient, 2.5 for
a logarithm to base 10, 2.6 for an arc sine by an arc tangent, 2.1 for a sigmoid.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from .numeric import Transcendental

USUAL: Final = 4.0
WORSE: Mapping[str, float] = {"erf": 8.0, "erfc": 10.0}
"""erf: by rational functions, as StableHLO has it, 6.1 were measured, three units in the last place."""


def libm(function: str) -> Transcendental:
    """The class of a function, by its name in C (`sigmoid`, `rsqrt` and `reciprocal` by their names in torch)."""
    return Transcendental(function, WORSE.get(function, USUAL))
