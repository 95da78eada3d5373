"""What the built-in lowerings share: one pipeline, the culprit of a refusal, the check of the dialect's contract."""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress

from torch_mlir import ir as mlir

from backends import ir, passes
from harness.programs.protocols import Contract, ContractBroken, Lowered, Recipe, Refused, Step

LONGEST = 4000
"""Characters of diagnostics kept; a message may print an operation with its constants."""


class Lowering:
    """A lowering by one torch-mlir pipeline to one dialect.

    Subclasses give the dialect's `name`, the `recipe` with the pipeline, and what its contract allows: whole dialects
    in `allowed`, single operations in `allowed_ops`. An error diagnostic is a refusal also where the pipeline reports
    success.
    """

    name: str
    recipe: Recipe
    allowed: frozenset[str]
    allowed_ops: frozenset[str] = frozenset()

    def lower(self, contract: Contract) -> Lowered:
        """Lower a fresh parse of the contract's IR.

        Raises Refused. Raises ContractBroken where every torch op was converted and only torch-mlir's own check of
        the result, the end of its pipeline, stumbles over another dialect.
        """
        try:
            text = ir.lowered(contract.ir, self.recipe.pipeline)
        except ir.PassFailed as failure:
            said = shortened(failure.reason)
            if leaked := _leaked(failure.diagnostics):
                raise ContractBroken(f"{leaked} is left in {self.name} IR\n{said}") from None
            raise Refused(said, culprit(failure, contract)) from None
        return Lowered(dialect=self.name, ir=text, program=contract.program)

    def verify(self, lowered: Lowered) -> None:
        """Verify the module and look for leaked dialects; raises ContractBroken."""
        if leaked := self._foreign(operations(lowered)):
            raise ContractBroken(f"{leaked} left in {self.name} IR")

    def _foreign(self, ops: Iterable[str]) -> str:
        """Those of the ops that the dialect's contract does not allow."""
        return ", ".join(
            sorted({op for op in ops if op.partition(".")[0] not in self.allowed and op not in self.allowed_ops})
        )

    def steps(self, contract: Contract) -> tuple[Step, ...]:
        """What the pipeline makes of a fresh parse of the contract's IR, pass by pass; raises PassFailed.

        Where nothing of the torch dialect is left but types, which go late in the pipeline, they go at once, on a copy.
        """
        with ir.session() as session:
            every = passes.split(session.spelled(self.recipe.pipeline))
            typing = [one for one in every if "backend-type-conversion" in one]
            module = session.parse(contract.ir)
            found = []
            for name, text in passes.after_each(module, every, session):
                retyped, left = self._retyped(text, typing, session)
                lowered = Lowered(dialect=self.name, ir=retyped, program=contract.program)
                found.append(Step(name=f"lower/{name}", lowered=f"{left} left" if left else lowered))
        ir.drop()  # with the names of its resources
        return tuple(found)

    def _retyped(self, text: str, typing: Iterable[str], session: ir.Session) -> tuple[str, str]:
        """The IR after the passes that convert types, and which ops are left then that are not of this dialect."""
        module = session.parse(text)
        with suppress(ir.PassFailed):  # where it is too early, what is left says so
            for one in ("builtin.module(func.func(cse))", *typing):
                session.run(one, module)
                _uncast(module)
        return ir.printed(module), self._foreign(ir.ops(module))


def _uncast(module: mlir.Module) -> None:
    """Use values as they are where they are cast to a type of the torch dialect and back."""

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
    """The names of a lowered module's operations, in order; raises ContractBroken where it is not valid."""
    try:
        with ir.session() as session:
            found = ir.ops(session.parse(lowered.ir))
    except ir.PassFailed as failure:
        raise ContractBroken(shortened(failure.reason)) from None
    if "dialect_resources" in lowered.ir:
        ir.drop()
    return found


_FAILED = re.compile(r"failed to legalize operation '([\w.]+)'")
_TORCH_OP = re.compile(r"(?<![!#\w.])torch\.[a-z_]\w*(?:\.\w+)*")
_OPERATOR = re.compile(r'torch\.operator"?.*?"(torch\.[\w.]+)"', re.DOTALL)


def culprit(failure: ir.PassFailed, contract: Contract) -> str | None:
    """The op a lowering stopped at.

    That of "failed to legalize operation", or the first torch op the diagnostics mention, if it computes; where they
    name only a constant or a list (its user is what was not converted), the first computing torch op left; where no
    torch op is left (it was converted to IR that is not valid), the only one there was.
    """
    texts = [text for d in failure.diagnostics for text in (d.message, *d.notes)]
    legalized = [_named(match[1], text) for text in texts if (match := _FAILED.search(text)) and match[1]]
    mentioned = [_named(match[0], text) for text in texts for match in _TORCH_OP.finditer(text)]
    for candidates in (legalized, mentioned, failure.left):
        if found := ir.computing(candidates):
            return found[0]
    return contract.reached[0] if len(contract.reached) == 1 else next(iter(legalized), None)


def _named(op: str, text: str) -> str:
    """The op itself, or for the catch-all `torch.operator` the name it carries."""
    match = _OPERATOR.search(text) if op == "torch.operator" else None
    return match[1] if match else op


def _leaked(diagnostics: Iterable[ir.Diagnostic]) -> str | None:
    """The op of another dialect that only the closing contract check refuses, if that is what happened."""
    found = [d.message for d in diagnostics]
    if not any("does not conform to the" in message for message in found):
        return None
    ops = [match[1] for message in found if (match := _FAILED.match(message)) and match[1]]
    return ops[0] if ops and not any(re.match(r"torch(_c)?\.", op) for op in ops) else None


def shortened(text: str) -> str:
    """The text with its middle left out where it is long."""
    if len(text) <= LONGEST:
        return text
    return f"{text[: LONGEST // 2]}\n... {len(text) - LONGEST} characters left out ...\n{text[-LONGEST // 2 :]}"
