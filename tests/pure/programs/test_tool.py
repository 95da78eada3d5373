"""The binary: how it ends is an exception, nothing of it outlives what runs it, and another program is an error."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from harness.errors import BadCompiler, Exit
from harness.programs import tool
from harness.programs.protocols import CompilerDied
from harness.programs.tool import NEEDED, check, run


def script(folder: Path, text: str) -> Path:
    file = folder / "torch-mlir-opt"
    file.write_text(f"#!/bin/sh\n{text}\n", encoding="ascii")
    file.chmod(0o755)
    return file


def helped(folder: Path, *options: str) -> Path:
    return script(folder, "\n".join(f"echo '  --{option}  - does'" for option in options))


def test_text_goes_in_and_comes_out(tmp_path: Path) -> None:
    said = run(script(tmp_path, 'echo "$1"; tr a b; echo no >&2; exit 1'), ["it"], "aña")
    assert (said.out, said.err, said.status) == ("it\nbñb", "no\n", 1)


@pytest.mark.parametrize(
    ("end", "how"),
    [
        ("kill -SEGV $$", "SIGSEGV"),
        ("sh -c 'kill -ABRT $$'", "SIGABRT"),  # a shell passes it on as 134
        ("exit 245", "SIGSEGV"),  # and Python as 245
        ("exit 3", "exit 3"),
        ("exit 255", "SIGHUP"),
    ],
)
def test_a_death_tells_how_and_the_last_words(tmp_path: Path, end: str, how: str) -> None:
    with pytest.raises(CompilerDied) as raised:
        run(script(tmp_path, f"echo LLVM ERROR: no >&2; {end}"), [], "")
    assert (raised.value.how, str(raised.value)) == (how, f"{how}: LLVM ERROR: no")
    assert "LLVM ERROR: no" in raised.value.stderr


def test_at_the_deadline_the_whole_group_ends(tmp_path: Path) -> None:
    child = tmp_path / "child"
    with pytest.raises(CompilerDied, match=r"no result in 0\.3 s"):
        run(script(tmp_path, f"sleep 100 & echo $! > {child}; wait"), [], "", 0.3)
    assert ended(int(child.read_text()))


def test_it_ends_with_the_process_that_runs_it(tmp_path: Path) -> None:
    child = tmp_path / "child"
    hangs = script(tmp_path, f"sleep 100 & echo $! > {child}.part; mv {child}.part {child}; wait")
    worker = os.fork()
    if worker == 0:
        run(hangs, [], "")
        os._exit(0)
    wait_for(child.exists)
    os.kill(worker, signal.SIGKILL)
    os.waitpid(worker, 0)
    assert ended(int(child.read_text()))


def test_a_fork_has_a_guard_of_its_own(tmp_path: Path) -> None:
    run(script(tmp_path, "true"), [], "")
    ours = tool._guard()
    reading, writing = os.pipe()
    if (fork := os.fork()) == 0:
        os.write(writing, str(int(tool._guard() is ours)).encode())
        os._exit(0)
    os.waitpid(fork, 0)
    assert os.read(reading, 1) == b"0"
    assert tool._guard() is ours


def ended(process: int) -> bool:
    return wait_for(lambda: not Path(f"/proc/{process}").exists() or state(process) == "Z")


def state(process: int) -> str:
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]


def wait_for(condition: object) -> bool:
    assert callable(condition)
    ends = time.monotonic() + 10
    while time.monotonic() < ends:
        if condition():
            return True
        time.sleep(0.01)
    return False


def test_what_has_the_options_and_the_pipelines_is_one(tmp_path: Path) -> None:
    check(helped(tmp_path, "pass-pipeline", *NEEDED))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("just some text", "cannot be run"),
        ("#!/no/such/interpreter\n", "cannot be run"),
        ("#!/bin/sh\necho '  --size  - prints a size'", "does not list the options"),
        ("#!/bin/sh\nexit 1", "does not list the options"),
        ("#!/bin/sh\nkill -SEGV $$", "ends with SIGSEGV"),
    ],
)
def test_another_file_is_an_error_of_one_line(tmp_path: Path, text: str, why: str) -> None:
    file = tmp_path / "other"
    file.write_text(text, encoding="ascii")
    file.chmod(0o755)
    with pytest.raises(BadCompiler, match=why) as raised:
        check(file)
    assert raised.value.code == Exit.ENVIRONMENT
    assert "\n" not in str(raised.value)
    assert raised.value.hint


def test_one_that_lacks_a_pipeline_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(BadCompiler, match=rf"it lacks {NEEDED[-1]}"):
        check(helped(tmp_path, "pass-pipeline", *NEEDED[:-1]))


def test_a_file_that_is_not_there_or_not_executable_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadCompiler, match="there is no such file"):
        check(tmp_path / "none")
    file = helped(tmp_path, *NEEDED)
    file.chmod(0o644)
    with pytest.raises(BadCompiler, match="not executable"):
        check(file)
