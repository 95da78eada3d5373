from __future__ import annotations

import struct

import pytest

from harness.cases.dtypes import ALL, BF16, BY_TORCH, DTYPES, EVERY, F16, F32, F64


@pytest.mark.parametrize(
    ("name", "low", "high"),
    [("i8", -128, 127), ("u8", 0, 255), ("i16", -32768, 32767), ("i32", -(2**31), 2**31 - 1), ("bool", 0, 1)],
)
def test_ranges_of_integers(name: str, low: int, high: int) -> None:
    assert (DTYPES[name].low, DTYPES[name].high) == (low, high)


@pytest.mark.parametrize(
    ("dtype", "high", "roundoff", "tiny"),
    [
        (F16, 65504.0, 2**-11, 2**-14),
        (BF16, struct.unpack("<f", b"\x00\x00\x7f\x7f")[0], 2**-8, 2**-126),
        (F32, struct.unpack("<f", b"\xff\xff\x7f\x7f")[0], 2**-24, 2**-126),
        (F64, 1.7976931348623157e308, 2**-53, 2**-1022),
    ],
)
def test_range_and_roundoff_of_floats(dtype: object, high: float, roundoff: float, tiny: float) -> None:
    assert (dtype.high, dtype.low, dtype.roundoff, dtype.tiny) == (high, -high, roundoff, tiny)  # type: ignore[attr-defined]


def test_exact_types_do_not_round() -> None:
    assert all(DTYPES[name].roundoff == 0 for name in ALL if DTYPES[name].kind in ("int", "bool"))


def test_names_of_torch_lead_back() -> None:
    assert {BY_TORCH[d.torch]: d for d in DTYPES.values()} == dict(DTYPES)


def test_every_dtype_is_in_one_group() -> None:
    assert sorted(EVERY) == sorted(DTYPES)
