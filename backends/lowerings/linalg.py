"""The Linalg-on-Tensors lowering."""

from __future__ import annotations

from harness.cases.dtypes import EVERY
from harness.programs.protocols import Recipe
from harness.records.element_types import ElementTypes

from .lowering import Lowering


class Linalg(Lowering):
    """torch-mlir's Linalg-on-Tensors pipeline; non-finite values are allowed, as `torch_mlir.fx` does by default.

    `allowed` mirrors `VerifyLinalgOnTensorsBackendContract`: linalg and tensor, scalar arith, math and complex,
    control flow, ml_program for random seeds, TMTensor for ops that linalg cannot express.
    """

    name = "linalg"
    recipe = Recipe(
        dialect="linalg",
        output_type="linalg-on-tensors",
        pipeline="builtin.module(torch-backend-to-linalg-on-tensors-backend-pipeline{allow-non-finites=True})",
    )
    element_types = ElementTypes(
        types=dict.fromkeys(EVERY, ""),
        source="MLIR's builtin dialect: a tensor has any integer, float or complex elements",
    )
    allowed = frozenset(
        (
            "arith",
            "math",
            "complex",
            "linalg",
            "tensor",
            "affine",
            "cf",
            "scf",
            "ml_program",
            "tm_tensor",
            "sparse_tensor",
        )
    )
    allowed_ops = frozenset(("builtin.module", "func.func", "func.return"))
