from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from harness.programs.fork import ForkDied, in_fork
from harness.programs.helper import USES, Helper, NotServed


def serve(request: Any) -> Any:
    match request:
        case "who":
            return os.getpid(), os.getppid()
        case "raise":
            raise KeyError("no such thing")
        case "die":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "hang":
            time.sleep(60)
        case "unpicklable":
            return lambda: None
        case "exit":
            sys.exit(3)
    return request


@pytest.fixture
def helper() -> Iterator[Helper]:
    made = Helper(serve)
    yield made
    made.stop()


def test_one_fork_serves_many_requests(helper: Helper) -> None:
    pid, parent = helper.ask("who", 10)
    assert pid != os.getpid()
    assert parent == os.getpid()
    assert helper.ask(b"x" * (1 << 22), 10) == b"x" * (1 << 22)
    assert helper.ask("who", 10) == (pid, parent)


def test_an_exception_is_raised_here_and_the_helper_stays(helper: Helper) -> None:
    before = helper.ask("who", 10)
    with pytest.raises(KeyError, match="no such thing"):
        helper.ask("raise", 10)
    assert helper.ask("who", 10) == before


@pytest.mark.parametrize("request_", ["die", "unpicklable", "exit"])
def test_a_helper_that_gives_no_answer_is_replaced(helper: Helper, request_: str) -> None:
    before = helper.ask("who", 10)
    with pytest.raises(NotServed):
        helper.ask(request_, 10)
    assert helper.ask("who", 10) != before


def test_a_request_that_cannot_be_pickled_is_not_sent(helper: Helper) -> None:
    before = helper.ask("who", 10)
    with pytest.raises(NotServed):
        helper.ask(lambda: None, 10)
    assert helper.ask("who", 10) == before


def test_a_helper_that_hangs_is_killed_and_reported_as_a_fork_would_be(helper: Helper) -> None:
    pid, _ = helper.ask("who", 10)
    with pytest.raises(ForkDied, match=r"^no result in 0\.2 s$"):
        helper.ask("hang", 0.2)
    assert not Path(f"/proc/{pid}").exists()


def test_a_helper_is_replaced_after_so_many_requests(helper: Helper) -> None:
    first = helper.ask("who", 10)
    for _ in range(USES - 2):
        helper.ask(1, 10)
    assert helper.ask("who", 10) == first
    assert helper.ask("who", 10) != first


def test_a_fork_gets_a_helper_of_its_own(helper: Helper) -> None:
    first = helper.ask("who", 10)

    def from_fork() -> tuple[int, bool]:
        parent = helper.ask("who", 10)[1]
        helper.stop()
        return parent, parent == os.getpid()

    parent, own = in_fork(from_fork, 10)
    assert own
    assert parent != os.getpid()
    assert helper.ask("who", 10) == first


@pytest.mark.parametrize("busy", [False, True])
def test_a_helper_ends_with_the_process_that_made_it(busy: bool) -> None:
    script = (
        "from tests.pure.programs.test_helper import *\n"
        "helper = Helper(serve); print(helper.ask('who', 10)[0], flush=True)\n"
        + ("helper.ask('hang', 60)" if busy else "time.sleep(60)")
    )
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        pid = int(process.stdout.readline())
        time.sleep(0.2)
        process.kill()
    assert _within(5, lambda: not _runs(pid))


def _runs(pid: int) -> bool:
    """Whether a process runs; one that has ended may wait for its new parent to take note."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _within(seconds: float, true: Callable[[], bool]) -> bool:
    end = time.monotonic() + seconds
    while not (holds := true()) and time.monotonic() < end:
        time.sleep(0.05)
    return holds
