"""The registry: one module per family of ops, each ending in CASES, joined explicitly by `catalog()`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cache, partial
from pathlib import Path
from types import MappingProxyType

from harness.cases import picks_file, promotions
from harness.cases.case import OpCase
from harness.cases.sample import Sample

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


OPINFO = Path(__file__).with_name("opinfo")
"""The folder of the calls of OpInfo that are kept for the census, a file a family."""
INJECTED = Path(__file__).with_name("injected")
"""The folder of the samples that a facet was injected into and that are kept for the census, a file a family."""
NIGHTLY = Path(__file__).with_name("nightly")
"""The folder of those that are kept for the nightly."""
PROMOTED = Path(__file__).with_name("promoted")
"""The folder of the samples with two dtypes that are kept for the nightly, a file a family."""


@cache
def catalog() -> Mapping[str, tuple[OpCase, ...]]:
    """Every case by family, in the order of FAMILIES, with what is kept for it; raises ValueError if an op is twice."""
    modules = {module.__name__.rpartition(".")[2]: module.CASES for module in FAMILIES}
    families = {family: tuple(_with_kept(family, case) for case in cases) for family, cases in modules.items()}
    ops = [case.op for cases in families.values() for case in cases]
    if twice := sorted({op for op in ops if ops.count(op) > 1}):
        raise ValueError(f"declared twice: {', '.join(twice)}")
    return MappingProxyType(families)


def _with_kept(family: str, case: OpCase) -> OpCase:
    """The case with the samples that are kept for it, read when they are first asked for."""
    return replace(
        case,
        picks=partial(_picks, family, case.op),
        nightly=partial(_nightly, family, case.op),
    )


def _picks(family: str, op: str) -> tuple[Sample, ...]:
    return tuple(sample for folder in (OPINFO, INJECTED) for sample in _of_file(folder / f"{family}.jsonl").get(op, ()))


@cache
def _of_file(path: Path) -> Mapping[str, tuple[Sample, ...]]:
    """The samples of a file by op; raises BadSample."""
    return picks_file.read(path)


def _nightly(family: str, op: str) -> tuple[Sample, ...]:
    pairs = (sample for promotion in _promoted(family).get(op, ()) for sample in promotion.samples())
    return (*_of_file(NIGHTLY / f"{family}.jsonl").get(op, ()), *pairs)


@cache
def _promoted(family: str) -> Mapping[str, tuple[promotions.Promotion, ...]]:
    """The promotions that are kept for the nightly of a family by op; raises BadSample."""
    return promotions.read(PROMOTED / f"{family}.jsonl")


@cache
def excluded() -> Mapping[str, str]:
    """The overloads that have no case on purpose, each with its reason, joined from the families' EXCLUDED."""
    found = [item for module in FAMILIES for item in getattr(module, "EXCLUDED", {}).items()]
    if twice := sorted({op for op, _ in found if [o for o, _ in found].count(op) > 1}):
        raise ValueError(f"excluded twice: {', '.join(twice)}")
    if both := sorted({op for op, _ in found} & {case.op for cases in catalog().values() for case in cases}):
        raise ValueError(f"both declared and excluded: {', '.join(both)}")
    return MappingProxyType(dict(found))
