"""The plugins keep to opcov's protocols, and opcov sees every miniature fault around them."""

from __future__ import annotations

from harness.conformance import check_backend, check_executor


def test_the_backend_conforms() -> None:
    assert "it refuses an op that it does not know" in check_backend("iree")


def test_the_executor_conforms() -> None:
    assert "it runs the module, not the program" in check_executor("iree-runtime", backend="iree")
