"""Samples that are kept for the census because no draw shows what they show: a file a family, as JSON lines, sorted.

They are calls of OpInfo (`op_suites/opinfo`), and samples that a facet was injected into (`op_suites/injected`, and
`op_suites/nightly` for the nightly alone). The files of `promotions.py` (`op_suites/promoted`) are read and written by
the same functions.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, TypeVar

from harness.errors import BadSample

from .sample import Origin, Sample, dumps, from_json

T = TypeVar("T")

WRITES = {
    "opinfo": "python -m harness.commands.picks",
    "injected": "python -m harness.commands.injections",
    "nightly": "python -m harness.commands.injections",
    "promoted": "python -m harness.commands.injections",
}
"""The commands that write the files, by folder."""
ORIGINS: Mapping[str, Origin] = {"opinfo": "picked", "injected": "injected", "nightly": "injected"}
"""What the samples of a folder are."""


def read(path: Path) -> Mapping[str, tuple[Sample, ...]]:
    """The samples of a family by op, none where there is no file; raises BadSample with file and line."""
    ordered = groupby(_samples(path), key=lambda sample: sample.op)
    return {op: tuple(samples) for op, samples in ordered}


def parsed(path: Path, parse: Callable[[Any], T]) -> Iterator[T]:
    """What each line of a file is, none where there is no file; raises BadSample with file and line."""
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    for number, line in enumerate(lines, 1):
        try:
            yield parse(json.loads(line))
        except (BadSample, ValueError, KeyError, TypeError) as error:
            raise BadSample(f"{path}:{number}: {error}", hint=f"`git checkout {path}`, or {_writes(path)}") from None


def _samples(path: Path) -> Iterator[Sample]:
    before = ("", "", "")
    for number, sample in enumerate(parsed(path, from_json), 1):
        if sample.origin != ORIGINS[path.parent.name] or (key := _key(sample)) <= before:
            raise BadSample(f"{path}:{number}: it is no pick, or not in its place", hint=f"run {_writes(path)}")
        before = key
        yield sample


def _writes(path: Path) -> str:
    """The command that writes a file."""
    return f"`{WRITES[path.parent.name]}`"


def write(folder: Path, picks: Mapping[str, Iterable[Sample]]) -> list[Path]:
    """Write the samples of these families; return the files that are not as they were. None has no samples in it."""
    return write_texts(folder, {family: _text(samples) for family, samples in picks.items()})


def write_texts(folder: Path, of: Mapping[str, str]) -> list[Path]:
    """Write the texts of these families; return the files that are not as they were. An empty text has no file."""
    texts = {folder / f"{family}.jsonl": text for family, text in of.items()}
    changed = [path for path, text in texts.items() if text and (not path.exists() or path.read_text("utf-8") != text)]
    gone = [path for path, text in texts.items() if not text and path.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for path in changed:
        path.write_text(texts[path], encoding="utf-8")
    for path in gone:
        path.unlink()
    return sorted([*changed, *gone])


def _text(samples: Iterable[Sample]) -> str:
    return "".join(f"{dumps(sample)}\n" for sample in sorted(samples, key=_key))


def _key(sample: Sample) -> tuple[str, str, str]:
    return sample.op, sample.dtype, dumps(sample)
