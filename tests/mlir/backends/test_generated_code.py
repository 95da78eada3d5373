"""The code of graph modules is made where it is needed, is the code that upstream makes, and is forgotten."""

from __future__ import annotations

import gc
import inspect
import linecache
import weakref
from typing import Any

import pytest
import torch
from torch.fx import GraphModule, symbolic_trace

from backends import generated_code
from backends.frontend import Fx
from tests.mlir.example_programs import PROGRAMS


class Doubled(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + x


@pytest.fixture
def generated(monkeypatch: pytest.MonkeyPatch) -> list[GraphModule]:
    """The graph modules whose code was generated, in order."""
    seen: list[GraphModule] = []
    upstream = generated_code._generate

    def generate(module: GraphModule) -> Any:
        seen.append(module)
        return upstream(module)

    monkeypatch.setattr(generated_code, "_generate", generate)
    return seen


def deferred() -> Any:
    with generated_code.deferred():
        return symbolic_trace(Doubled())


def test_no_code_is_generated_before_it_is_needed(generated: list[GraphModule]) -> None:
    module = deferred()
    assert generated == []
    assert torch.equal(module(torch.ones(2)), torch.full((2,), 2.0))
    module(torch.ones(2))
    assert generated == [module]


def test_the_code_is_the_one_that_upstream_generates() -> None:
    at_once = symbolic_trace(Doubled())
    assert deferred().code == at_once.code
    assert str(deferred()) == str(at_once)
    assert inspect.signature(deferred().forward) == inspect.signature(at_once.forward)
    assert inspect.signature(type(deferred_alive := deferred()).forward) == inspect.signature(type(at_once).forward)
    assert deferred_alive._lineno_map == at_once._lineno_map


def test_code_that_was_generated_before_an_edit_is_not_kept() -> None:
    with generated_code.deferred():
        module = symbolic_trace(Doubled())
        assert module(torch.ones(1)).item() == 2
        next(n for n in module.graph.nodes if n.op == "call_function").target = torch.mul
        module.recompile()
    assert module(torch.ones(1)).item() == 1
    assert "mul" in module.code


def test_a_module_that_upstream_recompiles_later_works() -> None:
    module = deferred()
    module.recompile()
    assert module(torch.ones(1)).item() == 2
    assert module(torch.ones(1)).item() == 2
    assert module.code == symbolic_trace(Doubled()).code


def test_a_module_that_is_never_run_dies() -> None:
    module = deferred()
    gone = weakref.ref(module)
    del module
    gc.collect()
    assert gone() is None


def test_upstream_generates_code_as_before_afterwards() -> None:
    upstream = GraphModule.recompile
    deferred()
    assert GraphModule.recompile is upstream


def test_the_frontend_generates_the_code_of_few_graphs(generated: list[GraphModule]) -> None:
    Fx().run(PROGRAMS["linear"], lambda stage: None)
    assert len(generated) <= 3


def test_the_source_text_is_forgotten() -> None:
    deferred().code  # noqa: B018
    generated_code.forget()
    assert not [name for name in linecache.cache if name.startswith("<eval_with_key>")]


def test_a_graph_whose_code_does_not_compile_is_refused_as_upstream_refuses_it() -> None:
    random_from = getattr(torch.ops.aten.random, "from")
    graph = torch.fx.Graph()
    graph.output(graph.call_function(random_from, (graph.placeholder("x"), 1, 7)))
    with pytest.raises(SyntaxError), generated_code.deferred():
        GraphModule(torch.nn.Module(), graph)
