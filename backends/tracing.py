"""Programs traced below `torch.func`, which export cannot look into."""

from __future__ import annotations

from typing import Any

import torch
from torch.fx import GraphModule
from torch.fx.experimental import _config as tracing_config
from torch.fx.experimental.proxy_tensor import make_fx

from harness.programs.protocols import Program

from .guards import Guards, guards


def traced(program: Program) -> tuple[GraphModule, Guards | None]:
    """Trace a program; each size of a dynamic one is a symbol. Return the graph, and its guards if it has symbols."""
    config: Any = tracing_config
    with config.patch(use_duck_shape=False), torch.no_grad():
        tracing = make_fx(program.module, tracing_mode="symbolic" if program.dynamic_shapes else "fake")
        found = tracing(*program.args)
    found.graph.eliminate_dead_code()  # forward mode asks whether tensors are of one size, and does nothing with it
    found.recompile()
    return found, guards(found.shape_env) if program.dynamic_shapes else None
