"""The control: no lowering at all, so that eager is compared with itself through the whole machinery."""

from __future__ import annotations

from harness.programs.protocols import Contract, Lowered


class Control:
    """Hands the program on to the eager executor; whatever is not `Passed` here is the harness's own fault."""

    name = "control"
    starts = "export"

    def lower(self, contract: Contract) -> Lowered:
        """Pass the contract on as the dialect `eager`."""
        return Lowered(dialect="eager", ir=contract.ir, program=contract.program)

    def verify(self, lowered: Lowered) -> None:
        """Nothing to check."""
