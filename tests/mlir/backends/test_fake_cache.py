"""The cache of fake results holds what upstream's holds, and is filled with fewer tensors made to be looked at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from backends import fake_cache

Mode: Any = FakeTensorMode


@pytest.fixture(autouse=True)
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Any]]:
    """The ops for whose results a tensor was made of the cache's entry, in order."""
    seen: list[Any] = []
    upstream = Mode._output_from_cache_entry

    def make(mode: Any, state: Any, entry: Any, key: Any, func: Any, args: Any) -> Any:
        seen.append(func)
        return upstream(mode, state, entry, key, func, args)

    monkeypatch.setattr(Mode, "_output_from_cache_entry", make)
    monkeypatch.setattr(fake_cache, "_keys", {})
    Mode.cache_clear()
    yield seen
    Mode.cache_clear()


def run() -> tuple[int, dict[str, int]]:
    """Run some ops on fake tensors; return how many results are in the cache, and what kept the others out of it."""
    with FakeTensorMode():
        x = torch.empty(2, 3)
        (x + x).relu().t().exp()
        torch.empty(4, dtype=torch.complex64).conj()
    return FakeTensorMode.cache_info().size, FakeTensorMode.cache_info().bypasses


def test_it_holds_what_upstreams_holds(made: list[Any]) -> None:
    theirs = run()
    wanted = len(made)
    Mode.cache_clear()
    made.clear()
    with fake_cache.trusted():
        assert run() == theirs
    assert 0 < len(made) < wanted


def test_a_second_result_of_a_kind_needs_no_tensor(made: list[Any]) -> None:
    with fake_cache.trusted(), FakeTensorMode():
        x = torch.empty(2, 3)
        assert len(made) == 1
        (x + x).exp()
        assert len(made) == 1
        torch.empty(2, 3, dtype=torch.int64)
        assert len(made) == 2


def test_a_result_with_other_keys_stays_out_of_the_cache(monkeypatch: pytest.MonkeyPatch) -> None:
    found = iter(range(1000))
    monkeypatch.setattr(torch._C, "_dispatch_key_set", lambda t: next(found))
    results = []
    for context in (nullcontext(), fake_cache.trusted()):
        Mode.cache_clear()
        with context:
            results.append(run())
    assert results[0] == results[1]
    assert results[0][1]["dispatch_key_set mismatch"] > 0


def test_upstream_is_itself_again_afterwards() -> None:
    before = Mode._get_output_info_for_cache_entry
    with fake_cache.trusted():
        assert Mode._get_output_info_for_cache_entry is not before
    assert Mode._get_output_info_for_cache_entry is before
