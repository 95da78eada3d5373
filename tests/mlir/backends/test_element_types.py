from __future__ import annotations

import pytest

from backends.ir import PassFailed, check
from backends.lowerings.tosa import VALIDATIONS, Tosa
from harness.cases.dtypes import DTYPES
from harness.programs import plugins

MLIR = {"bool": "i1", "c64": "complex<f32>", "c128": "complex<f64>", "u8": "ui8"}
"""The names of element types in MLIR that are not those of dtypes."""


@pytest.mark.parametrize("backend", plugins.names(plugins.BACKENDS, plugins.CASCADES))
def test_every_dialect_names_its_element_types_and_where_that_is_written(backend: str) -> None:
    said = getattr(plugins.backend(backend), "element_types", None)
    if backend == "control":
        assert said is None
        return
    assert said is not None
    assert said.source
    assert set(said.types) <= set(DTYPES)
    assert said.json() == {"types": dict(said.types), "source": said.source}


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_validator_agrees_on_what_tosa_has(dtype: str) -> None:
    tensor = f"tensor<2x{MLIR.get(dtype, dtype)}>"
    body = f"%0 = tosa.identity %a : ({tensor}) -> {tensor} return %0 : {tensor}"
    text = f"func.func @main(%a: {tensor}) -> {tensor} {{ {body} }}"
    try:
        check(text, VALIDATIONS[0])
        allowed = True
    except PassFailed:
        allowed = False
    assert allowed == (dtype in Tosa.element_types.types)
