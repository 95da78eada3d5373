"""A run that is ended from outside, and the run that goes on with it."""

from __future__ import annotations

import fcntl
import gzip
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import pytest

from harness.records.journal_file import JournalReader, footer, read
from harness.records.journal_writer import JournalWriter
from tests import miniatures
from tests.end_to_end.opcov import ROOT, environment, job, job_command, lines, outcomes, timeless

CELLS = 3
BACKENDS = ("lie-in-value", "hang-lower", "right")
OPTIONS = ("--op", "aten.relu.default", "--dtype", "f32", "--mode", "static", "--profile", "quick")
OPTIONS += tuple(word for name in BACKENDS for word in ("--backend", name))
OPTIONS += ("--sample-seconds", "3")


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return miniatures.install(tmp_path_factory.mktemp("plugins"), BACKENDS)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, plugins: Path) -> list[Any]:
    """The outcome lines of a run that nothing disturbs."""
    out = tmp_path_factory.mktemp("whole")
    job(*OPTIONS, out=out, plugins=plugins)
    return stable(out / "journal.jsonl.gz")


def stable(path: Path) -> list[Any]:
    """The outcome lines but for times, in an order of their own, without the minimised samples."""
    return sorted((x for x in timeless(path) if x["kind"] == "outcome" and "minimised" not in x), key=json.dumps)


def started(out: Path, plugins: Path, *more: str) -> subprocess.Popen[str]:
    """A run in a process group of its own."""
    return subprocess.Popen(
        job_command(*OPTIONS, *more, out=out), cwd=ROOT, env=environment(plugins), stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, text=True, start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )  # fmt: skip


def stopped(out: Path, plugins: Path, number: int) -> Path:
    """The file that a run leaves which ends by this signal when it has written its first cell."""
    process = started(out, plugins)
    part = out / "journal.jsonl.gz.part"
    try:
        end = time.monotonic() + 200
        while not (part.exists() and outcomes(part)):
            assert process.poll() is None, process.communicate()[0]
            assert time.monotonic() < end
            time.sleep(0.1)
        os.killpg(process.pid, number)
        process.communicate(timeout=60)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.communicate()
    assert 0 < len(cells(part)) < CELLS
    return part


def cells(path: Path) -> list[str]:
    return [line["backend"] for line in lines(path) if line["kind"] == "cell"]


@pytest.fixture(params=[signal.SIGKILL, signal.SIGINT], ids=["kill", "ctrl-c"])
def part(request: pytest.FixtureRequest, plugins: Path, tmp_path: Path) -> Path:
    return stopped(tmp_path, plugins, request.param)


@pytest.fixture(scope="module")
def killed(plugins: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """What is in the file of a run that was killed."""
    return stopped(tmp_path_factory.mktemp("killed"), plugins, signal.SIGKILL).read_bytes()


@pytest.fixture
def left(killed: bytes, tmp_path: Path) -> Iterator[Path]:
    """The file of a killed run."""
    path = tmp_path / "journal.jsonl.gz.part"
    path.write_bytes(killed)
    yield path


def test_a_resumed_run_runs_what_is_missing_and_its_journal_is_that_of_an_undisturbed_one(
    part: Path, plugins: Path, whole: list[Any]
) -> None:
    had = len(cells(part))
    done = job(*OPTIONS, "--resume", out=part.parent, plugins=plugins)
    assert sum(map(int, re.findall(r"(\d+) (?:passed|xfailed)", done.stdout))) == CELLS - had
    journal = part.parent / "journal.jsonl.gz"
    assert stable(journal) == whole
    assert sorted(cells(journal)) == sorted(BACKENDS)
    assert read(journal).complete
    assert not part.exists()
    gzip.decompress(journal.read_bytes())  # every member is closed


def test_half_a_cell_at_the_end_is_run_again(left: Path, plugins: Path, whole: list[Any]) -> None:
    left.write_bytes(left.read_bytes()[:-15])
    job(*OPTIONS, "--resume", out=left.parent, plugins=plugins)
    assert stable(left.parent / "journal.jsonl.gz") == whole


def test_a_run_that_lacks_its_footer_only_gets_it(left: Path, plugins: Path) -> None:
    job(*OPTIONS, "--resume", out=left.parent, plugins=plugins)
    journal = left.parent / "journal.jsonl.gz"
    text = gzip.decompress(journal.read_bytes())
    journal.rename(left)
    left.write_bytes(gzip.compress(text[: text.rindex(b"\n", 0, -1) + 1]))
    done = job(*OPTIONS, "--resume", out=left.parent, plugins=plugins)
    assert done.returncode == 0, done.stdout + done.stderr
    assert read(journal).complete
    assert lines(journal)[0]["cells"] == CELLS


def test_another_run_does_not_go_on_with_it_and_what_differs_is_named(left: Path, plugins: Path) -> None:
    before = left.read_bytes()
    done = job(*OPTIONS, "--seed", "3", "--dtype", "f16", "--resume", out=left.parent, plugins=plugins)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "options.dtypes f32, not f32 f16; seed 0, not 3" in done.stderr
    assert "the unfinished journal is kept" in done.stderr
    assert left.read_bytes() == before


def test_a_new_run_keeps_the_unfinished_journal_and_suggests_to_resume_it(left: Path, plugins: Path) -> None:
    before = left.read_bytes()
    done = job(*OPTIONS, "-k", "right", "-v", out=left.parent, plugins=plugins)  # -v takes back the -q
    aside = left.parent / "journal-unfinished-1.jsonl.gz"
    assert "--resume goes on with it" in done.stdout, done.stdout + done.stderr
    assert str(aside) in done.stdout
    assert aside.read_bytes() == before
    assert cells(left.parent / "journal.jsonl.gz") == ["right"]


def test_nothing_to_resume_is_an_error(tmp_path: Path, plugins: Path) -> None:
    done = job(*OPTIONS, "--resume", out=tmp_path, plugins=plugins)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "no unfinished run in" in done.stderr


@pytest.mark.parametrize("option", ["--resume", "-v"])
def test_two_runs_do_not_write_one_journal(left: Path, plugins: Path, option: str) -> None:
    with left.open("rb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        done = job(*OPTIONS, option, out=left.parent, plugins=plugins)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "another run is writing" in done.stderr


def test_a_full_disk_ends_the_run_with_an_error_and_leaves_a_journal_to_resume(plugins: Path, tmp_path: Path) -> None:
    done = subprocess.run(
        job_command(*OPTIONS, out=tmp_path), cwd=ROOT, env=environment(plugins), capture_output=True, text=True,
        preexec_fn=lambda: limit_file_size(1500),
    )  # fmt: skip
    assert done.returncode != 0
    assert "cannot write the journal" in done.stdout + done.stderr
    assert "--resume" in done.stdout + done.stderr
    part = tmp_path / "journal.jsonl.gz.part"
    assert footer(part) is None
    read(part)


def limit_file_size(most: int) -> None:
    import resource

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))


# what a run knows of an op --------------------------------------------------------------------------------------------

HANGS = ("--op", "aten.relu.default", "--mode", "static", "--backend", "hang-lower", "--sample-seconds", "3")


def test_a_resumed_run_knows_what_hung_before_its_end(plugins: Path, tmp_path: Path) -> None:
    options = (*HANGS, "--profile", "quick", "--dtype", "f32", "--dtype", "f16")
    journal = tmp_path / "journal.jsonl.gz"
    job(*options, out=tmp_path, plugins=plugins)
    undisturbed = stable(journal)
    found = [(line["dtype"], line["outcome"]) for line in undisturbed]
    assert found.count(("f32", "TimedOut")) == 1
    assert set(found) == {("f32", "TimedOut"), ("f32", "NotRun"), ("f16", "NotRun")}  # the plain call comes second
    reader = JournalReader(journal)
    with JournalWriter(journal, reader.header, islice(reader.blocks(), 1)):  # as if it had been killed after one cell
        pass
    journal.unlink()
    job(*options, "--resume", out=tmp_path, plugins=plugins)
    assert stable(journal) == undisturbed


def test_a_cell_that_is_asked_for_alone_has_the_full_deadline_for_every_program(plugins: Path, tmp_path: Path) -> None:
    job(*HANGS, "--dtype", "f32", out=tmp_path, plugins=plugins)
    found = outcomes(tmp_path / "journal.jsonl.gz")
    assert {line["outcome"] for line in found} == {"TimedOut"}
    assert sum("lower" in line["seconds"] for line in found) > 1  # of several programs
