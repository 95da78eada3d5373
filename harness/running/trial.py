"""Twenty programs that a run tries before its first sample, where two versions of torch-mlir or of torch have to agree.

They are the plain calls of ten ops, static and dynamic: ops that every compiler has and that kill none.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from functools import cache
from itertools import zip_longest

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
from harness.text import clip, one_line, plural

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
FRONTENDS_SECONDS = 60.0
"""How long the comparison of two frontends may take."""


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


def difference(tried: Iterable[Sample], fast: Frontend, official: Frontend) -> str:
    """The first program of which two frontends make different things, and how they differ; empty if there is none."""
    for sample in tried:
        ours, theirs = _made(fast, sample), _made(official, sample)
        if ours != theirs:
            return f"{sample.op}, {sample.mode}: {_first_difference(ours, theirs)}"
    return ""


def _made(frontend: Frontend, sample: Sample) -> str:
    """The IR that the frontend makes of the program, or the stage at which it fails and why."""
    try:
        return run_frontend(frontend.run, sample, lambda stage: None).ir
    except NotExpressible as refusal:
        return f"no IR, it fails at {refusal.stage}"
    except Exception as error:  # of a part of torch or torch-mlir that has changed
        return f"no IR: {type(error).__name__}: {one_line(str(error))}"


def _first_difference(ours: str, theirs: str) -> str:
    pairs = zip_longest(ours.splitlines(), theirs.splitlines(), fillvalue="nothing")
    mine, other = next((a, b) for a, b in pairs if a != b)
    return f"`{clip(mine.strip(), 80)}` instead of `{clip(other.strip(), 80)}`"


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
