"""Integers bit by bit: Python's operators, scalar operands, and common divisors and multiples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.cases.case import Draw, OpCase
from harness.cases.dtypes import BOOL, DTYPES, INT
from harness.cases.sample import Fill
from harness.cases.strategies import binary

from .elementwise import BITS, python_scalar, with_scalar

NO_BOOL = dict.fromkeys(BOOL, "eager shifts promoted booleans, but export's meta function takes none")


def shift_inputs(d: Draw) -> Mapping[str, Any]:
    """Integers and a scalar shift below their width."""
    by = python_scalar(d, floats=(), ints=(1, 0, 3, 7), flags=(True,), limits=())
    return {"self": d.tensor(d.shape()), "other": by}


def gcd_inputs(d: Draw) -> Mapping[str, Any]:
    """Integers that broadcast; none is the least one of its dtype, which has no absolute value."""
    a, b = d.pair(d.shape())
    fill = Fill(low=max(DTYPES[d.dtype].low + 1, 1 - 2**31))
    return {"self": d.tensor(a, fill=fill), "other": d.tensor(b, fill=fill)}


CASES = (
    binary("aten.__and__.Tensor", dtypes=INT + BOOL),
    binary("aten.__or__.Tensor", dtypes=INT + BOOL),
    with_scalar("aten.__and__.Scalar", **BITS),
    with_scalar("aten.bitwise_or.Scalar", **BITS),
    with_scalar("aten.bitwise_xor.Scalar", **BITS),
    OpCase(op="aten.__lshift__.Scalar", inputs=shift_inputs, dtypes=INT, exclude=NO_BOOL),
    OpCase(op="aten.__rshift__.Scalar", inputs=shift_inputs, dtypes=INT, exclude=NO_BOOL),
    OpCase(op="aten.gcd.default", inputs=gcd_inputs, dtypes=INT),
    binary("aten.lcm.default", fill=Fill(low=-9, high=9), dtypes=INT),
)
