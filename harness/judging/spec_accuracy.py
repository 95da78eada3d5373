"""The accuracy that a dialect's specification promises of its transcendental ops, in the specification's own terms.

TOSA: each op's section "Precision Requirements" in chapters/activation_funcs.adoc, ewise_unary.adoc and
ewise_binary.adoc of the specification, versions 1.0 and 1.1, with `calcAbsErrorBound` and `tosa_reference_check_fp` of
its pseudocode. Where the conformance tests of the reference model (tosa-tools 2026.8, generator/tosa_test_gen.py,
"compliance") are looser, theirs: the base bounds of EXP, SIN and TANH, half a unit of 1 for LOG. POW is precomputed
there: its bound is that of the specification. TOSA has no float64 and no complex numbers. It lets subnormals be
flushed, which no executor here does: a flushed one is not excused.

StableHLO says that the accuracy of its elementwise functions is implementation-defined; linalg and math say nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.cases.dtypes import BF16, F16, F32, Dtype


@dataclass(frozen=True, slots=True)
class At:
    """Where a bound is asked for: the float64 tensors of reference and first argument, and the dtype of the result."""

    dtype: Dtype
    result: Any
    argument: Any

    @property
    def base(self) -> float:
        """`err_base` of EXP and TANH."""
        return 3.0 if self.dtype is F32 else 1.0

    @property
    def x(self) -> Any:
        """The magnitude of the argument."""
        return self.argument.abs()

    @property
    def log(self) -> Any:
        """The magnitude of the result's logarithm: for x to the power of y, |y log(x)|."""
        return self.result.abs().log().abs().nan_to_num(0.0, 0.0, 0.0)

    def ulp(self, n: float) -> Any:
        """`tosa_reference_check_fp`: units in the last place of the reference."""
        exponent = self.result.abs().clamp(min=self.dtype.tiny).frexp().exponent - 1
        return n * self._ulp() * 2.0**exponent

    def within(self, magnitude: Any, factor: Any, *, lower: float = 0.0, divisor: int = 1) -> Any:
        """`calcAbsErrorBound`: so many units in the last place of a magnitude, whose digits are divided."""
        bound = magnitude.abs().clamp(min=self.dtype.tiny) * factor
        return self._ulp(divisor) * bound.clamp(min=lower)

    def _ulp(self, divisor: int = 1) -> float:
        """Of 1; its exponent, divided, is rounded towards zero."""
        return math.ldexp(1.0, math.trunc((math.log2(self.dtype.roundoff) + 1) / divisor))


ErrorBound = Callable[[At], Any]
"""The largest error per element."""

SPEC_ACCURACY: Mapping[str, Mapping[str, ErrorBound]] = {
    "tosa": {
        "cos": lambda at: at.within(1 + at.x, 1.0, divisor=2),
        "erf": lambda at: at.ulp(5),
        "exp": lambda at: at.within(at.result, at.base + at.x),
        "log": lambda at: at.within(at.result, 5.0, lower=0.5),
        "pow": lambda at: at.within(at.result, 2 * (1 + at.log)),
        "reciprocal": lambda at: at.ulp(1),
        "rsqrt": lambda at: at.ulp(2),
        "sigmoid": lambda at: at.within(at.result, 2 * (1 + at.x)),
        "sin": lambda at: at.within(2 * at.x, 1.0, divisor=2).clamp(min=math.pi * at.dtype.tiny),
        "tanh": lambda at: at.within(at.result, 4 * (at.base + at.x), lower=0.5),
    }
}
"""By dialect and by function, as `numeric.Transcendental` names it."""

FLOATS = (F32, F16, BF16)
"""The dtypes that they are promised of."""


def spec_accuracy(dialect: str, function: str, dtype: Dtype) -> ErrorBound | None:
    """What the dialect promises of a function in a dtype, or None."""
    return SPEC_ACCURACY.get(dialect, {}).get(function) if dtype in FLOATS else None
