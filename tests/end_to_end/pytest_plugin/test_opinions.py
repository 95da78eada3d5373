"""Second opinions in the main job: of miniatures that clear and confirm, and of IREE on ops that fail on linalg."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests import miniatures
from tests.end_to_end.opcov import Done, job, lines, opcov, outcomes

RELU = ("--op", "aten.relu.default", "--dtype", "f32", "--mode", "static", "--backend", "lie-in-value")


def census(out: Path) -> Sequence[Mapping[str, Any]]:
    return [line for line in outcomes(out / "journal.jsonl.gz") if not line.get("minimised")]


def test_an_opinion_that_clears_makes_the_cell_pass_and_one_that_confirms_does_not(tmp_path: Path) -> None:
    counts = {}
    for adviser in ("witness", "echo"):
        plugins = miniatures.install(tmp_path / adviser, ["lie-in-value"], ["actor", "blind"], opinions=[adviser])
        out = tmp_path / f"{adviser}-run"
        done = job(*RELU, out=out, plugins=plugins)
        assert done.returncode == 0, done.stdout + done.stderr
        assert lines(out / "journal.jsonl.gz")[0]["options"]["opinions"] == "once"
        found = [(line["outcome"], line.get("opinion", {}).get("says")) for line in census(out)]
        counts[adviser] = Counter(found)
        kinds = {line["detail"]["kind"] for line in census(out) if line["outcome"] == "Wrong"}
        if adviser == "echo":
            assert counts["echo"]["Wrong", "confirms"] == len(kinds)
    wrong = sum(n for (outcome, _), n in counts["echo"].items() if outcome == "Wrong")
    assert wrong > counts["echo"]["Wrong", "confirms"]
    assert counts["witness"]["Passed", "clears"] == wrong
    assert not any(outcome == "Wrong" for outcome, _ in counts["witness"])


def test_a_run_asks_as_often_as_it_is_told_and_an_adviser_that_dies_changes_nothing(tmp_path: Path) -> None:
    plugins = miniatures.install(tmp_path / "plugins", ["lie-in-value"], opinions=["doomed"])
    done = job(*RELU, "--profile", "quick", "--opinions", "always", out=tmp_path, plugins=plugins)
    assert done.returncode == 0, done.stdout + done.stderr
    failed = [line for line in census(tmp_path) if line["outcome"] == "Wrong"]
    assert failed and {line["opinion"]["says"] for line in failed} == {"none"}


# IREE -----------------------------------------------------------------------------------------------------------------

CLAMP, RENORM = "aten.clamp.default", "aten.renorm.default"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Done, Path]:
    pytest.importorskip("iree.runtime")
    out = tmp_path_factory.mktemp("iree")
    cells = ("--backend", "linalg", "--mode", "static", "--dtype", "f32")
    return job("--op", CLAMP, "--op", RENORM, "--op", "aten.add.Tensor", *cells, out=out), out


def test_iree_is_asked_once_about_a_way_of_failing_that_it_confirms(run: tuple[Done, Path]) -> None:
    done, out = run
    assert done.returncode == 0, done.stdout + done.stderr
    failed = [line for line in census(out) if line["op"] == CLAMP and line["outcome"] == "Wrong"]
    first, *others = [line.get("opinion") for line in failed]
    assert others and set(others) == {None}
    assert (first["executor"], first["says"]) == ("iree", "confirms")
    assert first["why"].startswith("out[0]")


def test_iree_clears_no_death_and_is_asked_about_the_first_one(run: tuple[Done, Path]) -> None:
    _, out = run
    died = [line for line in census(out) if line["op"] == RENORM and line["outcome"] == "Crashed"]
    first, *others = [line.get("opinion") for line in died]
    assert others and set(map(str, others)) == {"None"}
    assert (first["says"], first["why"]) == ("right", "another executor dies of it (SIGABRT)")


def test_iree_is_not_asked_about_what_is_right(run: tuple[Done, Path]) -> None:
    _, out = run
    right = [line for line in census(out) if line["outcome"] == "Passed"]
    assert right and not any("opinion" in line or "iree" in line["detail"]["executors"] for line in right)
    loaded = next(line for line in lines(out / "journal.jsonl.gz") if line["kind"] == "toolchain")
    assert "iree" in loaded["executors"]
    assert loaded["packages"]["iree"]["distribution"] == "iree-base-compiler, iree-base-runtime"


def test_explain_blame_and_repro_tell_what_iree_says(run: tuple[Done, Path], tmp_path: Path) -> None:
    _, out = run
    journal = ("--journal", out / "journal.jsonl.gz")
    explained = opcov("explain", CLAMP, "--backend", "linalg", *journal, cwd=tmp_path).stdout
    assert "second opinion: iree is wrong in the same way, which confirms it" in " ".join(explained.split())
    assert "Second opinions on samples that failed" in opcov("blame", *journal[1:], cwd=tmp_path).stdout
    failed = next(line for line in census(out) if line["op"] == CLAMP and line["outcome"] == "Wrong")
    told = opcov("repro", failed["id"], "--backend", "linalg", "--json", *journal, cwd=tmp_path).stdout
    assert json.loads(told)["opinion"]["says"] == "confirms"
