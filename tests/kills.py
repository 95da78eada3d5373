"""Kill runs at random moments, resume them, compare with an undisturbed run: `python -m tests.kills FOLDER`.

Each of the targets is killed `--times` times: the whole process group, a worker of pytest-xdist, the controller, and
the worker that runs a sample. After `--resume`, the outcomes must equal those of the undisturbed run: same cell, sample
and outcome, but for times; minimised samples are left out. Exit status 1 if they do not.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from harness.records.journal_file import PART, footer
from harness.records.lines import lines
from op_suites import catalog

ROOT = Path(__file__).parents[1]
JOURNAL = "journal.jsonl.gz"


def options(ops: int) -> list[str]:
    """The options of the main job: so many ops, spread over the registry."""
    names = [case.op for cases in catalog().values() for case in cases]
    chosen = names[:: len(names) // ops][:ops]
    return [word for op in chosen for word in ("--op", op)] + ["--profile", "quick", "--dtype", "f32", "-n", "2"]


def started(out: Path, more: Sequence[str]) -> subprocess.Popen[Any]:
    command = [sys.executable, "-m", "pytest", "op_suites", "--out", str(out), "-q", *more]
    with (out.parent / f"{out.name}.log").open("a") as log:
        return subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log, start_new_session=True)


def processes() -> dict[int, tuple[int, str]]:
    """Parent and command line of each process by its id."""
    found = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue  # it has ended
        found[int(folder.name)] = parent, line
    return found


def below(root: int) -> dict[int, tuple[int, str]]:
    """The descendants of a process."""
    every = processes()
    found: dict[int, tuple[int, str]] = {}
    while more := {pid: at for pid, at in every.items() if at[0] in {root, *found} and pid not in found}:
        found |= more
    return found


def group(run: int, rng: random.Random) -> None:
    os.killpg(run, signal.SIGKILL)


def controller(run: int, rng: random.Random) -> None:
    os.kill(run, signal.SIGKILL)


def xdist_worker(run: int, rng: random.Random) -> None:
    os.kill(rng.choice([pid for pid, (_, line) in below(run).items() if "exec(eval(" in line]), signal.SIGKILL)


def sample_worker(run: int, rng: random.Random) -> None:
    found = below(run)
    forked = {pid for pid, (_, line) in found.items() if "forkserver" in line}
    servers = {pid for pid in forked if found[pid][0] not in forked}
    os.kill(rng.choice([pid for pid in forked if found[pid][0] in servers]), signal.SIGKILL)


TARGETS: dict[str, Callable[[int, random.Random], None]] = {
    "group": group,
    "xdist worker": xdist_worker,
    "controller": controller,
    "sample's worker": sample_worker,
}


def outcomes(path: Path) -> list[str]:
    """Cell, sample and outcome of each line, minimised samples aside."""
    found = [
        json.loads(line) for line in lines(path) if isinstance(line, bytes) and line.startswith(b'{"kind":"outcome"')
    ]
    keys = ("op", "backend", "mode", "dtype", "id", "outcome", "stage", "traits", "breaks")
    return sorted(json.dumps([line.get(key) for key in keys]) for line in found if "minimised" not in line)


def cells(path: Path) -> int:
    return sum(isinstance(line, bytes) and line.startswith(b'{"kind":"cell"') for line in lines(path))


def disturbed(out: Path, more: Sequence[str], target: str, after: float, rng: random.Random) -> tuple[int, bool]:
    """Start a run, kill a part of it so long after its first cell, wait for its end.

    Return how many cells it has, and whether a run must go on with it.
    """
    process = started(out, more)
    part = out / (JOURNAL + PART)
    while not part.exists():
        assert process.poll() is None, f"the run ended before its first cell: see {out}.log"
        time.sleep(0.2)
    time.sleep(after)
    if process.poll() is None:
        for _ in range(50):
            try:
                TARGETS[target](process.pid, rng)
                break
            except (IndexError, ProcessLookupError):
                time.sleep(0.1)  # between two samples' workers
    process.wait()
    while any(str(out) in line for _, line in processes().values()):
        time.sleep(0.5)
    left = part if part.exists() else out / JOURNAL
    return cells(left), left == part or bool((footer(left) or {}).get("missing"))


def main() -> int:
    """Print a line for each kill; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m tests.kills", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--ops", type=int, default=60)
    parser.add_argument("--times", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    more, rng, bad = options(asked.ops), random.Random(asked.seed), 0
    begun = time.monotonic()
    started(asked.folder / "whole", more).wait()
    wall = time.monotonic() - begun
    whole, count = outcomes(asked.folder / "whole" / JOURNAL), cells(asked.folder / "whole" / JOURNAL)
    print(f"undisturbed: {count} cells, {len(whole)} outcomes, {wall:.0f} s", flush=True)
    for number in range(asked.times):
        for target in TARGETS:
            out = asked.folder / f"{target.replace(' ', '-')}-{number}"
            after = rng.uniform(0.0, 0.7 * wall)
            had, goes_on = disturbed(out, more, target, after, rng)
            if goes_on:
                started(out, [*more, "--resume"]).wait()
            found = outcomes(out / JOURNAL)
            equal = found == whole and cells(out / JOURNAL) == count
            bad += not equal
            end = "resumed" if goes_on else "complete"
            said = "equal" if equal else f"DIFFERENT in {len(set(found) ^ set(whole))}"
            print(f"{target} {after:.0f} s after its first cell: {had} cells kept, {end}, {said}", flush=True)
    return int(bool(bad))


if __name__ == "__main__":
    sys.exit(main())
