"""What everyday commands cost here, and in another checkout: `python -m harness.commands.everyday --base FOLDER`.

The checkouts take turns, command by command, so that other load on the machine slows both. Each has its own `.venv`.
Without `--base`, only this checkout is measured. The figures are also written as JSON.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path

from harness.errors import Exit
from harness.records.lines import lines
from harness.text import as_table

from .cost import Cost, cost

ROOT = Path(__file__).parents[2]
RELU = "aten.relu.default"
CELL = ("--op", RELU, "--backend", "tosa", "--mode", "static", "--dtype", "f32")
HANGS = "aten.stft.center"
"""An op on which torch-mlir hangs."""
SPREAD = 40
"""Of so many ops of the registry, the main job runs one."""

WORKED = (Exit.OK, Exit.FOUND)

Commands = Mapping[str, Sequence[str]]


def commands(journal: Path, out: Path) -> Commands:
    """The commands by name, as arguments to the programs in a checkout's `.venv/bin`."""
    job = ("pytest", "op_suites", "--out", str(out))
    named = ("--journal", str(journal))
    return {
        "matrix": ("opcov", "matrix", str(journal)),
        "todo": ("opcov", "todo", "--backend", "tosa", str(journal)),
        "explain": ("opcov", "explain", RELU, *named),
        "blame": ("opcov", "blame", str(journal)),
        "repro": (
            "opcov",
            "repro",
            _sample(journal),
            "--backend",
            "tosa",
            "--journal",
            str(journal),
            "--out",
            str(out),
        ),
        "ops": ("opcov", "ops"),
        "one cell": (*job, *CELL),
        "one cell, -k": (*job, "-k", f"{RELU} and tosa and static and f32"),
        "one cell, -n auto": (*job, "-n", "auto", *CELL),
        "an op that hangs": (*job, "-n", "auto", "--op", HANGS),
        "a spread of ops": (*job, "-n", "auto", *(word for op in _spread() for word in ("--op", op))),
    }


def _sample(journal: Path) -> str:
    """The id of a sample of relu in the journal; no id where there is no journal, so that the command fails."""
    with suppress(OSError):
        for line in lines(journal):
            if isinstance(line, bytes) and f'"op":"{RELU}"'.encode() in line and b'"kind":"outcome"' in line:
                return str(json.loads(line)["id"])
    return "no-journal"


def _spread() -> Iterator[str]:
    from op_suites import catalog

    ops = [case.op for cases in catalog().values() for case in cases]
    yield from ops[::SPREAD]


def main() -> int:
    """Print the table; return the exit status: 1 if a command fails."""
    parser = argparse.ArgumentParser(prog="python -m harness.commands.everyday", description=__doc__)
    parser.add_argument("--base", type=Path, help="another checkout with a .venv of its own")
    parser.add_argument("--journal", type=Path, default=ROOT / "reports/out/journal.jsonl.gz", help="what is read")
    parser.add_argument("--base-journal", type=Path, help="the same for the other checkout, if it needs another form")
    parser.add_argument("--only", action="append", default=[], help="only this command (repeatable)")
    parser.add_argument("--times", type=int, default=1, help="how often each is run; the least is taken")
    parser.add_argument("--out", type=Path, default=ROOT / "reports/out/bench.json", help="where the JSON goes")
    options = parser.parse_args()
    places = {"here": (ROOT, options.journal)}
    if options.base:
        places = {"base": (options.base.resolve(), options.base_journal or options.journal)} | places
    out = options.out.resolve().parent
    found = {place: commands(journal.resolve(), out / f"bench-{place}") for place, (_, journal) in places.items()}
    known = found["here"]
    if unknown := [name for name in options.only if name not in known]:
        parser.error(f"no command {unknown[0]!r} to measure; known: {', '.join(known)}")
    figures: dict[str, dict[str, Cost]] = {}
    for name in options.only or known:
        runs = [
            {place: _run(found[place][name], folder) for place, (folder, _) in places.items()}
            for _ in range(options.times)
        ]
        figures[name] = {place: min((run[place] for run in runs), key=lambda c: c.cpu) for place in places}
        print(_row_text(name, figures[name]), file=sys.stderr, flush=True)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    data = {name: {place: asdict(c) for place, c in by.items()} for name, by in figures.items()}
    options.out.write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    print(as_text(figures))
    return int(any(c.status not in WORKED for by in figures.values() for c in by.values()))


def _run(command: Sequence[str], folder: Path) -> Cost:
    program, *arguments = command
    return cost((folder / ".venv" / "bin" / program, *arguments), folder)


def _row_text(name: str, by: Mapping[str, Cost]) -> str:
    return f"{name}: " + "; ".join(
        f"{place} {c.wall:g} s, CPU {c.cpu:g} s, {c.resident:g} MiB{_failure(c)}" for place, c in by.items()
    )


def _failure(cost: Cost) -> str:
    """What to say of a command that fails: its times are none of what it was to do."""
    return "" if cost.status in WORKED else f" (fails, exit {cost.status})"


def as_text(figures: Mapping[str, Mapping[str, Cost]]) -> str:
    """A table with one line per command: wall and CPU seconds and memory, and the ratio of here to the base."""
    rows = []
    for name, by in figures.items():
        here, base = by["here"], by.get("base")
        failing = [f"{place} fails" for place, c in by.items() if c.status not in WORKED]
        row: list[object] = [f"{name} ({', '.join(failing)})" if failing else name, here.wall, here.cpu, here.resident]
        if base:
            row += [base.wall, base.cpu, base.resident]
            row += [f"{_ratio(here.wall, base.wall)}", _ratio(here.cpu, base.cpu), _ratio(here.resident, base.resident)]
        rows.append(row)
    heads = ["command", "wall s", "CPU s", "MiB", "base wall", "base CPU", "base MiB", "wall ratio", "CPU", "MiB"]
    return as_table(rows, heads[: max(map(len, rows), default=4)])


def _ratio(here: float, base: float) -> str:
    return f"{here / base:.2f}" if base else "-"


if __name__ == "__main__":
    sys.exit(main())
