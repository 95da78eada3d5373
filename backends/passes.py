"""Split a pipeline into its passes, and run them one by one to see the module after each."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
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


def after_each(
    text: str, pipeline: str, session: ir.Session, module: mlir.Module | None = None
) -> Iterator[tuple[str, str]]:
    """Run the pipeline on the text; yield the name of each pass that changed it, and the IR after that pass.

    The n-th time that a pass occurs, n > 1, its name is followed by `#n`. `module` is the text's module if it is at
    hand: it may change. Raises PassFailed.
    """
    if tool := ir.tool():
        yield from _changes(text, tool.steps(text, pipeline))
    else:
        yield from _changes(text, _one_by_one(module or session.parse(text), pipeline, session))


def _one_by_one(module: mlir.Module, pipeline: str, session: ir.Session) -> Iterator[tuple[str, str]]:
    """Run the passes on the module in place; yield the name of each, and the IR after it."""
    single_passes = split(session.expanded(pipeline))
    with suppress(ImportError):  # a compiler that lacks an executor's bindings
        from backends.executors.llvm_jit import register_stablehlo_passes

        register_stablehlo_passes()  # until then these passes have no names
    for single in single_passes:
        session.run(single, module)
        yield name(single), ir.printed(module)


def _changes(text: str, steps: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """Number the names that occur again, and leave out the passes that change nothing."""
    times = Counter[str]()
    for single, after in steps:
        times[single] += 1
        if after != text:
            yield f"{single} #{times[single]}" if times[single] > 1 else single, after
        text = after
