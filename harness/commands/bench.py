"""`make bench`: measure, in one run on this machine:

1. The shared path (one frontend run for all backends, a program compiled once for all its values) against the naive one
   (`fx.export_and_import` for each sample and backend), with the same samples and the same executor. The paths take
   turns, op by op, so that other load on the machine slows both.
2. The harness's own share of the wall time: all that is not torch.export, MLIR, LLVM or execution. The samples go
   through the worker, its pipe and the records, as in a run.
3. What a sample costs on each executor of a dialect, from the lowered text to the results, forks included.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Collection, Sequence
from contextlib import suppress

from harness.cases.case import OpCase
from harness.cases.draw import census
from harness.cases.profile import Profile
from harness.cases.sample import Sample
from harness.programs import plugins
from harness.programs.compiler import INSTALLED
from harness.programs.provider import use
from harness.records.outcome import Passed
from harness.running.cells import Cell
from harness.running.runner import Runner
from harness.running.sources import Census
from harness.running.supervisor import Supervisor
from op_suites import catalog

from .arguments import add_compiler

OPS = (
    "aten.add.Tensor",
    "aten.exp.default",
    "aten.relu.default",
    "aten.eq.Tensor",
    "aten.sum.dim_IntList",
    "aten.amax.default",
    "aten._softmax.default",
    "aten.mm.default",
    "aten.bmm.default",
    "aten.avg_pool2d.default",
    "aten.constant_pad_nd.default",
    "aten.transpose.int",
    "aten.cat.default",
    "aten.index_select.default",
    "aten.full_like.default",
    "aten.mse_loss.default",
)
BACKENDS = ("linalg", "tosa", "stablehlo")
WORK = ("export", "import", "contract", "lower", "verify", "execute")
"""The stages that are not the harness's own."""


def main() -> int:
    """Print the ratios; return the exit status: 1 if a target is missed."""
    parser = argparse.ArgumentParser(prog="python -m harness.commands.bench", description=__doc__)
    parser.add_argument("--json", action="store_true")
    add_compiler(parser)
    options = parser.parse_args()
    use(options.torch_mlir or INSTALLED)
    warnings.filterwarnings("ignore")
    cases = [(family, c) for family, cases in catalog().items() for c in cases if c.op in OPS]
    size = Profile(name="bench", first=3, others=1, blames=False)
    own, stages, passed = _run_cells(cases, size)
    shared, naive, count = _paths([case for _, case in cases], size, passed)
    figures = {
        "sample_x_backend": count,
        "shared_per_second": round(count / shared, 1),
        "naive_per_second": round(count / naive, 1),
        "ratio": round(naive / shared, 2),
        "own_share": round(own, 3),
        "stage_shares": {k: round(v, 3) for k, v in stages.items()},
        "executor_milliseconds": _executors([case for _, case in cases], size, passed),
    }
    print(json.dumps(figures, indent=1) if options.json else _text(figures))
    return int(naive / shared < 5 or own > 0.2)


def _text(figures: dict[str, object]) -> str:
    return (
        f"{figures['sample_x_backend']} (sample x backend) of {len(OPS)} ops, f32, static and dynamic\n"
        f"shared path  {figures['shared_per_second']:>8} per second\n"
        f"naive path   {figures['naive_per_second']:>8} per second\n"
        f"ratio        {figures['ratio']:>8} (target: at least 5)\n"
        f"own share    {figures['own_share']:>8} of the wall time (target: below 0.2)\n"
        f"shares by stage: {figures['stage_shares']}\n"
        f"milliseconds a sample on each executor: {figures['executor_milliseconds']}"
    )


def _samples(case: OpCase, size: Profile) -> list[Sample]:
    return [s for mode in case.modes() for s in census(case, case.dtypes[0], mode, size, 0)]


def _paths(cases: Sequence[OpCase], size: Profile, passed: Collection[tuple[str, str]]) -> tuple[float, float, int]:
    """Seconds of the shared and of the naive path over the same samples, and how many (sample x backend) there are.

    Both paths run in this process, so only `passed` pairs (sample id, backend) are run: they killed no worker.
    """
    import torch

    from backends.executors.llvm_jit import LlvmJit
    from backends.naive import lower
    from harness.judging.reference import runs
    from harness.programs.program import program
    from harness.running.caches import run_frontend
    from harness.running.worker import pipeline

    torch.set_num_threads(1)
    ready = pipeline(BACKENDS)
    jit = LlvmJit()
    recipes = {name: plugins.backend(name)().recipe for name in BACKENDS}
    shared = naive = 0.0
    count = 0
    for case in cases:
        pairs = [(s, b) for s in _samples(case, size) for b in BACKENDS if (s.id, b) in passed]
        ready.run(case, pairs[0][0], pairs[0][1], _quiet)  # neither path pays for the first call of an op
        ready.forget()
        started = time.perf_counter()
        for sample, backend in pairs:
            ready.run(case, sample, backend, _quiet)
        shared += time.perf_counter() - started
        inputs = {}
        for sample in {sample.id: sample for sample, _ in pairs}.values():
            admits = run_frontend(ready.frontends.built_in.run, sample, _quiet).admits
            inputs[sample.id] = [r.inputs for r in runs(sample, case.numeric_of(sample)) if admits(r.shapes)]
        started = time.perf_counter()
        for sample, backend in pairs:
            executable = jit.compile(lower(program(sample), recipes[backend]))
            for tensors in inputs[sample.id]:
                executable(tensors)
        naive += time.perf_counter() - started
        count += len(pairs)
    return shared, naive, count


def _executors(cases: Sequence[OpCase], size: Profile, passed: Collection[tuple[str, str]]) -> dict[str, float]:
    """Mean milliseconds to compile and run a static sample once, by backend and executor of its dialect.

    Only `passed` pairs (sample id, backend) are run.
    """
    from harness.judging.reference import runs
    from harness.programs.protocols import CannotExecute
    from harness.running.caches import run_frontend
    from harness.running.executables import executable
    from harness.running.worker import pipeline

    ready = pipeline(BACKENDS)
    spent: dict[str, list[float]] = {}
    for case in cases:
        for sample in census(case, case.dtypes[0], "static", size, 0):
            contract = run_frontend(ready.frontends.built_in.run, sample, _quiet)
            inputs = runs(sample, case.numeric_of(sample))[0].inputs
            for backend in (b for b in BACKENDS if (sample.id, b) in passed):
                lowered = ready.backends[backend].lower(contract)
                for executor in (e for e in ready.executors if lowered.dialect in e.dialects):
                    started = time.perf_counter()
                    run = executable(executor, lowered)
                    with suppress(CannotExecute):
                        if not isinstance(run, str):
                            run(inputs)
                            taken = spent.setdefault(f"{backend} {executor.name}", [])
                            taken.append(time.perf_counter() - started)
    return {name: round(1000 * sum(taken) / len(taken), 1) for name, taken in spent.items()}


def _quiet(stage: str) -> None:
    """Ignore the stage."""


def _run_cells(
    cases: Sequence[tuple[str, OpCase]], size: Profile
) -> tuple[float, dict[str, float], set[tuple[str, str]]]:
    """Run whole cells through supervisor and worker.

    Return the share of the wall time that no stage of `WORK` takes, the share of each stage, and the pairs (sample id,
    backend) that passed.
    """
    spent: dict[str, float] = {}
    passed = set()
    with Supervisor(BACKENDS) as supervisor:
        warm = _samples(cases[0][1], size)[0]
        supervisor.run(warm, BACKENDS[0])
        runner = Runner(supervisor.run, (Census(size, 0),), size, 0)
        started = time.perf_counter()
        for family, case in cases:
            for mode in case.modes():
                for backend in BACKENDS:
                    cell = Cell(family=family, case=case, backend=backend, mode=mode, dtype=case.dtypes[0])
                    for record in runner.records(cell):
                        if isinstance(record.outcome, Passed):
                            passed.add((record.id, backend))
                        for stage, seconds in record.seconds.items():
                            spent[stage] = spent.get(stage, 0.0) + seconds
        wall = time.perf_counter() - started
    return 1 - sum(spent.get(stage, 0.0) for stage in WORK) / wall, {k: v / wall for k, v in spent.items()}, passed


if __name__ == "__main__":
    sys.exit(main())
