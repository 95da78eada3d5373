"""The `xla` executor: XLA's CPU compiler, the compiler that StableHLO programs are made for.

XLA gets a portable artifact of the module, at the version of StableHLO that jaxlib reads. Tensors go in and come out by
DLPack, so none changes its dtype. A module with unknown sizes is made static for the sizes of the call, as for the
StableHLO interpreter. XLA's client starts threads, which a fork does not inherit: a new client is made at each call,
and the executor is isolated.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Sequence

import torch
from torch.utils.dlpack import from_dlpack
from torch_mlir import ir
from torch_mlir._mlir_libs import _stablehlo

from harness.programs.protocols import CannotExecute, Executable, Lowered

from .llvm_jit import DTYPES, interpretable, main_of, operations

os.environ |= {"TF_CPP_MIN_LOG_LEVEL": "2", "PJRT_NPROC": "1"}  # XLA prints errors only, and computes on one thread
from jaxlib import _jax, xla_client
from jaxlib.mlir.dialects import stablehlo

FLAGS = (
    ("xla_cpu_enable_fast_math", False),  # x - x is NaN if x is NaN
    ("xla_cpu_enable_fast_min_max", False),  # the maximum of NaN and a number is NaN
    ("xla_allow_excess_precision", False),  # conversions to 16 bits and back stay
    ("xla_backend_optimization_level", 0),  # else LLVM fuses a product and a sum, and rounds once
    ("xla_disable_hlo_passes", "algsimp,fusion"),  # log(exp(x)) is not made x; f16 is rounded after each operation
    ("xla_cpu_use_fusion_emitters", False),  # they have nothing to fuse, and compile twice as slowly
)
"""Options that keep XLA to the program as it is written.

Without them a lowering that loses precision or overflows may come out right, and a right lowering wrong. XLA still
takes subnormal numbers for zero: that is fixed in its client.
"""

MAX_REASON = 300
"""Characters of XLA's reason for a refusal that are kept; pages follow."""


class XlaCpu:
    """Executor of StableHLO on XLA's CPU client."""

    name = "xla"
    dialects = frozenset(("stablehlo",))
    isolated = True
    reusable = True

    def compile(self, lowered: Lowered) -> Executable:
        """Return a function that makes the module static for the sizes of each call, compiles it and runs it."""

        def run(inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
            with interpretable(lowered.ir, [t.shape for t in inputs]) as module:
                dtypes = _argument_dtypes(module)
                _crop_negative_padding(module)
                artifact = _portable_artifact(module)
            if len(inputs) != len(dtypes):
                raise CannotExecute(f"main takes {len(dtypes)} arguments, not {len(inputs)}")
            return _executed(artifact, [t.detach().contiguous().view(d) for t, d in zip(inputs, dtypes, strict=True)])

        return run


def _argument_dtypes(module: ir.Module) -> list[torch.dtype]:
    arguments = main_of(module).regions[0].blocks[0].arguments
    return [DTYPES[str(ir.RankedTensorType(argument.type).element_type)] for argument in arguments]


def _crop_negative_padding(module: ir.Module) -> None:
    """Rewrite negative padding as a pad and a slice: in XLA only the pass for algebra, which is disabled, does so."""
    for op in operations(module):
        if op.name != "stablehlo.pad":
            continue
        low, high = (list(ir.DenseI64ArrayAttr(op.attributes[f"edge_padding_{edge}"])) for edge in ("low", "high"))
        if min(low + high, default=0) >= 0:
            continue
        kind = ir.RankedTensorType(op.results[0].type)
        start = [max(0, -n) for n in low]
        whole = [size + a + max(0, -b) for size, a, b in zip(kind.shape, start, high, strict=True)]
        limit = [a + size for a, size in zip(start, kind.shape, strict=True)]
        with ir.InsertionPoint(op), op.location:
            pad = {
                "edge_padding_low": _array(max(0, n) for n in low),
                "edge_padding_high": _array(max(0, n) for n in high),
                "interior_padding": op.attributes["interior_padding"],
            }
            wide = ir.RankedTensorType.get(whole, kind.element_type)
            padded = ir.Operation.create("stablehlo.pad", [wide], list(op.operands), pad).results
            crop = {"start_indices": _array(start), "limit_indices": _array(limit), "strides": _array(1 for _ in start)}
            cropped = ir.Operation.create("stablehlo.slice", [kind], list(padded), crop)
        op.results[0].replace_all_uses_with(cropped.results[0])
        op.erase()


def _array(numbers: Iterable[int]) -> ir.Attribute:
    return ir.DenseI64ArrayAttr.get(list(numbers))


def _portable_artifact(module: ir.Module) -> bytes:
    version = stablehlo.get_current_version()
    try:
        artifact: bytes = _stablehlo.serialize_portable_artifact(module, version)
    except ValueError as error:
        raise CannotExecute(f"StableHLO {version} cannot express it: {error}") from None
    return artifact


def _executed(artifact: bytes, inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Compile the artifact and run it on the inputs; raises CannotExecute."""
    (device,) = xla_client.make_cpu_client(asynchronous=False, num_devices=1).local_devices()
    options = xla_client.CompileOptions()
    options.env_option_overrides = list(FLAGS)
    try:
        program = device.client.compile_and_load(artifact, [device], options)
        given = [_jax.dlpack_managed_tensor_to_buffer(t.__dlpack__(), device, None) for t in inputs]
        arrays = program.execute_sharded(given).disassemble_into_single_device_arrays()
    except _jax.JaxRuntimeError as error:
        raise CannotExecute(f"XLA refuses it: {' '.join(str(error).split())[:MAX_REASON]}") from None
    return [from_dlpack(_jax.buffer_to_dlpack_managed_tensor(array)) for (array,) in arrays]
