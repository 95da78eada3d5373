"""The conformance functions: opcov's own plugins pass, and each fault of a plugin is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.conformance import NotConforming, check_backend, check_executor
from harness.conformance.distribution import declare
from harness.conformance.faults import DEATHS
from harness.errors import UnknownName
from tests import miniatures


def test_a_built_in_backend_conforms_with_every_fault_around_it() -> None:
    made = check_backend("linalg")
    faults = [f"{death} at {stage} is" for death in DEATHS for stage in ("lower", "verify")]
    assert all(any(fault in check for check in made) for fault in faults)
    assert "lower_another at lower is Wrong: value" in made
    assert "it is right on aten.mm.default, dynamic, or refuses it" in made


@pytest.mark.parametrize(("executor", "backend"), [("llvm-jit", "linalg"), ("tosa-reference", "tosa")])
def test_a_built_in_executor_conforms_with_every_fault_around_it(executor: str, backend: str) -> None:
    made = check_executor(executor, backend)
    assert all(any(f"{death} at execute is" in check for check in made) for death in DEATHS)
    assert {"lie_in_value at execute is Wrong: value", "specialize at execute is Wrong: specialized"} <= set(made)
    assert ("it is isolated" in made) == (executor == "tosa-reference")


@pytest.mark.parametrize(
    ("backend", "said"),
    [
        ("lie-in-value", "it refuses an op that it does not know: it lowers a program with an op that does not exist"),
        ("lie-in-value", "it takes no text that is no IR: it lowers 'this is no IR'"),
        ("lie-in-value", "it verifies what it lowers: `verify` finds nothing wrong with 'this is no IR'"),
        ("leaks", "it keeps no memory: each call leaves 32 MiB behind"),
        ("rejects-everything", "rejects-everything lowers none of aten.relu.default"),
        ("segfault-lower", "what comes after 'it has the name of its entry point': SIGSEGV"),
        ("leaks-dialect", "ContractBroken: torch.aten.relu left in leaks-dialect IR"),
    ],
)
def test_what_a_backend_does_wrong_is_named(
    backend: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(miniatures.install(tmp_path / "plugins", [backend]))
    with pytest.raises(NotConforming) as raised:
        check_backend(backend)
    assert said in str(raised.value)


OTHERS = """
import signal
from dataclasses import replace
from backends.executors.llvm_jit import LlvmJit, LlvmJitChecked
from backends.lowerings.linalg import Linalg

class Confuses(Linalg):
    name = "my-confuses"
    def lower(self, contract):
        ir = contract.ir.replace("torch.aten.tanh ", "torch.aten.sigmoid ")
        return super().lower(replace(contract, ir=ir))

class Watchdog(Linalg):
    name = "my-watchdog"
    def lower(self, contract):
        signal.alarm(2)
        return super().lower(contract)
    def verify(self, lowered):
        signal.alarm(0)
        super().verify(lowered)

class Misnamed(Linalg):
    pass

class Eager(LlvmJit):
    name = "my-eager"
    reusable = False
    def compile(self, lowered):
        return lambda inputs: [lowered.program.module(*inputs)]

class Guesses(LlvmJitChecked):
    name = "my-guesses"
    def diagnose(self, lowered, stderr):
        return "it reads out of bounds"

class Raises(LlvmJit):
    name = "my-raises"
    def compile(self, lowered):
        if "func" not in lowered.ir:
            raise ValueError("no IR")
        return super().compile(lowered)

class Shares(LlvmJit):
    name = "my-shares"
    def compile(self, lowered):
        run, kept = super().compile(lowered), {}
        def shared(inputs):
            (result,) = run(inputs)
            return [kept.setdefault(result.shape, result).copy_(result)]
        return shared
"""


def install(kind: str, plugin: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """Install one of `OTHERS`; return its name."""
    (folder / "other_plugins.py").write_text(OTHERS, encoding="ascii")
    name = f"my-{plugin.lower()}"
    declare(folder, "others", {f"opcov.{kind}s": {name: f"other_plugins:{plugin}"}})
    monkeypatch.syspath_prepend(folder)
    return name


@pytest.mark.parametrize(
    ("plugin", "said"),
    [
        ("Confuses", "it is right on aten.tanh.default, static, or refuses it: Wrong: value"),
        ("Watchdog", "hang at lower is TimedOut at lower: it is Crashed at lower: SIGALRM"),
        ("Misnamed", "it has the name of its entry point: its name is 'linalg'"),
    ],
)
def test_what_a_changed_lowering_does_wrong_is_named(
    plugin: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = install("backend", plugin, tmp_path, monkeypatch)
    with pytest.raises(NotConforming) as raised:
        check_backend(name)
    assert said in str(raised.value)


@pytest.mark.parametrize(
    ("plugin", "said"),
    [
        ("Eager", "it runs the module, not the program: it returns what the program computes"),
        ("Eager", "it cannot run what is no IR: it runs 'this is no IR'"),
        ("Raises", "it cannot run what is no IR: it raises ValueError and not CannotExecute: no IR"),
        ("Guesses", "it names no cause where there is none: of no text it says 'it reads out of bounds'"),
        ("Shares", "a run leaves earlier results alone: the first result changed in a later run"),
    ],
)
def test_what_an_executor_does_wrong_is_named(
    plugin: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = install("executor", plugin, tmp_path, monkeypatch)
    with pytest.raises(NotConforming) as raised:
        check_executor(name, "linalg")
    assert said in str(raised.value)


def test_an_executor_that_does_not_take_the_dialect_is_told_so() -> None:
    with pytest.raises(NotConforming, match="it takes the dialect: linalg lowers to linalg, it takes"):
        check_executor("tosa-reference", "linalg")


def test_an_unknown_plugin_is_an_error_of_its_user() -> None:
    with pytest.raises(UnknownName, match="unknown backend 'linagl'"):
        check_backend("linagl")
    with pytest.raises(UnknownName, match="unknown executor 'lvm-jit'"):
        check_executor("lvm-jit", "linalg")
