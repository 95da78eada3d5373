"""The TOSA lowering."""

from __future__ import annotations

from .lowering import Lowering


class Tosa(Lowering):
    """Torch-mlir's TOSA pipeline; `allowed` mirrors `VerifyTosaBackendContract`: functions, TOSA,
    tensor constants of `arith`, and `tensor.cast` between known and unknown sizes."""

    name = "tosa"
    pipeline = "builtin.module(torch-backend-to-tosa-backend-pipeline)"
    allowed = frozenset(("tosa",))
    allowed_ops = frozenset(("builtin.module", "func.func", "func.return", "arith.constant", "tensor.cast"))
