"""MLIR contexts, parsing and pass pipelines: IR goes in and comes out as text.

Pipelines run through the bindings in this process, or, after `use`, through a `torch-mlir-opt` binary (`tool.py`).

A `Session` keeps one context with its pass managers. A context that loads dialects on demand takes 0.04 ms to make,
against 4 ms for one that loads them all, and its canonicalizer tries only the patterns of the dialects in use. But the
first run of a pipeline in a context takes 2 ms to load dialects and build pattern sets, so the context is reused.

A session is replaced after `LIFETIME` uses, because a context never frees the types, attributes and blobs that it has
seen. It is replaced at once after an unforeseen error. It is also replaced after IR with `dense_resource` blobs: a
context makes their names unique over its lifetime, and text must not depend on what was compiled before it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch_mlir import ir
from torch_mlir.dialects import torch as torch_dialect
from torch_mlir.passmanager import PassManager

from harness.errors import BadCompiler
from harness.programs.compiler import chosen
from harness.programs.protocols import VersionSkew
from harness.text import one_line, portable

if TYPE_CHECKING:
    from .tool import Tool

LIFETIME = 500
"""Uses of a session before its context is dropped, with all that it has interned."""

_LOADERS = (
    "builtin.module(torch-backend-to-linalg-on-tensors-backend-pipeline)",
    "builtin.module(torch-backend-to-tosa-backend-pipeline)",
    "builtin.module(torch-backend-to-stablehlo-backend-pipeline)",
)
"""Load every dialect that these lowerings emit, when run on an empty function; a build may lack some of them.

`tm_tensor` and `torch_c` can be loaded in no other way.
"""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One diagnostic: severity, message, messages of notes. Locations are removed: they point into temporary text.

    `line` is the number of the line that it points to in the text that was parsed, or 0.
    """

    severity: str
    message: str
    notes: tuple[str, ...] = ()
    line: int = 0

    def __str__(self) -> str:
        notes = (note for note in self.notes if note.removeprefix("see current operation: ") not in self.message)
        return "\n".join([f"{self.severity}: {self.message}", *(f"  note: {note}" for note in notes)])


class PassFailed(Exception):
    """A pipeline or the parser failed, or emitted an error diagnostic.

    `reason` is the text of the errors; `left` are the names of the ops in the module when the pipeline stopped.
    """

    def __init__(self, diagnostics: list[Diagnostic], reason: str = "", left: Sequence[str] = ()) -> None:
        self.diagnostics = [d for d in diagnostics if d.severity == "error"]
        self.reason = "\n".join(map(str, self.diagnostics)) or reason
        self.left = tuple(left)
        super().__init__(self.reason)


class Session:
    """A context and its pass managers, which are replaced together."""

    def __init__(self) -> None:
        self.context = ir.Context(load_on_create_dialects=[])
        torch_dialect.register_dialect(self.context)
        self.context.emit_error_diagnostics = True
        self.uses = 0
        self._managers: dict[str, PassManager] = {}
        empty = self.parse("func.func @main() { return }").operation
        for pipeline in _LOADERS:
            with suppress(ValueError):
                PassManager.parse(pipeline, self.context).run(empty)

    def run(self, pipeline: str, module: ir.Module) -> None:
        """Run a pipeline on the module, in place; raises PassFailed on failure and on any error diagnostic."""
        with diagnosed(self.context) as diagnostics:
            try:
                self._manager(pipeline).run(module.operation)
            except ir.MLIRError as error:
                raise PassFailed(diagnostics, str(error), ops(module)) from None
        if any(d.severity == "error" for d in diagnostics):
            raise PassFailed(diagnostics, left=ops(module))

    def parse(self, text: str) -> ir.Module:
        """Parse and verify; raises PassFailed with the parser's or the verifier's diagnostics."""
        with diagnosed(self.context) as diagnostics:
            try:
                return ir.Module.parse(text, self.context)
            except ir.MLIRError as error:
                raise PassFailed(diagnostics, str(error)) from None

    def expanded(self, pipeline: str) -> str:
        """Return the pipeline as MLIR prints it: every pass of it, with its options."""
        return str(self._manager(pipeline))

    def _manager(self, pipeline: str) -> PassManager:
        if pipeline not in self._managers:
            self._managers[pipeline] = PassManager.parse(pipeline, self.context)
        return self._managers[pipeline]


_session: Session | None = None
_tool: Tool | None = None


def use(tool: Tool | None) -> None:
    """Run pipelines through this binary from now on; None for the bindings."""
    global _tool
    _tool = tool


def tool() -> Tool | None:
    """The binary that pipelines run through; None for the bindings."""
    return _tool


@contextmanager
def session() -> Iterator[Session]:
    """Lend the process's session for one use; drop it when it is worn out or an unforeseen error occurs."""
    global _session
    current = _session or Session()
    _session = None  # lent: a nested use makes its own session, and an error drops this one
    try:
        with current.context:
            yield current
    except PassFailed:  # a refusal: nothing remains of it in the context but its module
        _session = current
        raise
    current.uses += 1
    if current.uses < LIFETIME:
        _session = current


def require(who: str, *pipelines: str) -> None:
    """Raise BadCompiler if this torch-mlir lacks a pass of these pipelines, or an option of a pass."""
    with session() as here:
        for pipeline in pipelines:
            try:
                here.expanded(pipeline)
            except ValueError as error:
                raise BadCompiler(
                    f"--torch-mlir {chosen().spec}: {who} needs what it lacks: {one_line(str(error))}",
                    hint="measure the other backends: `--backend NAME`",
                ) from None


def legalized(module: ir.Module, pipeline: str, here: Session) -> tuple[str, list[str]]:
    """Run the pipeline on an imported module, which may change; return the result and the names of its torch ops.

    Raises PassFailed. Raises VersionSkew if the binary in use cannot parse the module's text.
    """
    if _tool:
        try:
            return _tool.legalized(str(module.operation.get_asm()), pipeline)
        except VersionSkew:
            if _is_valid(module, here):
                raise
            here.run(pipeline, module)  # the importer made IR that is not valid: the bindings say so as ever
            raise
    here.run(pipeline, module)
    return printed(module), ops(module)


def lowered(text: str, pipeline: str) -> str:
    """Parse the IR, run the pipeline and return the result as text.

    Raises PassFailed. Raises VersionSkew if the binary in use lacks a pass and the bindings cannot parse the text.
    """
    if _tool and _tool.has(pipeline):
        return _tool.lowered(text, pipeline)
    if "dialect_resources" in text:
        drop()
    with session() as here:
        module = received(text, here)
        here.run(pipeline, module)
        result = printed(module)
    if "dialect_resources" in result:
        drop()
    return result


def check(text: str, pipeline: str) -> None:
    """Parse the IR and run a pipeline that only looks for faults; raises what `lowered` raises."""
    if _tool and _tool.has(pipeline):
        _tool.lowered(text, pipeline)
        return
    if "dialect_resources" in text:
        drop()
    with session() as here:
        here.run(pipeline, received(text, here))
    if "dialect_resources" in text:
        drop()


def verified(text: str) -> list[str]:
    """Parse and verify a lowered module; return the names of its operations (see `ops`).

    Raises PassFailed. Raises VersionSkew if only the binary in use can parse the text.
    """
    if _tool:
        _tool.verify(text)
    with session() as here:
        found = ops(received(text, here))
    if "dialect_resources" in text:
        drop()
    return found


def received(text: str, here: Session) -> ir.Module:
    """Parse a text that was lowered; raises PassFailed, or VersionSkew where a binary wrote it."""
    try:
        return here.parse(text)
    except PassFailed as failure:
        if _tool:
            raise _tool.skew(failure, text) from None
        raise


def _is_valid(module: ir.Module, here: Session) -> bool:
    with diagnosed(here.context):
        try:
            return bool(module.operation.verify())
        except ir.MLIRError:
            return False


def drop() -> None:
    """Drop the session: the next use makes a new one, as if nothing had been compiled yet."""
    global _session
    _session = None


def printed(module: ir.Module) -> str:
    """Return the module as text that parses back to it, with nothing elided; the passes have verified it already."""
    return str(module.operation.get_asm(assume_verified=True))


@contextmanager
def diagnosed(context: ir.Context) -> Iterator[list[Diagnostic]]:
    """Collect the context's diagnostics in a list; they are not printed to stderr."""
    seen: list[Diagnostic] = []

    def keep(raw: ir.Diagnostic) -> bool:
        notes = tuple(cleaned(note.message) for note in raw.notes)
        severity = str(raw.severity).rpartition(".")[2].lower()
        seen.append(Diagnostic(severity, cleaned(raw.message), notes, getattr(raw.location, "start_line", 0)))
        return True

    handler = context.attach_diagnostic_handler(keep)
    try:
        yield seen
    finally:
        handler.detach()


def cleaned(message: str) -> str:
    """Return a diagnostic's message without locations and what differs between machines."""
    return portable(re.sub(r' loc\((?:"[^"]*"|#loc\d*|unknown)[^)]*\)', "", message))


def walk(operation: ir.Operation, visit: Callable[[ir.Operation], None]) -> None:
    """Visit this operation and every operation inside it, parents first."""
    visit(operation)
    for region in operation.regions:
        for block in region:
            for child in block:
                walk(child.operation, visit)


CARRIERS = re.compile(
    r"torch\.(constant\..*|prim\.(List|Tuple|Dict)(Construct|Unpack|Index)|prim\.Uninitialized|vtensor\.literal"
    r"|tensor\.literal|tensor_static_info_cast|derefine|overwrite\..*|copy\..*|bind_symbolic_shape|symbolic_int"
    r"|runtime\.assert|global_slot.*|initialize.*|prim\.(If|Loop)(\..*)?)"
)
"""Torch-dialect ops that carry values, types or control flow, and compute nothing."""


def computing(names: Iterable[str]) -> list[str]:
    """Return the names of the torch-dialect ops that compute something, in order."""
    return [name for name in names if name.startswith("torch.") and not CARRIERS.fullmatch(name)]


def ops(module: ir.Module) -> list[str]:
    """Return the names (see `name`) of the module's operations, in order and with repetitions."""
    found: list[str] = []
    walk(module.operation, lambda op: found.append(name(op)))
    return found


def name(op: ir.Operation) -> str:
    """Return `dialect.op`; for the catch-all `torch.operator`, the name in its attribute."""
    return ir.StringAttr(op.attributes["name"]).value if op.name == "torch.operator" else str(op.name)
