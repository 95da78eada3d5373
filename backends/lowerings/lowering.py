"""The base class of the built-in lowerings: runs one pipeline, names the culprit of a refusal, checks the contract."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress

from torch_mlir import ir as mlir

from backends import ir, passes
from harness.programs.protocols import Contract, ContractBroken, Lowered, Recipe, Refused, Step, VersionSkew
from harness.records.element_types import ElementTypes

LONGEST = 4000
"""Characters of diagnostics that are kept; a message may print an operation with its constants."""


class Lowering:
    """A lowering by one torch-mlir pipeline to one dialect.

    A subclass sets the `name`, the `recipe` with the pipeline and its dialect, the `element_types` of the
    specification, and what its contract allows: whole dialects in `allowed`, single operations in `allowed_ops`. An
    error diagnostic is a refusal even if the pipeline reports success.
    """

    name: str
    recipe: Recipe
    element_types: ElementTypes
    allowed: frozenset[str]
    allowed_ops: frozenset[str] = frozenset()

    def __init__(self) -> None:
        """Raise BadCompiler if this torch-mlir lacks a pass of the lowering or of its checks."""
        ir.require(f"the backend {self.name}", self.recipe.pipeline, *(self.recipe.validations or ()))

    def lower(self, contract: Contract) -> Lowered:
        """Lower a fresh parse of the contract's IR.

        Raises Refused. Raises ContractBroken if every torch op was converted, and only the check that ends torch-mlir's
        pipeline rejects the result because an op of another dialect is in it.
        """
        try:
            text = ir.lowered(contract.ir, self.recipe.pipeline)
        except ir.PassFailed as failure:
            diagnostic = shortened(failure.reason)
            if leaked := _leaked_op(failure.diagnostics):
                raise ContractBroken(f"{leaked} is left in {self.name} IR\n{diagnostic}") from None
            raise Refused(diagnostic, culprit(failure, contract)) from None
        return Lowered(dialect=self.recipe.dialect, ir=text, program=contract.program)

    def verify(self, lowered: Lowered) -> None:
        """Verify the module and look for leaked dialects; raises ContractBroken."""
        if leaked := self._disallowed(operations(lowered)):
            raise ContractBroken(f"{leaked} left in {self.name} IR")

    def _disallowed(self, ops: Iterable[str]) -> str:
        """Return the ops that the dialect's contract does not allow, as text."""
        return ", ".join(
            sorted({op for op in ops if op.partition(".")[0] not in self.allowed and op not in self.allowed_ops})
        )

    def steps(self, contract: Contract) -> tuple[Step, ...]:
        """Lower a fresh parse of the contract's IR pass by pass; return the module after each. Raises PassFailed.

        The pipeline converts the types of the torch dialect late. Each step shows a copy of the module whose types are
        converted at once, so that an executor can run it as soon as no op of the torch dialect is left.
        """
        with ir.session() as session:
            single_passes = passes.split(session.expanded(self.recipe.pipeline))
            typing = [one for one in single_passes if "backend-type-conversion" in one]
            found = []
            for name, text in passes.after_each(contract.ir, self.recipe.pipeline, session):
                try:
                    retyped, left = self._retyped(text, typing, session)
                except VersionSkew as skew:
                    found.append(Step(name=f"lower/{name}", lowered=str(skew)))
                    continue
                lowered = Lowered(dialect=self.recipe.dialect, ir=retyped, program=contract.program)
                found.append(Step(name=f"lower/{name}", lowered=f"{left} left" if left else lowered))
        ir.drop()  # the context remembers the names of resources
        return tuple(found)

    def _retyped(self, text: str, typing: Iterable[str], session: ir.Session) -> tuple[str, str]:
        """Return the IR after the passes that convert types, and which of its ops the contract does not allow."""
        module = ir.received(text, session)
        with suppress(ir.PassFailed):  # it may be too early to convert types: then the ops that are left say so
            for one in ("builtin.module(func.func(cse))", *typing):
                session.run(one, module)
                _fold_casts(module)
        return ir.printed(module), self._disallowed(ir.ops(module))


def _fold_casts(module: mlir.Module) -> None:
    """Remove casts of a value to a type of the torch dialect and back."""

    casts: list[mlir.Operation] = []

    def visit(op: mlir.Operation) -> None:
        if op.name != "torch_c.to_builtin_tensor" or isinstance(op.operands[0].owner, mlir.Block):
            return
        source = op.operands[0].owner
        if source.name == "torch_c.from_builtin_tensor" and source.operands[0].type == op.results[0].type:
            op.results[0].replace_all_uses_with(source.operands[0])
            casts.extend((op, source))

    ir.walk(module.operation, visit)
    for op in dict.fromkeys(casts):
        if not list(op.results[0].uses):
            op.erase()


def operations(lowered: Lowered) -> list[str]:
    """Return the names of a lowered module's operations, in order; raises ContractBroken if the module is not valid."""
    try:
        return ir.verified(lowered.ir)
    except ir.PassFailed as failure:
        raise ContractBroken(shortened(failure.reason)) from None


_FAILED = re.compile(r"failed to legalize operation '([\w.]+)'")
_TORCH_OP = re.compile(r"(?<![!#\w.])torch\.[a-z_]\w*(?:\.\w+)*")
_OPERATOR = re.compile(r'torch\.operator"?.*?"(torch\.(?!operator")[\w.]+)"', re.DOTALL)


def culprit(failure: ir.PassFailed, contract: Contract) -> str | None:
    """Return the name of the op that a lowering stopped at; None if it is unknown.

    It is the first op that computes something among, in this order: the ops of "failed to legalize operation", the
    torch ops that the diagnostics mention, the torch ops left in the module. The third list serves where the
    diagnostics name only a constant or a list, whose user was not converted. If no torch op is left, the op was
    converted to IR that is not valid: then it is the only op of the contract, if there is only one, or the first op
    that failed to legalize.
    """
    texts = [text for d in failure.diagnostics for text in (d.message, *d.notes)]
    legalized = [_carried_name(match[1], text) for text in texts if (match := _FAILED.search(text)) and match[1]]
    mentioned = [_carried_name(match[0], text) for text in texts for match in _TORCH_OP.finditer(text)]
    for candidates in (legalized, mentioned, failure.left):
        if found := ir.computing(candidates):
            return found[0]
    return contract.reached[0] if len(contract.reached) == 1 else next(iter(legalized), None)


def _carried_name(op: str, text: str) -> str:
    """Return the op's name; for the catch-all `torch.operator`, the name that it carries."""
    match = _OPERATOR.search(text) if op == "torch.operator" else None
    return match[1] if match else op


def _leaked_op(diagnostics: Iterable[ir.Diagnostic]) -> str | None:
    """Return the op of another dialect that the check at the pipeline's end rejects; None if anything else failed."""
    messages = [d.message for d in diagnostics]
    if not any("does not conform to the" in message for message in messages):
        return None
    ops = [match[1] for message in messages if (match := _FAILED.match(message)) and match[1]]
    return ops[0] if ops and not any(re.match(r"torch(_c)?\.", op) for op in ops) else None


def shortened(text: str) -> str:
    """Return the text, without its middle if it is longer than `LONGEST`."""
    if len(text) <= LONGEST:
        return text
    return f"{text[: LONGEST // 2]}\n... {len(text) - LONGEST} characters left out ...\n{text[-LONGEST // 2 :]}"
