"""Make a large journal of a real one: `python -m tests.multiplied JOURNAL OUT --times 10 [--more samples]`.

Each cell is written several times: as cells of ops with other names, or, with `--more samples`, as one cell of the same
op with samples of other seeds. The result is a whole journal that every command reads, to measure them.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness.cases.other_samples import seeded
from harness.cases.sample import from_json, to_json
from harness.records.journal_file import Block, JournalReader
from harness.records.journal_writer import JournalWriter

MORE = ("ops", "samples")


def multiplied(block: Block, times: int, more: str) -> Iterator[list[str]]:
    """The cells that take the place of one: lists of outcome lines."""
    outcomes = [json.loads(line) for line in block.lines]
    copies = [_copy(outcomes, number, more) for number in range(times)]
    yield from copies if more == "ops" else [[line for copy in copies for line in copy]]


def _copy(outcomes: Sequence[Mapping[str, Any]], number: int, more: str) -> list[str]:
    """The outcome lines of a cell with another op or other seeds; copy number 0 is the cell itself."""
    ids: dict[str, str] = {}
    lines = []
    for line in outcomes:
        op = _renamed(line["op"], number) if more == "ops" else line["op"]
        changes: dict[str, Any] = {"op": op}
        if line["sample"] is not None:
            sample = replace(from_json(line["sample"]), op=op)
            sample = seeded(sample, number) if more == "samples" else sample
            ids[line["id"]] = sample.id
            changes |= {"id": sample.id, "sample": to_json(sample)}
        if "minimised" in line:
            changes["minimised"] = ids.get(line["minimised"], line["minimised"])
        lines.append(json.dumps({**line, **changes}, separators=(",", ":")))
    return lines


def _renamed(op: str, number: int) -> str:
    namespace, name, overload = op.split(".", 2)
    return f"{namespace}.{name}_{number}.{overload}" if number else op


def main() -> None:
    """Write the journal."""
    parser = argparse.ArgumentParser(prog="python -m tests.multiplied", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("journal", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--more", choices=MORE, default="ops")
    options = parser.parse_args()
    reader = JournalReader(options.journal)
    header = {key: value for key, value in reader.header.items() if key not in ("kind", "schema")}
    with JournalWriter(options.out, header) as writer:
        for block in reader.blocks():
            for lines in multiplied(block, options.times, options.more):
                writer.write_cell(lines, block.seconds)
        footer = {key: value for key, value in (reader.footer or {}).items() if key not in ("kind", "counts")}
        writer.close(**footer)


if __name__ == "__main__":
    main()
