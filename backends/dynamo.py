"""The frontend `dynamo`: TorchDynamo and AOT capture a program, `FxImporter.import_stateless_graph` imports it.

That is the way of `torch.compile(module, backend=aot_autograd(fw_compiler=...), fullgraph=True)` with the importer of
`torch_mlir.fx.stateless_fx_import`. Every size is symbolic in dynamic mode, as `dynamic=True` says, and those that the
case lets vary are marked, so that TorchDynamo refuses to specialise them. Symbolic sizes are arguments of the graph.

AOT traces below autograd, where composite ops are taken apart already, whatever the level.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any

import torch
import torch._dynamo
from torch._dynamo.backends.common import aot_autograd
from torch.fx import GraphModule, Node
from torch.utils import _pytree as pytree
from torch_mlir.extras.fx_importer import FxImporter

from harness.programs.protocols import Argument, Contract, Enter, NotExpressible, Program, Specialized
from harness.text import one_line, portable

from . import ir
from .decompositions import table
from .frontend import contract_pipeline, graph_overloads, reason
from .guards import Guards, guards, size_of


class Dynamo:
    """Captures programs with TorchDynamo; 0.1 to 0.4 s for a small op."""

    name = "dynamo"

    def run(self, program: Program, enter: Enter) -> Contract:
        """Capture, import and legalize; raises NotExpressible with the stage and a reason of one line."""
        enter("export")
        captured = Captured(program)
        contract = captured.contract()
        try:
            with ir.session() as session:
                enter("import")
                importer = _imported(captured.graph, session)
                enter("contract")
                text, ops = ir.legalized(importer.module, contract_pipeline(program.legal), session)
        except ir.PassFailed as failure:
            raise NotExpressible("contract", failure.reason, contract) from None
        except NotExpressible as refusal:
            refusal.exported = contract
            raise
        if captured.token:
            raise NotExpressible("import", f"main takes {captured.token}, a token that no argument is", contract)
        if "dialect_resources" in text:
            ir.drop()
        return replace(contract, ir=text, reached=tuple(sorted(set(ir.computing(ops)))))

    def export(self, program: Program, enter: Enter) -> Contract:
        """Capture only: return a contract without IR, for a backend that starts there; raises NotExpressible."""
        enter("export")
        return Captured(program).contract()


class Captured:
    """A program as TorchDynamo and AOT have captured it; raises NotExpressible with what PyTorch says.

    `graph` is AOT's, which is imported; `dynamo` is TorchDynamo's before that; `token` an argument that orders effects.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self._graphs: list[GraphModule] = []
        self._captures: list[GraphModule] = []
        self._fed: Sequence[Any] = ()
        self.token = ""
        compiling: Any = torch.compile
        self._compiled = compiling(
            _function(program.module), backend=self._backend, fullgraph=True, dynamic=bool(program.dynamic_shapes)
        )
        args = [a.clone() for a in program.args]
        self._mark(args)
        config: Any = torch._dynamo.config
        try:
            # a float is as much a part of the program as an int is; AOT would make a tensor of it, and an argument
            with torch.no_grad(), config.patch(specialize_float=True):
                results = self._compiled(*args)
        except Exception as error:  # TorchDynamo raises nearly every exception type there is
            _leave_forward_mode()
            raise NotExpressible("export", _why(error)) from error
        if not self._graphs:
            raise NotExpressible("export", "TorchDynamo finds nothing to compile: the program makes no graph")
        self.graph, self.dynamo = self._graphs[-1], self._captures[-1]  # an earlier one was given up, and cleared
        self._arguments = self._places(args)
        self._check_results(results)

    def contract(self) -> Contract:
        """What is known of the program before it is imported."""
        exported = graph_overloads(self.dynamo)
        values: list[Any] = [node.meta.get("val") for node in self._results() if isinstance(node, Node)]
        return Contract(
            program=replace(self.program, arguments=self._arguments),
            ir="",
            exported=exported,
            reached=(),
            ranges=self._ranges(),
            guards=self._guards(),
            decomposed=lambda: self._run,
            decomposes=bool(self.program.dynamic_shapes) or graph_overloads(self.graph) != exported,
            dtypes=tuple(v.dtype for v in values) if all(isinstance(v, torch.Tensor) for v in values) else (),
        )

    def _backend(self, graph: GraphModule, inputs: Sequence[Any]) -> Any:
        self._captures.append(graph)
        decompositions = table(self.program.level)
        return aot_autograd(fw_compiler=self._compiler, decompositions=decompositions)(graph, inputs)

    def _compiler(self, graph: GraphModule, inputs: Sequence[Any]) -> Any:
        self._graphs.append(graph)

        def call(args: list[Any]) -> Any:
            self._fed = tuple(args)
            args.clear()
            return graph.forward(*self._fed)

        call._boxed_call = True  # type: ignore[attr-defined]
        return call

    def _mark(self, args: Sequence[torch.Tensor]) -> None:
        """Mark the sizes that vary: TorchDynamo raises if the program needs one of them to be constant."""
        for tensor, dims in zip(
            args, self.program.dynamic_shapes[0] if self.program.dynamic_shapes else (), strict=False
        ):
            for dim in dims or ():
                torch._dynamo.mark_dynamic(tensor, dim)

    def _placeholders(self) -> list[Node]:
        return [node for node in self.graph.graph.nodes if node.op == "placeholder"]

    def _results(self) -> Sequence[Any]:
        found = next(node for node in self.graph.graph.nodes if node.op == "output").args[0]
        return found if isinstance(found, (tuple, list)) else (found,)

    def _places(self, args: Sequence[torch.Tensor]) -> tuple[Argument, ...]:
        """Which argument of the program each one of the graph is, or the size of which dim; raises NotExpressible."""
        found: list[Argument] = []
        place: Argument | None
        for node, given in zip(self._placeholders(), self._fed, strict=True):
            size = node.meta["val"]
            if given is None:  # a token, by which AOT orders effects such as a check of errors
                self.token, place = node.name, 0
            elif isinstance(size, torch.SymInt):
                place = self._size(size, args)
            else:
                place = next((i for i, arg in enumerate(args) if arg is given), None)
            if place is None:
                raise NotExpressible("export", f"AOT gives the graph {node.name}, no argument and no size of one")
            found.append(place)
        return () if found == list(range(len(args))) else tuple(found)

    def _size(self, size: torch.SymInt, args: Sequence[torch.Tensor]) -> Argument | None:
        """The argument and the dim of this size, which may be computed of others, such as `s0 + 1`."""
        named = size_of(size.node.shape_env, size.node.expr)
        return named or next(
            (
                (i, dim)
                for node, given in zip(self._placeholders(), self._fed, strict=True)
                for i, arg in enumerate(args)
                if arg is given
                for dim, other in enumerate(node.meta["val"].shape)
                if isinstance(other, torch.SymInt) and other.node.expr == size.node.expr
            ),
            None,
        )

    def _check_results(self, results: Any) -> None:
        """Raise NotExpressible if the graph's results are not the program's, as where it writes to an argument."""
        wanted = [leaf for leaf in pytree.tree_leaves(results) if leaf is not None]
        found = [result for result in self._results() if result is not None]
        if len(found) - bool(self.token) != len(wanted):
            raise NotExpressible(
                "export", f"AOT's graph has {len(found)} results, the program {len(wanted)}: it reuses or writes one"
            )

    def _ranges(self) -> tuple[Mapping[int, tuple[float, float]], ...]:
        """The inclusive range of each symbolic size, by argument and index of the dim; it leaves out 0 and 1."""
        found: list[dict[int, tuple[float, float]]] = [{} for _ in self.program.args]
        for node, place in zip(self._placeholders(), self._arguments or range(len(found)), strict=True):
            value = node.meta["val"]
            if isinstance(place, tuple):
                found[place[0]][place[1]] = _range(value)
            else:
                sizes = enumerate(value.shape)
                found[place] |= {dim: _range(size) for dim, size in sizes if isinstance(size, torch.SymInt)}
        return tuple(found)

    def _guards(self) -> Guards | None:
        """The guards that the graph leaves out."""
        values = (node.meta["val"] for node in self._placeholders())
        symbolic = next((value for value in values if isinstance(value, torch.SymInt)), None)
        return None if symbolic is None else guards(symbolic.node.shape_env)

    def _run(self, inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Run the compiled program at any sizes; raises Specialized where TorchDynamo would compile it again."""
        stance: Any = torch.compiler.set_stance
        with torch.no_grad(), stance("fail_on_recompile"):
            try:
                results = self._compiled(*inputs)
            except RuntimeError as error:
                if _RECOMPILES not in str(error):
                    raise
                raise Specialized(f"TorchDynamo compiles it again: {_guards(str(error))}") from None
        leaves = [leaf for leaf in pytree.tree_leaves(results) if leaf is not None]
        return [torch.as_tensor(leaf).detach().clone() for leaf in leaves]


def _leave_forward_mode() -> None:
    """Leave the level of forward mode in which TorchDynamo stays if it fails amid a jvp; another one cannot begin."""
    with suppress(RuntimeError):  # there is none
        torch._C._exit_dual_level(level=0)


def _function(module: torch.nn.Module) -> Any:
    """A function that calls the module: TorchDynamo keeps what it knows of a program with the code of its function."""
    scope: dict[str, Any] = {"module": module}
    exec(compile("def program(*inputs): return module(*inputs)", "<program>", "exec"), scope)
    return scope["program"]


def _imported(graph: GraphModule, session: ir.Session) -> FxImporter:
    importer = FxImporter(context=session.context)
    with ir.diagnosed(session.context) as diagnostics:
        try:
            importer.import_stateless_graph(graph.graph, func_name="main")
        except Exception as error:  # the importer raises nearly every exception type there is
            said = "; ".join(d.message for d in diagnostics) or reason(error)
            raise NotExpressible("import", said) from error
    return importer


def _range(size: torch.SymInt) -> tuple[float, float]:
    found = size.node.shape_env.bound_sympy(size.node.expr)
    return _bound(found.lower), _bound(found.upper)


def _bound(value: Any) -> float:
    try:
        return float(int(value))
    except (TypeError, OverflowError, ValueError, AttributeError):
        return math.inf


def _why(error: Exception) -> str:
    """What PyTorch says; of an error in AOT or of an op, what lies below TorchDynamo's message."""
    inner = getattr(error, "inner_exception", None)
    said = reason(inner if isinstance(inner, Exception) else error)
    below = _BELOW.search(str(error))
    return f"{said}: {portable(f'{below[1]}: {below[3]}')}" if below else said


_BELOW = re.compile(r"""with fake tensors: .*?\): got (\w+)\((['"])(.*?)(?:\\n|\2\))""", re.DOTALL)
"""The error of an op that TorchDynamo quotes in its explanation, up to the end of its first line."""
_RECOMPILES = "Detected recompile"


def _guards(text: str) -> str:
    """The guards that failed, without the places in the code that they come from."""
    failed = [re.sub(r"\s+#.*", "", guard) for guard in re.findall(r"^\s*- \d+/\d+: (.*)$", text, re.MULTILINE)]
    return portable(one_line("; ".join(failed) or text))[:300]
