"""What the built-in lowerings share: one pipeline, the culprit of a refusal, the check of the dialect's contract."""

from __future__ import annotations

import re
from collections.abc import Iterable

from backends import ir
from harness.protocols import Contract, ContractBroken, Lowered, Recipe, Refused

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
        found = set(operations(lowered))
        leaked = sorted(op for op in found if op.partition(".")[0] not in self.allowed and op not in self.allowed_ops)
        if leaked:
            raise ContractBroken(f"{', '.join(leaked)} left in {self.name} IR")


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
