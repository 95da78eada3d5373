"""Python source as text: without what only its readers need."""

from __future__ import annotations

import ast


def uncommented(source: str) -> str:
    """The same program without its comments and docstrings: what a text of limited length has room for."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(body, list):
            node.body = [line for line in body if not _says_nothing(line)] or [ast.Pass()]  # type: ignore[attr-defined]
    return ast.unparse(tree) + "\n"


def _says_nothing(line: ast.stmt) -> bool:
    """Whether a statement is a text alone, as a docstring is."""
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and isinstance(line.value.value, str)
