"""The TOSA lowering."""

from __future__ import annotations

from backends import ir
from harness.programs.protocols import Lowered, OutsideSpecification, Recipe
from harness.records.element_types import ElementTypes

from .lowering import Lowering, shortened

_TARGET = (
    "tosa-attach-target{specification_version=1.1.draft profiles=pro_int,pro_fp level=8k extensions="
    "int4,int16,int64,bf16,fp8e4m3,fp8e5m2,mxfp,fft,variable,controlflow,doubleround,inexactround,dynamic,shape}"
)
VALIDATIONS = (
    f"builtin.module({_TARGET},tosa-validate{{strict-op-spec-alignment=true}})",
    f"builtin.module({_TARGET},tosa-validate)",
)
"""TOSA 1.1, both profiles, every extension, level 8K: the first pipeline for static modules, the second for dynamic.

The strict alignment requires every shape to be explicit; the dialect allows an unknown size to be inferred (-1).
"""

ELEMENT_TYPES = ElementTypes(
    types={
        "bool": "PRO-INT, PRO-FP",
        "i8": "PRO-INT",
        "i16": "PRO-INT, EXT-INT16",
        "i32": "PRO-INT, PRO-FP",
        "i64": "EXT-INT64",
        "f16": "PRO-FP",
        "f32": "PRO-FP",
        "bf16": "EXT-BF16",
    },
    source="TOSA specification 1.1 draft: number formats and the operators' supported data types; DType in tosa.fbs",
)
"""Of the types that opcov draws, TOSA has neither f64 nor complex numbers, and integers without a sign.

An unsigned byte is a reading of `tosa.rescale`, not an element type, so u8 is not among them.
"""


class Tosa(Lowering):
    """torch-mlir's TOSA pipeline; its result must also conform to the TOSA specification, as `tosa-validate` checks it.

    `allowed` and `allowed_ops` mirror `VerifyTosaBackendContract`: functions, TOSA, tensor constants of `arith`, and
    `tensor.cast` between known and unknown sizes.
    """

    name = "tosa"
    recipe = Recipe(
        dialect="tosa",
        output_type="tosa",
        pipeline="builtin.module(torch-backend-to-tosa-backend-pipeline)",
        validations=VALIDATIONS,
    )
    element_types = ELEMENT_TYPES
    allowed = frozenset(("tosa",))
    allowed_ops = frozenset(("builtin.module", "func.func", "func.return", "arith.constant", "tensor.cast"))

    def verify(self, lowered: Lowered) -> None:
        """Verify the module, look for leaked dialects, then check the specification.

        Raises ContractBroken, or OutsideSpecification where only the last check fails.
        """
        super().verify(lowered)
        static, dynamic = VALIDATIONS
        try:
            ir.check(lowered.ir, dynamic if "?" in lowered.ir else static)
        except ir.PassFailed as failure:
            raise OutsideSpecification(f"not what the specification allows\n{shortened(failure.reason)}") from None
