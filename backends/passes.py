"""A pipeline's passes, one by one: what a module is after each of them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from torch_mlir import ir as mlir

from backends.executors.llvm_jit import register_stablehlo_passes

from . import ir


def split(pipeline: str) -> tuple[str, ...]:
    """The passes of a pipeline as MLIR spells it out, each as a pipeline of its own, nested as it was there."""
    if nested := re.fullmatch(r"([\w.]+)\((.*)\)", pipeline, re.DOTALL):
        anchor, inside = nested.groups()
        return tuple(f"{anchor}({each})" for part in _separated(inside) for each in split(part))
    return (pipeline,)


def _separated(text: str) -> list[str]:
    """The parts between commas that no bracket holds."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "({[") - (letter in ")}]")
        if letter == "," and not depth:
            parts.append("")
        else:
            parts[-1] += letter
    return parts


def name(one: str) -> str:
    """The name of a pass from a pipeline of it alone, without its options."""
    return re.sub(r"\{.*\}", "", one, flags=re.DOTALL).rpartition("(")[2].rstrip(")")


def after_each(module: mlir.Module, passes: Sequence[str], session: ir.Session) -> Iterator[tuple[str, str]]:
    """Run the passes on the module in place; gives the name of each that changed it, and the IR it left.

    One that occurs again has the number of the time with its name. Raises PassFailed.
    """
    register_stablehlo_passes()  # without names until then
    text = ir.printed(module)
    for i, one in enumerate(passes):
        session.run(one, module)
        before, text = text, ir.printed(module)
        if text != before:
            times = sum(name(other) == name(one) for other in passes[: i + 1])
            yield f"{name(one)} #{times}" if times > 1 else name(one), text
