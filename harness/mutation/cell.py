"""A cell under test, and the record of one of its mutants."""

from __future__ import annotations

from dataclasses import dataclass

from harness.cases.sample import Sample
from harness.records.mutant import Mutant, MutantRecord, MutantStatus


@dataclass(frozen=True, slots=True)
class CellUnderTest:
    """One (op, backend, mode, dtype), its samples that passed, and the kinds of mutants to test it with."""

    op: str
    family: str
    backend: str
    mode: str
    dtype: str
    samples: tuple[Sample, ...]
    kinds: tuple[str, ...]


def mutant_record(
    cell: CellUnderTest,
    mutant: Mutant,
    status: MutantStatus,
    *,
    by: str = "",
    sample: str = "",
    share: float | None = None,
) -> MutantRecord:
    """Return the record of a mutant in a cell."""
    return MutantRecord(
        op=cell.op,
        family=cell.family,
        backend=cell.backend,
        mode=cell.mode,
        dtype=cell.dtype,
        mutation=mutant.kind,
        site=mutant.op,
        what=mutant.what,
        nth=mutant.nth,
        status=status,
        by=by,
        sample=sample,
        share=share,
    )
