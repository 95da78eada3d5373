"""Wrong lowerings, seeded: edits of a lowered module, each one a mistake that lowerings are known to make.

A `Mutant` names an edit by its kind, the op it changes and which of its like it is, in the order of the text: so one
mutant is the same mistake in every program of an op, as that of a lowering would be. `mutants` lists those that a
module has room for, `mutated` makes one. Whether an edit can be observed at all is not known here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from torch_mlir import ir as mlir

from backends import ir

from . import places, values
from .edit import Edit, Rule, Shapes


@dataclass(frozen=True, slots=True, order=True)
class Mutant:
    """One seeded mistake: `what` it does to the `nth` op of this name that it can be done to."""

    kind: str
    op: str
    what: str
    nth: int

    def __str__(self) -> str:
        return f"{self.kind}: {self.op} #{self.nth} {self.what}"


def mutants(text: str, shapes: Shapes, kinds: Iterable[str]) -> list[Mutant]:
    """Every mutant of the module, in the order of the text, kind by kind."""
    found = []
    for kind in kinds:
        with ir.session() as session, mlir.Location.unknown(session.context):
            found += [mutant for mutant, _ in _edits(_prepared(session, text, kind), kind, shapes)]
        _forget(text)
    return found


def mutated(text: str, mutant: Mutant, shapes: Shapes) -> str | None:
    """The module with that mistake, None where it has no place for it or does not verify with it."""
    try:
        with ir.session() as session, mlir.Location.unknown(session.context):
            module = _prepared(session, text, mutant.kind)
            edit = next((edit for found, edit in _edits(module, mutant.kind, shapes) if found == mutant), None)
            if edit is None:
                return None
            edit.apply()
            return ir.printed(session.parse(ir.printed(module)))
    except (ir.PassFailed, mlir.MLIRError):  # it does not verify; an op cannot be made for these types
        return None
    finally:
        _forget(text)


def normal(text: str) -> str:
    """The module without what has no use: modules alike in it are the same module."""
    with ir.session() as session:
        module = session.parse(text)
        session.run(NORMALIZE, module)
        return ir.printed(module)


def _forget(text: str) -> None:
    if "dialect_resources" in text:
        ir.drop()


NORMALIZE = "builtin.module(canonicalize,func.func(linalg-fuse-elementwise-ops),canonicalize,cse)"
"""Fusion is what drops a result of a linalg op that nobody uses, with all that computes it."""
GENERALIZE = "builtin.module(func.func(linalg-generalize-named-ops))"


def _prepared(session: ir.Session, text: str, kind: str) -> mlir.Module:
    """The module; for what can be changed in the loops of a linalg op only, with all its loops spelled out."""
    module = session.parse(text)
    if kind in SPELLED_OUT and "linalg." in text:
        session.run(GENERALIZE, module)
    return module


def _edits(module: mlir.Module, kind: str, shapes: Shapes) -> Iterator[tuple[Mutant, Edit]]:
    count: Counter[tuple[str, str]] = Counter()
    found: list[mlir.Operation] = []
    ir.walk(module.operation, found.append)
    for op in found:
        for edit in KINDS[kind](op, shapes):
            key = op.name, edit.what
            yield Mutant(kind, op.name, edit.what, count[key]), edit
            count[key] += 1


KINDS: Mapping[str, Rule] = {
    "swap": values.swap,
    "drop": values.drop,
    "predicate": values.predicate,
    "offset": places.offset,
    "constant": values.constant,
    "transpose": places.transpose,
    "accumulator": values.accumulator,
    "nan": values.nan,
    "sign": values.sign,
    "freeze": places.freeze,
}
SPELLED_OUT = ("transpose", "accumulator")
