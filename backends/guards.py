"""The guards of a captured program: what capturing has assumed of its symbolic sizes.

`torch.export` asserts its guards when its program runs. `make_fx` and TorchDynamo only note them: the graph of the
derivative of `aten.trace` has the length of one diagonal, right where `args[0].size(1) >= args[0].size(0)`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from harness.programs.protocols import Argument

Guards = Callable[[Sequence[Sequence[int]]], str]

_SIZE = re.compile(r"input(?:s'\]\[)?(\d+)\]?\.size\(\)\[(\d+)\]")
"""How they name the size of a dim of an argument: `input0.size()[1]` and `L['inputs'][0].size()[1]`."""


def guards(env: Any) -> Guards:
    """The guards of a `ShapeEnv` about sizes of arguments; others, as about strides, say nothing."""
    places = {symbol: place for symbol in env.var_to_sources if isinstance(place := size_of(env, symbol), tuple)}
    noted = [guard.expr for guard in env.guards if guard.expr.free_symbols <= places.keys()]

    def broken(shapes: Sequence[Sequence[int]]) -> str:
        sizes = {symbol: shapes[argument][dim] for symbol, (argument, dim) in places.items()}
        return next((_named(guard, places) for guard in noted if not guard.xreplace(sizes)), "")

    return broken


def size_of(env: Any, symbol: Any) -> Argument | None:
    """The argument and the dim that a symbol is the size of, as `env` names where it has it from."""
    found = (_SIZE.search(str(source.name)) for source in env.var_to_sources.get(symbol, ()))
    return next(((int(match[1]), int(match[2])) for match in found if match), None)


def _named(guard: Any, places: Mapping[Any, tuple[int, int]]) -> str:
    """The guard, with each symbol by its place."""
    text = str(guard)
    for symbol, (argument, dim) in places.items():
        text = re.sub(rf"\b{re.escape(str(symbol))}\b", f"args[{argument}].size({dim})", text)
    return text
