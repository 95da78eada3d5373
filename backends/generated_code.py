"""The Python code that `torch.fx` generates for each graph: made only where it is run, and dropped afterwards.

A `GraphModule` generates and compiles the code of its `forward` each time its graph is set. Export and decomposition
set some 15 graphs a program, and run the code of one or two of them; the others they interpret or rewrite.
`torch.fx._lazy_graph_module` has the same remedy for a class of its own, which export does not use.
"""

from __future__ import annotations

import keyword
import linecache
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.fx.graph import _PyTreeCodeGen
from torch.fx.graph_module import GraphModule

_generate = GraphModule.recompile
_MADE = ("forward", "_code", "_lineno_map", "_prologue_start")
"""What `GraphModule.recompile` makes: `forward` of the class, which no other instance has, the rest of the instance."""


@contextmanager
def deferred() -> Iterator[None]:
    """Let every graph module that is made or recompiled meanwhile generate its code when it is first needed."""
    before = GraphModule.recompile
    GraphModule.recompile = _defer  # type: ignore[method-assign,assignment]
    try:
        yield
    finally:
        GraphModule.recompile = before  # type: ignore[method-assign]


def forget() -> None:
    """Drop the source text of the graphs compiled so far: `torch.fx` keeps all of it, some 30 kB per program."""
    loader: Any = getattr(torch.fx.graph_module, "_loader", None)
    if loader is not None and hasattr(loader, "eval_cache"):
        loader.eval_cache.clear()
    for name in [name for name in linecache.cache if name.startswith("<eval_with_key>")]:
        del linecache.cache[name]


def _defer(module: GraphModule) -> None:
    """In place of `GraphModule.recompile`: do what is not code, and put a `_Pending` where the code will be."""
    if _has_keyword(module._graph):
        _generate(module)
        return
    codegen = module._graph._codegen
    if isinstance(codegen, _PyTreeCodeGen):
        module._in_spec = codegen.pytree_info.in_spec
        module._out_spec = codegen.pytree_info.out_spec
    cls: Any = type(module)
    for name in _MADE:
        module.__dict__.pop(name, None)
        setattr(cls, name, _Pending(name, module))
    module._recompile_submodules()


def _has_keyword(graph: torch.fx.Graph) -> bool:
    """Whether the code of the graph has a keyword of Python for a name, as in `torch.ops.aten.random.from(...)`.

    It does not compile, so export refuses the program; it must not pass because nobody needs the code.
    """
    words = (word for node in graph.nodes for word in (*str(node.target).split("."), *node.kwargs))
    return any(map(keyword.iskeyword, words))


class _Pending:
    """A descriptor that stands for an attribute which the code of a graph module will have, and makes the code."""

    def __init__(self, name: str, module: GraphModule) -> None:
        self._name = name
        self._module = weakref.ref(module)  # its class must not keep the module alive

    def __get__(self, instance: GraphModule | None, owner: type[GraphModule]) -> Any:
        module = instance if instance is not None else self._module()
        if module is not None:
            _make(module)
        return getattr(owner if instance is None else instance, self._name)


def _make(module: GraphModule) -> None:
    cls: Any = type(module)
    for name in _MADE:
        if isinstance(vars(cls).get(name), _Pending):
            delattr(cls, name)
    _generate(module)
