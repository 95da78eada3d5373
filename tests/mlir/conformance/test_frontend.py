"""The conformance function of frontends: opcov's own pass, and each thing that one does wrong is named."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from harness.conformance import NotConforming, check_frontend
from harness.conformance.distribution import declare
from harness.conformance.expected import of_frontend as expected
from harness.conformance.frontend_conduct import of_frontend
from harness.errors import UnknownName

BROKEN = '''
import copy, os, signal, subprocess, torch
from dataclasses import replace
from backends.frontend import Fx
from harness.programs.protocols import Contract, NotExpressible, Step

kept = []

class Changed(Fx):
    """Changes the contract that the built-in frontend makes."""
    def run(self, program, enter):
        return self.changed(super().run(program, enter), program)

class Misnamed(Fx):
    pass

class Silent(Fx):
    def run(self, program, enter):
        return super().run(program, lambda stage: None)

class Hasty(Fx):
    def run(self, program, enter):
        enter("import")
        return super().run(program, enter)

class Swaps(Changed):
    def changed(self, made, program):
        return replace(made, program=replace(program, module=copy.copy(program.module)))

class Writes(Changed):
    def changed(self, made, program):
        program.args[0].fill_(0.5)
        return made

class Blind(Changed):
    def changed(self, made, program):
        return replace(made, exported=("aten.add.Tensor",)) if made.exported else made
    def export(self, program, enter):
        return self.changed(super().export(program, enter), program)

class Disorderly(Changed):
    def changed(self, made, program):
        return replace(made, exported=(*made.exported, *made.exported))
    def export(self, program, enter):
        return self.changed(super().export(program, enter), program)

class Forgetful(Changed):
    def changed(self, made, program):
        return replace(made, reached=())

class Boastful(Changed):
    def changed(self, made, program):
        return replace(made, reached=tuple(sorted({*made.reached, "torch.aten.zeta"})))

class Counts(Changed):
    def changed(self, made, program):
        kept.append(0)
        text = f"{made.ir}// {len(kept)}"
        return replace(made, ir=text, steps=None)

class Aloof(Changed):
    def changed(self, made, program):
        return replace(made, ranges=({0: (100, 200)},))

class Pinned(Changed):
    def changed(self, made, program):
        return replace(made, ranges=({0: (4, 4)},)) if program.dynamic_shapes else made

class Computes(Changed):
    def changed(self, made, program):
        return replace(made, decomposed=lambda: lambda inputs: [inputs[0] + 1])

class Breaks(Changed):
    def changed(self, made, program):
        return replace(made, decomposed=lambda: lambda inputs: [inputs[8]])

class Retypes(Changed):
    def changed(self, made, program):
        return replace(made, dtypes=(torch.float64,))

class Steps(Changed):
    def changed(self, made, program):
        return replace(made, steps=lambda: [Step(name="one", lowered="none")])

class Exports(Fx):
    def export(self, program, enter):
        return replace(super().export(program, enter), exported=())

class Takes(Fx):
    def run(self, program, enter):
        return super().run(replace(program, legal=()), enter)

class Whole(Fx):
    def run(self, program, enter):
        return super().run(replace(program, level="none"), enter)

class Denies(Changed):
    def changed(self, made, program):
        return replace(made, decomposes=False)

class Passes(Fx):
    def run(self, program, enter):
        try:
            return super().run(program, enter)
        except NotExpressible as refusal:
            raise (KeyError(refusal.reason) if refusal.stage == "export" else refusal) from None

class Confused(Fx):
    def run(self, program, enter):
        try:
            return super().run(program, enter)
        except NotExpressible as refusal:
            raise NotExpressible("lower", refusal.reason) from None

class Accepts(Fx):
    def run(self, program, enter):
        try:
            return super().run(program, enter)
        except NotExpressible:
            return Contract(program=program, ir="", exported=(), reached=())

class Counted(Changed):
    def changed(self, made, program):
        return made if made.reached[0] else None

class Keeps(Changed):
    def changed(self, made, program):
        torch.set_grad_enabled(False)
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)
        return made

class Hoards(Changed):
    def changed(self, made, program):
        kept.append(b"x" * (1 << 23))
        return made

class Opens(Changed):
    def changed(self, made, program):
        kept.append(os.open(os.devnull, os.O_RDONLY))
        return made

class Starts(Changed):
    def changed(self, made, program):
        kept.append(subprocess.Popen(["sleep", "60"]))
        return made

class Confuses(Changed):
    def changed(self, made, program):
        return replace(made, ir=made.ir.replace("torch.aten.tanh ", "torch.aten.sigmoid "))

class Specializes(Fx):
    def run(self, program, enter):
        made = super().run(program, enter)
        return replace(made, ir=super().run(replace(program, dynamic_shapes=None), enter).ir, steps=None)

class Miscomputes(Changed):
    def changed(self, made, program):
        wrong = lambda inputs: [inputs[0] + 1]
        return replace(made, decomposes=True, decomposed=lambda: wrong) if "mm" in program.op else made

class Watchdog(Fx):
    def run(self, program, enter):
        def watched(stage):
            signal.alarm(2)
            enter(stage)
            signal.alarm(0)
        return super().run(program, watched)

class Swallows(Fx):
    def run(self, program, enter):
        try:
            return super().run(program, enter)
        except NotExpressible:
            raise
        except BaseException as error:
            raise NotExpressible("export", str(error)) from None

class Dies(Fx):
    def run(self, program, enter):
        os.abort()
'''


def install(plugin: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Install one of the broken frontends; return its name."""
    name = f"my-{plugin.lower()}"
    named = "" if plugin == "Misnamed" else f"\n{plugin}.name = {name!r}\n"
    (folder / f"broken_{plugin.lower()}.py").write_text(BROKEN + named, encoding="ascii")
    declare(folder, "broken", {"opcov.frontends": {name: f"broken_{plugin.lower()}:{plugin}"}})
    monkeypatch.syspath_prepend(folder)
    return name


@pytest.fixture
def process() -> Iterator[None]:
    """Put back what a frontend changes in this process."""
    handler = signal.getsignal(signal.SIGUSR1)
    yield
    torch.set_grad_enabled(True)
    signal.signal(signal.SIGUSR1, handler)
    for started in getattr(sys.modules.get("broken_starts"), "kept", ()):
        started.kill()
        started.wait()


@pytest.mark.parametrize("name", ["export", "dynamo"])
def test_a_built_in_frontend_conforms_with_every_fault_around_it(name: str) -> None:
    made = check_frontend(name)
    faults = [f"{fault} at {stage} is {outcome}" for (fault, stage), outcome in expected().items()]
    assert [fault for fault in faults if fault not in made] == []
    assert {"it leaves a legal op whole", "it decomposes at the program's level"} <= set(made)
    assert "it is right on aten.silu.default, dynamic at the level none, or refuses it: linalg" in made


@pytest.mark.parametrize(
    ("plugin", "check", "said"),
    [
        ("Misnamed", "it has the name of its entry point", "its name is 'export'"),
        ("Silent", "it enters the stages in order, static", "it enters none"),
        ("Hasty", "it enters the stages in order, static", "it enters import, export, import, contract"),
        ("Swaps", "it hands the program on, static", "Contract.program is another one"),
        ("Writes", "it leaves the arguments as they are, static", "it writes to one"),
        ("Blind", "`exported` has the op, static", "aten.relu.default is not in ('aten.add.Tensor',)"),
        ("Disorderly", "`exported` has the op, static", "is not sorted, or not unique"),
        ("Forgetful", "`reached` are the ops of the IR, static", "the IR has ['torch.aten.relu'], `reached` has []"),
        (
            "Boastful",
            "`reached` are the ops of the IR, dynamic",
            "`reached` has ['torch.aten.relu', 'torch.aten.zeta']",
        ),
        ("Counts", "a second run gives the same IR, static", "another IR, or other ops"),
        ("Aloof", "it admits the sizes of export, static", "its ranges are ({0: (100, 200)},)"),
        ("Pinned", "it admits other sizes, dynamic", "its ranges are ({0: (4, 4)},)"),
        ("Computes", "what it decomposed is what eager computes, static", "out[0]"),
        ("Breaks", "what it decomposed is what eager computes, static", "it raises IndexError and not Specialized"),
        ("Retypes", "what it decomposed is what eager computes, static", "`dtypes` are (torch.float64,)"),
        ("Steps", "its last step is the IR, static", "the last step is another IR"),
        ("Exports", "its `export` exports the same, static", "() at ('export',)"),
        ("Takes", "it leaves a legal op whole", "torch.aten.silu is not in ('torch.aten.mul.Tensor',"),
        ("Whole", "it decomposes at the program's level", "torch.aten.silu is left at core-aten"),
        ("Denies", "`decomposes` says whether it did", "torch.aten.silu is gone, it says that nothing is"),
        ("Passes", "it refuses a program that cannot be traced", "it raises KeyError and not NotExpressible"),
        ("Confused", "it refuses a program that cannot be traced", "it refuses at 'lower', and has entered ['export']"),
        ("Accepts", "it refuses a program that cannot be traced", "it takes it"),
        ("Accepts", "it refuses an op that it does not know, or names it", "not in ()"),
        ("Counted", "it refuses a program without an op, or hands it on", "it raises IndexError"),
        (
            "Keeps",
            "it leaves the process as it was",
            "it changes whether gradients are recorded, the handlers of signals",
        ),
        ("Hoards", "it keeps no memory", "each call leaves 8 MiB behind"),
        ("Opens", "it closes its files", "each call leaves 1 files open"),
        ("Starts", "it ends its processes", "each call leaves 1 processes behind"),
    ],
)
@pytest.mark.usefixtures("process")
def test_what_a_frontend_does_wrong_by_hand_is_named(
    plugin: str, check: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = install(plugin, tmp_path, monkeypatch)
    found = dict(of_frontend(name))
    assert said in found[check], {each: wrong for each, wrong in found.items() if wrong}


@pytest.mark.parametrize(
    ("plugin", "said"),
    [
        ("Dies", "what comes after 'it has the name of its entry point': SIGABRT"),
        ("Confuses", "it is right on aten.tanh.default, static, or refuses it: linalg: Wrong: value"),
        (
            "Specializes",
            "it is right on aten.relu.default, dynamic, or refuses it: linalg: Crashed at execute: SIGSEGV",
        ),
        ("Miscomputes", "it is right on aten.mm.default, static, or refuses it: frontend: NotExported"),
        ("Watchdog", "hang at export is TimedOut at export: it is Crashed at export: SIGALRM"),
        ("Swallows", "fail at export is HarnessError: it is NotExported"),
    ],
)
def test_what_a_frontend_does_wrong_in_the_harness_is_named(
    plugin: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = install(plugin, tmp_path, monkeypatch)
    with pytest.raises(NotConforming) as raised:
        check_frontend(name)
    assert said in str(raised.value)


def test_an_unknown_frontend_is_an_error_of_its_user() -> None:
    with pytest.raises(UnknownName, match="unknown frontend 'exprt'"):
        check_frontend("exprt")
