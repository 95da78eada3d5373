"""The `tosa-reference` executor: Arm's TOSA reference model, which the specification is tested against.

The module goes as text through `tosa-opt`, which serializes it to the flatbuffer that the model reads. One with unknown
sizes is first made static for the sizes of the call: its arguments are given them, and MLIR's own shape inference does
the rest, so that it is still the dynamic artifact that runs. What the specification calls an error or unpredictable at
run time, such as an integer sum that overflows, the model refuses.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from harness.programs.protocols import CannotExecute, Executable, Lowered

from .llvm_jit import is_static, specialized

os.environ |= {"FUNC_NO_SIG_HANDLERS": "1", "TOSA_MODEL_NO_BACKTRACE": "1"}  # else a failure waits for a debugger
import tosa_reference_model as model

SERIALIZE_SECONDS = 20
_AS = {torch.uint8: torch.int8, torch.uint16: torch.int16, torch.bfloat16: torch.int16}
"""How the model takes what NumPy or it has no name for: as the bits of another dtype."""


class TosaReference:
    """Runs TOSA on Arm's reference model."""

    name = "tosa-reference"
    dialects = frozenset(("tosa",))
    isolated = True

    def compile(self, lowered: Lowered) -> Executable:
        """Nothing yet: the sizes of the call decide what is serialized."""

        def run(inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
            text = lowered.ir
            if not is_static(text):
                text = specialized(text, "tosa", [t.shape for t in inputs])
            return evaluated(serialized(text), inputs)

        return run


_CONSTANT = re.compile(r"arith\.constant (dense(?:_resource)?<.*>) : (tensor<.*>)$", re.MULTILINE)


def serialized(text: str) -> bytes:
    """The flatbuffer of a static module; raises CannotExecute with what `tosa-opt` says."""
    spelled = _CONSTANT.sub(r'"tosa.const"() <{values = \1 : \2}> : () -> \2', text)
    with tempfile.TemporaryDirectory(prefix="opcov-") as folder:
        target = Path(folder) / "module.tosa"
        command = [_tool(), "--tosa-serialize", f"--tosa-flatbuffer-filename={target}", "-", "-o", "/dev/null"]
        try:
            done = subprocess.run(
                command, input=spelled, capture_output=True, text=True, timeout=SERIALIZE_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise CannotExecute(f"tosa-opt does not end in {SERIALIZE_SECONDS} s") from None
        if done.returncode or not target.exists():
            raise CannotExecute(f"tosa-opt does not serialize it: {_said(done)}")
        return target.read_bytes()


def _tool() -> str:
    """`tosa-opt` of the package tosa-tools, beside the interpreter."""
    return str(Path(sys.executable).parent / "tosa-opt")


def _said(done: subprocess.CompletedProcess[str]) -> str:
    """The first error it printed, without the place in the text."""
    lines = [line for line in done.stderr.splitlines() if "error" in line.lower()] or done.stderr.splitlines()
    said = re.sub(r"^.*?error: ", "", lines[0]).strip() if lines else ""
    return said[:300] or (f"signal {-done.returncode}" if done.returncode < 0 else f"exit {done.returncode}")


def evaluated(flatbuffer: bytes, inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """What the model makes of the inputs; raises CannotExecute."""
    try:
        results, status = model.run(flatbuffer, [_array(t) for t in inputs])
    except ValueError as error:
        raise CannotExecute(f"the model does not take it: {error}") from None
    if status != model.GraphStatus.TOSA_VALID:
        raise CannotExecute(f"the model says {status.name}")
    return [_tensor(array) for array in results]


def _array(t: torch.Tensor) -> Any:
    t = t.detach().contiguous()
    return t.view(_AS.get(t.dtype, t.dtype)).numpy()


def _tensor(array: Any) -> torch.Tensor:
    """The model's result; bfloat16 comes as two bytes an element, and rank 0 must not become rank 1."""
    if array.dtype == np.dtype("V2"):
        return torch.from_numpy(array.view(np.int16).copy()).view(torch.bfloat16)
    return torch.from_numpy(array.copy()).reshape(array.shape)
