"""Reports of mutants: kill rates, mutants that are set aside, survivors with the sample that shows them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.errors import BadJournal
from harness.records.journal_file import read
from harness.records.journal_writer import JournalWriter
from harness.records.mutant import MUTANT_STATUSES, MutantRecord, mutant_json, mutant_restore
from reports.answers.sensitivity import TARGET, as_json, as_text, kinds, rates, survivors

KILLED = MutantRecord(
    op="aten.sub.Tensor",
    family="elementwise",
    backend="tosa",
    mode="static",
    dtype="f32",
    mutation="swap",
    site="tosa.sub",
    what="operands swapped",
    nth=0,
    status="killed",
    by="Wrong value",
)
MISSED = replace(KILLED, op="aten.clamp.default", mutation="drop", status="missed", by="", sample='{"op": "it\'s"}')
TRIALS = (
    KILLED,
    replace(KILLED, nth=1),
    MISSED,
    replace(MISSED, status="tolerated", sample="", share=0.25),
    replace(KILLED, mutation="drop", status="equivalent"),
    replace(KILLED, mutation="drop", status="stillborn"),
    replace(KILLED, mutation="", site="", what="", status="lost", by="SIGSEGV"),
)


def test_rate_counts_what_can_be_seen_and_nothing_else():
    drop, swap = kinds(TRIALS)
    assert (drop.name, drop.killed, drop.counted, drop.value) == ("drop", 0, 2, 0.0)
    assert (swap.name, swap.killed, swap.counted, swap.value) == ("swap", 2, 2, 1.0)


def test_nothing_to_kill_is_no_failure():
    (only,) = rates([replace(KILLED, status="equivalent")], lambda t: t.backend)
    assert (only.counted, only.value) == (0, 1.0)
    assert only.value >= TARGET


def test_survivors_are_those_that_can_be_seen():
    assert {t.status for t in survivors(TRIALS)} == {"missed", "tolerated"}


def test_text_names_rates_survivors_and_a_command_to_paste():
    text = as_text(TRIALS)
    assert "50.0 % of those that can be seen are caught (2 of 4)" in text
    assert "drop        aten.clamp.default[tosa-static-f32]  tosa.sub #0 operands swapped: missed" in text
    assert """opcov repro '{"op": "it'"'"'s"}' --backend tosa""" in text
    assert "within 0.25 of the bound" in text
    assert all(said in text for fate, said in MUTANT_STATUSES.items() if fate != "undrawn")
    assert all(len(line) <= 120 for line in text.splitlines() if "opcov repro" not in line)


def test_text_lists_the_first_survivors_unless_all_are_asked_for():
    many = [replace(MISSED, nth=i) for i in range(50)]
    assert "10 more survivors: --all, or --json" in as_text(many)
    assert as_text(many, all=True).count("clamp.default[") == 50


def test_json_has_it_all():
    found = json.loads(json.dumps(as_json(TRIALS)))
    assert (
        found["kinds"]["drop"] | {"rate": 0.0, "missed": 1, "tolerated": 1, "equivalent": 1} == found["kinds"]["drop"]
    )
    assert [s["why"] for s in found["survivors"]] == ["missed", "within 0.25 of the bound"]


@pytest.mark.parametrize("trial", TRIALS, ids=lambda t: t.status)
def test_trial_survives_json(trial):
    assert mutant_restore(json.loads(json.dumps(mutant_json(trial)))) == trial


def test_journal_keeps_trials(tmp_path: Path):
    with JournalWriter(tmp_path / "s.jsonl", {"run": "r"}) as writer:
        for trial in TRIALS:
            writer.write_mutant(mutant_json(trial))
        writer.close()
    journal = read(tmp_path / "s.jsonl")
    assert journal.mutants == TRIALS
    assert journal.footer is not None
    assert journal.footer["counts"]["killed"] == 2


def test_damaged_trial_is_said(tmp_path: Path):
    path = tmp_path / "s.jsonl"
    path.write_text('{"kind":"header","schema":1}\n{"kind":"trial","outcome":"killed","op":"x"}\n')
    with pytest.raises(BadJournal, match=r"s\.jsonl:2"):
        read(path)
