"""MLIR contexts, parsing and pass pipelines, text in and text out.

A context that loads dialects on demand takes 0.04 ms to make, against 4 ms for one that loads them all, and its
canonicalizer tries only the patterns of the dialects in use; but a pipeline's first run in a context still pays 2 ms to
load its dialects and build its pattern sets. So a `Session` keeps one context with its pass managers and is replaced
after `LIFETIME` uses, because a context never frees the types, attributes and blobs it has seen. It is replaced at
once after an unforeseen error, and after IR with `dense_resource` blobs, whose names a context makes unique over its
lifetime: text must not depend on what was compiled before it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from torch_mlir import ir
from torch_mlir.dialects import torch as torch_dialect
from torch_mlir.passmanager import PassManager

from harness.text import portable

LIFETIME = 500
"""Uses of a session before its context is dropped with all it has interned."""

_LOADER = (
    "builtin.module(torch-backend-to-linalg-on-tensors-backend-pipeline,"
    "torch-backend-to-tosa-backend-pipeline,torch-backend-to-stablehlo-backend-pipeline)"
)
"""Run on an empty function, loads every dialect these lowerings emit; `tm_tensor` and `torch_c` have no other way."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One diagnostic without its locations, which point into temporary text: severity, message, messages of notes."""

    severity: str
    message: str
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        notes = (note for note in self.notes if note.removeprefix("see current operation: ") not in self.message)
        return "\n".join([f"{self.severity}: {self.message}", *(f"  note: {note}" for note in notes)])


class PassFailed(Exception):
    """A pipeline or the parser failed, or emitted an error diagnostic; `left` are the ops of the module it left."""

    def __init__(self, diagnostics: list[Diagnostic], reason: str = "", left: Sequence[str] = ()) -> None:
        self.diagnostics = [d for d in diagnostics if d.severity == "error"]
        self.reason = "\n".join(map(str, self.diagnostics)) or reason
        self.left = tuple(left)
        super().__init__(self.reason)


class Session:
    """A context and its pass managers, replaced as a whole when worn."""

    def __init__(self) -> None:
        self.context = ir.Context(load_on_create_dialects=[])
        torch_dialect.register_dialect(self.context)
        self.context.emit_error_diagnostics = True
        self.uses = 0
        self._managers: dict[str, PassManager] = {}
        PassManager.parse(_LOADER, self.context).run(self.parse("func.func @main() { return }").operation)

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

    def spelled(self, pipeline: str) -> str:
        """The pipeline with its passes and their options spelled out."""
        return str(self._manager(pipeline))

    def _manager(self, pipeline: str) -> PassManager:
        if pipeline not in self._managers:
            self._managers[pipeline] = PassManager.parse(pipeline, self.context)
        return self._managers[pipeline]


_session: Session | None = None


@contextmanager
def session() -> Iterator[Session]:
    """The process's session, for one use; a worn or failed one is dropped."""
    global _session
    current = _session or Session()
    _session = None  # taken: a nested use makes its own, an error drops it
    try:
        with current.context:
            yield current
    except PassFailed:  # a refusal; it leaves nothing behind but its module
        _session = current
        raise
    current.uses += 1
    if current.uses < LIFETIME:
        _session = current


def lowered(text: str, pipeline: str) -> str:
    """The IR after a pipeline, from a fresh parse; raises PassFailed."""
    if "dialect_resources" in text:
        drop()
    with session() as here:
        module = here.parse(text)
        here.run(pipeline, module)
        result = printed(module)
    if "dialect_resources" in result:
        drop()
    return result


def drop() -> None:
    """Forget the session, as if nothing had been compiled yet."""
    global _session
    _session = None


def printed(module: ir.Module) -> str:
    """The module as text that parses back to it: nothing elided; not verified again, passes have done so."""
    return str(module.operation.get_asm(assume_verified=True))


@contextmanager
def diagnosed(context: ir.Context) -> Iterator[list[Diagnostic]]:
    """Collect the context's diagnostics instead of having them printed to stderr."""
    seen: list[Diagnostic] = []

    def keep(raw: ir.Diagnostic) -> bool:
        notes = tuple(_clean(note.message) for note in raw.notes)
        seen.append(Diagnostic(str(raw.severity).rpartition(".")[2].lower(), _clean(raw.message), notes))
        return True

    handler = context.attach_diagnostic_handler(keep)
    try:
        yield seen
    finally:
        handler.detach()


def _clean(message: str) -> str:
    return portable(re.sub(r' loc\((?:"[^"]*"|#loc\d*|unknown)[^)]*\)', "", message))


def walk(operation: ir.Operation, visit: Callable[[ir.Operation], None]) -> None:
    """Visit every operation under this one, itself included, parents first."""
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
"""Torch-dialect ops that carry values, types or control flow and compute nothing."""


def computing(names: Iterable[str]) -> list[str]:
    """Those torch-dialect ops among the names that compute, in order."""
    return [name for name in names if name.startswith("torch.") and not CARRIERS.fullmatch(name)]


def ops(module: ir.Module) -> list[str]:
    """The names of the module's operations, in order and with repetitions; `torch.operator` by the name it carries."""
    found: list[str] = []
    walk(module.operation, lambda op: found.append(name(op)))
    return found


def name(op: ir.Operation) -> str:
    """`dialect.op`, or for the catch-all `torch.operator` the name in its attribute."""
    return ir.StringAttr(op.attributes["name"]).value if op.name == "torch.operator" else str(op.name)
