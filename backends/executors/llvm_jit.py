"""The `llvm-jit` executors: compile linalg, TOSA and StableHLO IR with LLVM and run it in this process.

This module is exempt from the limit of 350 lines because it must stand alone: a reproduction script holds its whole
text and calls `run_lowered` (`harness/commands/repro_script.py` embeds it). So everything between IR and results is in
this one file, and it needs only the standard library, torch and torch_mlir.

How IR becomes results:

1. Parse the IR. The type of `main` says how to pass arguments and read results.
2. Convert TOSA and StableHLO to linalg with upstream's own conversions. StableHLO with unknown sizes is first
   specialized to the sizes of each call and compiled once for each set of sizes; the compiled code still stems from the
   dynamic lowering.
3. Bufferize, lower to loops, then to the LLVM dialect. Nothing is deallocated: compiled code calls our `malloc`
   (`_Heap`), and each block lives until the results are copied out. So results may alias inputs, constants and each
   other. Each block is filled with the byte 0x7F first, which makes a huge number or NaN in every float type. So an
   element that the code never writes shows in the results, and shows every time.

   Each block ends where a guard begins, a region of 1 MiB that cannot be accessed, and a page of canaries or more lies
   in front of it (`_Heap`). So an access past the end kills this process at once, every time, and so does one far in
   front. A write just in front ends the process after the run; a read there yields the same huge value every time.
   Arguments and constants are copied into such blocks. Not covered: buffers on the stack (`memref.alloca`, which none
   of these pipelines makes), and an access so far out of bounds that it lands in another block.
4. Compile at optimization level 0, without optimizations in code generation (`CODE_GENERATION`). Call through the
   packed interface (`_mlir_main` takes an array of pointers to the fields of the memref descriptors). Copy the results
   into fresh tensors.

Arithmetic on 16-bit floats is done in f32 and rounded after each operation. Conversions are expanded to integer code
where the CPU or its runtime library has none, so no `__truncsfbf2` is needed.

Sections, in order:

    pass pipelines                          the passes from each dialect to linalg, to loops and to LLVM
    executors                               the three classes that the entry points name
    entry points                            functions from IR text to an executable or to static IR
    compiler                                one MLIR context with its pass managers, reused within the process
    inspecting and editing IR               small helpers, some of which other modules use
    unknown sizes of StableHLO and TOSA     rewrites that help upstream's shape inference
    constants                               `arith.constant` and `dense_resource` for the StableHLO executors
    corrections                             rewrites where upstream's conversions are wrong, incomplete or inexact
    calling convention                      dtypes, ranks and offsets of arguments and results
    running compiled code                   the engine, the call, and the copies out of it
    memory of compiled code                 the guarded blocks of its arguments, constants and buffers
    runtime functions of compiled code      `malloc`, `puts` and `memrefCopy`
"""

from __future__ import annotations

import ctypes
import functools
import math
import os
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch_mlir import _mlir_libs, ir
from torch_mlir.dialects import torch as torch_dialect
from torch_mlir.execution_engine import ExecutionEngine
from torch_mlir.passmanager import PassManager

if TYPE_CHECKING:
    from harness.programs.protocols import Lowered

try:
    from torch_mlir._mlir_libs import _stablehlo
except ImportError:  # a build without StableHLO: linalg and TOSA need none
    _stablehlo = None

try:
    from harness.programs.protocols import CannotExecute, ImpossibleShape
except ImportError:  # in a reproduction script

    class CannotExecute(Exception):  # type: ignore[no-redef]
        """The executor cannot run the module."""

    class ImpossibleShape(CannotExecute):  # type: ignore[no-redef]
        """A result has a shape that no tensor has."""


# pass pipelines -------------------------------------------------------------------------------------------------------

TOSA_TO_LINALG = (
    "func.func(tosa-to-arith{include-apply-rescale=true},tosa-to-scf,tosa-optional-decompositions,"
    "tosa-to-linalg-named,tosa-to-linalg,tosa-to-tensor,tosa-to-arith)",
    "func.func(canonicalize)",
)
CHLO_TO_STABLEHLO = ("func.func(chlo-legalize-to-stablehlo)",)
STABLEHLO_TO_LINALG = (
    *CHLO_TO_STABLEHLO,
    "stablehlo-legalize-to-linalg",
    "stablehlo-convert-to-signless",  # not earlier: only the types say which ops are unsigned
    "reconcile-unrealized-casts",
    "canonicalize",
)
INFER_TOSA_SHAPES = ("func.func(tosa-infer-shapes)", "canonicalize")
REMOVE_SHAPE_CONSTRAINTS = ("func.func(remove-shape-constraints)", "canonicalize", "cse")
REFINE_STABLEHLO_SHAPES = (
    "stablehlo-refine-shapes",
    "func.func(stablehlo-canonicalize-dynamism)",
    "canonicalize",
    "cse",
)
REFINEMENT_ROUNDS = 12
"""Shape refinement runs at most this many times; each round uses what the round before it made constant."""
FUSE = (
    "func.func(linalg-generalize-named-ops,linalg-fuse-elementwise-ops)",
    "canonicalize",
    "cse",
)
"""The first passes of torch-mlir's own reference backend on linalg: they leave fewer loops, in another order."""
RUNTIME_VERIFICATION = ("generate-runtime-verification",)
"""Inserts an assertion before each access that may be out of bounds.

It runs twice: before bufferization for linalg's own ops on tensors, after it for the loads and stores in the loops.
"""
LINALG_TO_LOOPS = (
    "func.func(refback-generalize-tensor-pad,refback-generalize-tensor-concat,tm-tensor-bufferize)",
    "one-shot-bufferize{buffer-alignment=0 copy-before-write bufferize-function-boundaries"
    " function-boundary-type-conversion=identity-layout-map}",
    "refback-mlprogram-bufferize",
    "func.func(tm-tensor-to-loops,convert-linalg-to-loops,lower-affine,convert-complex-to-standard)",
)
EMULATE_16_BIT_FLOATS = (
    "func.func(math-extend-to-supported-types{target-type=f32},"
    "arith-emulate-unsupported-floats{source-types=bf16,f16 target-type=f32})",
)
LOOPS_TO_LLVM = (
    "convert-scf-to-cf",
    "func.func(arith-expand{include-bf16=true},math-expand-ops{ops=ctlz},convert-math-to-llvm)",
    "convert-math-to-funcs{convert-ctlz=false}",
    "convert-math-to-libm",
    "expand-strided-metadata",
    "lower-affine",
    "finalize-memref-to-llvm",
    "func.func(convert-arith-to-llvm)",
    "convert-func-to-llvm",
    "convert-cf-to-llvm",
    "convert-index-to-llvm",
    "convert-complex-to-llvm",
    "reconcile-unrealized-casts",
)


# executors ------------------------------------------------------------------------------------------------------------


class LlvmJit:
    """Executor of linalg, TOSA and StableHLO: compiles with LLVM, runs on the CPU."""

    name = "llvm-jit"
    road = "llvm"
    reusable = True
    takes_numbers = True
    dialects = frozenset(("linalg", "tosa", "stablehlo"))

    def compile(self, lowered: Lowered) -> Callable[[Sequence[torch.Tensor]], list[torch.Tensor]]:
        """Compile once, for every size; raises CannotExecute."""
        return compiled(lowered.ir, lowered.dialect)


class LlvmJitFused(LlvmJit):
    """Executor of linalg: fuses elementwise ops, then compiles with LLVM as `llvm-jit` does."""

    name = "llvm-jit-fused"
    dialects = frozenset(("linalg",))
    isolated = True

    def compile(self, lowered: Lowered) -> Callable[[Sequence[torch.Tensor]], list[torch.Tensor]]:
        """Compile once, for every size; raises CannotExecute."""
        return compiled(lowered.ir, lowered.dialect, fused=True)


class LlvmJitChecked(LlvmJit):
    """Checker of linalg: compiles with runtime verification, so that an access out of bounds aborts and is named."""

    name = "llvm-jit-checked"
    dialects = frozenset(("linalg",))

    def compile(self, lowered: Lowered) -> Callable[[Sequence[torch.Tensor]], list[torch.Tensor]]:
        """Compile once, for every size; raises CannotExecute."""
        return compiled(lowered.ir, lowered.dialect, checked=True)

    def diagnose(self, lowered: Lowered, stderr: str) -> str:
        """Name the assertion that failed and quote the line of the lowered IR that it stems from; empty if none did."""
        if UNWRITTEN in stderr:
            return UNWRITTEN
        if (failed := _FAILED_VERIFICATION.search(stderr)) is None:
            return ""
        number = int(failed["line"])
        line = lowered.ir.splitlines()[number - 1].strip()
        quoted = line if len(line) <= MAX_QUOTE else f"{line[:MAX_QUOTE]} ..."
        return f"{failed['what']} in {failed['op']}, of line {number} of the lowered IR: {quoted}"


UNWRITTEN = "the results depend on memory that nobody wrote"
MAX_QUOTE = 160
"""Longest quotation of a line, in characters."""
_FAILED_VERIFICATION = re.compile(
    r"Runtime op verification failed\n\s*(?:%[^=\n]+ = )?\"?(?P<op>[\w.]+)[^\n]*\n(?:.*?\n)??"
    r"\^ (?P<what>[^\n]+)\nLocation: loc\([^\n]*?:(?P<line>\d+):\d+",
    re.DOTALL,
)


# entry points ---------------------------------------------------------------------------------------------------------


def run_lowered(ir: str, dialect: str, inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
    """Compile the IR and run its `main` on the inputs; raises CannotExecute."""
    return compiled(ir, dialect)(inputs)


def compiled(
    text: str, dialect: str, *, fused: bool = False, checked: bool = False
) -> Callable[[Sequence[torch.Tensor]], list[torch.Tensor]]:
    """Return an executable for `main`; raises CannotExecute.

    `fused`: fuse elementwise ops first. `checked`: abort at an access that is out of bounds, and abort if the results
    depend on memory that nobody wrote.
    """
    if dialect == "stablehlo" and _stablehlo is None:
        raise CannotExecute("this torch-mlir was built without StableHLO")
    with _compiler() as compiler:
        module = compiler.parse(text)
        if fused:
            compiler.run(FUSE, module)
        if dialect == "stablehlo" and not is_static(text):
            return _PerShapeExecutable(text)
        native = compiler.build(module, dialect, Signature(module), checked=checked)
        return native.twice if checked and "ml_program" not in text else native  # global variables change with each run


def signature_of(text: str) -> Signature:
    """Return how to call `main` of a module; raises CannotExecute."""
    with _compiler() as compiler:
        return Signature(compiler.parse(text))


def specialized(text: str, dialect: str, sizes: Sequence[Sequence[int]]) -> str:
    """Return TOSA or StableHLO IR made static; raises CannotExecute.

    `sizes` holds the sizes of each argument.
    """
    with _compiler() as compiler:
        module = compiler.inferred(text, sizes) if dialect == "tosa" else compiler.specialized(text, sizes)
        return str(module.operation.get_asm(assume_verified=True))


@contextmanager
def interpretable(text: str, sizes: Sequence[Sequence[int]]) -> Iterator[ir.Module]:
    """Yield a static module that holds StableHLO only; raises CannotExecute.

    `sizes` holds the sizes of each argument.
    """
    text = with_constants_in_place(text)
    with _compiler() as compiler:
        module = compiler.parse(text) if is_static(text) else compiler.specialized(text, sizes)
        compiler.run(CHLO_TO_STABLEHLO, module)
        _convert_constants(module)
        _check_only_stablehlo(module)
        yield module


class _PerShapeExecutable:
    """The executable of a StableHLO module with unknown sizes: it compiles once for each set of input shapes."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._by_shapes: dict[tuple[torch.Size, ...], _Native] = {}

    @property
    def unguarded(self) -> int:
        """The largest number of blocks without a guard in the last run at any size."""
        return max((native.unguarded for native in self._by_shapes.values()), default=0)

    def __call__(self, inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        sizes = tuple(tensor.shape for tensor in inputs)
        if sizes not in self._by_shapes:
            self._by_shapes[sizes] = self._specialized(sizes)
        return self._by_shapes[sizes](inputs)

    def _specialized(self, sizes: tuple[torch.Size, ...]) -> _Native:
        with _compiler() as compiler:
            module = compiler.specialized(self._text, sizes)
            return compiler.build(module, "stablehlo", Signature(module))


# compiler -------------------------------------------------------------------------------------------------------------

LIFETIME = 500
"""Compilations before a context is dropped, with all the types and attributes that it interned."""
_LOAD_DIALECTS = ("func.func(convert-torch-to-tmtensor)", *(("stablehlo-legalize-to-linalg",) if _stablehlo else ()))
"""Passes that load the dialects that no registry knows, when run on an empty function."""


class _Compiler:
    """An MLIR context with its pass managers."""

    def __init__(self) -> None:
        register_stablehlo_passes()
        _leave_out_optimizations()
        self.context = ir.Context(load_on_create_dialects=[])
        torch_dialect.register_dialect(self.context)
        if _stablehlo:
            _stablehlo.register_dialect(self.context)
        self.context.emit_error_diagnostics = True
        self.uses = 0
        self._managers: dict[tuple[str, ...], PassManager] = {}
        self.run(_LOAD_DIALECTS, ir.Module.parse("func.func @main() { return }", self.context))

    def parse(self, text: str) -> ir.Module:
        with self._errors("the IR does not parse"):
            return ir.Module.parse(_without_empty_resources(text), self.context)

    def run(self, passes: tuple[str, ...], module: ir.Module) -> None:
        manager = self._managers.get(passes)
        if manager is None:
            manager = self._managers[passes] = PassManager.parse(f"builtin.module({','.join(passes)})", self.context)
            manager.enable_verifier(False)
        with self._errors("a pass failed"):
            manager.run(module.operation)

    def specialized(self, text: str, sizes: Sequence[Sequence[int]]) -> ir.Module:
        """Parse StableHLO IR and refine its unknown sizes from the sizes of the arguments; raises CannotExecute."""
        key = hash((text, tuple(map(tuple, sizes))))
        if key in _refusals:
            raise CannotExecute(_refusals[key])
        try:
            return self._refine(text, sizes)
        except CannotExecute as refusal:
            _refusals[key] = str(refusal)  # other executors run in forks of this process and need not try again
            raise

    def _refine(self, text: str, sizes: Sequence[Sequence[int]]) -> ir.Module:
        module = self.parse(text)
        _set_argument_sizes(main_of(module), sizes)
        self.run(REMOVE_SHAPE_CONSTRAINTS, module)
        for _ in range(REFINEMENT_ROUNDS):
            _legalize_size_queries(module)
            _fold_constant_sizes(module)
            self.run(REFINE_STABLEHLO_SHAPES, module)
            _update_result_types(module)
            if is_static(str(module)):
                break
        else:
            raise CannotExecute("sizes are still unknown after shape refinement")
        _convert_constants(module)
        return module

    def inferred(self, text: str, sizes: Sequence[Sequence[int]]) -> ir.Module:
        """Parse TOSA IR and infer its unknown sizes from the sizes of the arguments; raises CannotExecute."""
        module = self.parse(text)
        _set_argument_sizes(main_of(module), sizes)
        self.run(INFER_TOSA_SHAPES, module)
        _update_result_types(module)
        _make_reshapes_explicit(module)
        if not is_static(str(module)):
            raise CannotExecute("sizes are still unknown after shape inference")
        return module

    def build(self, module: ir.Module, dialect: str, signature: Signature, *, checked: bool = False) -> _Native:
        """Lower the module in place and compile it, unless the same text is compiled already; raises CannotExecute."""
        text = str(module)
        key = (text, dialect)
        if key in _built and not checked:
            _built.move_to_end(key)
            return _built[key]
        if dialect == "stablehlo":
            _prepare_stablehlo(module)
        if dialect != "linalg":
            self.run(TOSA_TO_LINALG if dialect == "tosa" else STABLEHLO_TO_LINALG, module)
            _check_converted(module)
        if checked:
            self.run(RUNTIME_VERIFICATION, module)
        self.run(LINALG_TO_LOOPS, module)
        if checked:
            self.run(RUNTIME_VERIFICATION, module)
            _drop_cast_checks(module)
        _copy_constants(module)
        if re.search(r"f16\b", text):
            _narrow_through_f32(module)
            self.run(EMULATE_16_BIT_FLOATS, module)
        _call_libm(module)
        self.run(LOOPS_TO_LLVM, module)
        with self._errors("LLVM translation failed"):
            native = _Native(module, signature)
        if "ml_program" not in text and not checked:  # global variables belong to one program, locations to one text
            _built[key] = native
            if len(_built) > KEPT:
                _built.popitem(last=False)
        return native

    @contextmanager
    def _errors(self, what: str) -> Iterator[None]:
        """Collect error diagnostics instead of printing them; raise CannotExecute if there are any."""
        seen: list[str] = []

        def keep(diagnostic: ir.Diagnostic) -> bool:
            if diagnostic.severity == ir.DiagnosticSeverity.ERROR:
                seen.append(diagnostic.message)
            return True

        handler = self.context.attach_diagnostic_handler(keep)
        try:
            yield
        except (ir.MLIRError, RuntimeError, ValueError) as error:
            raise CannotExecute(f"{what}: {'; '.join(seen)[:1000] or error}") from None
        finally:
            handler.detach()
        if seen:
            raise CannotExecute(f"{what}: {'; '.join(seen)[:1000]}")


KEPT = 16
"""How many modules stay compiled: programs of one op, and sizes of one program, often come down to the same module."""
_built: OrderedDict[tuple[str, str], _Native] = OrderedDict()
_current: list[_Compiler] = []
_refusals: dict[int, str] = {}
"""Why StableHLO IR could not be specialized, by the hash of the IR and the sizes."""


@contextmanager
def _compiler() -> Iterator[_Compiler]:
    """Lend the process's compiler for one use; drop it when it is worn out or an unforeseen error occurs."""
    compiler = _current.pop() if _current else _Compiler()
    try:
        with compiler.context:
            yield compiler
    except CannotExecute:
        _current[:] = [compiler]
        raise
    compiler.uses += 1
    if compiler.uses < LIFETIME:
        _current[:] = [compiler]


CODE_GENERATION = (
    "-optimize-regalloc=false",  # the fast register allocator, as at optimization level 0
    "-disable-cgp",
    "-disable-lsr",
    "-disable-constant-hoisting",
    "-disable-partial-libcall-inlining",
    "-disable-machine-licm",
    "-disable-machine-cse",
    "-disable-machine-sink",
    "-disable-machine-dce",
    "-disable-peephole",
    "-disable-early-taildup",
    "-disable-early-ifcvt",
    "-disable-tail-duplicate",
    "-disable-branch-fold",
    "-disable-block-placement",
    "-disable-copyprop",
    "-disable-post-ra",
)
"""Options of LLVM that leave the optimizations out of code generation; the selection of instructions stays as it is.

MLIR's engine generates code at LLVM's level 2 whatever its own level is: it makes its target machine before it sets the
level. Compiled code runs once or a few times on small tensors, so that costs more than it gains.
"""


@functools.cache
def _leave_out_optimizations() -> None:
    """Set `CODE_GENERATION` in this process, once; a build of torch-mlir that does not export LLVM's C API has none.

    LLVM ignores an option that it does not know.
    """
    (folder,) = _mlir_libs.__path__[:1]
    try:
        parse = ctypes.CDLL(f"{folder}/libTorchMLIRAggregateCAPI.so").LLVMParseCommandLineOptions
    except (OSError, AttributeError):
        return
    arguments = [b"llvm-jit", *map(str.encode, CODE_GENERATION)]
    parse(len(arguments), (ctypes.c_char_p * len(arguments))(*arguments), None)


@functools.cache
def register_stablehlo_passes() -> None:
    """Register the StableHLO passes that torch-mlir's own tools lack, once: upstream makes a second time an error.

    A build without StableHLO has none.
    """
    if _stablehlo:
        _stablehlo.register_stablehlo_passes()


# inspecting and editing IR --------------------------------------------------------------------------------------------


def operations(module: ir.Module) -> list[ir.Operation]:
    """Return all operations of the module, each after the operations inside it."""
    found: list[ir.Operation] = []

    def visit(op: ir.Operation) -> ir.WalkResult:
        found.append(op)
        return ir.WalkResult.ADVANCE

    module.operation.walk(visit)
    return found


def main_of(module: ir.Module) -> ir.Operation:
    """Return the function `main`; raises CannotExecute if there is none."""
    for op in module.body:
        if op.operation.name == "func.func" and ir.StringAttr(op.attributes["sym_name"]).value == "main":
            return op.operation
    raise CannotExecute("the module has no function main")


def integer_of(value: ir.Value) -> int | None:
    """Return the integer of a value that an `arith.constant` defines; None for any other value."""
    owner = value.owner
    known = not isinstance(owner, ir.Block) and owner.name == "arith.constant"
    return ir.IntegerAttr(owner.attributes["value"]).value if known else None


def is_static(text: str) -> bool:
    """Return whether the IR has no unknown size."""
    return "?" not in re.sub(r'"[^"]*"', "", text)


def create(name: str, kind: ir.Type, *operands: ir.Value, **attributes: ir.Attribute) -> ir.Value:
    """Create an op with one result at the insertion point and return the result."""
    return ir.Operation.create(name, [kind], list(operands), attributes).results[0]


def _replace(old: ir.Operation, new: ir.Operation) -> None:
    old.results[0].replace_all_uses_with(new.results[0])
    old.erase()


def _set_argument_sizes(main: ir.Operation, sizes: Sequence[Sequence[int]]) -> None:
    """Give the function's tensor arguments these sizes; raises CannotExecute if their number differs."""
    entry = main.regions[0].blocks[0]
    kind = ir.FunctionType(ir.TypeAttr(main.attributes["function_type"]).value)
    if len(sizes) != len(kind.inputs):
        raise CannotExecute(f"main takes {len(kind.inputs)} arguments, not {len(sizes)}")
    inputs = []
    for argument, size in zip(entry.arguments, sizes, strict=True):
        if isinstance(argument.type, ir.RankedTensorType):
            element = argument.type.element_type
            argument.set_type(ir.RankedTensorType.get(list(size), element, loc=ir.Location.unknown()))
        inputs.append(argument.type)
    main.attributes["function_type"] = ir.TypeAttr.get(ir.FunctionType.get(inputs, kind.results))


def _update_result_types(module: ir.Module) -> None:
    """Set the function's result types to the types of the values that it returns.

    Inference may leave a `tensor.cast` back to an unknown size before the return; such a cast is removed.
    """
    main = main_of(module)
    (block,) = main.regions[0].blocks
    terminator = block.operations[len(block.operations) - 1]
    for i, value in enumerate(terminator.operands):
        owner = value.owner
        if not isinstance(owner, ir.Block) and owner.name == "tensor.cast":
            terminator.operands[i] = owner.operands[0]
    kind = ir.FunctionType(ir.TypeAttr(main.attributes["function_type"]).value)
    results = [value.type for value in terminator.operands]
    main.attributes["function_type"] = ir.TypeAttr.get(ir.FunctionType.get(kind.inputs, results))
    for op in operations(module):
        if op.name == "tensor.cast" and not list(op.results[0].uses):
            op.erase()


def _check_converted(module: ir.Module) -> None:
    names = (op.name for op in operations(module))
    left = [name for name in names if name.partition(".")[0] in ("tosa", "stablehlo", "chlo", "shape")]
    if left:
        unconverted = [name for name in left if not name.endswith((".return", ".yield"))] or left
        raise CannotExecute(f"{', '.join(sorted(set(unconverted)))} has no conversion to linalg")


def _check_only_stablehlo(module: ir.Module) -> None:
    names = {op.name for op in operations(module)}
    left = sorted(name for name in names if name.partition(".")[0] not in ("builtin", "func", "stablehlo"))
    if left:
        raise CannotExecute(f"{', '.join(left)} is not StableHLO")


# unknown sizes of StableHLO and TOSA ----------------------------------------------------------------------------------


def _legalize_size_queries(module: ir.Module) -> None:
    """Replace `tensor.dim` and `shape.shape_of` of StableHLO values by `stablehlo.get_dimension_size`.

    Shape refinement skips a value that an op of any other dialect uses. Where the new op folds to a constant, the
    folders of the other dialects see the constant too.
    """
    for op in operations(module):
        if op.name not in ("tensor.dim", "shape.shape_of") or not _is_hlo(op.operands[0]):
            continue
        value, kind = op.operands[0], op.results[0].type
        with ir.InsertionPoint(op), op.location:
            if op.name == "tensor.dim" and (dim := integer_of(op.operands[1])) is not None:
                scalar = create("tensor.extract", ir.IntegerType.get_signless(32), _dimension_size(value, dim))
                _replace(op, ir.Operation.create("arith.index_cast", [kind], [scalar]))
            elif op.name == "shape.shape_of" and isinstance(kind, ir.RankedTensorType):
                _replace(op, ir.Operation.create("arith.index_cast", [kind], [_shape_of(value)]))


def _is_hlo(value: ir.Value) -> bool:
    return not isinstance(value.owner, ir.Block) and value.owner.name.startswith(("stablehlo.", "chlo."))


def _dimension_size(value: ir.Value, dim: int) -> ir.Value:
    kind = ir.RankedTensorType.get([], ir.IntegerType.get_signless(32))
    return create("stablehlo.get_dimension_size", kind, value, dimension=ir.Attribute.parse(f"{dim} : i64"))


def _shape_of(value: ir.Value) -> ir.Value:
    """Create the tensor of a value's sizes, as i32 elements."""
    i32, rank = ir.IntegerType.get_signless(32), ir.RankedTensorType(value.type).rank
    if not rank:
        return create(
            "arith.constant", kind := ir.RankedTensorType.get([0], i32), value=ir.Attribute.parse(f"dense<> : {kind}")
        )
    sizes = [
        create("stablehlo.reshape", ir.RankedTensorType.get([1], i32), _dimension_size(value, i)) for i in range(rank)
    ]
    first = ir.Attribute.parse("0 : i64")
    return create("stablehlo.concatenate", ir.RankedTensorType.get([rank], i32), *sizes, dimension=first)


def _fold_constant_sizes(module: ir.Module) -> None:
    """Fold the sizes that depend on constants only, with StableHLO's interpreter.

    It folds sizes that are computed in floats too, as those of `arange` are; no pass folds a quotient of floats.
    """
    for op in operations(module):
        if not op.name.startswith("stablehlo.dynamic_"):
            continue
        for i, operand in enumerate(op.operands):
            ops = _constant_slice(operand) if re.fullmatch(r"tensor<\d+xi(32|64)>", str(operand.type)) else []
            if len(ops) > 1:
                with ir.InsertionPoint(op), op.location:
                    op.operands[i] = create("stablehlo.constant", operand.type, value=_evaluate(ops))


def _constant_slice(value: ir.Value) -> list[ir.Operation]:
    """Return the backward slice of the value: the ops that compute it, in order.

    It is empty unless all of them are static StableHLO and start from constants.
    """
    found: dict[ir.Operation, None] = {}

    def add(value: ir.Value) -> bool:
        op = value.owner
        if isinstance(op, ir.Block) or not op.name.startswith("stablehlo.") or len(op.regions) or len(op.results) > 1:
            return False
        if op in found:
            return True
        kind = ir.RankedTensorType(value.type)
        if not kind.has_static_shape or not all(map(add, op.operands)):
            return False
        found[op] = None
        return True

    return list(found) if add(value) else []


def _evaluate(ops: Sequence[ir.Operation]) -> ir.Attribute:
    """Return the value of the last op of a slice, computed by StableHLO's interpreter."""
    module = ir.Module.parse("func.func @main() { return }")
    main = main_of(module)
    main.attributes["function_type"] = ir.TypeAttr.get(ir.FunctionType.get([], [ops[-1].results[0].type]))
    (block,) = main.regions[0].blocks
    block.operations[0].erase()
    copies: dict[ir.Value, ir.Value] = {}
    with ir.InsertionPoint(block):
        for op in ops:
            copy = op.clone()
            for i, operand in enumerate(copy.operands):
                copy.operands[i] = copies[operand]
            copies[op.results[0]] = copy.results[0]
        ir.Operation.create("func.return", operands=[copies[ops[-1].results[0]]])
    (result,) = _stablehlo.eval_module(module, [])
    return result


def _make_reshapes_explicit(module: ir.Module) -> None:
    """Make the shape operand of each static `tosa.reshape` explicit.

    The specification has no size that is to be inferred (-1).
    """
    for op in operations(module):
        if op.name != "tosa.reshape" or not ir.RankedTensorType(op.results[0].type).has_static_shape:
            continue
        sizes, rank = list(ir.RankedTensorType(op.results[0].type).shape), ir.RankedTensorType(op.results[0].type).rank
        if rank:
            with ir.InsertionPoint(op), op.location:
                values = ir.Attribute.parse(f"dense<{sizes}> : tensor<{rank}xindex>")
                kind = ir.Type.parse(f"!tosa.shape<{rank}>")
                op.operands[1] = create("tosa.const_shape", kind, values=values)


# constants ------------------------------------------------------------------------------------------------------------


def _convert_constants(module: ir.Module) -> None:
    """Convert tensor constants of `arith` to `stablehlo.constant`: StableHLO's interpreter knows no others."""
    for op in operations(module):
        if op.name == "arith.constant" and isinstance(op.results[0].type, ir.RankedTensorType):
            kind = op.results[0].type
            if "index" in str(kind):
                continue
            with ir.InsertionPoint(op), op.location:
                value = {"value": op.attributes["value"]}
                _replace(op, ir.Operation.create("stablehlo.constant", [kind], attributes=value))


_EMPTY_RESOURCE = re.compile(r"dense_resource<[\w.]+>(?= : tensor<(?:\d+x)*0x)")


def _without_empty_resources(text: str) -> str:
    """Return the IR with each `dense_resource` that has no elements as `dense<>`.

    A blob without data is parsed with an alignment of 0, by which the translation to LLVM IR divides: SIGFPE.
    """
    return _EMPTY_RESOURCE.sub("dense<>", text)


_RESOURCE = re.compile(r'([\w.]+): "0x[0-9A-F]{8}([0-9A-F]*)"')  # four bytes of alignment come first


def with_constants_in_place(text: str) -> str:
    """Return the IR with each `dense_resource` inlined where it is used: executors of StableHLO take no resources."""
    body, _, resources = text.partition("{-#")
    found = dict(_RESOURCE.findall(resources))
    return re.sub(r"dense_resource<([\w.]+)>", lambda name: f'dense<"0x{found[name[1]]}">', body)


# corrections ----------------------------------------------------------------------------------------------------------


def _prepare_stablehlo(module: ir.Module) -> None:
    """Rewrite two ops that StableHLO defines and its conversion to linalg gets wrong or leaves out.

    The sum of booleans is their logical or; the conversion makes it an xor. A reduction of no elements is the initial
    value.
    """
    for op in operations(module):
        if op.name not in ("stablehlo.add", "stablehlo.reduce"):
            continue
        shaped = ir.RankedTensorType(op.operands[0].type)
        if op.name == "stablehlo.add" and str(shaped.element_type) == "i1":
            with ir.InsertionPoint(op), op.location:
                _replace(op, ir.Operation.create("stablehlo.or", [op.results[0].type], list(op.operands)))
        elif op.name == "stablehlo.reduce" and 0 in shaped.shape:
            inits = list(op.operands)[len(op.results) :]
            with ir.InsertionPoint(op), op.location:
                news = [_broadcast(init, result.type) for init, result in zip(inits, op.results, strict=True)]
            for result, new in zip(op.results, news, strict=True):
                result.replace_all_uses_with(new)
            op.erase()


def _broadcast(scalar: ir.Value, kind: ir.Type) -> ir.Value:
    attributes = {"broadcast_dimensions": ir.DenseI64ArrayAttr.get([])}
    return ir.Operation.create("stablehlo.broadcast_in_dim", [kind], [scalar], attributes).results[0]


def _drop_cast_checks(module: ir.Module) -> None:
    """Remove the runtime checks of the casts that our own bufferization inserts.

    They compare the stride of a dim of size 1 too, which means nothing.
    """
    for op in operations(module):
        if op.name == "cf.assert" and "memref.cast" in ir.StringAttr(op.attributes["msg"]).value:
            op.erase()


def _copy_constants(module: ir.Module) -> None:
    """Copy each constant into a block of the heap where it is used: the engine keeps constants without a guard."""
    constants = {
        ir.StringAttr(op.attributes["sym_name"]).value
        for op in module.body.operations
        if op.operation.name == "memref.global" and "constant" in op.attributes
    }
    if not constants:
        return
    for op in operations(module):
        if op.name == "memref.get_global" and ir.FlatSymbolRefAttr(op.attributes["name"]).value in constants:
            kind = op.results[0].type
            with ir.InsertionPoint(op), op.location:
                sizes = {"operandSegmentSizes": ir.DenseI32ArrayAttr.get([0, 0])}
                block = ir.Operation.create("memref.alloc", [kind], attributes=sizes).results[0]
            op.results[0].replace_all_uses_with(block)
            op.move_before(block.owner)
            with ir.InsertionPoint.after(block.owner), op.location:
                ir.Operation.create("memref.copy", operands=[op.results[0], block])


def _narrow_through_f32(module: ir.Module) -> None:
    """Go through f32 to narrow f64 to 16 bits, and to convert between the 16-bit types.

    Eager narrows f64 in the same two steps; for one step LLVM needs a library function. Between the 16-bit types,
    `tosa-to-linalg` makes an `arith.truncf`, which is not a valid operation.
    """
    for op in operations(module):
        if op.name != "arith.truncf":
            continue
        source, target = str(op.operands[0].type), op.results[0].type
        if source not in ("f64", "f16", "bf16") or str(target) == "f32":
            continue
        with ir.InsertionPoint(op), op.location:
            wide = "arith.truncf" if source == "f64" else "arith.extf"
            single = ir.Operation.create(wide, [ir.F32Type.get()], [op.operands[0]])
            _replace(op, ir.Operation.create("arith.truncf", [target], [single.results[0]]))


_LIBM = {"math.expm1": "expm1", "math.log1p": "log1p"}


def _call_libm(module: ir.Module) -> None:
    """Call libm's expm1 and log1p: `convert-math-to-llvm` makes exp(x) - 1 and log(1 + x), which are inexact."""
    declared: set[str] = set()
    for op in operations(module):
        suffix = {"f32": "f", "f64": ""}.get(str(op.results[0].type)) if op.name in _LIBM else None
        if suffix is None:
            continue
        name, kind = _LIBM[op.name] + suffix, op.results[0].type
        if name not in declared:
            declared.add(name)
            with ir.InsertionPoint.at_block_begin(module.body), op.location:
                attributes = {
                    "sym_name": ir.StringAttr.get(name),
                    "function_type": ir.TypeAttr.get(ir.FunctionType.get([kind], [kind])),
                    "sym_visibility": ir.StringAttr.get("private"),
                }
                ir.Operation.create("func.func", attributes=attributes, regions=1)
        with ir.InsertionPoint(op), op.location:
            callee = {"callee": ir.FlatSymbolRefAttr.get(name)}
            _replace(op, ir.Operation.create("func.call", [kind], list(op.operands), callee))


# calling convention ---------------------------------------------------------------------------------------------------

DTYPES: dict[str, torch.dtype] = {
    "i1": torch.bool,
    "i8": torch.int8,
    "i16": torch.int16,
    "i32": torch.int32,
    "i64": torch.int64,
    "si8": torch.int8,
    "si16": torch.int16,
    "si32": torch.int32,
    "si64": torch.int64,
    "ui8": torch.uint8,
    "ui16": torch.uint16,
    "ui32": torch.uint32,
    "ui64": torch.uint64,
    "index": torch.int64,
    "f16": torch.float16,
    "bf16": torch.bfloat16,
    "f32": torch.float32,
    "f64": torch.float64,
    "complex<f32>": torch.complex64,
    "complex<f64>": torch.complex128,
    "f8E4M3FN": torch.float8_e4m3fn,
    "f8E5M2": torch.float8_e5m2,
}


class Signature:
    """How to call `main`: the rank and dtype of each argument and result."""

    def __init__(self, module: ir.Module) -> None:
        kind = ir.FunctionType(ir.TypeAttr(main_of(module).attributes["function_type"]).value)
        self.arguments = [Value(each) for each in kind.inputs]
        self.results = [Value(each) for each in kind.results]


class Value:
    """The rank (None for a scalar), dtype and width in bytes of one argument or result; raises CannotExecute."""

    __slots__ = ("dtype", "rank", "width")

    def __init__(self, kind: ir.Type) -> None:
        self.rank: int | None = None
        if isinstance(kind, ir.RankedTensorType):
            self.rank = kind.rank
            kind = kind.element_type
        name = str(kind)
        if name not in DTYPES:
            raise CannotExecute(f"values of type {name} cannot be passed")
        self.dtype = DTYPES[name]
        self.width = self.dtype.itemsize

    def place(self, offset: int) -> tuple[int, int]:
        """Return the start and end of the value in the result struct, which is filled up to `offset`; in bytes."""
        if self.rank is not None:
            start = -(-offset // 8) * 8
            return start, start + 8 * (3 + 2 * self.rank)
        align = self.width // 2 if self.dtype.is_complex else self.width
        start = -(-offset // align) * align
        return start, start + self.width


# running compiled code ------------------------------------------------------------------------------------------------


class _Native:
    """Compiled code with its engine and its heap; `unguarded` counts the blocks of the last run without a guard."""

    unguarded = 0

    def __init__(self, module: ir.Module, signature: Signature) -> None:
        self._signature = signature
        self._lock = threading.Lock()
        self._heap = _Heap()
        self._engine = ExecutionEngine(module, opt_level=0)
        for name, callback in self._heap.symbols.items():
            self._engine.raw_register_runtime(name, ctypes.cast(callback, ctypes.c_void_p))
        address = self._engine.raw_lookup("main")
        if not address:
            raise CannotExecute("the compiled code does not link")
        self._function = ctypes.CFUNCTYPE(None, ctypes.c_void_p)(address)
        self._offsets: list[int] = []
        self._result_bytes = 0
        for result in signature.results:
            start, self._result_bytes = result.place(self._result_bytes)
            self._offsets.append(start)

    def __call__(self, inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        arguments = self._signature.arguments
        if len(inputs) != len(arguments):
            raise CannotExecute(f"main takes {len(arguments)} arguments, not {len(inputs)}")
        for tensor, argument in zip(inputs, arguments, strict=True):
            if tensor.element_size() != argument.width:
                raise CannotExecute(f"{tensor.dtype} was passed where the IR takes {argument.dtype}")
        with self._lock:
            try:
                fields, scalars = self._arguments(inputs)
                return self._run(fields, scalars)
            finally:
                self.unguarded = self._heap.unguarded
                self._heap.clear()

    def twice(self, inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Run twice with other bytes in fresh memory, and abort if the results differ in a bit."""
        results = self(inputs)
        self._heap.fill = 0
        try:
            again = self(inputs)
        finally:
            self._heap.fill = _FILL
        if any(_bits(one) != _bits(other) for one, other in zip(results, again, strict=True)):
            os.write(2, f"{UNWRITTEN}\n".encode())
            os.abort()
        return results

    def _arguments(self, inputs: Sequence[torch.Tensor]) -> tuple[list[int], list[tuple[int, int]]]:
        """Return the fields of the descriptors, and the places among them of scalars, with their addresses.

        Compiled code may write to its arguments: so they are copies.
        """
        fields: list[int] = []
        scalars: list[tuple[int, int]] = []
        for tensor, argument in zip(inputs, self._signature.arguments, strict=True):
            pointer = self._heap.holding(tensor)
            if argument.rank is None:
                scalars.append((len(fields), pointer))
                fields.append(0)
            else:
                fields += (pointer, pointer, 0, *tensor.shape, *_strides(tensor.shape))
        return fields, scalars

    def _run(self, fields: list[int], scalars: list[tuple[int, int]]) -> list[torch.Tensor]:
        storage = (ctypes.c_int64 * max(len(fields), 1))(*fields)
        result = ctypes.create_string_buffer(max(self._result_bytes, 8) + 64)
        base = ctypes.addressof(storage)
        pointers = (ctypes.c_void_p * (len(fields) + 1))(*range(base, base + 8 * len(fields), 8))
        for index, pointer in scalars:
            pointers[index] = pointer
        pointers[len(fields)] = start = -(-ctypes.addressof(result) // 64) * 64
        self._function(ctypes.cast(pointers, ctypes.c_void_p))
        self._heap.check()
        return [
            _read_result(i, value, start + offset)
            for i, (value, offset) in enumerate(zip(self._signature.results, self._offsets, strict=True))
        ]


def _bits(tensor: torch.Tensor) -> tuple[torch.Size, bytes]:
    """The shape of a tensor and its elements as bytes."""
    flat = tensor.contiguous().as_strided((tensor.numel(),), (1,)).view(torch.uint8)
    return tensor.shape, flat.numpy().tobytes()


def _strides(shape: Sequence[int]) -> list[int]:
    """Return the row-major strides of MLIR's identity layout; torch's may differ at dims of size 0 and 1."""
    strides = [1] * len(shape)
    for axis in range(len(shape) - 2, -1, -1):
        strides[axis] = strides[axis + 1] * shape[axis + 1]
    return strides


_MOST_ELEMENTS = 1 << 40
"""More elements than any memory holds."""


def _read_result(index: int, value: Value, address: int) -> torch.Tensor:
    """Copy the result at this address of the result struct into a fresh tensor; raises ImpossibleShape."""
    if value.rank is None:
        return _copy_out(address, value.dtype, (), (), 1)
    aligned, offset, *rest = (ctypes.c_int64 * (2 + 2 * value.rank)).from_address(address + 8)
    shape, strides = rest[: value.rank], rest[value.rank :]
    if min(shape, default=0) < 0 or math.prod(max(size, 1) for size in shape) > _MOST_ELEMENTS:
        raise ImpossibleShape(index, shape)
    if 0 in shape:
        return torch.empty(shape, dtype=value.dtype)
    span = 1 + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    return _copy_out(aligned + offset * value.width, value.dtype, shape, strides, span)


def _copy_out(
    address: int, dtype: torch.dtype, shape: Sequence[int], strides: Sequence[int], span: int
) -> torch.Tensor:
    raw = (ctypes.c_uint8 * (span * dtype.itemsize)).from_address(address)
    view = torch.frombuffer(raw, dtype=dtype if dtype is not torch.bool else torch.uint8)
    view = view.as_strided(shape, strides)
    return view.ne(0) if dtype is torch.bool else view.clone(memory_format=torch.contiguous_format)


# memory of compiled code ----------------------------------------------------------------------------------------------

PAGE = 4096
GUARD = 1 << 20
"""Bytes after each block that cannot be accessed."""
GUARDED = 4096
"""How many blocks of one run have a guard: the kernel bounds a process's mappings, and each of them takes two."""
POOLED = 16
"""The most pages of a slot that is kept for later runs."""
KEPT_SLOTS = 64
"""How many slots of one number of pages are kept for later runs."""
MARGIN = 64
"""Bytes of canaries around each block without a guard."""
_FILL = 0x7F
_CANARIES = bytes([_FILL]) * (2 * PAGE)
_PROT_NONE, _PROT_WRITE = 0, 3
_MAP_PRIVATE_ANONYMOUS_NORESERVE = 0x02 | 0x20 | 0x4000

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, ctypes.c_long]
_libc.mprotect.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]


class _Slot:
    """Memory for one block: a page of canaries, `pages` pages that the block ends flush with, and a guard.

    In front of the first page lies another slot's guard, or one of this slot's own.
    """

    __slots__ = ("end", "pages", "start")

    def __init__(self, pages: int) -> None:
        self.pages = pages
        address = _libc.mmap(None, self._extent, _PROT_NONE, _MAP_PRIVATE_ANONYMOUS_NORESERVE, -1, 0)
        if address in (None, ctypes.c_void_p(-1).value):
            raise MemoryError
        self.start = address + GUARD
        self.end = self.start + (1 + pages) * PAGE
        if _libc.mprotect(self.start, self.end - self.start, _PROT_WRITE):
            self.release()
            raise MemoryError

    @property
    def _extent(self) -> int:
        return GUARD + (1 + self.pages) * PAGE + GUARD

    def release(self) -> None:
        _libc.munmap(self.start - GUARD, self._extent)


_pool: dict[int, list[_Slot]] = {}
"""Slots that no run uses, by their number of pages; all compiled code of this process shares them."""


class _Heap:
    """The blocks of one run of compiled code: arguments, constants, and what it asks `malloc` for.

    A block is filled with the byte `fill`. The bytes between its slot's start and the block are 0x7F: the canaries. The
    blocks after the first `GUARDED` ones have no guard, but `MARGIN` bytes of canaries on either side.
    """

    def __init__(self) -> None:
        self._slots: list[tuple[_Slot, int]] = []
        self._margined: list[tuple[Any, int]] = []
        self.fill = _FILL
        self.symbols = {
            "malloc": ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_int64)(self.allocate),
            "puts": ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_char_p)(_puts),
            "memrefCopy": ctypes.CFUNCTYPE(None, ctypes.c_int64, ctypes.c_void_p, ctypes.c_void_p)(_memref_copy),
        }

    @property
    def unguarded(self) -> int:
        """How many blocks have no guard."""
        return len(self._margined)

    def allocate(self, size: int) -> int:
        """Return the address of a new block of so many bytes; raises MemoryError."""
        if len(self._slots) >= GUARDED:
            return self._allocate_margined(size)
        pages = max(1, -(-size // PAGE))
        free = _pool.get(pages)
        slot = free.pop() if free else _Slot(pages)
        ctypes.memset(slot.start, _FILL, slot.end - slot.start)
        self._slots.append((slot, size))
        end: int = slot.end
        if self.fill != _FILL:
            ctypes.memset(end - size, self.fill, size)
        return end - size

    def _allocate_margined(self, size: int) -> int:
        block = ctypes.create_string_buffer(size + 2 * MARGIN + 16)
        ctypes.memset(block, _FILL, len(block))
        self._margined.append((block, size))
        if self.fill != _FILL:
            ctypes.memset(_margined_start(block), self.fill, size)
        return _margined_start(block)

    def holding(self, tensor: torch.Tensor) -> int:
        """Return the address of a new block that holds the elements of a tensor, row-major."""
        size = tensor.numel() * tensor.element_size()
        address = self.allocate(size)
        source = tensor.detach().contiguous()
        ctypes.memmove(address, source.data_ptr(), size)
        return address

    def check(self) -> None:
        """Abort this process if a canary was overwritten: as compiled code that writes past the end does at once."""
        for slot, size in self._slots:
            _check_canaries(slot.start, slot.end - size - slot.start, size, "in front of")
        for block, size in self._margined:
            start, end = _margined_start(block), ctypes.addressof(block) + len(block)
            _check_canaries(ctypes.addressof(block), start - ctypes.addressof(block), size, "in front of")
            _check_canaries(start + size, end - start - size, size, "past the end of")

    def clear(self) -> None:
        """Give all blocks back."""
        for slot, _ in self._slots:
            kept = _pool.setdefault(slot.pages, [])
            if slot.pages <= POOLED and len(kept) < KEPT_SLOTS:
                kept.append(slot)
            else:
                slot.release()
        self._slots.clear()
        self._margined.clear()


def _margined_start(block: Any) -> int:
    """Return where a block without a guard starts in its memory; aligned for every type."""
    return -(-(ctypes.addressof(block) + MARGIN) // 16) * 16


def _check_canaries(start: int, length: int, size: int, where: str) -> None:
    """Abort if one of `length` bytes, at most two pages, is no longer as it was filled; `size` is that of the block."""
    if ctypes.string_at(start, length) != _CANARIES[:length]:
        os.write(2, f"compiled code wrote {where} a buffer of {size} bytes\n".encode())
        os.abort()


# runtime functions of compiled code -----------------------------------------------------------------------------------


def _puts(message: bytes) -> int:
    """Write the message of a failed `cf.assert`, which then aborts, to stderr: stdout may carry a protocol."""
    return os.write(2, message + b"\n")


def _memref_copy(width: int, source: int, target: int) -> None:
    """Copy between layouts, as MLIR's runtime function does; `source` and `target` are unranked memref descriptors."""
    read, write = _strided_view(source, width), _strided_view(target, width)
    if read is not None and write is not None:
        write.copy_(read)


def _strided_view(unranked: int, width: int) -> torch.Tensor | None:
    rank, descriptor = (ctypes.c_int64 * 2).from_address(unranked)
    aligned, offset, *rest = (ctypes.c_int64 * (2 + 2 * rank)).from_address(descriptor + 8)
    shape, strides = rest[:rank], rest[rank:]
    if 0 in shape:
        return None
    span = 1 + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    raw = (ctypes.c_uint8 * (span * width)).from_address(aligned + offset * width)
    kind = {1: torch.uint8, 2: torch.int16, 4: torch.int32, 8: torch.int64, 16: torch.complex128}[width]
    return torch.frombuffer(raw, dtype=kind).as_strided(shape, strides)
