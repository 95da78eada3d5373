"""The `iree` executor: IREE's compiler and runtime on the CPU, which share no code of ours with `llvm-jit`.

`iree-compile` takes the linalg that torch-mlir emits, in a process of its own. IREE's runtime runs the result at any
sizes, on the driver `local-sync`. What IREE does beyond the module as it is written is switched off (`FLAGS`).

An access out of bounds does not end it, and it leaves out some assertions. So it may be right by luck, and its being
right does not always count: `harness/judging/opinion.py`.
"""

from __future__ import annotations

import math
import re
import resource
import signal
import subprocess
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import metadata
from typing import Any

import iree.runtime
import numpy as np
import torch

from harness.programs.elements import raw
from harness.programs.fork import die_with_parent
from harness.programs.protocols import CannotExecute, Executable, Lowered
from harness.text import one_line

from .llvm_jit import Signature, Value, signature_of

_TOOLS = metadata.distribution("iree-base-compiler")
"""The package with the compiler. Its Python modules load an MLIR of their own, so only its binaries are used."""
FLAGS = (
    "--iree-input-type=auto",
    "--iree-hal-target-backends=llvm-cpu",
    "--iree-llvmcpu-target-cpu=generic",  # the same code on every machine, without fused multiply-adds
    "--iree-opt-level=O0",  # sums keep their order, assertions stay
    "--iree-input-demote-f64-to-f32=false",
    "--iree-input-demote-i64-to-i32=false",
    "--iree-llvmcpu-skip-intermediate-roundings=false",  # f16 is rounded after each operation
    "--iree-llvmcpu-enable-ukernels=none",
    "--mlir-disable-threading",  # such small modules are compiled no faster by more threads, and a tenth dearer
)
COMPILE_SECONDS = 10
"""The CPU time that compiling may take."""
WAITED_SECONDS = 15.0
"""How long is waited for it; less than what an executor has that is asked for a second opinion."""
MAX_REASON = 300
"""Characters of IREE's reason for a refusal that are kept."""
_ELEMENT = iree.runtime.HalElementType
ELEMENTS: Mapping[torch.dtype, Any] = {
    torch.bool: _ELEMENT.BOOL_8,
    torch.int8: _ELEMENT.SINT_8,
    torch.int16: _ELEMENT.SINT_16,
    torch.int32: _ELEMENT.SINT_32,
    torch.int64: _ELEMENT.SINT_64,
    torch.float16: _ELEMENT.FLOAT_16,
    torch.bfloat16: _ELEMENT.BFLOAT_16,
    torch.float32: _ELEMENT.FLOAT_32,
    torch.float64: _ELEMENT.FLOAT_64,
    torch.complex64: _ELEMENT.COMPLEX_64,
    torch.complex128: _ELEMENT.COMPLEX_128,
}
"""IREE's name for the elements of each dtype."""


class Iree:
    """Executor of linalg on IREE, asked for a second opinion."""

    name = "iree"
    dialects = frozenset(("linalg",))
    isolated = True
    reusable = True

    def compile(self, lowered: Lowered) -> Executable:
        """Compile once, for every size; raises CannotExecute."""
        signature = signature_of(lowered.ir)
        return Module(_bytecode(lowered.ir), signature)


def _bytecode(text: str) -> bytes:
    """The bytecode of a module; raises CannotExecute with the error of `iree-compile`."""
    try:
        done = subprocess.run(
            command(),
            input=text.encode(),
            capture_output=True,
            timeout=WAITED_SECONDS,
            check=False,
            preexec_fn=_begin,
        )
    except subprocess.TimeoutExpired:
        raise CannotExecute(f"IREE does not compile it in {WAITED_SECONDS:g} s") from None
    if done.returncode in (-signal.SIGXCPU, -signal.SIGKILL):
        raise CannotExecute(f"IREE does not compile it in {COMPILE_SECONDS} s of CPU time")
    if done.returncode or not done.stdout:
        raise CannotExecute(f"IREE does not compile it: {_error_of(done)}")
    return done.stdout


def _begin() -> None:
    """In the compiler's process: end with this one, and bound the CPU time, which no other process changes."""
    die_with_parent()
    resource.setrlimit(resource.RLIMIT_CPU, (COMPILE_SECONDS, COMPILE_SECONDS + 1))


def command() -> list[str]:
    """The command that compiles what it reads from stdin to bytecode on stdout."""
    return [binary("iree-compile"), "-", *FLAGS, f"--iree-llvmcpu-embedded-linker-path={binary('iree-lld')}"]


@cache
def binary(name: str) -> str:
    """The path of a binary of the package with the compiler."""
    return str(_TOOLS.locate_file(f"iree/compiler/_mlir_libs/{name}"))


def _error_of(done: subprocess.CompletedProcess[bytes]) -> str:
    """The first error that the process printed, without its location; else its signal or exit status."""
    lines = done.stderr.decode(errors="replace").splitlines()
    errors = [re.sub(r"^.*?error: ", "", line).strip() for line in lines if "error" in line.lower()]
    return errors[0][:MAX_REASON] if errors else f"signal {-done.returncode}" if done.returncode < 0 else "no output"


class Module:
    """A compiled module in IREE's runtime, ready to run at all sizes that it admits.

    Raises RuntimeError or ValueError if the bytecode is not valid, or has no function `main`.
    """

    def __init__(self, bytecode: bytes, signature: Signature) -> None:
        config = iree.runtime.Config("local-sync")
        self._device = config.device
        self._context = iree.runtime.SystemContext(config=config)
        module = iree.runtime.VmModule.copy_buffer(self._context.instance, bytecode)
        self._context.add_vm_module(module)
        self._main = module.lookup_function("main")
        self._arguments, self._results = signature.arguments, signature.results

    def __call__(self, inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Run `main`; raises CannotExecute."""
        if len(inputs) != len(self._arguments):
            raise CannotExecute(f"main takes {len(self._arguments)} arguments, not {len(inputs)}")
        given, returned = iree.runtime.VmVariantList(len(inputs)), iree.runtime.VmVariantList(len(self._results))
        for tensor, kind in zip(inputs, self._arguments, strict=True):
            self._push(given, tensor.detach().contiguous(), kind)
        try:
            self._context.vm_context.invoke(self._main, given, returned)
            return [_pulled(returned, place, kind) for place, kind in enumerate(self._results)]
        except (RuntimeError, ValueError) as error:
            raise CannotExecute(f"IREE does not run it: {one_line(str(error))[:MAX_REASON]}") from None

    def _push(self, values: Any, tensor: torch.Tensor, kind: Value) -> None:
        if tensor.element_size() != kind.dtype.itemsize:
            raise CannotExecute(f"{tensor.dtype} was passed where the module takes {kind.dtype}")
        if kind.rank is None:
            number = tensor.view(kind.dtype).item()
            values.push_float(number) if kind.dtype.is_floating_point else values.push_int(int(number))
            return
        buffer = self._device.allocator.allocate_buffer_copy(
            int(iree.runtime.MemoryType.DEVICE_LOCAL),
            int(iree.runtime.BufferUsage.DEFAULT),
            self._device,
            raw(tensor).numpy(),
        )
        values.push_ref(iree.runtime.HalBufferView(buffer, list(tensor.shape), int(ELEMENTS[kind.dtype])))


def _pulled(values: Any, place: int, kind: Value) -> torch.Tensor:
    """Copy a result into a tensor of its own."""
    if kind.rank is None:
        return torch.tensor(values.get_variant(place), dtype=kind.dtype)
    view = values.get_as_object(place, iree.runtime.HalBufferView)
    shape = list(view.shape)
    if 0 in shape:
        return torch.empty(shape, dtype=kind.dtype)
    size = math.prod(shape) * kind.dtype.itemsize
    found = torch.from_numpy(view.map().asarray([size], np.dtype(np.uint8)).copy())
    if kind.dtype is torch.bool:
        return found.ne(0).reshape(shape)
    return found.view(kind.dtype).reshape(shape)
