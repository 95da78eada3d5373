"""The documents of the repository: their code blocks, the commands in these, their links and the paths they name."""

from __future__ import annotations

import re
import shlex
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[3]
PAGES = (ROOT / "README.md", *ROOT.glob("CONTRIBUTING.md"), *sorted((ROOT / "docs").glob("*.md")))
PROGRAMS = ("opcov", "pytest", "make", "python", "python3", "pip", ".")
"""What a command may start with."""
ENDS = ("&&", ";", "|", "||")
"""Tokens between the commands of a line."""

_FENCE = re.compile(r"^```(\w*)\s*$")
_LIST = re.compile(r"^\s*([-*]|\d+\.)\s")


@dataclass(frozen=True, slots=True)
class Block:
    """A code block: the page's path in the repository, the number of its first line, its language and its text."""

    page: str
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


@dataclass(frozen=True, slots=True)
class Command:
    """One command of a block, split into its arguments; `line` is that of the line it is on."""

    page: str
    line: int
    arguments: tuple[str, ...]

    @property
    def text(self) -> str:
        """The command as one line, quoted where needed."""
        return shlex.join(self.arguments)

    def __str__(self) -> str:
        return f"{self.page}:{self.line} {self.text}"


def name(page: Path) -> str:
    """The page's path in the repository."""
    return page.relative_to(ROOT).as_posix()


def blocks(page: Path) -> list[Block]:
    """The fenced blocks of a page, and the indented ones; an indented block of commands has the language `sh`."""
    return [*_fenced(page), *_indented(page)]


def prose(page: Path) -> str:
    """The page without its fenced blocks; their lines are empty."""
    lines, inside = [], False
    for line in page.read_text(encoding="utf-8").splitlines():
        fence = bool(re.match(r"^```", line))
        lines.append("" if inside or fence else line)
        inside ^= fence
    return "\n".join(lines)


def commands(page: Path) -> list[Command]:
    """Every command in the page's blocks of shell commands, in order."""
    return [command for block in blocks(page) if block.language == "sh" for command in _split(block)]


def spans(page: Path) -> list[str]:
    """The inline code of a page."""
    return re.findall(r"`([^`\n]+)`", prose(page))


def _fenced(page: Path) -> Iterator[Block]:
    language, start, held = None, 0, list[str]()
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if language is None:
            if line.startswith("```"):
                match = _FENCE.match(line)
                language, start, held = match[1] if match else "", number + 1, []
        elif line.rstrip() == "```":
            yield Block(name(page), start, language, "\n".join(held) + "\n")
            language = None
        else:
            held.append(line)
    assert language is None, f"{name(page)}:{start}: the fence is not closed"


def _indented(page: Path) -> Iterator[Block]:
    """Runs of lines that are indented by four spaces, after an empty line and outside of lists."""
    before, held, start = "", list[str](), 0
    for number, line in enumerate([*prose(page).splitlines(), "end"], 1):
        indented = line.startswith("    ") and (held or not _LIST.match(before))
        if indented or (held and not line.strip()):
            start = start if held else number
            held.append(line)
            continue
        if held:
            text = textwrap.dedent("\n".join(held)).strip() + "\n"
            yield Block(name(page), start, "sh" if text.split()[0] in PROGRAMS else "text", text)
            held = []
        before = line if line.strip() else before


def _split(block: Block) -> Iterator[Command]:
    lines = block.text.replace("\\\n", "  ").splitlines()
    for number, line in enumerate(lines, block.line):
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        arguments = list[str]()
        for token in [*lexer, ENDS[0]]:
            if token not in ENDS:
                arguments.append(token)
            elif arguments:
                yield Command(block.page, number, tuple(arguments))
                arguments = []
