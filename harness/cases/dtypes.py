"""Element types by their short names, with the facts that drawing and bounds need. Nothing here imports torch."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Kind = Literal["float", "int", "bool", "complex"]


@dataclass(frozen=True, slots=True)
class Dtype:
    """One element type.

    `roundoff` is the unit roundoff of round-to-nearest (0 for exact types), `low` and `high` the finite range, `tiny`
    the smallest normal magnitude, `torch` the attribute of the torch module.
    """

    name: str
    torch: str
    kind: Kind
    bits: int
    low: float
    high: float
    roundoff: float = 0.0
    tiny: float = 0.0


def _float(name: str, torch: str, bits: int, mantissa: int, emax: int) -> Dtype:
    high = math.ldexp(2.0 - math.ldexp(1.0, -mantissa), emax)
    return Dtype(name, torch, "float", bits, -high, high, math.ldexp(1.0, -mantissa - 1), math.ldexp(1.0, 1 - emax))


def _int(name: str, torch: str, bits: int, *, signed: bool = True) -> Dtype:
    low = -(2 ** (bits - 1)) if signed else 0
    high = 2 ** (bits - 1) - 1 if signed else 2**bits - 1
    return Dtype(name, torch, "int", bits, low, high)


F64 = _float("f64", "float64", 64, 52, 1023)
F32 = _float("f32", "float32", 32, 23, 127)
F16 = _float("f16", "float16", 16, 10, 15)
BF16 = _float("bf16", "bfloat16", 16, 7, 127)

DTYPES: Mapping[str, Dtype] = {
    d.name: d
    for d in (
        F32,
        F64,
        F16,
        BF16,
        _int("i8", "int8", 8),
        _int("u8", "uint8", 8, signed=False),
        _int("i16", "int16", 16),
        _int("i32", "int32", 32),
        _int("i64", "int64", 64),
        Dtype("bool", "bool", "bool", 8, 0, 1),
        Dtype("c64", "complex64", "complex", 64, F32.low, F32.high, F32.roundoff, F32.tiny),
        Dtype("c128", "complex128", "complex", 128, F64.low, F64.high, F64.roundoff, F64.tiny),
    )
}
BY_TORCH: Mapping[str, str] = {d.torch: d.name for d in DTYPES.values()}

FLOAT = ("f32", "f64", "f16", "bf16")
INT = ("i8", "u8", "i16", "i32", "i64")
COMPLEX = ("c64", "c128")
BOOL = ("bool",)
REAL = FLOAT + INT
ALL = REAL + BOOL
EVERY = ALL + COMPLEX
UNSIGNED = ("u8",)
ODD = (*UNSIGNED, *BOOL, *COMPLEX)
"""Dtypes that lower in ways of their own: not as floats or signed integers do."""
