"""The StableHLO lowering."""

from __future__ import annotations

from harness.cases.dtypes import EVERY
from harness.programs.protocols import Recipe
from harness.records.element_types import ElementTypes

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
    element_types = ElementTypes(
        types=dict.fromkeys(EVERY, ""), source="StableHLO specification, Types: booleans, si and ui, floats, complex"
    )
    allowed = frozenset(("stablehlo", "chlo", "tensor", "arith", "math", "shape"))
    allowed_ops = frozenset(("builtin.module", "func.func", "func.return"))
