"""What a plugin does when it is asked by hand, in this process; `python -m` runs it and prints a line for each check.

`check.py` runs this in a process of its own, since a plugin may end or block it.
"""

from __future__ import annotations

import json
import pickle
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import torch

from harness.judging.compare import compare
from harness.judging.reference import Run
from harness.programs import plugins
from harness.programs.materialize import copied
from harness.programs.protocols import CannotExecute, Contract, ContractBroken, Executable, Lowered, Program, Refused
from harness.records.outcome import Wrong
from harness.running import worker
from harness.running.caches import Stop, starts_early
from harness.running.clock import Clock
from harness.running.pipeline import Pipeline
from harness.running.verdicts import Prepared
from harness.text import one_line

from .checked import Checked, unless
from .frontend_conduct import of_frontend
from .leaks import leaks
from .samples import PROGRAMS, RUBBISH, SUBJECTS, calls, unary

UNKNOWN = "torch.aten.an_op_that_no_backend_knows"


def of_backend(name: str) -> Iterator[Checked]:
    """Ask a backend; yields each check."""
    ready = worker.pipeline((name,), without=_without())
    plugin = ready.backends[name]
    yield "it has the name of its entry point", unless(plugin.name == name, f"its name is {plugin.name!r}")
    contract = _subject(ready, name)[0]
    lowered = plugin.lower(contract)
    yield "it hands the program on", unless(lowered.program is contract.program, "Lowered.program is another one")
    if not starts_early(plugin):
        yield "it refuses an op that it does not know", _refusal(plugin, contract)
        yield "it takes no text that is no IR", _taken(lambda: plugin.lower(replace(contract, ir=RUBBISH)))
        yield "it verifies what it lowers", _verified(plugin, lowered)
    if steps := getattr(plugin, "steps", None):
        last = list(steps(contract))[-1].lowered
        same = isinstance(last, Lowered) and last.dialect == lowered.dialect
        yield "its last step is the lowered module", unless(same, f"it is {type(last).__name__}")

    def again(number: int) -> None:
        ir = f"{contract.ir}\n// {number}\n" if contract.ir else ""
        plugin.verify(plugin.lower(replace(contract, ir=ir)))

    yield from leaks(again)


def of_executor(name: str, backend: str) -> Iterator[Checked]:
    """Ask an executor about what a backend lowers; yields each check."""
    ready = worker.pipeline((backend,), without=_without(name))
    plugin = _only(ready, name)
    isolated = getattr(plugin, "isolated", False)
    yield "it is isolated" if isolated else "its death is that of the module", ""
    yield "it has the name of its entry point", unless(plugin.name == name, f"its name is {plugin.name!r}")
    contract, runs, op = _subject(ready, backend)
    lowered = ready.backends[backend].lower(contract)
    took = lowered.dialect in plugin.dialects
    yield (
        "it takes the dialect",
        unless(took, f"{backend} lowers to {lowered.dialect}, it takes {sorted(plugin.dialects)}"),
    )
    if not took:
        return
    yield from _judged(ready, backend, plugin)
    (given,) = runs[0].inputs
    strided = torch.stack((given, given), -1)[..., 0]
    want = [output.eager for output in runs[0].outputs]
    compiled = plugin.compile(lowered)
    first = compiled([copied(given)])
    yield "inputs have any strides", unless(_same(compiled([strided]), want), "another result for a strided input")
    kept = [t.clone() for t in first]
    compiled([torch.ones_like(given)])
    yield "a run leaves earlier results alone", unless(_same(first, kept), "the first result changed in a later run")
    if not starts_early(ready.backends[backend]):
        yield "it runs the module, not the program", _follows(ready, backend, plugin, op, lowered.program)
        yield "it cannot run what is no IR", _unable(plugin, replace(lowered, ir=RUBBISH), given)
    if getattr(plugin, "reusable", False):
        yield "it can be pickled", _pickled(plugin)
    if hasattr(plugin, "diagnose"):
        yield "it names no cause where there is none", _diagnosed(plugin, lowered)
    yield from leaks(lambda number: plugin.compile(replace(lowered, ir=f"{lowered.ir}\n"))([copied(given)]))


def _without(wanted: str = "") -> dict[str, str]:
    """The executors that need not be loaded: all but the wanted one."""
    return dict.fromkeys((name for name in plugins.executor_names() if name != wanted), "not asked")


def _only(ready: Pipeline, name: str) -> Any:
    """The one executor that is loaded; raises what its loading raises if none is."""
    loaded = (*ready.executors, *ready.checkers, *ready.advisers)
    return loaded[0] if loaded else plugins.executor(name)()


def _subject(ready: Pipeline, backend: str, without: str = "") -> tuple[Contract, tuple[Run, ...], str]:
    """A program of one op that the backend lowers, with its references and the op; raises LookupError."""
    for op in SUBJECTS:
        contract, runs = ready.contracted(worker.case(op), unary(op), backend, _clock())
        try:
            ready.backends[backend].lower(contract)
        except Refused:
            continue
        if op != without:
            return contract, runs, op
    raise LookupError(f"{backend} lowers none of {', '.join(op for op in SUBJECTS if op != without)}")


def _clock() -> Clock:
    return Clock(lambda stage: None)


def _refusal(plugin: Any, contract: Contract) -> str:
    """What is wrong with the answer to a program with an op that nobody knows."""
    (op,) = contract.reached
    type_ = contract.ir.partition("%arg0: ")[2].partition(")")[0]
    call = f'torch.operator "{UNKNOWN}"(%arg0) : ({type_})'
    lines = [
        f"{line.partition('=')[0]}= {call} -> {line.rpartition('-> ')[2]}" if f" {op} " in line else line
        for line in contract.ir.splitlines()
    ]
    try:
        plugin.lower(replace(contract, ir="\n".join(lines), reached=(UNKNOWN,)))
    except Refused as refusal:
        return unless(refusal.culprit in (UNKNOWN, None), f"the culprit is {refusal.culprit}, not {UNKNOWN}")
    except Exception as error:
        return f"it raises {type(error).__name__} and not Refused: {one_line(str(error))}"
    return "it lowers a program with an op that does not exist"


def _taken(lower: Callable[[], Any]) -> str:
    try:
        lower()
    except Exception:
        return ""
    return f"it lowers {RUBBISH!r}"


def _verified(plugin: Any, lowered: Lowered) -> str:
    plugin.verify(lowered)
    try:
        plugin.verify(replace(lowered, ir=RUBBISH))
    except ContractBroken:
        return ""
    except Exception as error:
        return f"`verify` raises {type(error).__name__} and not ContractBroken: {one_line(str(error))}"
    return f"`verify` finds nothing wrong with {RUBBISH!r}"


def _judged(ready: Pipeline, backend: str, plugin: Any) -> Iterator[Checked]:
    """Whether the executor is right on the plain programs that the backend lowers, at every size."""
    right = 0
    for op in PROGRAMS:
        for sample in calls(op):
            try:
                prepared = ready.prepared(worker.case(op), sample, backend, _clock())
                wrong = _wrong(prepared, plugin)
            except (Stop, CannotExecute):  # what the backend does not lower, or the executor cannot run
                continue
            yield f"it is right on {op}, {sample.mode}, or cannot run it", wrong
            right += not wrong
    yield "it is right on some program", unless(right > 0, "it can run none")


def _wrong(prepared: Prepared, plugin: Any) -> str:
    """What is wrong with the executor's results, at any of the sizes; raises CannotExecute."""
    lowered, references = prepared.artifact.lowered, prepared.references
    compiled: Executable = plugin.compile(lowered)
    for run in prepared.admitted:
        got = compiled([copied(t) for t in run.inputs])
        found = compare(got, run, references[0], prepared.case, plugin.name, lowered.dialect)
        if isinstance(found, Wrong):
            return found.message
    return ""


def _same(got: Sequence[torch.Tensor], want: Sequence[torch.Tensor]) -> bool:
    return len(got) == len(want) and all(
        g.shape == w.shape and torch.allclose(g.to(w.dtype), w, rtol=1e-5, atol=1e-6, equal_nan=True)
        for g, w in zip(got, want, strict=True)
    )


def _follows(ready: Pipeline, backend: str, plugin: Any, op: str, program: Program) -> str:
    """Whether the executor computes what the module says, where the program that comes with it is another one."""
    try:
        contract, runs, _ = _subject(ready, backend, without=op)
    except LookupError:
        return ""
    lowered = replace(ready.backends[backend].lower(contract), program=program)
    got = plugin.compile(lowered)([copied(t) for t in runs[0].inputs])
    return unless(_same(got, [o.eager for o in runs[0].outputs]), "it returns what the program computes")


def _unable(plugin: Any, rubbish: Lowered, given: torch.Tensor) -> str:
    try:
        plugin.compile(rubbish)([copied(given)])
    except CannotExecute:
        return ""
    except Exception as error:
        return f"it raises {type(error).__name__} and not CannotExecute: {one_line(str(error))}"
    return f"it runs {RUBBISH!r}"


def _pickled(plugin: Any) -> str:
    try:
        pickle.loads(pickle.dumps(plugin))
    except Exception as error:
        return f"it is `reusable`, but {type(error).__name__}: {one_line(str(error))}"
    return ""


def _diagnosed(checker: Any, lowered: Lowered) -> str:
    """What is wrong with what a checker says of a death that left no text."""
    try:
        said = checker.diagnose(lowered, "")
    except Exception as error:
        return f"`diagnose` raises {type(error).__name__}: {one_line(str(error))}"
    return unless(said == "", f"of no text it says {said!r}")


if __name__ == "__main__":
    torch.set_num_threads(1)
    kind, *names = sys.argv[1:]
    of: dict[str, Callable[..., Iterator[Checked]]] = {
        "backend": of_backend,
        "executor": of_executor,
        "frontend": of_frontend,
    }
    for checked in of[kind](*names):
        print(json.dumps(checked), flush=True)
