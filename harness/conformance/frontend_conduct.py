"""What a frontend does when it is asked by hand: `conduct.py` prints the checks."""

from __future__ import annotations

import re
import resource
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from harness.cases.plain import plain_call
from harness.cases.road import LEVELS, Level
from harness.cases.sample import MODES, Mode, Sample
from harness.judging.compare import compare
from harness.judging.reference import Run, runs
from harness.programs import plugins
from harness.programs.materialize import copied
from harness.programs.protocols import Contract, NotExpressible, Program, Specialized
from harness.records.outcome import SHARED, Stage, Wrong
from harness.running import worker
from harness.running.caches import exporting, run_frontend
from harness.text import one_line

from .checked import Checked, unless
from .leaks import leaks
from .samples import COMPOSITE, SUBJECTS, by, unary

UNKNOWN = "an_op_that_no_importer_knows"
_OPERATOR = re.compile(r'torch\.operator"?\(?.*?"(torch\.[\w.]+)"')
_OP = re.compile(r"torch\.(?:aten|prims)\.\w+(?:\.\w+)?")
"""How the IR spells the ops of PyTorch; all of these compute."""


def of_frontend(name: str) -> Iterator[Checked]:
    """Ask a frontend; yields each check."""
    ready = worker.pipeline((), without=dict.fromkeys(plugins.executor_names(), "not asked"))
    plugin = ready.frontends(by(name, unary(SUBJECTS[0])))
    yield "it has the name of its entry point", unless(plugin.name == name, f"its name is {plugin.name!r}")
    before = _state()
    for mode in MODES:
        subject = _subject(plugin, name, mode)
        if subject is None and mode == "static":
            raise LookupError(f"{name} takes none of {', '.join(SUBJECTS)}")
        if subject:
            yield from ((f"{check}, {mode}", wrong) for check, wrong in _of_program(plugin, subject))
    yield from _of_levels(plugin, name)
    yield from _of_refusals(plugin)
    changed = [what for what, value in _state().items() if value != before[what]]
    yield "it leaves the process as it was", unless(not changed, f"it changes {', '.join(changed)}")
    base = _subject(plugin, name, "static")
    assert base
    yield from leaks(lambda number: _Made.of(plugin, base))


@dataclass(frozen=True, slots=True)
class _Made:
    """What a frontend has made of a program, the stages that it entered, and the arguments before it began."""

    given: Program
    before: tuple[torch.Tensor, ...]
    contract: Contract
    entered: tuple[Stage, ...]

    @classmethod
    def of(cls, plugin: Any, sample: Sample, step: Callable[..., Contract] | None = None) -> _Made:
        """What its `run`, or the other step, makes of a sample; raises NotExpressible."""
        entered: list[Stage] = []
        asked: list[tuple[Program, tuple[torch.Tensor, ...]]] = []

        def noting(program: Program, enter: Callable[[Stage], None]) -> Contract:
            asked.append((program, tuple(arg.clone() for arg in program.args)))
            return (step or plugin.run)(program, enter)

        contract = run_frontend(noting, sample, entered.append)
        return cls(*asked[-1], contract, tuple(entered))


def _subject(plugin: Any, name: str, mode: Mode) -> Sample | None:
    """A call that the frontend takes; None where it refuses all of them."""
    for op in SUBJECTS:
        try:
            _Made.of(plugin, sample := by(name, unary(op, mode)))
        except NotExpressible:
            continue
        return sample
    return None


def _of_program(plugin: Any, sample: Sample) -> Iterator[Checked]:
    """Whether what the frontend makes of one program is what the protocol says of it."""
    made, again = _Made.of(plugin, sample), _Made.of(plugin, sample)
    contract = made.contract
    order = tuple(dict.fromkeys(made.entered))
    yield "it enters the stages in order", unless(order == SHARED, f"it enters {', '.join(made.entered) or 'none'}")
    same = contract.program.module is made.given.module
    yield "it hands the program on", unless(same, "Contract.program is another one")
    kept = all(map(torch.equal, made.given.args, made.before))
    yield "it leaves the arguments as they are", unless(kept, "it writes to one")
    yield "`exported` has the op", _exported(contract, sample.op)
    yield "`reached` are the ops of the IR", _reached(contract)
    told = [(each.ir, each.exported, each.reached) for each in (contract, again.contract)]
    yield "a second run gives the same IR", unless(told[0] == told[1], "another IR, or other ops")
    references = runs(sample, worker.case(sample.op).numeric_of(sample))
    admitted = [run for run in references if contract.admits(run.shapes)]
    sizes = [run.sizes for run in admitted]
    yield "it admits the sizes of export", unless(sample.sizes in sizes, f"its ranges are {contract.ranges}")
    if sample.dynamic:
        yield "it admits other sizes", unless(len(sizes) > 1, f"its ranges are {contract.ranges}")
    yield "what it decomposed is what eager computes", _decomposed(contract, sample, admitted)
    if contract.steps:
        last = list(contract.steps())[-1].lowered
        yield "its last step is the IR", unless(getattr(last, "ir", last) == contract.ir, "the last step is another IR")
    if hasattr(plugin, "export"):
        early = _Made.of(plugin, sample, exporting(plugin))
        alike = early.contract.exported == contract.exported and early.entered[:1] == ("export",)
        yield "its `export` exports the same", unless(alike, f"{early.contract.exported} at {early.entered}")


def _exported(contract: Contract, op: str) -> str:
    if tuple(sorted(set(contract.exported))) != contract.exported:
        return f"{contract.exported} is not sorted, or not unique"
    return unless(op in contract.exported, f"{op} is not in {contract.exported}")


def _reached(contract: Contract) -> str:
    if tuple(sorted(set(contract.reached))) != contract.reached:
        return f"{contract.reached} is not sorted, or not unique"
    found = {*_OP.findall(contract.ir), *_OPERATOR.findall(contract.ir)}
    told = {op for op in contract.reached if op in found or _OP.fullmatch(op)}
    return unless(told == found, f"the IR has {sorted(found)}, `reached` has {sorted(told)}")


def _decomposed(contract: Contract, sample: Sample, admitted: Sequence[Run]) -> str:
    """What is wrong with the decomposed program's results; sizes that it does not take are its own affair."""
    if contract.decomposed is None:
        return ""
    for run in admitted:
        try:
            found = contract.decomposed()([copied(t) for t in run.inputs])
        except Specialized:
            continue
        except Exception as error:
            return f"it raises {type(error).__name__} and not Specialized: {one_line(str(error))}"
        wrong = compare(found, run, admitted[0], worker.case(sample.op), "decomposed")
        if isinstance(wrong, Wrong):
            return wrong.message
        if contract.dtypes and contract.dtypes != tuple(result.dtype for result in found):
            return f"`dtypes` are {contract.dtypes}"
    return ""


def _of_levels(plugin: Any, name: str) -> Iterator[Checked]:
    """Whether a level, and a legal op, do to a composite op what they say."""
    call = plain_call(worker.case(COMPOSITE), "static")
    assert call
    legal = COMPOSITE.removesuffix(".default")
    found: dict[Level, Contract] = {}
    for level in LEVELS:
        try:
            found[level] = _Made.of(plugin, by(name, call, level, (legal,))).contract
        except NotExpressible:
            continue
        yield f"`reached` are the ops of the IR at the level {level}", _reached(found[level])
    op = f"torch.{legal}"
    if whole := found.get("none"):
        yield "it leaves a legal op whole", unless(op in whole.reached, f"{op} is not in {whole.reached}")
    if apart := found.get("core-aten"):
        yield "it decomposes at the program's level", unless(op not in apart.reached, f"{op} is left at core-aten")
        yield "`decomposes` says whether it did", unless(apart.decomposes, f"{op} is gone, it says that nothing is")


class _Raises(torch.nn.Module):
    def forward(self, given: torch.Tensor) -> torch.Tensor:
        raise KeyError("a program that cannot be traced")


class _Nothing(torch.nn.Module):
    def forward(self, given: torch.Tensor) -> torch.Tensor:
        return given


class _Unknown(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.op = torch.library.custom_op(f"opcov_conformance::{UNKNOWN}", _negated, mutates_args=())
        self.op.register_fake(torch.empty_like)

    def forward(self, given: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.op(given)
        return found


def _negated(given: torch.Tensor) -> torch.Tensor:
    return -given


def _of_refusals(plugin: Any) -> Iterator[Checked]:
    """Whether the frontend refuses what it cannot express, and says so as the protocol does."""
    yield "it refuses a program that cannot be traced", _refusal(plugin, _Raises(), lambda contract: "it takes it")
    yield (
        "it refuses an op that it does not know, or names it",
        _refusal(plugin, _Unknown(), lambda c: unless(any(UNKNOWN in op for op in c.reached), f"not in {c.reached}")),
    )
    yield "it refuses a program without an op, or hands it on", _refusal(plugin, _Nothing(), _reached)


def _refusal(plugin: Any, module: torch.nn.Module, judge: Callable[[Contract], str]) -> str:
    """What is wrong with the refusal of a program, or with its contract if it is not refused."""
    entered: list[Stage] = []
    try:
        return judge(plugin.run(Program(op=SUBJECTS[0], module=module, args=(torch.ones(8),)), entered.append))
    except NotExpressible as refusal:
        return unless(refusal.stage in entered, f"it refuses at {refusal.stage!r}, and has entered {entered}")
    except Exception as error:
        return f"it raises {type(error).__name__} and not NotExpressible: {one_line(str(error))}"


def _state() -> Mapping[str, object]:
    """What of this process a frontend may not change, by what a reader calls it."""
    signals = sorted(number for number in signal.valid_signals() if number < signal.SIGRTMIN)
    return {
        "whether gradients are recorded": torch.is_grad_enabled(),
        "the default dtype": torch.get_default_dtype(),
        "the number of threads": torch.get_num_threads(),
        "the handlers of signals": [signal.getsignal(number) for number in signals],
        "an alarm": signal.getitimer(signal.ITIMER_REAL)[0] > 0,
        "the memory limits": (resource.getrlimit(resource.RLIMIT_DATA), resource.getrlimit(resource.RLIMIT_AS)),
        "the working directory": Path.cwd(),
    }
