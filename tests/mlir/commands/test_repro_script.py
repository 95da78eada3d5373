"""The text of the standalone script, which is not run here."""

from __future__ import annotations

import re
import types
from dataclasses import replace
from math import inf, nan
from typing import Any

import pytest
import torch

from harness.cases.libm import libm
from harness.cases.strategies import unary
from harness.commands.repro_script import script
from harness.judging.reference import runs
from harness.programs import plugins
from harness.records.outcome import Passed
from tests.samples import relu

CASE = unary("aten.exp.default", numeric=libm("exp"))
SAMPLE = replace(relu(5), op="aten.exp.default")


def embedded(backend: str) -> torch.Tensor:
    """The bounds of the first output in the script."""
    text = script(CASE, SAMPLE, backend, plugins.backend(backend).recipe, Passed(0.1, ("a",)), [("Executor", "")])
    found = re.search(r"^bounds = (\(.*?^\))", text, re.MULTILINE | re.DOTALL)
    assert found
    bounds: tuple[torch.Tensor] = eval(found[1], {"torch": torch, "inf": inf, "nan": nan})
    return bounds[0]


@pytest.mark.parametrize("backend", ["linalg", "tosa", "stablehlo"])
def test_a_script_holds_the_bounds_of_its_backends_dialect(backend: str) -> None:
    (run,) = runs(SAMPLE, CASE.numeric)
    want = run.outputs[0].within(backend)
    assert want is not None
    assert torch.equal(embedded(backend), want)


def test_what_tosa_promises_is_in_no_other_script() -> None:
    assert torch.equal(embedded("linalg"), embedded("stablehlo"))
    assert not torch.equal(embedded("linalg"), embedded("tosa"))


def test_the_executor_that_decides_is_given_the_ir_and_its_dialect() -> None:
    source = (
        "class Second:\n    def compile(self, lowered):\n        return lambda inputs: [lowered.ir, lowered.dialect]\n"
    )
    recipe = plugins.backend("linalg").recipe
    text = script(CASE, SAMPLE, "linalg", recipe, Passed(0.1, ("a",)), [("First", ""), ("Second", source)])
    _, _, executors = text.partition("# the executor ")
    executors, _, _ = executors.partition("# end of the executor")
    scope: dict[str, Any] = {"types": types}
    exec(executors.partition("\n")[2], scope)
    assert scope["run_lowered"]("the IR", "linalg", []) == ["the IR", "linalg"]
