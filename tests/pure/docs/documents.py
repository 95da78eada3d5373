"""The documents of the repository: their code blocks, the commands in these, their links and the paths they name."""

from __future__ import annotations

import argparse
import io
import re
import shlex
import textwrap
from collections.abc import Iterator, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).parents[3]
PAGES = (ROOT / "README.md", *ROOT.glob("CONTRIBUTING.md"), *sorted((ROOT / "docs").glob("*.md")))
PROGRAMS = ("opcov", "pytest", "make", "python", "python3", "pip", ".")
"""What a command may start with."""
ENDS = ("&&", ";", "|", "||")
"""Tokens between the commands of a line."""

_FENCE = re.compile(r"^```(\w*)\s*$")
_SPAN = re.compile(r"`([^`\n]+)`")
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
    """One command, split into its arguments; `line` is the number of the line it is on."""

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


@cache
def commands(page: Path) -> list[Command]:
    """Every command of the page: those of its blocks of shell commands, and the inline code that is a whole command."""
    found = [command for block in blocks(page) if block.language == "sh" for command in _split(block)]
    inline = [command for command in mentions(page) if command.arguments[0] != "opcov" or is_whole(command)]
    return found + inline


@cache
def mentions(page: Path) -> list[Command]:
    """The inline code of the page that begins as a command does."""
    found = []
    for number, line in enumerate(prose(page).splitlines(), 1):
        for span in _SPAN.findall(line):
            program, _, rest = span.partition(" ")
            if program in PROGRAMS and rest:
                found.append(Command(name(page), number, tuple(shlex.split(span))))
    return found


def spans(page: Path) -> list[str]:
    """The inline code of a page."""
    return _SPAN.findall(prose(page))


class Parsed(Exception):
    """Raised in place of running a command."""


def parse(arguments: Sequence[str]) -> None:
    """Have the command `opcov` parse these arguments and run nothing; raises Parsed, or SystemExit."""
    parse_args = argparse.ArgumentParser.parse_args

    def parsed(self: argparse.ArgumentParser, given: Sequence[str]) -> None:
        parse_args(self, given)
        raise Parsed

    (entry,) = entry_points(group="console_scripts", name="opcov")
    with mock.patch.object(argparse.ArgumentParser, "parse_args", parsed):
        entry.load()(list(arguments))


def is_whole(command: Command) -> bool:
    """Whether `opcov` takes the command as it is."""
    try:
        with redirect_stderr(io.StringIO()), redirect_stdout(io.StringIO()):
            parse(command.arguments[1:])
    except Parsed:
        return True
    except SystemExit:
        return False
    raise AssertionError(f"{command} was run")


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
