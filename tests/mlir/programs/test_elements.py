from __future__ import annotations

import pytest
import torch

from harness.programs.elements import as_bytes


@pytest.mark.parametrize(
    "t",
    [
        torch.arange(3, dtype=torch.int32)[1::2],  # one element, whose stride is 2
        torch.arange(6, dtype=torch.int32).reshape(2, 3).t(),
        torch.tensor(7, dtype=torch.int32),
        torch.empty(0, 3, dtype=torch.int32),
    ],
)
def test_bytes_are_those_of_the_elements_row_major(t: torch.Tensor) -> None:
    numbers = [n for row in [t.reshape(-1).tolist()] for n in row]
    assert as_bytes(t) == b"".join(n.to_bytes(4, "little") for n in numbers)


def test_bytes_are_those_of_the_values_that_a_lazy_conjugate_has() -> None:
    t = torch.tensor([1 + 2j, 3 - 4j])
    assert as_bytes(t.conj()) == as_bytes(t.conj().resolve_conj())
    assert as_bytes(t.conj().imag) == as_bytes(torch.tensor([-2.0, 4.0]))
