"""Twenty programs that a run tries before its first sample, where two versions of torch-mlir or of torch have to agree.

They are the plain calls of ten ops, static and dynamic: ops that every compiler has and that kill none.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import cache

from harness.cases.case import OpCase
from harness.cases.plain import plain_call
from harness.cases.sample import MODES, Sample
from harness.errors import BadCompiler
from harness.programs.protocols import (
    Backend,
    CompilerDied,
    ContractBroken,
    Frontend,
    NotExpressible,
    Refused,
    VersionSkew,
)
from harness.text import plural

from .caches import run_frontend, starts_early

OPS = (
    "aten.add.Tensor",
    "aten.cat.default",
    "aten.conv2d.default",
    "aten.gelu.default",
    "aten.layer_norm.default",
    "aten.max_pool2d.default",
    "aten.mm.default",
    "aten.softmax.int",
    "aten.sum.dim_IntList",
    "aten.transpose.int",
)
LONGEST = 30.0
"""Seconds after which no other program is tried."""
SECONDS = 10.0
"""How long one run of a binary may take in the trial."""


@cache
def samples(case: Callable[[str], OpCase]) -> tuple[Sample, ...]:
    """The samples of the twenty programs; `case` gives the registry's case of an op."""
    found = (plain_call(case(op), mode) for op in OPS for mode in MODES)
    return tuple(sample for sample in found if sample)


def check_crossing(tried: Iterable[Sample], frontend: Frontend, backends: Iterable[Backend]) -> None:
    """Raise BadCompiler if most programs do not cross between the versions on the two sides of the binary.

    It ends after `LONGEST` seconds: a binary that hangs shows in its samples.
    """
    ends = time.monotonic() + LONGEST
    behind = [backend for backend in backends if not starts_early(backend)]
    found = [_skew(sample, frontend, behind) for sample in tried if time.monotonic() < ends]
    skews = list(filter(None, found))
    if len(skews) * 2 > len(found):
        raise BadCompiler(
            f"{len(skews)} of {plural(len(found), 'program')} do not cross between the installed torch-mlir and the "
            f"binary: {skews[0]}",
            hint="install the torch-mlir that the binary was built from, or name its build folder",
        )


def _skew(sample: Sample, frontend: Frontend, backends: Iterable[Backend]) -> str:
    """What one version cannot parse of the other's text; empty if nothing. What is refused or dies has crossed."""
    try:
        contract = run_frontend(frontend.run, sample, lambda stage: None)
        for backend in backends:
            backend.verify(backend.lower(contract))
    except VersionSkew as skew:
        return str(skew)
    except (CompilerDied, ContractBroken, NotExpressible, Refused):
        pass
    return ""
