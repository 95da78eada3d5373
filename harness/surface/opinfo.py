"""The samples of PyTorch's own OpInfo, which nobody here chose: a second source, and the denominator `opinfo`.

A process of its own (`harness.surface.opinfo_trace`, which needs torch and expecttest) traces OpInfo once per version
of torch and of the tracing code. The trace is kept in the user's cache folder as one JSON object a line: a header
`{"torch", "entries", "reached", "skipped"}`, then calls `{"op", "dtype", "sample"}`. Reading it needs no torch.
`python -m harness.surface.opinfo` makes it.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from harness.cases.sample import Sample, from_json
from harness.errors import BadSample, MissingPackage

from . import cache as cache_folder

SOURCES = (
    "surface/opinfo_trace.py",
    *(f"cases/{noun}.py" for noun in ("road", "sample", "varied", "stratification", "richness", "traits")),
)
"""The files of `harness` that decide what a trace holds: a change of theirs makes a new trace."""
PROGRESS = " entries"
"""What a line of the tracing process's stdout says if it tells how far that process is."""


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
    try:
        return _read(_made())
    except (ValueError, KeyError, TypeError, BadSample):  # the file is damaged
        _made().unlink(missing_ok=True)
        _made.cache_clear()
        return _read(_made())


def reached() -> frozenset[str]:
    """`Trace.reached` alone, which is read in no time; raises MissingPackage."""
    with suppress(ValueError, KeyError, TypeError, OSError), _made().open(encoding="utf-8") as lines:
        return frozenset(json.loads(next(lines, ""))["reached"])
    return trace().reached


def is_traced() -> bool:
    """Whether the installed torch has been traced already; raises MissingPackage if there is no torch."""
    return _path().exists()


def _path() -> Path:
    return cache_folder.path("opinfo", "jsonl", SOURCES)


@cache
def _made() -> Path:
    """The file of the trace, made if there is none; in a folder of this process if the cache cannot be written."""
    path = _path()
    if path.exists():
        return path
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        writable = os.access(path.parent, os.W_OK)
    except OSError:
        writable = False
    if not writable:
        path = Path(tempfile.mkdtemp(prefix="opcov-")) / path.name
        atexit.register(shutil.rmtree, path.parent, ignore_errors=True)
    _make(path)
    return path


def _read(path: Path) -> Trace:
    with path.open(encoding="utf-8") as lines:
        head = json.loads(next(lines, ""))
        samples: dict[str, dict[str, list[Sample]]] = defaultdict(lambda: defaultdict(list))
        for line in map(json.loads, lines):
            samples[line["op"]][line["dtype"]].append(from_json(line["sample"]))
    kept = {op: {dtype: tuple(found) for dtype, found in by.items()} for op, by in samples.items()}
    return Trace(head["torch"], head["entries"], frozenset(head["reached"]), kept, head["skipped"])


def _make(path: Path) -> None:
    part = path.with_suffix(f".{os.getpid()}.part")
    command = [sys.executable, "-m", "harness.surface.opinfo_trace", str(part)]
    print(f"opcov: tracing OpInfo, once for this torch, about a minute ({path})", file=sys.stderr, flush=True)
    with tempfile.TemporaryFile("w+", encoding="utf-8") as said:
        env = {**os.environ, "PYTHONHASHSEED": "0"}  # OpInfo iterates over sets of strings
        tracing = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=said, text=True, env=env)
        assert tracing.stdout is not None
        with tracing, tracing.stdout:
            _show_progress(tracing.stdout)
        said.seek(0)
        lines = said.read().strip().splitlines()
    if tracing.returncode:
        part.unlink(missing_ok=True)
        raise MissingPackage(
            f"OpInfo cannot be traced: {lines[-1] if lines else 'no message'}",
            hint="it needs expecttest: run `pip install -e '.[opinfo]'`",
        )
    part.replace(path)


def _show_progress(lines: Iterable[str]) -> None:
    """Show on stderr the lines that tell how far the tracing is: in place in a terminal, else one in ten seconds."""
    terminal = sys.stderr.isatty()
    shown = time.monotonic()
    for line in lines:
        if PROGRESS in line and (terminal or time.monotonic() > shown + 10):
            shown = time.monotonic()
            end = "\r" if terminal else "\n"
            print(f"opcov: tracing OpInfo: {line.strip()}", end=end, file=sys.stderr, flush=True)
    if terminal:
        print(file=sys.stderr)


if __name__ == "__main__":
    trace()
