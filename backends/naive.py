"""The naive path, for `make bench` to measure against: everything anew per sample and backend, as users write it."""

from __future__ import annotations

from torch_mlir import fx

from harness.protocols import Lowered, Program
from harness.repro import OUTPUT_TYPES


def lower(program: Program, backend: str) -> Lowered:
    """What `torch_mlir.fx.export_and_import` makes of a program; raises whatever it raises."""
    module = fx.export_and_import(
        program.module, *program.args, output_type=OUTPUT_TYPES[backend], dynamic_shapes=program.dynamic_shapes
    )
    return Lowered(dialect=backend, ir=str(module), program=program)
