"""The `torch-dialect` executor: interprets torch-dialect IR and calls eager for every op.

A program whose IR is right on this executor was imported and decomposed rightly. An op is called by its name in the
dialect; its operands are the arguments of its schema, in order. Values of the dialect have no strides, so results are
contiguous and no memory format is passed. Results have the dtype that the IR gives them, because the lowerings rely on
the types. Ops that torch does not have (constants, lists, casts of types) are in `_BUILT_IN`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch_mlir import ir as mlir

from backends import ir
from harness.programs.protocols import CannotExecute, Executable, Lowered

from .llvm_jit import DTYPES, main_of, run_lowered, with_constants_in_place

Values = Sequence[Any]
Watch = Callable[[int, Values], None]
"""Receives the index of an op of `main` among its ops, and the values of the op's results."""


def _nobody(place: int, values: Values) -> None:
    pass


class TorchDialect:
    """Executor of torch-dialect IR in value semantics, at any sizes."""

    name = "torch-dialect"
    dialects = frozenset(("torch",))

    def compile(self, lowered: Lowered) -> Executable:
        """Return a function that parses the IR and interprets `main` at each call; nothing is compiled."""
        return lambda inputs: interpret(lowered.ir, inputs)


def interpret(
    text: str, inputs: Sequence[torch.Tensor], *, watch: Watch = _nobody, wide: bool = False
) -> list[torch.Tensor]:
    """Interpret `main` of the IR; raises CannotExecute.

    `watch` is told the values of each op of its block, as they come. With `wide`, all that the IR computes in a
    narrower floating or complex dtype is computed in float64 or complex128: give inputs in that dtype.
    """
    with ir.session() as session, torch.no_grad():
        module = session.parse(with_constants_in_place(text))  # what is in it lives as long as it does
        block = main_of(module).regions[0].blocks[0]
        results = _Interpreter(wide, watch).block(block, [t.contiguous() for t in inputs], {})
    return [torch.as_tensor(result) for result in results if result is not None]


class _Interpreter:
    """Interprets blocks; `watch` and `wide` as in `interpret`."""

    def __init__(self, wide: bool = False, watch: Watch = _nobody) -> None:
        self._wide = wide
        self._watch = watch

    def block(self, block: mlir.Block, arguments: Values, known: Mapping[mlir.Value, Any]) -> Values:
        """Interpret the block and return its terminator's operands; `known` are the values of enclosing blocks."""
        if len(arguments) != len(block.arguments):
            raise CannotExecute(f"a block takes {len(block.arguments)} arguments, not {len(arguments)}")
        values = {**known, **dict(zip(block.arguments, arguments, strict=True))}
        operands: Values = ()
        for place, view in enumerate(block.operations):
            op = view.operation
            operands = [values[operand] for operand in op.operands]
            results = self._op(op, operands, values)
            values |= zip(op.results, results, strict=True)
            if not known:
                self._watch(place, results)
        return operands

    def _op(self, op: mlir.Operation, operands: Values, known: Mapping[mlir.Value, Any]) -> Values:
        name = ir.name(op)
        if name in _CONTROL_FLOW:
            return _CONTROL_FLOW[name](self, op, operands, known)
        if name in _BUILT_IN:
            found = _BUILT_IN[name](op, operands)
            return [_as_wide(value) for value in found] if self._wide else found
        found = _call_eager(name, operands, wide=self._wide)
        many = found if len(op.results) > 1 else [found] if len(op.results) else []
        results = zip(many, op.results, strict=True)
        return [_as_type(value, str(result.type), wide=self._wide) for value, result in results]


_WIDE = {
    torch.float16: torch.float64,
    torch.bfloat16: torch.float64,
    torch.float32: torch.float64,
    torch.complex64: torch.complex128,
}
_WIDE_CODES = {5: 7, 6: 7, 15: 7, 8: 10, 9: 10}
"""The same as the numbers that the torch dialect has for dtypes (`c10::ScalarType`)."""


def _as_wide(value: Any) -> Any:
    return value.to(_WIDE.get(value.dtype, value.dtype)) if isinstance(value, torch.Tensor) else value


def _call_eager(name: str, operands: Values, *, wide: bool = False) -> Any:
    """Call torch's op of this name on the operands; raises CannotExecute."""
    op = _overload(name)
    if len(operands) > len(op._schema.arguments):
        raise CannotExecute(f"{name} has {len(operands)} operands, torch's has {len(op._schema.arguments)}")
    arguments = zip(op._schema.arguments, operands, strict=False)
    pairs = [(argument, value) for argument, value in arguments if argument.name != "memory_format"]
    if wide:
        pairs = [(a, _WIDE_CODES.get(value, value) if a.name == "dtype" else value) for a, value in pairs]
    try:
        found = op(
            *(value for argument, value in pairs if not argument.kwarg_only),
            **{argument.name: value for argument, value in pairs if argument.kwarg_only},
        )
    except Exception as error:  # eager may raise anything
        raise CannotExecute(f"{name}: {str(error).strip().partition(chr(10))[0][:300]}") from None
    return found


def _overload(name: str) -> torch._ops.OpOverload:
    namespace, base, *overload = name.removeprefix("torch.").split(".")
    try:
        found: torch._ops.OpOverload = getattr(
            getattr(getattr(torch.ops, namespace), base), ".".join(overload) or "default"
        )
    except (AttributeError, ValueError):
        raise CannotExecute(f"torch has no op for {name}") from None
    return found


_DTYPE = re.compile(r"!torch\.vtensor<(?:\[.*\]|\*),(.+)>")


def _as_type(value: Any, kind: str, *, wide: bool = False) -> Any:
    """Return a tensor contiguous and in the dtype of this type; tensors in a list keep their dtype."""
    if isinstance(value, torch.Tensor):
        declared = _DTYPE.fullmatch(kind)
        dtype = DTYPES.get(declared[1], value.dtype) if declared else value.dtype
        return value.to(_WIDE.get(dtype, dtype) if wide else dtype).contiguous()
    return [_as_type(each, "", wide=wide) for each in value] if isinstance(value, (list, tuple)) else value


_LITERAL = re.compile(r"\((dense\w*<.*>) : (tensor<.*>)\) :", re.DOTALL)


def _literal(op: mlir.Operation) -> torch.Tensor:
    """Return the tensor of a literal; raises CannotExecute.

    The JIT makes the tensors whose attribute the bindings do not have or whose dtype NumPy has no name for.
    """
    found = _LITERAL.search(str(op))
    if found is None:
        raise CannotExecute("a literal that is no dense tensor")
    text, kind = found.groups()
    if kind.endswith(("bf16>", "complex<f32>>", "complex<f64>>")):
        body = f"%0 = arith.constant {text} : {kind} return %0 : {kind}"
        return run_lowered(f"func.func @main() -> {kind} {{ {body} }}", "linalg", [])[0]
    attribute = op.attributes["value"]
    shaped = mlir.RankedTensorType(attribute.type)
    array = np.array(attribute).copy()
    return torch.from_numpy(array).reshape(shaped.shape).to(DTYPES[str(shaped.element_type)])


def _branch(run: _Interpreter, op: mlir.Operation, operands: Values, known: Mapping[mlir.Value, Any]) -> Values:
    return run.block(op.regions[0 if operands[0] else 1].blocks[0], (), known)


def _loop(run: _Interpreter, op: mlir.Operation, operands: Values, known: Mapping[mlir.Value, Any]) -> Values:
    most, going, *carried = operands
    for i in range(most):
        if not going:
            break
        going, *carried = run.block(op.regions[0].blocks[0], (i, *carried), known)
    return carried


_CONTROL_FLOW: Mapping[str, Callable[[_Interpreter, mlir.Operation, Values, Mapping[mlir.Value, Any]], Values]] = {
    "torch.prim.If": _branch,
    "torch.prim.Loop": _loop,
}


def _nothing(op: mlir.Operation, operands: Values) -> Values:
    return ()


def _same(op: mlir.Operation, operands: Values) -> Values:
    return operands


def _listed(op: mlir.Operation, operands: Values) -> Values:
    return [list(operands)]


def _unpacked(op: mlir.Operation, operands: Values) -> Values:
    found: Values = operands[0]
    return found


def _item(op: mlir.Operation, operands: Values) -> Values:
    return [operands[0][operands[1]]]


def _length(op: mlir.Operation, operands: Values) -> Values:
    return [len(operands[0])]


def _tensor(op: mlir.Operation, operands: Values) -> Values:
    kind = _DTYPE.fullmatch(str(op.results[0].type))
    if kind is None or kind[1] not in DTYPES:
        raise CannotExecute(f"torch.aten.tensor makes a {op.results[0].type}")
    return [torch.tensor(operands[0], dtype=DTYPES[kind[1]])]


def _constant(kind: Any) -> Callable[[mlir.Operation, Values], Values]:
    return lambda op, operands: [kind(op.attributes["value"]).value]


_BUILT_IN: Mapping[str, Callable[[mlir.Operation, Values], Values]] = {
    "func.return": _nothing,
    "torch.prim.If.yield": _nothing,
    "torch.prim.Loop.condition": _nothing,
    "torch.bind_symbolic_shape": _nothing,
    "torch.runtime.assert": _nothing,
    "torch.symbolic_int": lambda op, operands: [None],
    "torch.constant.none": lambda op, operands: [None],
    "torch.constant.bool": _constant(mlir.BoolAttr),
    "torch.constant.int": _constant(mlir.IntegerAttr),
    "torch.constant.float": _constant(mlir.FloatAttr),
    "torch.constant.str": _constant(mlir.StringAttr),
    "torch.constant.device": _constant(mlir.StringAttr),
    "torch.vtensor.literal": lambda op, operands: [_literal(op)],
    "torch.tensor_static_info_cast": _same,
    "torch.derefine": _same,
    "torch.prim.ListConstruct": _listed,
    "torch.prim.TupleConstruct": _listed,
    "torch.prim.ListUnpack": _unpacked,
    "torch.prim.TupleUnpack": _unpacked,
    "torch.aten.__getitem__.t": _item,
    "torch.prim.TupleIndex": _item,
    "torch.aten.len.t": _length,
    "torch.aten.tensor": _tensor,
}
"""Ops that torch does not have, or that in torch take no Python list."""
