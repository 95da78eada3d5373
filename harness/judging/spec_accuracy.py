"""The accuracy that a dialect's specification promises of its transcendental ops, in the specification's own terms.

TOSA: each op's section "Precision Requirements" in chapters/activation_funcs.adoc, ewise_unary.adoc and
ewise_binary.adoc of the specification, versions 1.0 and 1.1, with `calcAbsErrorBound` and `tosa_reference_check_fp` of
its pseudocode. Where the conformance tests of the reference model (tosa-tools 2026.8, generator/tosa_test_gen.py,
"compliance") allow more, their bound is taken: the base bounds of EXP, SIN and TANH, half a unit of 1 for LOG. The
tests precompute POW; its bound here is the specification's. TOSA has no float64 and no complex numbers. It lets
subnormal numbers be flushed to zero, which no executor of TOSA here does; a flushed result is not excused.

StableHLO says that the accuracy of its elementwise functions is implementation-defined; linalg and math say nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.cases.dtypes import BF16, F16, F32, Dtype


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A function evaluated elementwise, of which an error bound is asked.

    `dtype` is that of the executor's result; `result` is the float64 reference and `argument` the function's first
    argument in float64, both tensors.
    """

    dtype: Dtype
    result: Any
    argument: Any

    @property
    def err_base(self) -> float:
        """`err_base` of EXP and TANH."""
        return 3.0 if self.dtype is F32 else 1.0

    @property
    def abs_argument(self) -> Any:
        """The magnitude of the argument."""
        return self.argument.abs()

    @property
    def abs_log_result(self) -> Any:
        """The magnitude of the result's logarithm: for x to the power of y, |y log(x)|."""
        return self.result.abs().log().abs().nan_to_num(0.0, 0.0, 0.0)

    def ulps(self, n: float) -> Any:
        """`n` units in the last place of the reference, as in `tosa_reference_check_fp`."""
        exponent = self.result.abs().clamp(min=self.dtype.tiny).frexp().exponent - 1
        return n * self._ulp_of_1() * 2.0**exponent

    def abs_error(self, magnitude: Any, factor: Any, *, lower: float = 0.0, divisor: int = 1) -> Any:
        """`calcAbsErrorBound`: |magnitude| x factor, at least `lower`, times the unit in the last place of 1.

        `divisor` divides the number of digits that the result must have.
        """
        bound = magnitude.abs().clamp(min=self.dtype.tiny) * factor
        return self._ulp_of_1(divisor) * bound.clamp(min=lower)

    def _ulp_of_1(self, divisor: int = 1) -> float:
        """The unit in the last place of 1, a power of 2; its exponent is divided and rounded towards zero."""
        return math.ldexp(1.0, math.trunc((math.log2(self.dtype.roundoff) + 1) / divisor))


ErrorBound = Callable[[Evaluation], Any]
"""From an evaluation to a float64 tensor: the largest error that each element may have."""

SPEC_ACCURACY: Mapping[str, Mapping[str, ErrorBound]] = {
    "tosa": {
        "cos": lambda e: e.abs_error(1 + e.abs_argument, 1.0, divisor=2),
        "erf": lambda e: e.ulps(5),
        "exp": lambda e: e.abs_error(e.result, e.err_base + e.abs_argument),
        "log": lambda e: e.abs_error(e.result, 5.0, lower=0.5),
        "pow": lambda e: e.abs_error(e.result, 2 * (1 + e.abs_log_result)),
        "reciprocal": lambda e: e.ulps(1),
        "rsqrt": lambda e: e.ulps(2),
        "sigmoid": lambda e: e.abs_error(e.result, 2 * (1 + e.abs_argument)),
        "sin": lambda e: e.abs_error(2 * e.abs_argument, 1.0, divisor=2).clamp(min=math.pi * e.dtype.tiny),
        "tanh": lambda e: e.abs_error(e.result, 4 * (e.err_base + e.abs_argument), lower=0.5),
    }
}
"""The bounds, by dialect and by the function that `numeric.Transcendental` names."""

FLOATS = (F32, F16, BF16)
"""The dtypes for which the bounds hold."""


def spec_accuracy(dialect: str, function: str, dtype: Dtype) -> ErrorBound | None:
    """Return the bound that the dialect's specification promises of a function in a dtype, or None if there is none."""
    return SPEC_ACCURACY.get(dialect, {}).get(function) if dtype in FLOATS else None
