from __future__ import annotations

import ctypes
import os
import time

import pytest

from harness.programs.fork import ForkDied, in_fork


def test_the_result_comes_back_and_nothing_else() -> None:
    seen: list[int] = []

    def call() -> list[int]:
        seen.append(1)
        return [os.getpid()]

    assert in_fork(call, 10) != [os.getpid()]
    assert seen == []


def test_a_large_result_comes_back_whole() -> None:
    assert in_fork(lambda: b"x" * (1 << 22), 10) == b"x" * (1 << 22)


def test_an_exception_of_the_call_is_raised() -> None:
    def call() -> None:
        raise KeyError("no such thing")

    with pytest.raises(KeyError, match="no such thing"):
        in_fork(call, 10)


def test_a_death_names_its_signal_and_the_printed_error() -> None:
    def call() -> None:
        os.write(2, b"noise\nLLVM ERROR: out of ideas\n#0 a stack\n")
        os.abort()

    with pytest.raises(ForkDied, match=r"^SIGABRT: LLVM ERROR: out of ideas$"):
        in_fork(call, 10)


def test_a_death_without_stderr_names_its_signal() -> None:
    with pytest.raises(ForkDied, match=r"^SIGSEGV$"):
        in_fork(lambda: ctypes.string_at(0), 10)


@pytest.mark.parametrize("raised", [False, True])
def test_an_answer_that_cannot_be_pickled_is_a_death_and_ends_the_fork(raised: bool) -> None:
    def call() -> object:
        if raised:
            raise ValueError(lambda: None)
        return lambda: None

    before = os.getpid()
    with pytest.raises(ForkDied, match=r"^exit 1: .*Error: .*pickle"):
        in_fork(call, 10)
    assert os.getpid() == before


def test_an_exit_is_a_death() -> None:
    with pytest.raises(ForkDied, match=r"^exit 3$"):
        in_fork(lambda: os._exit(3), 10)


def test_a_call_that_does_not_return_is_killed_at_the_deadline() -> None:
    started = time.monotonic()
    with pytest.raises(ForkDied, match=r"^no result in 0\.2 s$"):
        in_fork(lambda: ctypes.PyDLL(None).pause(), 0.2)
    assert time.monotonic() - started < 5


def test_no_descriptor_is_left_open() -> None:
    before = len(os.listdir("/proc/self/fd"))  # noqa: PTH208
    for _ in range(3):
        in_fork(lambda: 1, 10)
    assert len(os.listdir("/proc/self/fd")) == before  # noqa: PTH208


class Garbled:
    """An object whose pickle cannot be loaded, as if the call had written over its own answer."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return int, ("no number",)


def test_an_answer_that_cannot_be_read_is_a_death() -> None:
    with pytest.raises(ForkDied, match="its answer cannot be read: ValueError"):
        in_fork(Garbled, 10)
