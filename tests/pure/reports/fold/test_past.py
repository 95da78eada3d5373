from __future__ import annotations

import pytest

from reports.fold.past import day_of, past
from tests.pure.commands.test_baseline import toolchain
from tests.synthetic import HEADER, index


@pytest.mark.parametrize(
    ("version", "day"),
    [
        ("20261001", "2026-10-01"), ("2026.8.1", "2026-08-01"), ("20261001.1234", "2026-10-01"),
        ("20261399", ""), ("0.1.0", ""), ("", ""),
    ],
)  # fmt: skip
def test_a_version_that_is_a_day_dates_its_compiler(version: str, day: str) -> None:
    assert day_of(version) == day


def test_a_run_is_known_by_the_compiler_that_it_loaded() -> None:
    wheel = past(index((), toolchains=[toolchain(torch_mlir="20261001")]).run)
    assert (wheel.label, wheel.date, wheel.name) == ("torch-mlir 20261001", "2026-10-01", HEADER["run"])
    build = toolchain()
    build["packages"]["torch_mlir"] = {"path": "/build/torch_mlir", "revision": "0a1b2c3d4e+"}
    own = past(index((), toolchains=[build]).run)
    assert (own.label, own.date) == ("torch_mlir 0a1b2c3d4e+", "2026-11-22")
    assert own.identity != wheel.identity
    assert past(index((), toolchains=[build]).run, "2026-11-01").date == "2026-11-01"
