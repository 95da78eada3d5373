"""The `tosa-reference` executor: Arm's TOSA reference model, against which the specification is tested.

`tosa-opt` serializes the module's text to the flatbuffer that the model reads. A module with unknown sizes is first
made static for the sizes of the call: its arguments get these sizes and MLIR's own shape inference does the rest, so
the artifact of the dynamic lowering is what runs. The model refuses what the specification calls an error or
unpredictable at run time, such as an integer sum that overflows.
"""

from __future__ import annotations

import functools
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Any

import numpy as np
import torch

from harness.programs.protocols import CannotExecute, Executable, Lowered

from .llvm_jit import is_static, specialized

os.environ |= {
    "FUNC_NO_SIG_HANDLERS": "1",
    "TOSA_MODEL_NO_BACKTRACE": "1",
}  # without these, a failure waits for a debugger
import tosa_reference_model as model

SERIALIZE_SECONDS = 20
_TAKEN_AS = {torch.uint8: torch.int8, torch.uint16: torch.int16, torch.bfloat16: torch.int16}
"""Dtypes that NumPy or the model has no name for, and the dtype as whose bits the model takes them."""


class TosaReference:
    """Executor of TOSA on Arm's reference model."""

    name = "tosa-reference"
    dialects = frozenset(("tosa",))
    isolated = True
    reusable = True

    def compile(self, lowered: Lowered) -> Executable:
        """Return a function that makes the module static for the sizes of each call, serializes it and runs it."""

        def run(inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
            text = lowered.ir
            if not is_static(text):
                text = specialized(text, "tosa", [t.shape for t in inputs])
            return evaluated(serialized(text), inputs)

        return run


_CONSTANT = re.compile(r"arith\.constant (dense(?:_resource)?<.*>) : (tensor<.*>)$", re.MULTILINE)


def serialized(text: str) -> bytes:
    """Serialize a static module to a flatbuffer; raises CannotExecute with the error of `tosa-opt`."""
    serializable = _CONSTANT.sub(r'"tosa.const"() <{values = \1 : \2}> : () -> \2', text)
    with tempfile.TemporaryDirectory(prefix="opcov-") as folder:
        target = Path(folder) / "module.tosa"
        command = [_tool(), "--tosa-serialize", f"--tosa-flatbuffer-filename={target}", "-", "-o", "/dev/null"]
        try:
            done = subprocess.run(
                command, input=serializable, capture_output=True, text=True, timeout=SERIALIZE_SECONDS, check=False
            )
        except subprocess.TimeoutExpired:
            raise CannotExecute(f"tosa-opt does not end in {SERIALIZE_SECONDS} s") from None
        if done.returncode or not target.exists():
            raise CannotExecute(f"tosa-opt does not serialize it: {_error_of(done)}")
        return target.read_bytes()


@functools.cache
def _tool() -> str:
    """Return the path of `tosa-opt`: the binary in the package tosa-tools.

    The script of that name beside the Python interpreter starts another interpreter, which takes longer than the tool.
    """
    packaged = Path(str(metadata.distribution("tosa-tools").locate_file("bin/tosa-opt")))
    return str(packaged if packaged.exists() else Path(sys.executable).parent / "tosa-opt")


def _error_of(done: subprocess.CompletedProcess[str]) -> str:
    """Return the first error that the process printed, without its location; else its signal or exit status."""
    lines = [line for line in done.stderr.splitlines() if "error" in line.lower()] or done.stderr.splitlines()
    message = re.sub(r"^.*?error: ", "", lines[0]).strip() if lines else ""
    return message[:300] or (f"signal {-done.returncode}" if done.returncode < 0 else f"exit {done.returncode}")


def evaluated(flatbuffer: bytes, inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Run the model on the inputs; raises CannotExecute."""
    try:
        results, status = model.run(flatbuffer, [_array(t) for t in inputs])
    except ValueError as error:
        raise CannotExecute(f"the model does not take it: {error}") from None
    if status != model.GraphStatus.TOSA_VALID:
        raise CannotExecute(f"the model says {status.name}")
    return [_tensor(array) for array in results]


def _array(t: torch.Tensor) -> Any:
    t = t.detach().contiguous()
    return t.view(_TAKEN_AS.get(t.dtype, t.dtype)).numpy()


def _tensor(array: Any) -> torch.Tensor:
    """Return the model's result as a tensor: bfloat16 is two bytes an element, and rank 0 must not become rank 1."""
    if array.dtype == np.dtype("V2"):
        return torch.from_numpy(array.view(np.int16).copy()).view(torch.bfloat16)
    return torch.from_numpy(array.copy()).reshape(array.shape)
