"""The control backend: it lowers nothing, so that eager is compared with itself through the whole harness."""

from __future__ import annotations

from dataclasses import replace

from harness.programs.protocols import Contract, Lowered


class Control:
    """Passes the program on to the eager executor: any outcome but `Passed` is a fault of the harness."""

    name = "control"
    starts = "export"

    def lower(self, contract: Contract) -> Lowered:
        """Return the contract's program, in the dialect `eager`: its arguments are its own, whatever `main` takes."""
        return Lowered(dialect="eager", ir=contract.ir, program=replace(contract.program, arguments=()))

    def verify(self, lowered: Lowered) -> None:
        """Check nothing."""
