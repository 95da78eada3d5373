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
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from harness.cases.plain import plain_call
from harness.cases.road import LEVELS
from harness.cases.sample import MODES, Sample
from harness.errors import UnknownName
from harness.programs import plugins
from harness.records.frontend import FRONTEND, NOT_EAGER
from harness.records.outcome import (
    SHARED,
    Invalid,
    NotExecuted,
    NotExported,
    Outcome,
    Passed,
    Reached,
    Unsupported,
)
from harness.running.supervisor import Limits, Supervisor
from harness.running.worker import case

from . import expected, faulty
from .checked import Checked
from .expected import BLOCKING, OTHERS, OWN, told
from .faulty import installed, named
from .samples import COMPOSITE, PROGRAMS, SUBJECTS, by, calls, growing, unary

CONDUCT_SECONDS = 300.0
"""How long a plugin may take for all that it is asked by hand."""
LIMITS = Limits(seconds=60.0, memory=2 << 30)
"""What one sample may take where no fault blocks it."""
ISOLATED = "it is isolated"
"""The check that tells of what kind an executor is."""
BACKEND = "linalg"
"""The backend behind a frontend that is checked: its executor takes sizes as numbers, too."""
Asked = Callable[..., tuple[Sample, str]]
"""Which sample runs on which column: to ask the plugin about a sample, or the plugin with a fault at a stage."""


class NotConforming(AssertionError):
    """A plugin does not keep to its protocol; the text has a line for each check that fails."""


def check_backend(name: str) -> tuple[str, ...]:
    """Return what was checked of a backend that an entry point declares; raises NotConforming, UnknownName."""
    _know("backend", name, plugins.names(plugins.BACKENDS, plugins.CASCADES))
    faults = expected.of_backend()
    made = _passed(name, _conduct("backend", name))
    declared = faulty.of_backend(name, faults)
    with installed(declared), Supervisor((name, *declared[plugins.BACKENDS]), LIMITS) as supervisor:
        made += _passed(name, _plain_calls(supervisor, name))
        return (*made, *_passed(name, _faults(supervisor, _on_column(name, name), faults)))


def check_executor(name: str, backend: str) -> tuple[str, ...]:
    """Return what was checked of an executor, on modules of a backend; raises NotConforming, UnknownName."""
    _know("executor", name, plugins.executor_names())
    _know("backend", backend, plugins.names(plugins.BACKENDS, plugins.CASCADES))
    made = _passed(name, _conduct("executor", name, backend))
    faults = expected.of_executor(isolated=ISOLATED in made)
    declared = faulty.of_executor(name, backend, faults)
    with installed(declared), Supervisor((backend, *declared[plugins.BACKENDS]), LIMITS) as supervisor:
        return (*made, *_passed(name, _faults(supervisor, _on_column(backend, name), faults)))


def check_frontend(name: str) -> tuple[str, ...]:
    """Return what was checked of a frontend, `export` or one of an entry point; raises NotConforming, UnknownName."""
    _know("frontend", name, plugins.frontend_names())
    faults = expected.of_frontend()
    made = _passed(name, _conduct("frontend", name))
    with installed(faulty.of_frontend(name, faults)), Supervisor((BACKEND,), LIMITS) as supervisor:
        made += _passed(name, _by_road(supervisor, name))
        return (*made, *_passed(name, _faults(supervisor, _on_road(name), faults)))


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


def _by_road(supervisor: Supervisor, name: str) -> Iterator[Checked]:
    """Whether what the frontend makes of common calls is right, in its own column and on a backend, or it refuses them.

    A composite op comes at every level.
    """
    levels = [by(name, call, level) for call in calls(COMPOSITE) for level in LEVELS]
    for sample in (*(by(name, call) for op in PROGRAMS for call in calls(op)), *levels):
        level = f" at the level {sample.road.level}" if sample in levels else ""
        for column in (FRONTEND, BACKEND):
            outcome = supervisor.run(sample, column).outcome
            yield f"it is right on {sample.op}, {sample.mode}{level}, or refuses it: {column}", _fault_of(outcome)


def _fault_of(outcome: Outcome) -> str:
    """What is wrong with an outcome; it may be a refusal, by the backend or by the frontend before it."""
    match outcome:
        case Passed() | Reached() | NotExecuted() | Unsupported():
            return ""
        case NotExported(reason=reason) if not reason.startswith(NOT_EAGER):
            return ""
        case Invalid(stage=stage) if stage in SHARED:
            return ""
        case _:
            return f"{told(outcome)}: {outcome}"


def _on_column(backend: str, plugin: str) -> Asked:
    """A backend, or an executor behind one: with a fault it is a column of its own."""
    return lambda sample, *fault: (sample, named(plugin, *fault) if fault else backend)


def _on_road(frontend: str) -> Asked:
    """A frontend: with a fault it is a road of its own."""

    def asked(sample: Sample, *fault: str) -> tuple[Sample, str]:
        column = FRONTEND if fault and fault[0] in OWN else BACKEND
        return by(named(frontend, *fault) if fault else frontend, sample), column

    return asked


def _faults(supervisor: Supervisor, asked: Asked, faults: Mapping[tuple[str, str], str]) -> Iterator[Checked]:
    """Run each fault around the plugin, and then the plugin as it is."""

    def outcome(sample: Sample, *fault: str) -> str:
        return told(supervisor.run(*asked(sample, *fault)).outcome)

    base = next((op for op in SUBJECTS if outcome(unary(op)) in ("Passed", "NotExecuted")), None)
    if base is None:
        yield "it takes an op on which faults can be tried", f"it is right on none of {', '.join(SUBJECTS)}"
        return
    supervisor.renew()  # so that the usual time is that of a worker to which all is new, as after a death
    usual = supervisor.run(*asked(unary(base)))
    for (fault, stage), want in faults.items():
        sample = _sample(base, fault)
        if want.startswith("Wrong") and outcome(sample) != "Passed":
            continue  # where the plugin itself is not right, a lie does not show
        blocked = max(3.0, 5 * sum(usual.seconds.values()))
        waits = fault in BLOCKING and want.startswith("TimedOut")
        supervisor.limits = replace(LIMITS, seconds=blocked) if waits else LIMITS
        got = outcome(sample, fault, stage)
        supervisor.limits = LIMITS
        if fault in OTHERS and got == "Unsupported":
            continue  # the backend takes no other op
        yield f"{fault} at {stage} is {want}", "" if got == want else f"it is {got}"
        after = outcome(unary(base))
        yield f"it goes on after {fault} at {stage}", "" if after == told(usual.outcome) else f"it is {after}"


def _sample(op: str, fault: str) -> Sample:
    """The sample on which a fault shows."""
    if fault == "specialize":
        return unary(op, "dynamic")
    if fault == "hand_over_static":
        return growing(op)
    return unary(op, values="nonfinite") if fault == "drop_nan" else unary(op)
