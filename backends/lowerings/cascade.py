"""Cascades: torch-mlir's lowering to TOSA or StableHLO, then upstream's conversion of that to linalg.

The conversion is the one upstream gives its users, without what our own executors mend before and after it.
"""

from __future__ import annotations

import re
from dataclasses import replace

from backends import ir
from backends.executors.llvm_jit import STABLEHLO_TO_LINALG, TOSA_TO_LINALG, register_stablehlo_passes
from harness.protocols import Contract, ContractBroken, Lowered, Recipe, Refused

from .linalg import Linalg
from .lowering import Lowering, shortened
from .stablehlo import Stablehlo
from .tosa import Tosa


class Cascade:
    """A base lowering, then a conversion of its dialect to linalg, held to the linalg contract by torch-mlir's check.

    Subclasses give the `name`, the `base`, the `recipe`, and the dialects that the conversion must leave nothing of.
    """

    name: str
    base: Lowering
    recipe: Recipe
    converted: frozenset[str]

    def lower(self, contract: Contract) -> Lowered:
        """Lower, verify and convert.

        Raises what the base raises, and Refused with the first op that has no conversion. Raises ContractBroken where
        all were converted and the result is not valid, or holds what linalg's contract does not allow.
        """
        lowered = self.base.lower(contract)
        try:
            self.base.verify(lowered)
        except ContractBroken as broken:
            raise ContractBroken(f"the lowering to {self.base.name} itself: {broken}") from None
        assert self.recipe.conversion is not None
        try:
            text = ir.lowered(lowered.ir, self.recipe.conversion)
        except ir.PassFailed as failure:
            said = shortened(failure.reason)
            if (culprit := self._stopped_at(failure)) is None:
                raise ContractBroken(f"the conversion of {self.base.name} to linalg: {said}") from None
            raise Refused(said, culprit) from None
        return Lowered(dialect="linalg", ir=text, program=contract.program)

    def verify(self, lowered: Lowered) -> None:
        """Check the result as linalg; raises ContractBroken."""
        Linalg().verify(lowered)

    def _stopped_at(self, failure: ir.PassFailed) -> str | None:
        """The op of a converted dialect that the diagnostics name, or that is left where the closing check fails.

        A constant only where there is no other: its user is what was not converted.
        """
        messages = [d.message for d in failure.diagnostics]
        named = [match[1] for message in messages for match in _NAMED.finditer(message)]
        left = failure.left if any("does not conform to the" in message for message in messages) else ()
        found = [op for op in (*named, *left) if op.partition(".")[0] in self.converted]
        return next((op for op in found if op not in _CONSTANTS), next(iter(found), None))


_CONSTANTS = ("tosa.const", "tosa.const_shape", "stablehlo.constant", "shape.const_shape")
_NAMED = re.compile(r"(?:operation |^)'([\w.]+)'")


def _conversion(passes: tuple[str, ...]) -> str:
    return f"builtin.module({','.join(passes)},torch-verify-linalg-on-tensors-backend-contract)"


class TosaLinalg(Cascade):
    """TOSA, then `tosa-to-linalg` and what goes with it, as torch-mlir's own tests of TOSA do it."""

    name = "tosa-linalg"
    base = Tosa()
    recipe = replace(Tosa.recipe, dialect="linalg", conversion=_conversion(TOSA_TO_LINALG))
    converted = frozenset(("tosa",))


class StablehloLinalg(Cascade):
    """StableHLO, then `stablehlo-legalize-to-linalg`; the `shape` ops of dynamic modules have no conversion."""

    name = "stablehlo-linalg"
    base = Stablehlo()
    recipe = replace(Stablehlo.recipe, dialect="linalg", conversion=_conversion(STABLEHLO_TO_LINALG))
    converted = frozenset(("stablehlo", "chlo", "shape"))

    def __init__(self) -> None:
        register_stablehlo_passes()
