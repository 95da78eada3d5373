"""Compare two journals: `python -m tests.journals OLD NEW [--rerun OLD2]`; exit status 1 if they differ.

Records are matched by cell, sample and the sample that they were minimised from; their order does not matter. What no
two runs share is left out: times, the run's id, the revision, addresses. So are the names of our own modules, and file
names and line numbers in Python traces. `--rerun` is a second run of the old revision: what differs between OLD and
OLD2 is listed and left out too.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from harness.records.lines import lines

VOLATILE = frozenset(("run", "started", "seconds", "schema", "toolchain.revision"))
"""Paths of keys that differ between any two runs."""
CLIPPED = 250
"""Texts longer than this may have been clipped."""
_ADDRESS = re.compile(r"\b0x[0-9a-fA-F]{4,}\b")
_GRAPH_ID = re.compile(r"\bgraph_id=.*", re.DOTALL)
"""An address in decimal; what follows it is cut off at a length that depends on the digits, so that goes too."""
_OWN_NAME = re.compile(r"\bharness\.[\w.]*\.(?=\w)")
_TRACE_LINE = re.compile(r'File "[^"]*", line \d+(?:, in \w+)?')

Facts = Mapping[tuple[str, str], Any]
"""By record and path of keys, the value."""


def facts(path: Path) -> Facts:
    """All that a journal says and that another run of the same code should say too."""
    found: dict[tuple[str, str], Any] = {}
    for line in lines(path):
        assert isinstance(line, bytes), line
        record = json.loads(line)
        if record["kind"] == "cell":
            continue
        record.pop("worker", None)  # which worker comes first is chance
        name = _name(record)
        found.update({(name, key): value for key, value in _leaves("", record) if key not in VOLATILE})
    return found


def differences(old: Facts, new: Facts) -> dict[tuple[str, str], tuple[Any, Any]]:
    """Where two journals differ, with both values; a value that one of them lacks is None."""
    pairs = {key: (old.get(key), new.get(key)) for key in dict.fromkeys((*old, *new))}
    return {key: pair for key, pair in pairs.items() if not _same(*pair)}


def _same(old: Any, new: Any) -> bool:
    """Whether two values are equal, or clipped texts of which one starts with the other.

    A long text is recorded up to a fixed length, so a name of ours that is longer than before moves the cut.
    """
    if isinstance(old, str) and isinstance(new, str) and min(len(old), len(new)) > CLIPPED:
        return old.startswith(new) or new.startswith(old)
    return bool(old == new)


def _name(record: Mapping[str, Any]) -> str:
    if record["kind"] != "outcome":
        return str(record["kind"])
    cell = f"{record['op']}[{record['backend']}-{record['mode']}-{record['dtype']}]"
    minimised = f" from {record['minimised']}" if record.get("minimised") else ""
    return f"{cell} {record['id']}{minimised}"


def _leaves(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    if path in VOLATILE:
        return
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _leaves(f"{path}.{key}" if path else key, inner)
    else:
        yield path, _stable(value)


def _stable(value: Any) -> Any:
    if isinstance(value, str):
        text = _GRAPH_ID.sub("graph_id=...", _ADDRESS.sub("0x...", value))
        return _TRACE_LINE.sub("File ...", _OWN_NAME.sub("harness.", text))
    return [_stable(item) for item in value] if isinstance(value, list) else value


def main() -> int:
    """Print the differences; exit status 1 if there are any that a rerun of the old revision does not have too."""
    parser = argparse.ArgumentParser(prog="python -m tests.journals", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("old", type=Path)
    parser.add_argument("new", type=Path)
    parser.add_argument("--rerun", type=Path, help="a second run of the old revision")
    options = parser.parse_args()
    old = facts(options.old)
    unstable = differences(old, facts(options.rerun)) if options.rerun else {}
    changed = {key: pair for key, pair in differences(old, facts(options.new)).items() if key not in unstable}
    _print("differ between the two runs of the old revision, left out", unstable)
    _print("differ between old and new", changed)
    return int(bool(changed))


def _print(what: str, found: Mapping[tuple[str, str], tuple[Any, Any]]) -> None:
    records = len({name for name, _ in found})
    print(f"{len(found):,} values of {records:,} records {what}")
    for (name, key), (before, after) in found.items():
        print(f"  {name} {key}: {str(before)[:200]!r} -> {str(after)[:200]!r}")


if __name__ == "__main__":
    sys.exit(main())
