"""The conformance functions: a plugin's author calls one in a test, and reads what it raises.

1. `conduct.py` asks the plugin by hand, in a process of its own.
2. The plain calls of a few ops run through the harness: each is right or refused.
3. Every miniature fault runs around the plugin: it becomes the outcome that it is, and the next sample is right again.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from harness.cases.plain import plain_call
from harness.cases.sample import MODES, Sample
from harness.errors import UnknownName
from harness.programs import plugins
from harness.records.outcome import NotExecuted, Outcome, Passed, Unsupported
from harness.running.supervisor import Limits, Supervisor
from harness.running.worker import case

from . import expected
from .expected import BLOCKING, told
from .faulty import installed, named
from .samples import PROGRAMS, SUBJECTS, unary

CONDUCT_SECONDS = 300.0
"""How long a plugin may take for all that it is asked by hand."""
LIMITS = Limits(seconds=60.0, memory=2 << 30)
"""What one sample may take where no fault blocks it."""
ISOLATED = "it is isolated"
"""The check that tells of what kind an executor is."""
Checked = tuple[str, str]
"""A check, and what is wrong; empty where nothing is."""


class NotConforming(AssertionError):
    """A plugin does not keep to its protocol; the text has a line for each check that fails."""


def check_backend(name: str) -> tuple[str, ...]:
    """Return what was checked of a backend that an entry point declares; raises NotConforming, UnknownName."""
    _know("backend", name, plugins.names(plugins.BACKENDS, plugins.CASCADES))
    faults = expected.of_backend()
    made = _passed(name, _conduct("backend", name))
    with installed(faults, backend=name) as faulty, Supervisor((name, *faulty), LIMITS) as supervisor:
        made += _passed(name, _plain_calls(supervisor, name))
        return (*made, *_passed(name, _faults(supervisor, name, name, faults)))


def check_executor(name: str, backend: str) -> tuple[str, ...]:
    """Return what was checked of an executor, on modules of a backend; raises NotConforming, UnknownName."""
    _know("executor", name, plugins.executor_names())
    _know("backend", backend, plugins.names(plugins.BACKENDS, plugins.CASCADES))
    made = _passed(name, _conduct("executor", name, backend))
    faults = expected.of_executor(isolated=ISOLATED in made)
    names = [fault for fault, _ in faults]
    with installed((), names, backend=backend, executor=name) as faulty, Supervisor((backend, *faulty), LIMITS) as run:
        return (*made, *_passed(name, _faults(run, backend, name, faults)))


def _know(kind: str, name: str, known: Iterable[str]) -> None:
    if name not in known:
        raise UnknownName(kind, name, known)


def _passed(name: str, made: Iterable[Checked]) -> tuple[str, ...]:
    """The checks that were made; raises NotConforming if one failed: what comes next would say nothing new."""
    checked = list(made)
    broken = [f"  {check}: {wrong}" for check, wrong in checked if wrong]
    if broken:
        raise NotConforming("\n".join([f"{name} does not conform:", *broken]))
    return tuple(check for check, _ in checked)


def _conduct(*arguments: str) -> Iterator[Checked]:
    """What the plugin does when it is asked by hand, and how the process ends where it does not go on to the end."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-m", "harness.conformance.conduct", *arguments]
    try:
        done = subprocess.run(
            command, env=environment, capture_output=True, encoding="utf-8", timeout=CONDUCT_SECONDS, check=False
        )
        out, err, code = done.stdout, done.stderr, done.returncode
        end = signal.Signals(-code).name if code < 0 else err.strip().rpartition("\n")[2] or f"exit {code}"
    except subprocess.TimeoutExpired as late:
        out, code = (late.stdout or b"").decode(errors="replace"), 1
        end = f"no end in {CONDUCT_SECONDS:g} s"
    checked = [json.loads(line) for line in out.splitlines() if line.startswith('["')]
    yield from ((check, wrong) for check, wrong in checked)
    if code:
        yield f"what comes after {checked[-1][0]!r}" if checked else "it can be asked", end


def _plain_calls(supervisor: Supervisor, name: str) -> Iterator[Checked]:
    """Whether the backend is right on the plain calls of common ops, static and dynamic, or refuses them."""
    for op in PROGRAMS:
        for sample in filter(None, (plain_call(case(op), mode) for mode in MODES)):
            outcome = supervisor.run(sample, name).outcome
            yield f"it is right on {op}, {sample.mode}, or refuses it", _fault_of(outcome)


def _fault_of(outcome: Outcome) -> str:
    match outcome:
        case Passed() | NotExecuted() | Unsupported():
            return ""
        case _:
            return f"{told(outcome)}: {outcome}"


def _faults(
    supervisor: Supervisor, backend: str, plugin: str, faults: Mapping[tuple[str, str], str]
) -> Iterator[Checked]:
    """Run each fault around the plugin, and then the backend as it is."""
    base = next((op for op in SUBJECTS if _outcome(supervisor, unary(op), backend) in ("Passed", "NotExecuted")), None)
    if base is None:
        yield "it takes an op on which faults can be tried", f"it is right on none of {', '.join(SUBJECTS)}"
        return
    usual = supervisor.run(unary(base), backend)
    for (fault, stage), want in faults.items():
        sample = _sample(base, fault)
        if want.startswith("Wrong") and _outcome(supervisor, sample, backend) != "Passed":
            continue  # where the backend itself is not right, a lie does not show
        blocked = max(3.0, 5 * sum(usual.seconds.values()))
        waits = fault in BLOCKING and want.startswith("TimedOut")
        supervisor.limits = replace(LIMITS, seconds=blocked) if waits else LIMITS
        got = _outcome(supervisor, sample, named(plugin, fault, stage))
        supervisor.limits = LIMITS
        if fault == "lower_another" and got == "Unsupported":
            continue  # it takes no other op
        yield f"{fault} at {stage} is {want}", "" if got == want else f"it is {got}"
        after = _outcome(supervisor, unary(base), backend)
        yield f"it goes on after {fault} at {stage}", "" if after == told(usual.outcome) else f"it is {after}"


def _sample(op: str, fault: str) -> Sample:
    """The sample on which a fault shows."""
    if fault == "specialize":
        return unary(op, "dynamic")
    return unary(op, values="nonfinite") if fault == "drop_nan" else unary(op)


def _outcome(supervisor: Supervisor, sample: Sample, backend: str) -> str:
    return told(supervisor.run(sample, backend).outcome)
