"""The StableHLO lowering."""

from __future__ import annotations

from harness.programs.protocols import Recipe

from .lowering import Lowering


class Stablehlo(Lowering):
    """torch-mlir's StableHLO pipeline; non-finite values are allowed, as `torch_mlir.fx` does by default.

    `allowed` mirrors `VerifyStablehloBackendContract`: StableHLO and CHLO; tensor, arith, math and shape for the sizes
    of dynamic programs.
    """

    name = "stablehlo"
    recipe = Recipe(
        dialect="stablehlo",
        output_type="stablehlo",
        pipeline="builtin.module(torch-backend-to-stablehlo-backend-pipeline{allow-non-finites=True})",
    )
    allowed = frozenset(("stablehlo", "chlo", "tensor", "arith", "math", "shape"))
    allowed_ops = frozenset(("builtin.module", "func.func", "func.return"))
