"""The registry: one module per family of ops, each ending in CASES, joined explicitly by `catalog()`."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from harness.cases.case import OpCase

from . import (
    activation,
    attention,
    backward,
    bitwise,
    comparison,
    conversion,
    convolution,
    copies,
    creation,
    data_dependent,
    elementwise,
    fft,
    indexing,
    joining,
    linalg,
    loss,
    matmul,
    normalization,
    padding,
    pooling,
    quantized,
    random,
    reduction,
    scatter,
    shaping,
    slicing,
    solvers,
    sorting,
    special,
    statistics,
    upsampling,
    window,
    window_backward,
)

FAMILIES = (
    elementwise,
    activation,
    comparison,
    bitwise,
    reduction,
    normalization,
    matmul,
    fft,
    linalg,
    solvers,
    convolution,
    pooling,
    padding,
    shaping,
    slicing,
    copies,
    joining,
    indexing,
    scatter,
    sorting,
    data_dependent,
    creation,
    conversion,
    random,
    quantized,
    loss,
    upsampling,
    window,
    attention,
    backward,
    window_backward,
    statistics,
    special,
)


@cache
def catalog() -> Mapping[str, tuple[OpCase, ...]]:
    """Every case by family, in the order of FAMILIES; raises ValueError if an op is declared twice."""
    families = {module.__name__.rpartition(".")[2]: module.CASES for module in FAMILIES}
    ops = [case.op for cases in families.values() for case in cases]
    if twice := sorted({op for op in ops if ops.count(op) > 1}):
        raise ValueError(f"declared twice: {', '.join(twice)}")
    return MappingProxyType(families)


@cache
def excluded() -> Mapping[str, str]:
    """The overloads that have no case on purpose, each with its reason, joined from the families' EXCLUDED."""
    found = [item for module in FAMILIES for item in getattr(module, "EXCLUDED", {}).items()]
    if twice := sorted({op for op, _ in found if [o for o, _ in found].count(op) > 1}):
        raise ValueError(f"excluded twice: {', '.join(twice)}")
    if both := sorted({op for op, _ in found} & {case.op for cases in catalog().values() for case in cases}):
        raise ValueError(f"both declared and excluded: {', '.join(both)}")
    return MappingProxyType(dict(found))
