"""The naive path, for `make bench` to measure against: everything anew per sample and backend, as users write it."""

from __future__ import annotations

from torch_mlir import fx

from harness.programs.protocols import Lowered, Program, Recipe


def lower(program: Program, recipe: Recipe) -> Lowered:
    """What `torch_mlir.fx.export_and_import` makes of a program; raises whatever it raises."""
    module = fx.export_and_import(
        program.module, *program.args, output_type=recipe.output_type, dynamic_shapes=program.dynamic_shapes
    )
    return Lowered(dialect=recipe.dialect, ir=str(module), program=program)
