"""The naive path, as users write it: everything is done anew for each sample and backend.

`make bench` compares the harness with it.
"""

from __future__ import annotations

from torch_mlir import fx

from harness.programs.protocols import Lowered, Program, Recipe


def lower(program: Program, recipe: Recipe) -> Lowered:
    """Lower a program with `torch_mlir.fx.export_and_import`; raises whatever that raises."""
    module = fx.export_and_import(
        program.module, *program.args, output_type=recipe.output_type, dynamic_shapes=program.dynamic_shapes
    )
    return Lowered(dialect=recipe.dialect, ir=str(module), program=program)
