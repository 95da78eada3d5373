"""Pass pipelines through a `torch-mlir-opt` binary, for the functions of `ir.py`: text goes in and comes out.

The texts of the contract come from the importer that is installed, and what the binary writes goes to the executors
that are installed: they may be of another version. What one side cannot parse of the other's text is `VersionSkew`.
All that the binary refuses, rejects or dies of is told as if it had happened in this process.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from harness.errors import BadCompiler
from harness.programs import tool
from harness.programs.protocols import CompilerDied, VersionSkew
from harness.text import one_line

from . import ir, passes

NAME = "torch-mlir-opt"
_DIAGNOSTIC = re.compile(
    r"(?:<unknown>:0|<stdin>:(?P<line>\d+):\d+|[^\s:][^:]*:\d+:\d+): "
    r"(?P<severity>error|warning|remark|note): (?P<text>.*)"
)
_DUMP = re.compile(r"// -----// IR Dump After \w+:?(?P<failed> Failed)?:? \(?(?P<name>[\w-]+)")
_CARET = re.compile(r"\s*\^~*\s*")
_NAME = re.compile(r'^\s*(?:%[^=]*= )?"?(torch\.[\w.]+)"?(?:.*?"(torch\.[\w.]+)")?', re.MULTILINE)
_NO_DIALECT = re.compile(r"Dialect `\w+' not found|unregistered dialect")
_PRELUDES = ("#prelude = #linalg.iterator_type<parallel>\n", "")
"""Text ahead of a module: an attribute of linalg loads the dialects that it depends on.

The binary registers neither `math` nor `affine`: without linalg it cannot read its own text.
"""
_FLAGS = ("--mlir-disable-threading",)
_SECONDS = 30.0
"""How long the binary may take where no sample is run, and so no deadline ends it."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the binary wrote to stderr: diagnostics, each with the line that it points to or 0, and dumps of IR.

    A dump is the name of a pass, whether the pass failed, and the IR after it.
    """

    diagnostics: list[ir.Diagnostic]
    dumps: list[tuple[str, bool, str]]


class Tool:
    """The binary at `path`, as what runs pipelines in place of this process's bindings.

    A run of it may take so many `seconds`; None where a deadline ends this process with it.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.seconds: float | None = None
        self._refusals: dict[str, str] = {}
        self._prelude = cache(self._prelude_taken)

    def legalized(self, text: str, pipeline: str) -> tuple[str, list[str]]:
        """Run the pipeline on the importer's text; return the result and the torch-dialect ops in it.

        Raises PassFailed. Raises VersionSkew if the binary cannot parse the text, or its verifier rejects it.
        """
        said = self._ran(text, pipeline)
        if said.status and not _passed_parsing(told := _told(said, text)):
            raise VersionSkew(f"{NAME} cannot parse what the importer wrote: {_where(told.diagnostics, text)}")
        result = _result(said, text)
        return result, names(result)

    def lowered(self, text: str, pipeline: str) -> str:
        """Run the pipeline on text that the binary wrote; return the result. Raises PassFailed."""
        return _result(self._ran(text, pipeline), text)

    def verify(self, text: str) -> None:
        """Parse and verify text that the binary wrote; raises PassFailed.

        Does nothing where the text has a dialect that the binary knows from its passes only, such as `shape`.
        """
        prelude = self._prelude()
        said = self._said(["-o", "/dev/null"], prelude + text)
        found = _told(said, prelude + text).diagnostics
        if said.status and not any(_NO_DIALECT.search(d.message) for d in found):
            raise ir.PassFailed(found, said.err)

    def skew(self, failure: ir.PassFailed, text: str) -> VersionSkew:
        """What it means that the bindings cannot parse a text that the binary wrote."""
        where = _where(failure.diagnostics, text)
        return VersionSkew(f"the installed torch-mlir cannot parse what {NAME} wrote: {where}")

    def steps(self, text: str, pipeline: str) -> Iterator[tuple[str, str]]:
        """Run the pipeline on a text; yield the name of each pass and the IR after it, but for passes inside passes."""
        expanded = self._said(["--dump-pass-pipeline", _option(pipeline)], _EMPTY).err
        expected = [passes.name(one) for one in passes.split(_flattened(expanded.partition("\n")[2]))]
        said = self._ran(text, pipeline, "--mlir-print-ir-after-all", "--mlir-print-ir-module-scope")
        _result(said, text)
        for name, _, after in parsed(said.err, text).dumps:
            if expected and name == expected[0]:
                expected.pop(0)
                yield name, after

    def has(self, pipeline: str) -> bool:
        """Whether the binary has every pass of the pipeline, with its options."""
        return not self._refusal(pipeline)

    def require(self, *pipelines: str) -> None:
        """Raise BadCompiler if the binary does not have every pass of the pipelines, with their options."""
        for pipeline in pipelines:
            if refusal := self._refusal(pipeline):
                raise BadCompiler(
                    f"{self.path} cannot run {pipeline}: {refusal}",
                    hint="it is too old or too new a torch-mlir-opt for this opcov",
                )

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Bound the time of each run meanwhile."""
        self.seconds = seconds
        try:
            yield
        finally:
            self.seconds = None

    def _refusal(self, pipeline: str) -> str:
        """The reason why the binary does not take the pipeline, asked once; empty if it does."""
        if pipeline not in self._refusals:
            try:
                said = self._said([_option(pipeline)], _EMPTY, _SECONDS)
                refusal = (one_line(said.err) or "it does not say why") if said.status else ""
            except CompilerDied as death:
                refusal = str(death)
            self._refusals[pipeline] = refusal
        return self._refusals[pipeline]

    def _prelude_taken(self) -> str:
        """The first prelude that the binary can read."""
        return next(text for text in _PRELUDES if not text or not self._said([], text + _EMPTY, _SECONDS).status)

    def _ran(self, text: str, pipeline: str, *flags: str) -> tool.Said:
        return self._said([*(flags or ("--mlir-print-ir-after-failure",)), _option(pipeline)], text)

    def _said(self, arguments: list[str], text: str, seconds: float | None = None) -> tool.Said:
        return tool.run(self.path, [*_FLAGS, *arguments, "-"], text, seconds or self.seconds)


_EMPTY = "func.func @main() { return }"


def _option(pipeline: str) -> str:
    return f"--pass-pipeline={pipeline}"


def _flattened(pipeline: str) -> str:
    """A pipeline as one line, as the bindings print it."""
    return re.sub(r"\s*\n\s*", "", pipeline)


def _result(said: tool.Said, text: str) -> str:
    """What the binary wrote; raises PassFailed if it failed, or succeeded with an error diagnostic."""
    out = said.out.rstrip("\n") + "\n"
    if not said.status and "error: " not in said.err:
        return out
    told = _told(said, text)
    if said.status or any(d.severity == "error" for d in told.diagnostics):
        left = told.dumps[-1][2] if said.status and told.dumps else said.out
        raise ir.PassFailed(told.diagnostics, "Failure while executing pass pipeline.", names(left))
    return out


def _told(said: tool.Said, text: str) -> Told:
    """What the binary says of the text; raises CompilerDied if it failed without a word of MLIR's, as a script may."""
    told = parsed(said.err, text)
    if said.status and not told.diagnostics and not told.dumps:
        raise CompilerDied(f"exit {said.status}: {one_line(said.err)}", said.err, f"exit {said.status}")
    return told


def _passed_parsing(told: Told) -> bool:
    """Whether a run that failed failed in a pass, and not before the first one."""
    return any(failed for _, failed, _ in told.dumps)


def _where(diagnostics: list[ir.Diagnostic], text: str) -> str:
    """The first error in one line, with the line of the text that it points to."""
    first = next((d for d in diagnostics if d.severity == "error"), None)
    if first is None:
        return "it does not say why"
    lines = text.splitlines()
    quoted = lines[first.line - 1].strip() if 0 < first.line <= len(lines) else ""
    return f"line {first.line}, {first.message}: {quoted[:200]}" if quoted else first.message


def names(text: str) -> list[str]:
    """The names of the torch-dialect ops in a text, as `ir.ops` gives them, whatever version printed it."""
    return [carried if op == "torch.operator" else op for op, carried in _NAME.findall(text)]


def parsed(stderr: str, text: str) -> Told:
    """Take apart what the binary wrote to stderr when it read this text.

    A diagnostic may go over many lines. Its end may be a copy of the line of the text that it points to, and a caret.
    """
    source = text.splitlines()
    diagnostics: list[ir.Diagnostic] = []
    dumps: list[tuple[str, bool, str]] = []
    for head, body in _parts(stderr):
        if dump := _DUMP.match(head):
            dumps.append((dump["name"], bool(dump["failed"]), "\n".join(body).strip("\n") + "\n"))
        elif found := _DIAGNOSTIC.fullmatch(head):
            line = int(found["line"] or 0)
            message = ir.cleaned("\n".join((found["text"], *_without_source(body, line, source))).rstrip("\n"))
            if found["severity"] == "note" and diagnostics:
                last = diagnostics[-1]
                called = message == "called from"  # which only the printer of diagnostics adds
                diagnostics[-1] = last if called else replace(last, notes=(*last.notes, message))
            else:
                diagnostics.append(ir.Diagnostic(found["severity"], message, line=line))
    return Told(diagnostics, dumps)


def _parts(stderr: str) -> Iterator[tuple[str, list[str]]]:
    """The lines that start a diagnostic or a dump of IR, each with the lines that follow it."""
    head, body = "", list[str]()
    for line in stderr.split("\n"):
        if _DIAGNOSTIC.fullmatch(line) or _DUMP.match(line):
            yield head, body
            head, body = line, []
        else:
            body.append(line)
    yield head, body


def _without_source(body: list[str], line: int, source: list[str]) -> list[str]:
    """The further lines of a message, without the line of the text that it points to, and the caret."""
    lines = body[:-1] if body and not body[-1] else body
    if len(lines) < 2 or not _CARET.fullmatch(lines[-1]) or not 0 < line <= len(source):
        return lines
    return lines[:-2] if lines[-2].split() == source[line - 1].split() else lines
