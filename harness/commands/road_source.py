"""A road as Python source: what a user of torch and torch-mlir writes to send a program along it."""

from __future__ import annotations

from harness.cases.road import DEFAULT, EXPORT, Level, Road

from .transform_source import TRACED

_TABLES: dict[Level, str] = {
    "torch-mlir": "get_decomposition_table()",
    "core-aten": "dict(torch.export.default_decompositions())",
    "prims": "{**dict(torch.export.default_decompositions()), **torch._decomp.decomposition_table}",
    "none": "{}",
}


def lower(road: Road, output_type: str) -> str:
    """The source of `lower`, which returns the lowered module, but for its end; `program` and `Module` are known.

    On the road of TorchDynamo there is also `fed`, which turns the inputs into the arguments of `main`: it calls what
    was compiled, and notes what that is called with. The names differ from those of the executors' modules.
    """
    if road.frontend == EXPORT:
        return tracing(road) + _EXPORT.format(
            module=module(road), output_type=output_type, undecomposed=undecomposed(road), arguments=arguments(road)
        )
    legal = _legal(road)
    return _DYNAMO.format(output_type=output_type, table=_TABLES[road.level], legal=legal)


def inputs(road: Road) -> str:
    """The inputs as arguments of `main`."""
    return "list(inputs)" if road.frontend == EXPORT else "fed(inputs)"


def tracing(road: Road) -> str:
    """The source of `traced`, where a transform must be traced before it is exported."""
    return f"{TRACED}\n" if road.transform != "none" and road.frontend == EXPORT else ""


def module(road: Road) -> str:
    """What is exported."""
    return "traced(Module())" if tracing(road) else "Module()"


def undecomposed(road: Road) -> str:
    """Where nothing is decomposed, what makes an exported `program` functional: torch-mlir skips an empty table."""
    return "    program = program.run_decompositions({})\n" if road.level == "none" else ""


def arguments(road: Road) -> str:
    """The arguments of `fx.export_and_import` that the road adds, each after a comma."""
    table = f", decomposition_table={_TABLES[road.level]}" if road.level != DEFAULT.level else ""
    return table + _legal(road)


def _legal(road: Road) -> str:
    return f", backend_legal_ops={list(road.legal)!r}" if road.legal else ""


_EXPORT = """
def lower():
    module = {module}
    try:
        program = torch.export.export(module, example, dynamic_shapes=dynamic_shapes, strict=False)
    except Exception:  # the sizes asked for are refused: let export choose their ranges
        if dynamic_shapes is None:
            raise
        relaxed = tuple({{dim: torch.export.Dim.DYNAMIC for dim in spec}} for spec in dynamic_shapes)
        program = torch.export.export(module, example, dynamic_shapes=relaxed, strict=False)
{undecomposed}    lowered = fx.export_and_import(program, output_type={output_type!r}{arguments})
"""

_DYNAMO = """
from torch._dynamo.backends.common import aot_autograd
from torch_mlir.extras.fx_decomp_util import get_decomposition_table

captured_graphs, captured_call = [], []


def keep_graph(graph, inputs):
    def call(args):
        captured_call[:] = args
        args.clear()
        return graph.forward(*captured_call)

    captured_graphs.append(graph)
    call._boxed_call = True
    return call


keeping = aot_autograd(fw_compiler=keep_graph, decompositions={table})
captured = torch.compile(Module(), backend=keeping, fullgraph=True, dynamic=dynamic_shapes is not None)


def fed(inputs):
    with torch.no_grad(), torch._dynamo.config.patch(specialize_float=True):
        captured(*inputs)
    return [torch.as_tensor(argument) for argument in captured_call]


def lower():
    args = [x.clone() for x in example]
    for x, dims in zip(args, dynamic_shapes or ()):
        for dim in dims:
            torch._dynamo.mark_dynamic(x, dim)
    fed(args)
    graph = captured_graphs[-1]
    lowered = fx.stateless_fx_import(graph, output_type={output_type!r}{legal})
"""
