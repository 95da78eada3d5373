"""A torch-mlir that was built without StableHLO: whatever does not need it works."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import torch_mlir

CODE = """
import sys
from types import SimpleNamespace
import torch
from harness.programs import provider
provider.use(sys.argv[1])
from harness.programs import plugins
from harness.programs.protocols import CannotExecute
present, absent = plugins.executors()
print(*sorted(absent))
jit = next(executor for executor in present if executor.name == "llvm-jit")
tosa = '''func.func @main(%a: tensor<2xf32>) -> tensor<2xf32> {
  %0 = tosa.add %a, %a : (tensor<2xf32>, tensor<2xf32>) -> tensor<2xf32>
  return %0 : tensor<2xf32>
}'''
print(jit.compile(SimpleNamespace(ir=tosa, dialect="tosa"))([torch.tensor([1.0, 2.5])])[0].tolist())
try:
    jit.compile(SimpleNamespace(ir=tosa.replace("tosa", "stablehlo"), dialect="stablehlo"))
except CannotExecute as error:
    print(error)
"""


def test_only_what_needs_stablehlo_is_absent(tmp_path: Path) -> None:
    (installed,) = torch_mlir.__path__
    copy = tmp_path / "torch_mlir"
    for file in Path(installed).rglob("*"):
        if file.is_file() and not file.name.startswith("_stablehlo.") and "__pycache__" not in file.parts:
            link = copy / file.relative_to(installed)
            link.parent.mkdir(parents=True, exist_ok=True)
            link.symlink_to(file)
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path)], capture_output=True, text=True, check=False, timeout=120
    )
    assert done.stdout.splitlines() == [
        "stablehlo-interpreter xla",
        "[2.0, 5.0]",
        "this torch-mlir was built without StableHLO",
    ], done.stderr
