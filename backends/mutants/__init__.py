"""Mutants of lowered modules: each edit is a bug that lowerings are known to have.

`find_mutants` lists the mutants that a module has a place for, and `apply_mutant` makes one; whether a mutant changes
any result is not known here. A `Mutant` names its edit by kind, operation and index in the order of the text, so the
same mutant can be made in every program of an op, as a bug of the lowering would affect them all.
Start reading at `edit`; `values`, `arithmetic` and `places` have the mutators.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping

from torch_mlir import ir as mlir

from backends import ir
from harness.mutation.toolbox import Shapes
from harness.records.mutant import Mutant

from . import arithmetic, places, values
from .edit import Edit, Mutator


def find_mutants(text: str, shapes: Shapes, kinds: Iterable[str]) -> list[Mutant]:
    """Return every mutant of the module, kind by kind, each in the order of the text."""
    mutants = []
    for kind in kinds:
        with ir.session() as session, mlir.Location.unknown(session.context):
            mutants += [mutant for mutant, _ in _edits(_parse(session, text, kind), kind, shapes)]
        _forget(text)
    return mutants


def apply_mutant(text: str, mutant: Mutant, shapes: Shapes) -> str | None:
    """Return the module with the mutant; None if it has no place for the mutant or does not verify with it."""
    try:
        with ir.session() as session, mlir.Location.unknown(session.context):
            module = _parse(session, text, mutant.kind)
            edit = next((edit for found, edit in _edits(module, mutant.kind, shapes) if found == mutant), None)
            if edit is None:
                return None
            edit.apply()
            return ir.printed(session.parse(ir.printed(module)))
    except (ir.PassFailed, mlir.MLIRError):  # it does not verify, or an operation cannot be made for these types
        return None
    finally:
        _forget(text)


def trivially_equivalent(sound: str, mutated: str) -> bool:
    """Whether two modules are the same after dead code is removed; False if that fails for one of them.

    This is trivial compiler equivalence (Papadakis et al., ICSE 2015).
    """
    try:
        return normalize(sound) == normalize(mutated)
    except ir.PassFailed:
        return False


def normalize(text: str) -> str:
    """Return the module in canonical form and without dead code; raises PassFailed."""
    with ir.session() as session:
        module = session.parse(text)
        session.run(NORMALIZE, module)
        return ir.printed(module)


def _forget(text: str) -> None:
    """Drop the session after a module with resources, which its context would keep."""
    if "dialect_resources" in text:
        ir.drop()


NORMALIZE = "builtin.module(canonicalize,func.func(linalg-fuse-elementwise-ops),canonicalize,cse)"
"""Fusion is the pass that drops an unused result of a linalg op, with all that computes it."""
GENERALIZE = "builtin.module(func.func(linalg-generalize-named-ops))"


def _parse(session: ir.Session, text: str, kind: str) -> mlir.Module:
    """Parse the module; generalize its named linalg ops if this kind of mutant edits loops."""
    module = session.parse(text)
    if kind in EDITS_LOOPS and "linalg." in text:
        session.run(GENERALIZE, module)
    return module


def _edits(module: mlir.Module, kind: str, shapes: Shapes) -> Iterator[tuple[Mutant, Edit]]:
    """Yield every mutant of this kind with the edit that makes it."""
    count: Counter[tuple[str, str]] = Counter()
    operations: list[mlir.Operation] = []
    ir.walk(module.operation, operations.append)
    for op in operations:
        for edit in KINDS[kind](op, shapes):
            key = op.name, edit.what
            yield Mutant(kind, op.name, edit.what, count[key]), edit
            count[key] += 1


KINDS: Mapping[str, Mutator] = {
    "swap": values.swap,
    "drop": values.drop,
    "predicate": values.predicate,
    "offset": places.offset,
    "constant": values.constant,
    "transpose": places.transpose,
    "accumulator": arithmetic.accumulator,
    "nan": arithmetic.nan,
    "sign": arithmetic.sign,
    "freeze": places.freeze,
}
EDITS_LOOPS = ("transpose", "accumulator")
"""The kinds that edit the loops of a linalg op, its indexing maps or its body."""
