"""A torch-mlir with known faults: links to the installed one, whose pass manager is replaced by `MANAGER`.

Its lowerings miscompile `aten.sin` (to a cosine), die on `aten.tanh` and refuse `aten.exp`. What its executors compile
has `math.ceil` in place of `math.floor`.
"""

from __future__ import annotations

from pathlib import Path

MANAGER = '''
import os

from ._mlir_libs._mlir.passmanager import *
from ._mlir_libs._mlir.passmanager import PassManager as _PassManager
from .ir import InsertionPoint, MLIRError, Operation, WalkResult


class PassManager:
    """Runs pipelines, and does harm ahead of those that lower."""

    def __init__(self, real):
        self._real = real

    @classmethod
    def parse(cls, pipeline, *context):
        return cls(_PassManager.parse(pipeline, *context))

    def __str__(self):
        return str(self._real)

    def __getattr__(self, name):
        return getattr(self._real, name)

    def run(self, operation):
        if "torch-backend-to" in str(self._real) or "torch-to-" in str(self._real):
            _harm(operation)
        else:
            operation.walk(_floors)
        self._real.run(operation)


def _floors(op):
    if op.name == "math.floor":
        _replace(op, "math.ceil")
        return WalkResult.INTERRUPT
    return WalkResult.ADVANCE


def _harm(operation):
    text = str(operation)
    if "torch.aten.tanh " in text:
        os.write(2, b"a mutant dies")
        os.abort()
    if "torch.aten.exp " in text:
        raise MLIRError("a mutant refuses", [])
    for function in operation.regions[0].blocks[0]:
        for op in list(function.regions[0].blocks[0]):
            if op.operation.name == "torch.aten.sin":
                _replace(op.operation, "torch.aten.cos")


def _replace(op, name):
    with op.context, op.location, InsertionPoint(op):
        other = Operation.create(name, results=[op.results[0].type], operands=[op.operands[0]])
    op.results[0].replace_all_uses_with(other.results[0])
    op.erase()
'''


def mutated(folder: Path) -> Path:
    """Write the compiler with the faults into a folder; return the folder."""
    linked(folder, "passmanager.py")
    (folder / "torch_mlir" / "passmanager.py").write_text(MANAGER, encoding="ascii")
    return folder


def linked(folder: Path, *without: str) -> Path:
    """A folder with links to the installed compiler, but for the files whose name has one of these texts in it."""
    import torch_mlir

    installed = Path(next(iter(torch_mlir.__path__)))
    for file in installed.rglob("*"):
        link = folder / "torch_mlir" / file.relative_to(installed)
        if file.is_dir():
            link.mkdir(parents=True, exist_ok=True)
        elif not any(name in file.name for name in without):
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(file)
    return folder
