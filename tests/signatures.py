"""Compare what became of each sample in two runs: `python -m tests.signatures A B`; exit status 1 if they differ.

Compared are outcome, stage, culprit and kind (`harness/records/signature.py`), with `--diagnostics` also the text of
refusals. A run through a `torch-mlir-opt` binary must not differ from one through the bindings of the same version.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

from harness.records.journal import Record
from harness.records.journal_file import read
from harness.records.outcome import Invalid, Unsupported
from harness.records.signature import signature

Key = tuple[str, str, str, str]


def found(path: Path, *, diagnostics: bool = False) -> dict[Key, str]:
    """By cell, sample and what it was minimised from, the signature in words."""
    return {_key(record): _said(record, diagnostics) for record in read(path).records}


def _key(record: Record) -> Key:
    return (record.op, f"{record.backend}-{record.mode}-{record.dtype}", record.id, record.minimised or "")


def _said(record: Record, diagnostics: bool) -> str:
    said = str(signature(record.outcome, record.backend))
    told = isinstance(record.outcome, Unsupported | Invalid) and diagnostics
    return f"{said}\n{record.outcome.diagnostic}" if told else said  # type: ignore[union-attr]


def differences(one: dict[Key, str], other: dict[Key, str]) -> Iterator[tuple[Key, str, str]]:
    """Where they differ, with both signatures; a sample that one of them lacks counts."""
    for key in dict.fromkeys((*one, *other)):
        pair = one.get(key, "not there"), other.get(key, "not there")
        if pair[0] != pair[1]:
            yield key, *pair


def main() -> int:
    """Print the differences and how many outcomes were compared; 1 also where there was nothing to compare."""
    parser = argparse.ArgumentParser(prog="python -m tests.signatures", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("one", type=Path)
    parser.add_argument("other", type=Path)
    parser.add_argument("--diagnostics", action="store_true", help="compare the text of refusals too")
    options = parser.parse_args()
    one, other = (found(path, diagnostics=options.diagnostics) for path in (options.one, options.other))
    changed = list(differences(one, other))
    for key, before, after in changed:
        print(f"{' '.join(key).strip()}: {before} -> {after}")
    print(f"{len(changed):,} of {len(one.keys() | other.keys()):,} outcomes differ")
    return int(bool(changed) or not one)


if __name__ == "__main__":
    sys.exit(main())
