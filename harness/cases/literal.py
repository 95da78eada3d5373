"""Literal fills: the elements of a tensor written down, to the text that a `Fill` holds and back. No torch."""

from __future__ import annotations

import base64
import math
import struct
import zlib
from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from harness.errors import BadSample

from .dtypes import DTYPES
from .sample import Fill, Sample, TensorSpec, map_tensors

_CODES = {"f64": "d", "f32": "f", "f16": "e", "i8": "b", "u8": "B", "i16": "h", "i32": "i", "i64": "q", "bool": "?"}
_PARTS = {"c64": "f32", "c128": "f64"}
"""The dtype of the real and of the imaginary part."""


def literal(elements: Sequence[Any], dtype: str) -> Fill:
    """The fill with these elements, row-major; raises BadSample where the dtype does not hold one of them.

    With NaN or an infinity among them, its values are `nonfinite`.
    """
    try:
        raw = b"".join(_packed(element, dtype) for element in elements)
    except (struct.error, OverflowError, TypeError) as error:
        raise BadSample(f"{dtype} does not hold one of {list(elements)}: {error}", hint="name another dtype") from None
    # stored, not deflated: each zlib gives the same text, and thus the same id of the sample
    data = base64.b64encode(zlib.compress(raw, level=0)).decode()
    return Fill(kind="literal", data=data, values="mixed" if all(map(_is_finite, elements)) else "nonfinite")


def elements(spec: TensorSpec) -> list[Any]:
    """The elements of a tensor with a literal fill, row-major."""
    return _unpacked(zlib.decompress(base64.b64decode(spec.fill.data or "")), spec.dtype)


def _packed(element: Any, dtype: str) -> bytes:
    if dtype in _PARTS:
        return _packed(complex(element).real, _PARTS[dtype]) + _packed(complex(element).imag, _PARTS[dtype])
    if dtype == "bf16":  # the upper half of an f32, rounded to even; the bits of NaN must not carry
        (bits,) = struct.unpack("<I", struct.pack("<f", element))
        return struct.pack("<H", 0x7FC0 if math.isnan(element) else (bits + 0x7FFF + (bits >> 16 & 1)) >> 16)
    return struct.pack("<" + _CODES[dtype], element)


def _unpacked(raw: bytes, dtype: str) -> list[Any]:
    if dtype in _PARTS:
        parts = _unpacked(raw, _PARTS[dtype])
        return [complex(*pair) for pair in zip(parts[::2], parts[1::2], strict=True)]
    if dtype == "bf16":
        raw = b"".join(b"\0\0" + raw[i : i + 2] for i in range(0, len(raw), 2))
        return _unpacked(raw, "f32")
    return [element for (element,) in struct.iter_unpack("<" + _CODES[dtype], raw)]


def _is_finite(element: Any) -> bool:
    parts = (element.real, element.imag) if isinstance(element, complex) else (element,)
    return all(map(math.isfinite, parts))


# other elements in the same place -------------------------------------------------------------------------------------


def finite(sample: Sample) -> Sample:
    """The sample with each NaN and infinity of its real literals replaced by a small number that is not among them."""

    def changed(spec: TensorSpec) -> TensorSpec:
        found = _floats(spec)
        if all(map(math.isfinite, found)):
            return spec
        free = (n for n in range(1, 2 * len(found) + 2) if n not in found)
        return _with(spec, [x if math.isfinite(x) else math.copysign(next(free), x) for x in found])

    return map_tensors(sample, changed)


def simpler(sample: Sample) -> Sample:
    """The sample with the finite elements of its real literals replaced by small integers, signs and order kept."""

    def changed(spec: TensorSpec) -> TensorSpec:
        found = _floats(spec)
        above = _ranks(x for x in found if 0 < x < math.inf)
        below = _ranks(-x for x in found if -math.inf < x < 0)
        return _with(spec, [above.get(x, -below[-x] if -x in below else x) for x in found]) if found else spec

    return map_tensors(sample, changed)


_FAR = 1 << 41
"""As an index it is terabytes away from any tensor, where a process has no memory."""


def astray(sample: Sample) -> Sample:
    """The sample with another index that is out of bounds in place of each least and largest i64 of its literals.

    A kernel that does not check its indices dies of the other one. The address of a least or largest one wraps around
    to the tensor itself.
    """
    ends = (DTYPES["i64"].low, DTYPES["i64"].high)

    def changed(spec: TensorSpec) -> TensorSpec:
        found = elements(spec) if spec.fill.kind == "literal" and spec.dtype == "i64" else []
        if not any(x in ends for x in found):
            return spec
        return _with(spec, [(_FAR if x > 0 else -_FAR) if x in ends else x for x in found])

    return map_tensors(sample, changed)


def in_dtype(spec: TensorSpec, dtype: str) -> TensorSpec:
    """The tensor in another dtype, a literal with the same elements; raises BadSample where it does not hold them."""
    fill = literal(elements(spec), dtype) if spec.fill.kind == "literal" else spec.fill
    return replace(spec, dtype=dtype, fill=fill)


def _ranks(found: Iterable[float]) -> dict[float, float]:
    return {x: float(i + 1) for i, x in enumerate(sorted(set(found)))}


def _floats(spec: TensorSpec) -> list[float]:
    """The elements of a real literal; none for any other tensor."""
    return elements(spec) if spec.fill.kind == "literal" and DTYPES[spec.dtype].kind == "float" else []


def _with(spec: TensorSpec, changed: Sequence[float]) -> TensorSpec:
    return replace(spec, fill=literal(changed, spec.dtype))
