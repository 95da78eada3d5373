"""Functions, classes and modules stay small enough to be read at once."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FUNCTION, CLASS, MODULE = 50, 150, 350
ALONE = ("backends/executors/llvm_jit.py",)
"""Modules that may be longer, since repro scripts carry their text."""


def modules() -> Iterator[Path]:
    for package in ("harness", "backends", "reports"):
        yield from sorted((ROOT / package).rglob("*.py"))


def too_long(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    name = str(path.relative_to(ROOT))
    if text.count("\n") > MODULE and name not in ALONE:
        yield f"{name}: {text.count(chr(10))} lines"
    for node in ast.walk(ast.parse(text)):
        limit = {ast.FunctionDef: FUNCTION, ast.AsyncFunctionDef: FUNCTION, ast.ClassDef: CLASS}.get(type(node))
        if limit and (length := node.end_lineno - node.lineno + 1) > limit:  # type: ignore[attr-defined]
            yield f"{name}:{node.lineno} {node.name}: {length} lines"  # type: ignore[attr-defined]


def test_no_module_class_or_function_is_too_long() -> None:
    assert [line for path in modules() for line in too_long(path)] == []


def test_a_long_function_class_and_module_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    body = "    x = 1\n" * FUNCTION
    path = tmp_path / "long.py"
    path.write_text(f"def f():\n{body}\nclass C:\n{'    y = 2' + chr(10)}" + "    z = 3\n" * CLASS + "\n" * MODULE)
    assert [line.split(": ")[0].split()[-1] for line in too_long(path)] == ["long.py", "f", "C"]


@pytest.mark.parametrize("package", ["harness", "backends", "reports", "op_suites"])
def test_every_package_says_what_belongs_in_it(package: str) -> None:
    folders = {path.parent for path in (ROOT / package).rglob("*.py")}
    silent = [folder.name for folder in sorted(folders) if not docstring(folder / "__init__.py")]
    assert silent == []


def docstring(path: Path) -> str | None:
    return ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) if path.exists() else None
