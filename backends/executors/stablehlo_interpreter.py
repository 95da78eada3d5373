"""The `stablehlo-interpreter` executor: the StableHLO reference interpreter, against which the specification is tested.

CHLO is legalized to StableHLO first. A module with unknown sizes is made static for the sizes of the call, as in
`llvm_jit`, so the artifact of the dynamic lowering is what runs. The interpreter ends the process at an op that it does
not know, so the executor is isolated.
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
    """Executor of StableHLO on its reference interpreter."""

    name = "stablehlo-interpreter"
    dialects = frozenset(("stablehlo",))
    isolated = True
    reusable = True

    def compile(self, lowered: Lowered) -> Executable:
        """Return a function that makes the module static for the sizes of each call and interprets it."""

        def run(inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
            with interpretable(lowered.ir, [t.shape for t in inputs]) as module:
                return _interpreted(module, inputs)

        return run


def _interpreted(module: ir.Module, inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    arguments = [value.type for value in main_of(module).regions[0].blocks[0].arguments]
    if len(inputs) != len(arguments):
        raise CannotExecute(f"main takes {len(arguments)} arguments, not {len(inputs)}")
    given = [_attribute(t, ir.RankedTensorType(kind)) for t, kind in zip(inputs, arguments, strict=True)]
    kinds = _make_results_readable(module)
    attributes = iter(_stablehlo.eval_module(module, given))
    return [_result(attributes, kind) for kind in kinds]


def _attribute(t: torch.Tensor, kind: ir.RankedTensorType) -> ir.Attribute:
    """Return a tensor's bytes as elements of the argument's type."""
    t = t.detach().contiguous()
    array = t.view(torch.int16).numpy() if t.dtype == torch.bfloat16 else t.numpy()
    return ir.DenseElementsAttr.get(array, type=kind.element_type, shape=list(t.shape))


def _make_results_readable(module: ir.Module) -> list[torch.dtype]:
    """Make the function return types that Python can read, in place; return the dtypes of the original results.

    A complex result becomes two, its real and its imaginary part; bfloat16 becomes float32. Raises CannotExecute.
    """
    main = main_of(module)
    (block,) = main.regions[0].blocks
    terminator = block.operations[len(block.operations) - 1]
    kinds, plain = [], []
    with ir.InsertionPoint(terminator), terminator.location:
        for value in terminator.operands:
            element = str(ir.RankedTensorType(value.type).element_type)
            if element not in DTYPES:
                raise CannotExecute(f"values of type {element} cannot be passed")
            kinds.append(DTYPES[element])
            plain += _parts(value, kinds[-1])
        ir.Operation.create("func.return", operands=plain)
    terminator.erase()
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


def _result(attributes: Iterator[ir.Attribute], dtype: torch.dtype) -> torch.Tensor:
    if dtype.is_complex:
        return torch.complex(_tensor(next(attributes)), _tensor(next(attributes)))
    return _tensor(next(attributes)).to(dtype)


def _tensor(attribute: ir.Attribute) -> torch.Tensor:
    shape = ir.RankedTensorType(attribute.type).shape
    return torch.from_numpy(np.array(attribute)).reshape(shape)
