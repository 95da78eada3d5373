"""Cascades: torch-mlir's lowering to TOSA or StableHLO, then upstream's conversion of the result to linalg.

The conversion is the one that upstream gives its users, without the corrections that our executors add.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace

from backends import ir
from backends.executors.llvm_jit import STABLEHLO_TO_LINALG, TOSA_TO_LINALG, register_stablehlo_passes
from harness.programs.protocols import Contract, ContractBroken, Lowered, Recipe, Refused

from .linalg import Linalg
from .lowering import Lowering, operations, shortened
from .stablehlo import Stablehlo
from .tosa import Tosa


class Cascade:
    """A base lowering, then a conversion of its dialect to linalg.

    A subclass sets the `name`, the `base` lowering and the `recipe` with the conversion.
    """

    name: str
    base: Lowering
    recipe: Recipe

    def __init__(self) -> None:
        """Raise BadCompiler if this torch-mlir lacks a pass of the conversion."""
        assert self.recipe.conversion is not None
        ir.require(f"the backend {self.name}", self.recipe.conversion)

    def lower(self, contract: Contract) -> Lowered:
        """Lower, verify and convert.

        Raises what the base raises, and Refused with the first op that has no conversion. Raises ContractBroken if all
        ops were converted but the result is not valid.
        """
        lowered = self.base.lower(contract)
        try:
            self.base.verify(lowered)
        except ContractBroken as broken:
            raise ContractBroken(f"the lowering to {self.base.name} itself: {broken}") from None
        assert self.recipe.conversion is not None
        try:
            converted = replace(lowered, dialect="linalg", ir=ir.lowered(lowered.ir, self.recipe.conversion))
        except ir.PassFailed as failure:
            diagnostic = shortened(failure.reason)
            named = (match[1] for d in failure.diagnostics for match in _OP_IN_MESSAGE.finditer(d.message))
            if left := self._unconverted(named):
                raise Refused(diagnostic, left[0]) from None
            raise ContractBroken(f"the conversion of {self.base.name} to linalg: {diagnostic}") from None
        if left := self._unconverted(operations(converted)):
            raise Refused(f"{', '.join(dict.fromkeys(left))} left in linalg IR: there is no conversion", left[0])
        return converted

    def verify(self, lowered: Lowered) -> None:
        """Check the result as linalg; raises ContractBroken."""
        Linalg().verify(lowered)

    def _unconverted(self, names: Iterable[str]) -> list[str]:
        """Return the ops of the dialects that had to be converted.

        Constants come last: a constant is left because an op that uses it was not converted.
        """
        found = [name for name in names if name.partition(".")[0] in self.recipe.converted]
        return sorted((name for name in found if name not in _TERMINATORS), key=_CONSTANTS.__contains__)


_TERMINATORS = frozenset(("tosa.yield", "stablehlo.return", "shape.assuming_yield", "shape.yield", "shape.return"))
_CONSTANTS = frozenset(("tosa.const", "tosa.const_shape", "stablehlo.constant", "shape.const_shape"))
_OP_IN_MESSAGE = re.compile(r"(?:operation |^)'([\w.]+)'")


class TosaLinalg(Cascade):
    """TOSA, then `tosa-to-linalg` and its companion passes, as in torch-mlir's own tests of TOSA."""

    name = "tosa-linalg"
    base = Tosa()
    element_types = Tosa.element_types
    recipe = replace(
        Tosa.recipe,
        dialect="linalg",
        conversion=f"builtin.module({','.join(TOSA_TO_LINALG)})",
        converted=("tosa",),
    )


class StablehloLinalg(Cascade):
    """StableHLO, then `stablehlo-legalize-to-linalg`, which does not convert the `shape` ops of dynamic modules."""

    name = "stablehlo-linalg"
    base = Stablehlo()
    element_types = Stablehlo.element_types
    recipe = replace(
        Stablehlo.recipe,
        dialect="linalg",
        conversion=f"builtin.module({','.join(STABLEHLO_TO_LINALG)})",
        converted=("stablehlo", "chlo", "shape"),
    )

    def __init__(self) -> None:
        register_stablehlo_passes()
        super().__init__()
