"""Split a pipeline into its passes, and run them one by one to see the module after each."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress

from torch_mlir import ir as mlir

from . import ir


def split(pipeline: str) -> tuple[str, ...]:
    """Return each pass of a pipeline, as MLIR prints it, as a pipeline of its own with the same nesting."""
    if nested := re.fullmatch(r"([\w.]+)\((.*)\)", pipeline, re.DOTALL):
        anchor, inside = nested.groups()
        return tuple(f"{anchor}({each})" for part in _separated(inside) for each in split(part))
    return (pipeline,)


def _separated(text: str) -> list[str]:
    """Split the text at the commas that are outside all brackets."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "({[") - (letter in ")}]")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def name(pipeline: str) -> str:
    """Return the name, without options, of the only pass of a pipeline."""
    return re.sub(r"\{.*\}", "", pipeline, flags=re.DOTALL).rpartition("(")[2].rstrip(")")


def after_each(module: mlir.Module, passes: Sequence[str], session: ir.Session) -> Iterator[tuple[str, str]]:
    """Run the passes on the module in place; yield the name of each pass that changed it, and the IR after that pass.

    The n-th time that a pass occurs, n > 1, its name is followed by `#n`. Raises PassFailed.
    """
    with suppress(ImportError):  # a compiler that lacks an executor's bindings
        from backends.executors.llvm_jit import register_stablehlo_passes

        register_stablehlo_passes()  # until then these passes have no names
    text = ir.printed(module)
    for i, single in enumerate(passes):
        session.run(single, module)
        before, text = text, ir.printed(module)
        if text != before:
            times = sum(name(other) == name(single) for other in passes[: i + 1])
            yield f"{name(single)} #{times}" if times > 1 else name(single), text
