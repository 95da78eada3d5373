from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from harness.pytest_plugin.items import early_warm_up
from harness.pytest_plugin.options import SUITES
from harness.running.request import WarmUp


def config(*ops: str, args: tuple[str, ...] = (str(SUITES),), **options: Any) -> Any:
    none = {"backend": [], "mode": [], "dtype": [], "cascades": False, "collectonly": False}
    return SimpleNamespace(args=list(args), option=SimpleNamespace(**{"op": list(ops), **none, **options}))


def test_a_run_of_few_ops_says_early_what_to_warm_up() -> None:
    asked = early_warm_up(config("aten.relu.default", backend=["tosa"], mode=["static"]))
    assert asked == WarmUp(backends=("tosa",), modes=("static",), fully=False)
    both = early_warm_up(config("aten.relu.default,aten.exp.default"))
    assert both is not None
    assert {"linalg", "tosa", "stablehlo", "control"} <= set(both.backends)
    assert both.modes == ("static", "dynamic")


@pytest.mark.parametrize(
    "other",
    [
        config(),
        config("aten.conv*"),
        config("aten.relu.default", "aten.exp.default", "aten.log.default"),
        config("aten.relu.default", collectonly=True),
        config("aten.relu.default", dist="load"),
        config("aten.relu.default", args=("tests/pure",)),
    ],
)
def test_any_other_run_waits_for_what_is_collected(other: Any) -> None:
    assert early_warm_up(other) is None
