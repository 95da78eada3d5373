from __future__ import annotations

import contextlib
import io
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from harness.commands import cli, night
from harness.commands.night_folder import Folder, NoLastNight, join, last, write_explicit
from harness.commands.night_plan import BASE, ENOUGH, MARGIN, REPORTS, Pace, finds, ordered, pace, to_explore
from harness.errors import Exit, OpcovError
from harness.records.journal import Record
from harness.records.journal_file import footer, read
from harness.records.journal_writer import JournalWriter
from harness.records.outcome import Crashed, Outcome, Unsupported, Wrong
from harness.running.budget import Budget
from harness.running.cells import Cell
from op_suites import catalog
from tests.synthetic import HEADER, PASSED, blocks, record, sample

RELU, EXP = "aten.relu.default", "aten.exp.default"
WRONG = Wrong("value", "out[0]", 0, "llvm-jit")
CASES = {case.op: (family, case) for family, cases in catalog().items() for case in cases}


def cell(op: str, backend: str = "tosa") -> Cell:
    family, case = CASES[op]
    return Cell(family=family, case=case, backend=backend, mode="static", dtype="f32")


def one(op: str = RELU, size: int = 2, outcome: Outcome = PASSED, backend: str = "tosa", **more: Any) -> Record:
    return record(sample(op, "f32", "static", (size, 3)), backend, outcome, **more)


def write(path: Path, *records: Record, missing: int = 0, cells: int = 2) -> Path:
    with JournalWriter(path, HEADER | {"cells": cells}) as writer:
        for block in blocks(records):
            writer.write_cell(block.lines)
        writer.close(seconds=1.0, interrupted=False, missing=missing)
    return path


# the plan -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("told", [Pace(), Pace(rate=60.0, closing=0.001), Pace(rate=10.0, closing=0.02)])
@pytest.mark.parametrize(("left", "outcomes"), [(1800.0, 0), (1200.0, 8_000), (5 * 3600.0, 20_000)])
def test_the_time_that_is_kept_to_close_is_what_closing_costs_at_the_end(
    told: Pace, left: float, outcomes: int
) -> None:
    part = told.for_part(left, outcomes)
    closing = BASE + MARGIN * told.closing * (outcomes + told.rate * part)
    assert part + closing == pytest.approx(left)
    assert closing < 0.1 * left or told.closing > 0.01, "a night that closes fast wastes nothing"


def test_a_first_night_learns_from_the_reports_of_its_parts_how_long_it_takes_to_close() -> None:
    first = Pace().after(10_000, 200.0, 5.0, learns=True)
    assert (first.rate, first.closing) == (50.0, REPORTS * 5.0 / 10_000)
    assert first.after(20_000, 200.0, 60.0, learns=False) == Pace(100.0, first.closing)
    assert first.after(ENOUGH - 1, 1.0, 60.0, learns=True) == first


def test_what_a_night_noted_of_its_pace_may_be_of_an_older_opcov_or_nonsense() -> None:
    assert pace({"rate": 12.0, "closing": 0.004}) == Pace(12.0, 0.004)
    assert pace({}) == pace({"rate": "fast", "closing": -1.0}) == Pace()


def test_the_ops_that_cost_least_come_first_and_an_op_stays_together() -> None:
    cells = [cell(RELU), cell(RELU, "linalg"), cell(EXP), cell(EXP, "linalg")]
    names = [c.name for c in cells]
    assert ordered(cells, {names[0]: 9.0, names[1]: 9.0, names[2]: 1.0, names[3]: 1.0}) == names[2:] + names[:2]
    assert ordered(cells, {names[0]: 1.0, names[1]: 1.0, names[2]: 8.0}) == names  # the fourth counts as an average one
    assert ordered([cell(RELU)], {}) == names[:1]


def test_what_changed_is_explored_first_then_what_is_near_its_bound_then_what_never_ran() -> None:
    cells = ["a", "b", "c", "d"]
    assert to_explore(cells, changed=["c", "gone"], near=["b", "c"], explored=["a", "b", "c"]) == ["c", "b", "d"]
    assert to_explore(cells, changed=[], near=["d"], explored=cells) == ["d", "a", "b", "c"]


def test_a_find_fails_in_a_way_that_the_fixed_part_does_not_have() -> None:
    crash = Crashed("lower", "SIGSEGV", "")
    explored = [
        one(size=3, outcome=WRONG),
        one(size=4, outcome=WRONG),
        one(size=1, outcome=WRONG, minimised=one(size=3).id),
        one(size=5, outcome=crash),
        one(size=6, outcome=Unsupported("lower", "no", None)),
        one(size=7, outcome=WRONG, backend="control"),
    ]
    (found,) = finds(explored, [one(outcome=crash)])
    assert found.record == replace(explored[2], minimised=None)
    assert f"opcov repro {found.record.id} --backend tosa" in str(found)
    assert len(list(finds(explored, []))) == 2


# the folder -----------------------------------------------------------------------------------------------------------


def test_the_fixed_part_is_the_census_and_the_plain_calls_of_what_it_did_not_reach(tmp_path: Path) -> None:
    census = write(tmp_path / "census", one(), one(size=4), missing=2, cells=3)
    plain = write(tmp_path / "plain", one(plain=True), one(EXP, plain=True))
    join([census, plain], tmp_path / "joined")
    assert [(r.op, r.plain) for r in read(tmp_path / "joined").records] == [(RELU, False), (RELU, False), (EXP, True)]
    assert (footer(tmp_path / "joined") or {})["missing"] == 1


def test_explicit_samples_are_those_of_last_night_and_what_was_found(tmp_path: Path) -> None:
    old = write(tmp_path / "old", one(outcome=WRONG))
    found = [one(size=4, outcome=WRONG), one(outcome=WRONG), one(EXP, outcome=WRONG)]
    assert write_explicit(old, found, tmp_path / "old", tmp_path / "new") == 3
    assert [(r.op, r.id) for r in read(tmp_path / "new").records] == [
        (EXP, found[2].id),
        (RELU, found[1].id),
        (RELU, found[0].id),
    ]
    assert write_explicit(None, [], None, tmp_path / "none") == 0
    assert not (tmp_path / "none").exists()


def test_a_last_night_without_a_journal_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NoLastNight, match=r"has no journal\.jsonl\.gz") as raised:
        last(str(tmp_path), tmp_path / "into")
    assert raised.value.code == Exit.DATA


def test_a_last_night_is_fetched_from_an_address(tmp_path: Path) -> None:
    write(tmp_path / "old" / "journal.jsonl.gz", one())
    with pytest.raises(NoLastNight, match="cannot fetch"):
        last((tmp_path / "nothing").as_uri(), tmp_path / "into")
    for name in ("explicit.jsonl.gz", "history.sqlite", "explored.txt", "night.json"):
        (tmp_path / "old" / name).touch()
    assert last((tmp_path / "old").as_uri(), tmp_path / "into").journal.exists()


def options(out: Path, **more: Any) -> Any:
    return SimpleNamespace(**{"out": out, "budget": "1m", "last": None, "options": [], **more})


def test_a_night_that_ended_is_not_overwritten(tmp_path: Path) -> None:
    Folder(tmp_path).note(ended=True, seed=3)
    with pytest.raises(OpcovError, match=r"has a night that ended; add --last .* another folder with --out"):
        night.run(options(tmp_path))


def test_each_part_asks_for_a_second_opinion_on_all_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands: list[list[str]] = []

    class Done:
        def __init__(self, command: list[str], **more: object) -> None:
            commands.append(command)

        def __enter__(self) -> Done:
            return self

        def __exit__(self, *_: object) -> None:
            pass

        def wait(self) -> int:
            return 0

    monkeypatch.setattr(night.subprocess, "Popen", Done)
    folder = Folder(tmp_path)
    folder.note(seed=1)
    part = night.Night(folder, None, Budget(1000.0), ["--op", "aten.add.Tensor"])
    monkeypatch.setattr(night.Night, "_left", lambda self: 100.0)
    part._run("plain", "--where", "plain:yes")
    ((*_, option, often, budget, left, last, op),) = commands
    assert (option, often, budget, left, last, op) == (
        "--opinions", "always", "--budget", "100s", "--op", "aten.add.Tensor",
    )  # fmt: skip


# a miniature of the night ---------------------------------------------------------------------------------------------


class Parts:
    """Stands for pytest: writes the journal that each part would have written, and knows the commands."""

    def __init__(self) -> None:
        self.commands: list[list[str]] = []
        self.asked: list[tuple[str, ...]] = []
        self.cut_in = ""
        self.is_real = False
        self.census: list[Record] = [one(plain=True), one(size=4)]

    def __call__(self, part: Any, name: str, *arguments: str) -> None:
        if part.folder.measured(name) and name != self.cut_in:
            return
        self.commands.append([name, *arguments])
        if name == self.cut_in:
            raise KeyboardInterrupt
        found = {
            "plain": [one(plain=True), one(EXP, plain=True)],
            "census": self.census,
            "explore": [one(size=5, outcome=WRONG)],
            "explicit": [one(size=5, outcome=WRONG)],
        }[name]
        write(part.folder.part(name) / "journal.jsonl.gz", *found, missing=name == "census")


@pytest.fixture
def parts(monkeypatch: pytest.MonkeyPatch) -> Iterator[Parts]:
    made = Parts()

    def run(part: Any, name: str, *arguments: str) -> None:
        made(part, name, *arguments)

    monkeypatch.setattr(night.Night, "_run", run)

    def opcov(command: list[str], **options: Any) -> SimpleNamespace:
        words = tuple(command[3:])
        made.asked.append(words)
        if made.is_real:
            with contextlib.chdir(options["cwd"]), contextlib.redirect_stdout(io.StringIO()) as out:
                status = cli.main(words)
            return SimpleNamespace(returncode=status, stdout=out.getvalue(), stderr="")
        return SimpleNamespace(returncode=0, stdout=words[0], stderr="")

    monkeypatch.setattr("harness.commands.night_page.subprocess", SimpleNamespace(run=opcov))
    monkeypatch.setattr(night.signal, "signal", lambda *_: None)
    monkeypatch.setattr(night.Night, "_left", lambda self: 100.0)
    yield made


def test_a_night_after_a_night_runs_what_was_found_and_explores_other_cells(tmp_path: Path, parts: Parts) -> None:
    assert night.run(options(tmp_path / "one")) == Exit.OK
    assert [name for name, *_ in parts.commands] == ["plain", "census", "explore"]
    text = (tmp_path / "one" / "night.md").read_text()
    assert text.startswith("# Night of 2026-11-22, which ended: 1 found tonight, 0 cells not run")
    assert "There is no last night" in text and "opcov repro" in text
    parts.commands.clear()
    assert night.run(options(tmp_path / "two", last=str(tmp_path / "one"))) == Exit.OK
    assert [name for name, *_ in parts.commands] == ["plain", "explicit", "census", "explore"]
    assert parts.commands[1][1:] == ["--replay", str(tmp_path / "one" / "explicit.jsonl.gz")]
    seeds = [Folder(tmp_path / name).state()["seed"] for name in ("one", "two")]
    assert seeds[0] != seeds[1] and str(seeds[1]) in parts.commands[3]
    explored = (tmp_path / "one" / "explored.txt").read_text().split()
    assert explored and not set(explored) & set((tmp_path / "two" / "parts" / "explore.txt").read_text().split())
    assert ": nothing worse than last night, 1 found" in (tmp_path / "two" / "night.md").read_text()
    assert "what changed since last night" in (tmp_path / "two" / "night.md").read_text()


def test_a_night_is_compared_with_the_baseline_though_its_compiler_is_another(tmp_path: Path, parts: Parts) -> None:
    night.run(options(tmp_path))
    (check,) = (words for words in parts.asked if words[0] == "baseline")
    assert check[:3] == ("baseline", "check", "parts/census/journal.jsonl.gz")
    assert "--any-pair" in check


def test_what_a_night_publishes_names_its_files_from_there(tmp_path: Path, parts: Parts) -> None:
    night.run(options(tmp_path / "one"))
    parts.is_real, parts.census = True, [one(plain=True), one(size=4, outcome=WRONG)]
    assert night.run(options(tmp_path / "two", last=str(tmp_path / "one"))) == Exit.FOUND
    text = (tmp_path / "two" / "night.md").read_text()
    assert "--journal journal.jsonl.gz" in text and "| A | ../one/journal.jsonl.gz " in text
    for name in ("night.md", "index.html"):
        assert str(tmp_path) not in (tmp_path / "two" / name).read_text()


def test_a_night_that_is_cut_short_publishes_what_it_has_and_goes_on(tmp_path: Path, parts: Parts) -> None:
    parts.cut_in = "census"
    assert night.run(options(tmp_path)) == Exit.OK
    assert "which was cut short" in (tmp_path / "night.md").read_text()
    assert "- census: not run" in (tmp_path / "night.md").read_text()
    assert "No cell of the census ran" in (tmp_path / "night.md").read_text()
    assert len(read(tmp_path / "journal.jsonl.gz").records) == 2
    parts.cut_in = ""
    parts.commands.clear()
    seed = Folder(tmp_path).state()["seed"]
    night.run(options(tmp_path))
    assert [name for name, *_ in parts.commands] == ["census", "explore"]
    assert Folder(tmp_path).state() == {"seed": seed, "last": None, "budget": "1m", "ended": True, "pace": {}}


@pytest.mark.parametrize(
    ("left", "says"),
    [
        (5.0, r"^--budget 1m was too short for any cell: none of the registry's [\d,]+ cells was reached; type the"),
        (50.0, r"^the night has measured nothing: none .* cells was reached; the same command goes on with it"),
    ],
)
def test_a_night_without_a_cell_says_how_many_it_did_not_reach(
    left: float, says: str, tmp_path: Path, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(night.Night, "_left", lambda self: left)
    monkeypatch.setattr(night.Night, "measure", lambda self: None)
    with pytest.raises(OpcovError, match=says):
        night.run(options(tmp_path))


def test_a_night_keeps_as_much_time_to_close_as_the_last_one_took(tmp_path: Path) -> None:
    from harness.running.budget import Budget

    one, two = Folder(tmp_path / "one"), Folder(tmp_path / "two")
    one.note(seed=1, pace={"rate": 40.0, "closing": 0.005})
    two.note(seed=2)
    limit = Budget(1000.0, time.monotonic() - 500.0)
    first, second = (night.Night(two, before, limit, []) for before in (None, one))
    assert (first.learns, second.learns) == (True, False)
    assert second._left() == pytest.approx(Pace(40.0, 0.005).for_part(500.0, 0), abs=1.0)
    assert second._left() < first._left()


def test_a_night_notes_how_fast_it_measured_and_how_long_it_took_to_close(tmp_path: Path) -> None:
    from harness.running.budget import Budget

    folder = Folder(tmp_path)
    folder.note(seed=1)
    made = night.Night(folder, None, Budget(), [])
    write(folder.part("census") / "journal.jsonl.gz", one())
    assert made.paced(60.0) == {}, "too few outcomes"
    with JournalWriter(folder.part("census") / "journal.jsonl.gz", HEADER) as writer:
        for _ in range(ENOUGH):
            writer.write_cell(next(iter(blocks([one()]))).lines)
        writer.close(seconds=50.0, interrupted=False, missing=0)
    assert made.paced(60.0) == {"rate": ENOUGH / 50.0, "closing": (60.0 - BASE) / ENOUGH}
