"""Seeding eager: the same numbers as `torch.manual_seed` gives, and nothing that stays behind."""

from __future__ import annotations

import torch

from harness.programs.program import seed_eager


def test_the_numbers_are_those_of_manual_seed() -> None:
    torch.manual_seed(3)
    wanted = torch.rand(4), torch.randperm(5)
    seed_eager(3)
    assert all(torch.equal(got, want) for got, want in zip((torch.rand(4), torch.randperm(5)), wanted, strict=True))


def test_no_call_is_queued_for_absent_accelerators() -> None:
    before = len(torch.cuda._queued_calls)
    seed_eager(0)
    assert len(torch.cuda._queued_calls) == before
