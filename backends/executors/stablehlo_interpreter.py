"""The `stablehlo-interpreter` executor: the StableHLO reference interpreter, which the specification is tested against.

CHLO is spelled out as StableHLO first. A module with unknown sizes is made static for the sizes of the call, as the
LLVM executor does it: what runs is the dynamic artifact still. The interpreter ends the process on what it does not
know, so the executor is isolated.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch_mlir import ir
from torch_mlir._mlir_libs import _stablehlo

from harness.programs.protocols import CannotExecute, Executable, Lowered

from .llvm_jit import DTYPES, interpretable, main_of


class StablehloInterpreter:
    """Runs StableHLO on its reference interpreter."""

    name = "stablehlo-interpreter"
    dialects = frozenset(("stablehlo",))
    isolated = True

    def compile(self, lowered: Lowered) -> Executable:
        """Nothing yet: the sizes of the call decide what is interpreted."""

        def run(inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
            with interpretable(lowered.ir, [t.shape for t in inputs]) as module:
                return _interpreted(module, inputs)

        return run


def _interpreted(module: ir.Module, inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    arguments = [value.type for value in main_of(module).regions[0].blocks[0].arguments]
    if len(inputs) != len(arguments):
        raise CannotExecute(f"main takes {len(arguments)} arguments, not {len(inputs)}")
    given = [_attribute(t, ir.RankedTensorType(kind)) for t, kind in zip(inputs, arguments, strict=True)]
    kinds = _plain_results(module)
    found = iter(_stablehlo.eval_module(module, given))
    return [_result(found, kind) for kind in kinds]


def _attribute(t: torch.Tensor, kind: ir.RankedTensorType) -> ir.Attribute:
    """A tensor's bytes as elements of the argument's type."""
    t = t.detach().contiguous()
    array = t.view(torch.int16).numpy() if t.dtype == torch.bfloat16 else t.numpy()
    return ir.DenseElementsAttr.get(array, type=kind.element_type, shape=list(t.shape))


def _plain_results(module: ir.Module) -> list[torch.dtype]:
    """The dtypes of the results, after the function was made to return what Python can read.

    A complex number is returned as its real and its imaginary part, bfloat16 as float32.
    """
    main = main_of(module)
    (block,) = main.regions[0].blocks
    back = block.operations[len(block.operations) - 1]
    kinds, plain = [], []
    with ir.InsertionPoint(back), back.location:
        for value in back.operands:
            element = str(ir.RankedTensorType(value.type).element_type)
            if element not in DTYPES:
                raise CannotExecute(f"values of type {element} cannot be passed")
            kinds.append(DTYPES[element])
            plain += _parts(value, kinds[-1])
        ir.Operation.create("func.return", operands=plain)
    back.erase()
    kind = ir.FunctionType(ir.TypeAttr(main.attributes["function_type"]).value)
    types = [value.type for value in plain]
    main.attributes["function_type"] = ir.TypeAttr.get(ir.FunctionType.get(kind.inputs, types))
    return kinds


def _parts(value: ir.Value, dtype: torch.dtype) -> list[ir.Value]:
    shape = ir.RankedTensorType(value.type).shape
    if dtype.is_complex:
        part = ir.RankedTensorType.get(shape, ir.ComplexType(ir.RankedTensorType(value.type).element_type).element_type)
        return [ir.Operation.create(f"stablehlo.{which}", [part], [value]).results[0] for which in ("real", "imag")]
    if dtype == torch.bfloat16:
        wide = ir.RankedTensorType.get(shape, ir.F32Type.get())
        return [ir.Operation.create("stablehlo.convert", [wide], [value]).results[0]]
    return [value]


def _result(found: Iterator[ir.Attribute], dtype: torch.dtype) -> torch.Tensor:
    if dtype.is_complex:
        return torch.complex(_tensor(next(found)), _tensor(next(found)))
    return _tensor(next(found)).to(dtype)


def _tensor(attribute: ir.Attribute) -> torch.Tensor:
    shape = ir.RankedTensorType(attribute.type).shape
    return torch.from_numpy(np.array(attribute)).reshape(shape)
