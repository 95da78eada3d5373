"""A road as Python source: what a user of torch and torch-mlir writes to send a program along it."""

from __future__ import annotations

from harness.cases.road import DEFAULT, Level, Road

_TABLES: dict[Level, str] = {
    "core-aten": "dict(torch.export.default_decompositions())",
    "prims": "{**dict(torch.export.default_decompositions()), **torch._decomp.decomposition_table}",
    "none": "{}",
}


def undecomposed(road: Road) -> str:
    """Where nothing is decomposed, what makes an exported `program` functional: torch-mlir skips an empty table."""
    return "    program = program.run_decompositions({})\n" if road.level == "none" else ""


def arguments(road: Road) -> str:
    """The arguments of `fx.export_and_import` that the road adds, each after a comma."""
    table = f", decomposition_table={_TABLES[road.level]}" if road.level != DEFAULT.level else ""
    legal = f", backend_legal_ops={list(road.legal)!r}" if road.legal else ""
    return table + legal
