"""PyTorch's own OpInfo samples as a second source: what nobody here chose, and the denominator `opinfo`.

The trace is made once per torch and per version of the tracing code, by a process of its own
(`harness.surface.opinfo_trace`, which needs torch and expecttest), and kept in the user's cache folder. One JSON object a line: a header
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
"""The files that decide what a trace holds."""


@dataclass(frozen=True, slots=True)
class Trace:
    """What OpInfo calls.

    `reached` are the overloads that its sample inputs call before decomposition, whether a sample could hold the call
    or not; `samples` by overload and dtype, those that eager takes first; `skipped` counts by reason what no sample
    could hold.
    """

    torch: str
    entries: int
    reached: frozenset[str]
    samples: Mapping[str, Mapping[str, tuple[Sample, ...]]]
    skipped: Mapping[str, int]


@cache
def trace() -> Trace:
    """The trace of the installed torch, made if it is not there; raises MissingPackage."""
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
    """Whether there is a trace of the installed torch already."""
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
        said = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise MissingPackage(
            f"OpInfo cannot be traced: {said}", hint="it needs expecttest: run `pip install -e '.[opinfo]'`"
        )
    part.replace(path)


if __name__ == "__main__":
    trace()
