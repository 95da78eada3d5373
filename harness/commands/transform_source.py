"""A transformed program as Python source: the module with its transform, and what traces it for export."""

from __future__ import annotations

from harness.cases.sample import Sample, tensors
from harness.cases.transformed import untransformed
from harness.programs.program import call, program

from .python_source import call_source

TRACED = """
def traced(module):
    from torch.fx.experimental import _config
    from torch.fx.experimental.proxy_tensor import make_fx

    with _config.patch(use_duck_shape=False), torch.no_grad():
        graph = make_fx(module, tracing_mode="symbolic" if dynamic_shapes else "fake")(*example)
    graph.graph.eliminate_dead_code()
    graph.recompile()
    return graph
"""
"""Traces below `torch.func`, which export cannot look into."""


def module_source(sample: Sample) -> str:
    """The module that calls the op; on a road with a transform, the module that applies it, as `Module`."""
    given = len(program(sample).args)
    if not sample.varied:
        return _module("Module", given, call_source(call(sample)))
    count = given - (0 if sample.road.transform == "vmap" else _directions(sample, given))
    names = [f"x{i}" for i in range(count)]
    plain = _module("Plain", count, call_source(call(sample)))
    return f"{plain}\n\n{_module('Module', given, '', _body(sample, names, given))}"


def _directions(sample: Sample, given: int) -> int:
    """How many cotangents or tangents there are: what comes after the plain program's arguments."""
    varied = sample.varied
    assert varied
    if sample.road.transform == "jvp":
        return len(varied.tensors)
    carriers = len(program(untransformed(sample)).args) - len(tensors(sample.args))
    return given - len(tensors(sample.args)) - carriers


def _module(name: str, count: int, result: str, body: str = "") -> str:
    names = "".join(f", x{i}" for i in range(count))
    return f"class {name}(torch.nn.Module):\n    def forward(self{names}):\n{body or f'        return {result}'}\n"


def _body(sample: Sample, names: list[str], given: int) -> str:
    varied, transform = sample.varied, sample.road.transform
    assert varied
    more = "".join(f"x{i}, " for i in range(len(names), given))
    lines = ["plain = Plain()", ""]
    if transform == "vmap":
        dim = -1 if varied.last else 0
        dims = tuple(dim if place in varied.tensors else None for place in range(len(names)))
        lines += [f"def function({', '.join(names)}):", f"    return {_LEAVES.format(_call(names), 'is not None')}", ""]
        for _ in varied.batch:
            lines.append(f"function = torch.func.vmap(function, in_dims={dims!r}, randomness={varied.randomness!r})")
        lines.append(f"return function({', '.join(names)})")
    else:
        chosen = [names[place] for place in varied.tensors]
        lines += [f"def function({', '.join(chosen)}):", f"    leaves = {_LEAVES.format(_call(names), 'is not None')}"]
        lines += ["    return tuple(t for t in leaves if t.is_floating_point() or t.is_complex())", ""]
        own = ", ".join(chosen)
        derivative = (
            f"vjp(function, {own})[1](({more}))" if transform == "vjp" else f"jvp(function, ({own},), ({more}))[1]"
        )
        lines.append(f"return torch.func.{derivative}")
    return "\n".join(f"        {line}".rstrip() for line in lines)


_LEAVES = "tuple(t for t in torch.utils._pytree.tree_leaves({}) if t {})"


def _call(names: list[str]) -> str:
    return f"plain({', '.join(names)})"


def dynamic_shapes(sample: Sample) -> str:
    """The statement that assigns `dynamic_shapes` of a transformed program."""
    shapes = program(sample).dynamic_shapes
    if shapes is None:
        return "dynamic_shapes = None"
    specs = (
        "{" + ", ".join(f"{i}: torch.export.Dim.{d.type.name}" for i, d in spec.items()) + "}" for spec in shapes[0]
    )
    return f"dynamic_shapes = ({', '.join(specs)},)"
