"""A plugin with a fault around it, as a plugin of its own; and a folder that declares such plugins.

What a `FaultyBackend` lowers is what the plugin lowers, but for the fault. Faults of an executor are named by the
dialect: a `Redirected` backend hands the plugin's module to the `FaultyExecutor`. A `FaultyFrontend` has the fault as
it enters a stage, or changes the contract that the plugin makes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from harness.cases.road import EXPORT
from harness.programs import plugins
from harness.programs.protocols import (
    Contract,
    ContractBroken,
    Enter,
    Executable,
    Lowered,
    NotExpressible,
    OutsideSpecification,
    Program,
    Refused,
)
from harness.records.outcome import Stage
from harness.running import worker

from .distribution import declare
from .faults import DEATHS, LIES, REASONS
from .samples import RUBBISH, SUBJECTS

NOBODY = "miniature-of-nobody"
"""A dialect that no executor takes."""
_MODULE = "opcov_faulty"
_WITH = " with "
"""Stands between a dialect and a fault."""


def named(plugin: str, fault: str, stage: str) -> str:
    """The name of the plugin with this fault."""
    return f"{plugin}-{fault}-{stage}".replace("_", "-")


class FaultyBackend:
    """The backend `base` with a fault at a stage: "lower" or "verify"."""

    def __init__(self, base: str, fault: str, stage: str) -> None:
        self._base = plugins.backend(base)()
        self.name = named(base, fault, stage)
        self._fault, self._stage = fault, stage
        self.starts = getattr(self._base, "starts", "contract")

    def lower(self, contract: Contract) -> Lowered:
        """Lower as the base does, then have the fault; raises Refused."""
        if self._fault == "reject":
            raise Refused("error: a miniature says no", next(iter(contract.reached), None))
        if self._fault == "lower_another":
            return self._another(contract)
        lowered: Lowered = self._base.lower(contract)
        if self._fault == "speak_to_nobody":
            return replace(lowered, dialect=NOBODY)
        if self._stage == "lower":
            DEATHS[self._fault]()
        return lowered

    def verify(self, lowered: Lowered) -> None:
        """Verify as the base does, then have the fault; raises ContractBroken."""
        if lowered.dialect == NOBODY:
            return
        self._base.verify(lowered)
        if self._fault == "break_the_contract":
            raise ContractBroken("a miniature breaks its contract")
        if self._fault == "leave_the_specification":
            raise OutsideSpecification("a miniature forbids it")
        if self._stage == "verify":
            DEATHS[self._fault]()

    def _another(self, contract: Contract) -> Lowered:
        """What the base makes of the contract with another op in the place of its own; raises Refused."""
        for ours in contract.reached:
            for other in (f"torch.{op.removesuffix('.default')}" for op in SUBJECTS):
                if other != ours:
                    ir = contract.ir.replace(f"{ours} ", f"{other} ")
                    with suppress(Refused):
                        found: Lowered = self._base.lower(replace(contract, ir=ir, reached=(other,)))
                        return found
        raise Refused("error: the backend takes no other op", None)


class Redirected:
    """The backend `base`, whose modules go to the executor with this fault."""

    def __init__(self, base: str, executor: str, fault: str) -> None:
        self._base = plugins.backend(base)()
        self.name = named(executor, fault, "execute")
        self._fault = fault
        self.starts = getattr(self._base, "starts", "contract")

    def lower(self, contract: Contract) -> Lowered:
        """Lower as the base does; the name of the dialect then tells the fault, too."""
        lowered: Lowered = self._base.lower(contract)
        return replace(lowered, dialect=f"{lowered.dialect}{_WITH}{self._fault}")

    def verify(self, lowered: Lowered) -> None:
        """Verify as the base does."""
        self._base.verify(replace(lowered, dialect=lowered.dialect.partition(_WITH)[0]))


class FaultyExecutor:
    """The executor `base` with the fault that the name of the dialect tells."""

    def __init__(self, base: str) -> None:
        self._base = plugins.executor(base)()
        self.name = f"{base}-faulty"
        self.dialects = frozenset(f"{dialect}{_WITH}{f}" for dialect in self._base.dialects for f in (*DEATHS, *LIES))
        self.isolated = getattr(self._base, "isolated", False)
        self.reusable = getattr(self._base, "reusable", False)

    def compile(self, lowered: Lowered) -> Executable:
        """Compile as the base does; the executable has the fault."""
        dialect, _, fault = lowered.dialect.partition(_WITH)
        run: Executable = self._base.compile(replace(lowered, dialect=dialect))
        first: list[list[Any]] = []

        def faulty(inputs: Sequence[Any]) -> list[Any]:
            if fault in DEATHS:
                DEATHS[fault]()
            if not first:
                first.append([t.clone() for t in run(lowered.program.args or inputs)])
            return LIES[fault]([t.clone() for t in run(inputs)], first[0])

        return faulty


class _Cut(BaseException):
    """Takes an exception out of a plugin, past its handlers: as if the plugin itself had raised it."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


class FaultyFrontend:
    """The frontend `base` with a fault at a stage: "export", "import" or "contract"."""

    def __init__(self, base: str, fault: str, stage: Stage) -> None:
        self._base = worker.frontend()[0] if base == EXPORT else plugins.frontend(base)
        self.name = named(base, fault, stage)
        self._fault, self._stage = fault, stage

    def run(self, program: Program, enter: Enter) -> Contract:
        """Do as the base does, but for the fault; raises NotExpressible."""

        def entered(stage: Stage) -> None:
            enter(stage)
            if stage == self._stage:
                self._act()

        try:
            contract: Contract = self._base.run(program, entered)
        except _Cut as cut:
            raise cut.error from None
        return self._changed(program, contract)

    def _act(self) -> None:
        """Have the fault, if it is one of a stage; raises _Cut with what the fault raises."""
        try:
            if self._fault in REASONS:
                raise NotExpressible(self._stage, REASONS[self._fault])
            if self._fault in DEATHS:
                DEATHS[self._fault]()
        except Exception as error:
            raise _Cut(error.with_traceback(None)) from None

    def _changed(self, program: Program, contract: Contract) -> Contract:
        """The contract, changed if the fault is a lie about it."""
        match self._fault:
            case "hand_over_no_ir":
                return replace(contract, ir=RUBBISH)
            case "hand_over_another":
                return replace(
                    contract, ir=contract.ir.replace(f"torch.{_stem(program.op)} ", f"torch.{_other(program.op)} ")
                )
            case "hand_over_static":
                static: Contract = self._base.run(replace(program, dynamic_shapes=None), lambda stage: None)
                return replace(contract, ir=static.ir, program=static.program)
            case "export_another":
                return replace(contract, exported=(f"{_other(program.op)}.default",))
            case "decompose_wrongly":
                return replace(contract, decomposes=True, decomposed=lambda: _lying(program))
            case _:
                return contract


def _stem(op: str) -> str:
    return op.removesuffix(".default")


def _other(op: str) -> str:
    """A subject that is not this op, without the name of its overload."""
    return next(_stem(other) for other in SUBJECTS if other != op)


def _lying(program: Program) -> Executable:
    def run(inputs: Sequence[Any]) -> list[Any]:
        return LIES["lie_in_value"]([program.module(*inputs).clone()], [])

    return run


# their declaration ----------------------------------------------------------------------------------------------------

Declared = Mapping[str, Mapping[str, str]]
"""By group and name, the expression that makes a plugin."""


def of_backend(backend: str, faults: Iterable[tuple[str, str]]) -> Declared:
    """The backend with each fault and stage."""
    return {plugins.BACKENDS: {named(backend, *fault): f"FaultyBackend({backend!r}, *{fault!r})" for fault in faults}}


def of_executor(executor: str, backend: str, faults: Iterable[tuple[str, str]]) -> Declared:
    """The executor with every fault, and the backend redirected to each of these."""
    made = {named(executor, *fault): f"Redirected({backend!r}, {executor!r}, {fault[0]!r})" for fault in faults}
    return {plugins.BACKENDS: made, plugins.EXECUTORS: {f"{executor}-faulty": f"FaultyExecutor({executor!r})"}}


def of_frontend(frontend: str, faults: Iterable[tuple[str, str]]) -> Declared:
    """The frontend with each fault and stage."""
    return {
        plugins.FRONTENDS: {named(frontend, *fault): f"FaultyFrontend({frontend!r}, *{fault!r})" for fault in faults}
    }


@contextmanager
def installed(declared: Declared) -> Iterator[None]:
    """Put these plugins on Python's path meanwhile."""
    lines = [f"from {__name__} import FaultyBackend, FaultyExecutor, FaultyFrontend, Redirected"]
    groups: dict[str, dict[str, str]] = {}
    for group, made in declared.items():
        for name, expression in made.items():
            groups.setdefault(group, {})[name] = f"{_MODULE}:plugin_{len(lines)}"
            lines.append(f"plugin_{len(lines)} = lambda: {expression}")
    with TemporaryDirectory(prefix="opcov-faulty-") as text:
        folder = declare(Path(text), _MODULE, groups)
        (folder / f"{_MODULE}.py").write_text("\n".join(lines) + "\n", encoding="utf-8")
        sys.path.insert(0, text)
        try:
            yield
        finally:
            sys.path.remove(text)
