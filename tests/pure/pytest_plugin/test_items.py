from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.programs import tcp_opt
from harness.pytest_plugin.items import early_warm_up
from harness.pytest_plugin.options import SUITES, WHERE, is_whole, selection
from harness.records.query import parse
from harness.running.request import WarmUp


def config(*ops: str, args: tuple[str, ...] = (str(SUITES),), where: str = "", **options: Any) -> Any:
    stash = {WHERE: parse(where)} if where else {}
    none = {"backend": [], "mode": [], "dtype": [], "cascades": False, "collectonly": False}
    none |= {"replay": None, "cells": None, "frontend": [], "transform": [], "decompositions": [], "legal_op": []}
    option = SimpleNamespace(**{"op": list(ops), **none, **options})
    return SimpleNamespace(args=list(args), option=option, stash=stash)


def test_a_run_of_few_ops_says_early_what_to_warm_up() -> None:
    asked = early_warm_up(config("aten.relu.default", backend=["tosa"], mode=["static"]))
    assert asked == WarmUp(backends=("tosa",), modes=("static",), fully=False)
    both = early_warm_up(config("aten.relu.default,aten.exp.default"))
    assert both is not None
    assert {"linalg", "tosa", "stablehlo", "control"} <= set(both.backends)
    assert both.modes == ("static", "dynamic")


def test_a_query_that_selects_few_ops_names_them_too() -> None:
    asked = early_warm_up(config(where="op:aten.relu.default backend:tosa,linalg"))
    assert asked is not None
    assert set(asked.backends) == {"tosa", "linalg"}
    assert early_warm_up(config(where="op:aten.conv*")) is None
    assert early_warm_up(config(where="not op:aten.conv*")) is None


def test_cascades_have_the_column_tcp_only_where_there_is_a_binary(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv(tcp_opt.VARIABLE, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    asked = config(cascades=True, backend=["tosa"])
    assert set(selection(asked).backends) == {"tosa", "tosa-linalg", "stablehlo-linalg"}
    assert "tcp" in selection(config(backend=["tcp"])).backends
    monkeypatch.setenv(tcp_opt.VARIABLE, "a-binary")
    assert "tcp" in selection(asked).backends


def test_a_query_narrows_the_registry() -> None:
    assert is_whole(config(keyword=""))
    assert not is_whole(config(keyword="", where="backend:*"))


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
