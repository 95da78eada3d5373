"""The samples of PyTorch's own OpInfo, which nobody here chose: a second source, and the denominator `opinfo`.

A process of its own (`harness.surface.opinfo_trace`, which needs torch and expecttest) traces OpInfo once per version
of torch and of the tracing code. The trace is kept in the user's cache folder as one JSON object a line: a header
`{"torch", "entries", "reached", "skipped"}`, then calls `{"op", "dtype", "sample"}`. Reading it needs no torch.
`python -m harness.surface.opinfo` makes it.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from harness.cases.sample import Sample, from_json
from harness.errors import MissingPackage

SOURCES = ("surface/opinfo_trace.py", "cases/sample.py")
"""The files of `harness` that decide what a trace holds: a change of theirs makes a new trace."""


@dataclass(frozen=True, slots=True)
class Trace:
    """The calls that OpInfo's inputs make.

    `torch` is the version that was traced, `entries` the number of OpInfo's entries. `reached` are the overloads that
    its sample inputs call before decomposition, also if no sample can hold the call. `samples` has the calls by
    overload and dtype, those of sample inputs before those of error inputs. `skipped` counts the calls that no sample
    can hold, by reason.
    """

    torch: str
    entries: int
    reached: frozenset[str]
    samples: Mapping[str, Mapping[str, tuple[Sample, ...]]]
    skipped: Mapping[str, int]


@cache
def trace() -> Trace:
    """Read the trace of the installed torch, and make it first if there is none; raises MissingPackage."""
    path = _path()
    if not path.exists():
        print(f"opcov: tracing OpInfo, once for this torch, about a minute ({path})", file=sys.stderr)
        _make(path)
    with path.open(encoding="utf-8") as lines:
        head = json.loads(next(lines))
        samples: dict[str, dict[str, list[Sample]]] = defaultdict(lambda: defaultdict(list))
        for line in map(json.loads, lines):
            samples[line["op"]][line["dtype"]].append(from_json(line["sample"]))
    kept = {op: {dtype: tuple(found) for dtype, found in by.items()} for op, by in samples.items()}
    return Trace(head["torch"], head["entries"], frozenset(head["reached"]), kept, head["skipped"])


def is_traced() -> bool:
    """Whether the installed torch has been traced already; raises MissingPackage if there is no torch."""
    return _path().exists()


def _path() -> Path:
    try:
        torch = version("torch")
    except PackageNotFoundError:
        raise MissingPackage("OpInfo is part of torch, which is not installed", hint="run `make setup`") from None
    harness = Path(__file__).parents[1]
    code = hashlib.sha256(b"".join((harness / name).read_bytes() for name in SOURCES)).hexdigest()[:8]
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return folder / "opcov" / f"opinfo-{torch}-{code}.jsonl"


def _make(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_suffix(f".{os.getpid()}.part")
    command = [sys.executable, "-m", "harness.surface.opinfo_trace", str(part)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        part.unlink(missing_ok=True)
        message = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise MissingPackage(
            f"OpInfo cannot be traced: {message}", hint="it needs expecttest: run `pip install -e '.[opinfo]'`"
        )
    part.replace(path)


if __name__ == "__main__":
    trace()
