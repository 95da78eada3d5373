"""Cut exported graphs: what the importer refuses is cut before it is imported.

A piece is a graph of a few of the program's calls. What these take of other calls is an input; calls of `getitem` come
along, since they only take a result apart. The graph is imported without its program, as `stateless_fx_import` does.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any

import torch
from torch.export import ExportedProgram
from torch.fx import Graph, Node
from torch_mlir.extras.fx_importer import FxImporter

from harness.programs.cutting import CannotCut, Piece, Point
from harness.programs.protocols import NotExpressible, Program

from . import ir
from .frontend import contract_pipeline, decomposed, reason, refuse_mutation


class ExportedGraph:
    """The exported and decomposed graph of a program; `ops` are its calls, as the exported graph names them."""

    def __init__(self, program: ExportedProgram, legal: Sequence[str] = ()) -> None:
        self._legal = legal
        self._root = program.graph_module
        self._calls = [node for node in program.graph.nodes if _is_call(node)]
        self.ops = tuple(_name(node) for node in self._calls)

    def only(self, kept: Iterable[int], numbers: Mapping[Point, Any] | None = None) -> Piece:
        """The piece of these calls; its `ir` is its inputs and the code of its graph. Raises CannotCut."""
        chosen = sorted(kept)
        graph = self._graph({self._calls[i] for i in chosen})
        text = f"{_inputs(graph)}\n{torch.fx.GraphModule(self._root, graph).code}"
        ops = tuple(self.ops[i] for i in chosen)
        return Piece(ir=text, ops=ops, arguments=(), results=(), outputs=(), constants=(), behind=())

    def run(self, kept: Iterable[int], *, legalize: bool) -> None:
        """Import the piece of these calls, and run the contract pipeline if asked to.

        Raises CannotCut, and NotExpressible where one of the two refuses it.
        """
        graph = self._graph({self._calls[i] for i in kept})
        with ir.session() as session:
            importer = FxImporter(context=session.context)
            with ir.diagnosed(session.context) as diagnostics:
                try:
                    importer.import_stateless_graph(graph, func_name="main")
                except Exception as error:  # the importer raises nearly every exception type there is
                    said = "; ".join(d.message for d in diagnostics) or reason(error)
                    raise NotExpressible("import", said) from None
            try:
                if legalize:
                    ir.legalized(importer.module, contract_pipeline(self._legal), session)
            except ir.PassFailed as failure:
                raise NotExpressible("contract", failure.reason) from None

    def _graph(self, kept: Collection[Node]) -> Graph:
        """A graph of these calls; raises CannotCut if torch cannot copy them."""
        graph = Graph()
        copies: dict[Node, Node] = {}

        def copied(node: Node) -> Node:
            if node not in copies:
                inside = node in kept or node.op == "get_attr" or (_is_part(node) and node.args[0] in kept)
                copies[node] = graph.node_copy(node, copied) if inside else _placeholder(graph, node)
            return copies[node]

        try:
            made = [copied(node) for node in self._calls if node in kept]
            parts = [copied(user) for node in kept for user in node.users if _is_part(user)]
        except Exception as error:  # of torch, about a graph that it did not make
            raise CannotCut(f"the graph cannot be copied: {reason(error)}") from None
        results = tuple(node for node in (*made, *parts) if isinstance(node.meta.get("val"), torch.Tensor))
        graph.output(results).meta["val"] = tuple(node.meta["val"] for node in results)
        return graph


def exported(program: Program) -> ExportedGraph:
    """Return the exported and decomposed graph of a program; raises NotExpressible."""
    made = decomposed(program)
    refuse_mutation(made)
    return ExportedGraph(made, program.legal)


def _is_call(node: Node) -> bool:
    return node.op == "call_function" and not _is_part(node)


def _is_part(node: Node) -> bool:
    return node.op == "call_function" and getattr(node.target, "__name__", "") == "getitem"


def _name(node: Node) -> str:
    """The overload that a node calls, as the torch dialect spells it, or the function."""
    if isinstance(node.target, torch._ops.OpOverload):
        return f"torch.{str(node.target).removesuffix('.default')}"
    return str(getattr(node.target, "__name__", node.target))


def _inputs(graph: Graph) -> str:
    """The inputs of a graph and their types, as comments: the code does not have them, and they decide how it ends."""
    given = [node for node in graph.nodes if node.op in ("placeholder", "get_attr")]
    return "\n".join(f"# {node.name}: {_type(node.meta.get('val'))}" for node in given)


def _type(value: object) -> str:
    if not isinstance(value, torch.Tensor):
        return str(value)
    sizes = ", ".join(map(str, value.shape))
    return f"{str(value.dtype).removeprefix('torch.')}[{sizes}]"


def _placeholder(graph: Graph, node: Node) -> Node:
    """An input in place of a node. The graph is made from its last call on, so inputs go to its start."""
    first = next(iter(graph.nodes), None)
    with graph.inserting_before(first) if first else graph.inserting_after(graph._root):
        made = graph.placeholder(node.name)
    made.meta = dict(node.meta)
    return made
