"""Run one sample again, alone, and keep the IR of its stages: `opcov explain --ir` and `opcov repro` show it."""

from __future__ import annotations

from harness.cases.sample import Sample
from harness.records.outcome import Result
from harness.records.toolchain import Loaded
from harness.running.advice import Advice
from harness.running.child import fork_server
from harness.running.memory import Memory
from harness.running.request import WarmUp
from harness.running.supervisor import Limits, Supervisor


def rerun(sample: Sample, backend: str, limits: Limits) -> tuple[Result, dict[str, str], Loaded]:
    """Run a sample in a worker process of its own.

    Return its result, by stage the IR of the stages it reached, and what the process had loaded.

    If the sample is wrong, the first wrong pass is looked for; the IR before and after that pass is then in the mapping
    too, as `before` and `after`. A second opinion is asked for where there can be one. Raises OpcovError if no worker
    can be started.
    """
    ir: dict[str, str] = {}
    with Supervisor((backend,), limits, thorough=True, warm_up=_warm_up(sample, backend)) as supervisor:
        result = supervisor.run(sample, backend, ir.__setitem__, find_pass=True)
        result = Advice(supervisor.opinion, "always").on(result, sample, backend, sample.mode, Memory(op=sample.op))
        return Memory(op=sample.op).attributed(result, sample, backend), ir, supervisor.loaded()


def get_ready(sample: Sample, backend: str) -> None:
    """Let another process load what `rerun` will need for this sample, while this one goes on; returns at once."""
    fork_server(_warm_up(sample, backend))


def _warm_up(sample: Sample, backend: str) -> WarmUp:
    return WarmUp(backends=(backend,), modes=(sample.mode,), fully=False)
