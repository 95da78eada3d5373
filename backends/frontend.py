"""The default frontend: `torch.export`, torch-mlir's decompositions and FX importer, the backend-contract pipeline.

Its IR equals, letter for letter, the IR of `torch_mlir.fx.export_and_import(module, *args, output_type="torch")`
(`reference_ir`; the tests assert it). Only the cost differs: about 25 ms against 130 ms for a small op.
"""

from __future__ import annotations

import functools
import itertools
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.export.graph_signature import InputKind
from torch_mlir import fx
from torch_mlir import ir as mlir
from torch_mlir.extras.fx_importer import FxImporter

from backends.executors.eager import Eager
from harness.cases.road import EXPORT, Level
from harness.programs.protocols import (
    Contract,
    Enter,
    Executable,
    Lowered,
    NotExpressible,
    Program,
    Specialized,
    Step,
)
from harness.text import portable

from . import fake_cache, generated_code, ir, passes
from .decompositions import decompose
from .guards import Guards
from .tracing import traced


def contract_pipeline(legal: Sequence[str] = ()) -> str:
    """The pipeline that `torch_mlir.fx._module_lowering` runs, with these `backend_legal_ops`, such as `aten.gelu`."""
    ops = f"backend-legal-ops={','.join(legal)}" if legal else ""
    return (
        "builtin.module(func.func(torch-match-quantized-custom-ops),"
        f" torchdynamo-export-to-torch-backend-pipeline{{{ops} extra-library=}})"
    )


CONTRACT_PIPELINE = contract_pipeline()


class Fx:
    """The users' path into torch-mlir, split into parts, so that one run serves every backend."""

    name = EXPORT

    def run(self, program: Program, enter: Enter) -> Contract:
        """Export, import and legalize; raises NotExpressible with the stage and a reason of one line.

        To note the stacks takes a tenth of the time, and only the importer's refusals quote them.
        """
        try:
            with _tracing():
                return self._run(program, enter)
        except NotExpressible as refusal:
            if refusal.stage != "import":
                raise
        with _tracing(stacks=True):
            return self._run(program, enter)

    def export(self, program: Program, enter: Enter) -> Contract:
        """Export only: return a contract without IR, for a backend that starts there; raises NotExpressible."""
        with _tracing():
            enter("export")
            return contract_without_ir(*export_guarded(program), Rerun(program))

    def _run(self, program: Program, enter: Enter) -> Contract:
        enter("export")
        exported, held = export_guarded(program)
        rerun = Rerun(program)
        contract = contract_without_ir(exported, held, rerun)  # first, because decomposing edits the graph in place
        try:
            decomposed = rerun.decomposed = _decomposed(exported, rerun.decomposing)
            decomposes = overloads(decomposed) != contract.exported
            contract = replace(contract, decomposes=decomposes, dtypes=result_dtypes(decomposed))
            text, reached = self._imported(decomposed, program.legal, enter)
        except NotExpressible as refusal:
            refusal.exported = contract
            raise
        return replace(contract, ir=text, reached=reached)

    def _imported(self, decomposed: ExportedProgram, legal: Sequence[str], enter: Enter) -> tuple[str, tuple[str, ...]]:
        """Return the IR in the backend contract, and the names of its ops that compute something."""
        refuse_mutation(decomposed)
        with ir.session() as session:
            enter("import")
            module = _imported(decomposed, session)
            enter("contract")
            try:
                text, ops = ir.legalized(module, contract_pipeline(legal), session)
            except ir.PassFailed as failure:
                raise NotExpressible("contract", failure.reason) from None
            reached = tuple(sorted(set(ir.computing(ops))))
        if "dialect_resources" in text:
            ir.drop()
        return text, reached


def refuse_mutation(decomposed: ExportedProgram) -> None:
    """Raise NotExpressible if a program writes to its arguments."""
    if decomposed.graph_signature.user_inputs_to_mutate:
        raise NotExpressible("import", "the op writes to an argument, which the program returns as one more result")


@contextmanager
def _tracing(*, stacks: bool = False) -> Iterator[None]:
    """Generate the code of no graph that never runs, and keep none; note in each node its Python stack if `stacks`."""
    config: Any = torch.fx.config
    before, config.do_not_emit_stack_traces = config.do_not_emit_stack_traces, not stacks
    try:
        with generated_code.deferred(), fake_cache.trusted():
            yield
    finally:
        config.do_not_emit_stack_traces = before
        generated_code.forget()


Ranges = tuple[Mapping[int, tuple[float, float]], ...]


def export_program(program: Program) -> ExportedProgram:
    """Export the program, as `torch_mlir.fx` does; raises NotExpressible."""
    return export_guarded(program)[0]


def export_guarded(program: Program) -> tuple[ExportedProgram, Guards | None]:
    """Export the program, with the guards that the result leaves out (`Contract.guards`); raises NotExpressible."""
    shapes: Any = program.dynamic_shapes
    try:
        if not program.transformed:
            return torch.export.export(program.module, program.args, dynamic_shapes=shapes, strict=False), None
        graph, guards = traced(program)
        shapes = shapes and shapes[0]  # what is traced has a parameter for each argument
        return torch.export.export(graph, program.args, dynamic_shapes=shapes, strict=False), guards
    except Exception as error:  # export raises nearly every exception type there is
        raise NotExpressible("export", reason(error)) from error


Decomposing = Callable[[ExportedProgram, Level], ExportedProgram]


def _decomposed(
    exported: ExportedProgram, decomposing: Callable[[ExportedProgram], ExportedProgram]
) -> ExportedProgram:
    try:
        return decomposing(exported)
    except Exception as error:  # it traces as export does, and raises the same
        raise NotExpressible("export", reason(error)) from error


def contract_without_ir(exported: ExportedProgram, held: Guards | None, rerun: Rerun) -> Contract:
    """What is known of a program before it is decomposed."""
    return Contract(
        program=rerun.program,
        ir="",
        exported=overloads(exported),
        reached=(),
        ranges=_pinned(_ranges(exported), rerun.program) if rerun.program.transformed else _ranges(exported),
        guards=held,
        decomposed=rerun.executable,
        steps=rerun.steps,
    )


class Rerun:
    """The frontend's steps once more, on request, for a program that failed; the decomposed program is kept.

    `decomposed` is the one that the first run made, once it has; `decomposing` makes another, at the program's level.
    """

    def __init__(self, program: Program, decomposing: Decomposing = decompose) -> None:
        self.program = program
        self.decomposed: ExportedProgram | None = None
        self.decomposing: Callable[[ExportedProgram], ExportedProgram] = lambda made: decomposing(made, program.level)

    def executable(self) -> Executable:
        """Return the exported and decomposed program for eager to run, made once; raises NotExpressible."""
        return self._executable

    @functools.cached_property
    def _executable(self) -> Executable:
        """The decomposed program for eager.

        The executable raises Specialized for sizes that the program took before it was decomposed: torch unrolls loops
        over a symbolic size when it decomposes, and adds a guard that the size is that of export.
        """
        decomposed = Eager().compile(self._eager(self._whole_decomposed))

        def run(inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
            try:
                return decomposed(inputs)
            except AssertionError as guard:
                # raises if the exported program does not take these sizes either
                Eager().compile(self._eager(export_program(self.program)))(inputs)
                raise Specialized(reason(guard)) from None

        return run

    def steps(self) -> tuple[Step, ...]:
        """Return the program exported, decomposed, imported, and after each contract pass; raises NotExpressible."""
        found = [Step(name="export", lowered=self._eager(export_program(self.program)))]
        found.append(Step(name="decompositions", lowered=self._eager(self._whole_decomposed)))
        with ir.session() as session:
            module = _imported(self._whole_decomposed, session)
            imported = ir.printed(module)
            found.append(Step(name="import", lowered=self._lowered("torch", imported)))
            for name, text in passes.after_each(imported, contract_pipeline(self.program.legal), session, module):
                found.append(Step(name=f"contract/{name}", lowered=self._lowered("torch", text)))
        ir.drop()  # the context remembers the names of resources
        generated_code.forget()
        return tuple(found)

    @functools.cached_property
    def _whole_decomposed(self) -> ExportedProgram:
        made = self.decomposed
        if made and len(made.graph_signature.user_inputs) == len(made.graph_signature.input_specs):
            return made
        # the importer has removed inputs that are no argument from the graph
        return _decomposed(export_program(self.program), self.decomposing)

    def _eager(self, exported: ExportedProgram) -> Lowered:
        made: Any = exported.module()
        return replace(self._lowered("eager", str(made.code)), program=replace(self.program, module=made))

    def _lowered(self, dialect: str, text: str) -> Lowered:
        return Lowered(dialect=dialect, ir=text, program=self.program)


def _ranges(exported: ExportedProgram) -> Ranges:
    """Return the inclusive range that export allows each symbolic size, by argument and index of the dim."""
    names = {spec.arg.name for spec in exported.graph_signature.input_specs if spec.kind is InputKind.USER_INPUT}
    inputs = [n for n in exported.graph.nodes if n.op == "placeholder" and n.name in names]
    return tuple(
        {i: _range(exported, size) for i, size in enumerate(n.meta["val"].shape) if isinstance(size, torch.SymInt)}
        for n in inputs
    )


def _pinned(ranges: Ranges, program: Program) -> Ranges:
    """The ranges, with those of sizes that were asked to be symbolic and came out constant."""
    asked = program.dynamic_shapes[0] if program.dynamic_shapes else ()
    pinned = ({dim: (arg.shape[dim],) * 2 for dim in spec} for arg, spec in zip(program.args, asked, strict=False))
    return tuple({**own, **found} for own, found in zip(pinned, ranges, strict=False)) or ranges


def _range(exported: ExportedProgram, size: torch.SymInt) -> tuple[float, float]:
    allowed = exported.range_constraints.get(size.node.expr)
    return (float(allowed.lower), float(allowed.upper)) if allowed else (-math.inf, math.inf)


def result_dtypes(program: ExportedProgram) -> tuple[torch.dtype, ...]:
    """The dtypes of the results, as the graph has them; empty if one of the results is no tensor."""
    outputs = set(program.graph_signature.user_outputs)
    found = {n.name: n.meta.get("val") for n in program.graph.nodes if n.name in outputs}
    values = [found.get(name) for name in program.graph_signature.user_outputs if isinstance(name, str)]
    tensors = [value for value in values if isinstance(value, torch.Tensor)]
    return tuple(tensor.dtype for tensor in tensors) if len(tensors) == len(values) else ()


def overloads(program: ExportedProgram) -> tuple[str, ...]:
    """The overloads that the program calls, sorted and unique."""
    return graph_overloads(program.graph_module)


def graph_overloads(graph: torch.fx.GraphModule) -> tuple[str, ...]:
    """The overloads that a graph and those inside it call, sorted and unique."""
    return tuple(sorted(set(_overloads(graph))))


def _overloads(module: torch.fx.GraphModule) -> Iterator[str]:
    for part in module.modules():
        if isinstance(part, torch.fx.GraphModule):
            for node in part.graph.nodes:
                if node.op == "call_function" and isinstance(node.target, torch._ops.OpOverload):
                    yield str(node.target)


def _imported(program: ExportedProgram, session: ir.Session) -> mlir.Module:
    try:
        with ir.diagnosed(session.context) as diagnostics:
            importer = FxImporter(context=session.context)
            importer.import_frozen_program(program, func_name="main")
            return importer.module
    except Exception as error:  # the importer raises NotImplementedError, KeyError, TypeError, MLIRError, ...
        raise NotExpressible("import", "; ".join(d.message for d in diagnostics) or reason(error)) from error


def reason(error: BaseException) -> str:
    """Return the exception's type and the lines of its message that give the reason, without traces and advice."""
    lines = (line.strip() for line in str(error).splitlines())
    kept = itertools.takewhile(lambda line: not _TRAILER.match(line), (line for line in lines if line))
    text = portable(_METADATA.sub("", " ".join(itertools.islice(kept, 6))))
    return f"{type(error).__name__}: {text[:600]}" if text else type(error).__name__


_METADATA = re.compile(r"(?<=>), \{'\w+': .*")
"""What the importer prints of a node that it does not know, after its target; it differs from run to run."""
_TRAILER = re.compile(
    r"While executing|Exception raised from|Original traceback|Traceback|File \"|The above exception|Set TORCH"
    r"|For more information"
    r"|Framework stack|from user code|\(Please|You can suppress|The full stack|To fix|Explanation|Suggested fixes"
    r"|For C\+\+|User stack|C\+\+ stack"
)


def decomposed(program: Program) -> ExportedProgram:
    """Export and decompose a program, and no more; raises NotExpressible."""
    with _tracing():
        return _decomposed(export_program(program), Rerun(program).decomposing)


def imported_module(program: Program, session: ir.Session) -> mlir.Module:
    """Export, decompose and import a program, and no more; raises NotExpressible."""
    made = decomposed(program)
    refuse_mutation(made)
    return _imported(made, session)


def reference_ir(program: Program) -> str:
    """Return the IR of the official path, `torch_mlir.fx.export_and_import`, to compare this frontend's IR with."""
    module = fx.export_and_import(
        program.module,
        *program.args,
        output_type="torch",
        dynamic_shapes=program.dynamic_shapes,
    )
    return str(module)
