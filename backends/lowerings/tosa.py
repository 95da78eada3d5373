"""The TOSA lowering."""

from __future__ import annotations

from backends import ir
from harness.protocols import ContractBroken, Lowered
from harness.repro import VALIDATIONS

from .lowering import Lowering, shortened


class Tosa(Lowering):
    """Torch-mlir's TOSA pipeline; `allowed` mirrors `VerifyTosaBackendContract`: functions, TOSA,
    tensor constants of `arith`, and `tensor.cast` between known and unknown sizes.

    What it emits is held to the TOSA specification, as upstream's `tosa-validate` checks it.
    """

    name = "tosa"
    pipeline = "builtin.module(torch-backend-to-tosa-backend-pipeline)"
    allowed = frozenset(("tosa",))
    allowed_ops = frozenset(("builtin.module", "func.func", "func.return", "arith.constant", "tensor.cast"))

    def verify(self, lowered: Lowered) -> None:
        """Verify the module, look for leaked dialects, then ask the specification; raises ContractBroken."""
        super().verify(lowered)
        static, dynamic = VALIDATIONS["tosa"]
        try:
            ir.lowered(lowered.ir, dynamic if "?" in lowered.ir else static)
        except ir.PassFailed as failure:
            raise ContractBroken(f"not what the specification allows\n{shortened(failure.reason)}") from None
