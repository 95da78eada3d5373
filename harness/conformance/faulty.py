"""A plugin with a fault around it, as a plugin of its own; and a folder that declares such plugins.

What a `FaultyBackend` lowers is what the plugin lowers, but for the fault. Faults of an executor are named by the
dialect: a `Redirected` backend hands the plugin's module to the `FaultyExecutor`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from harness.programs import plugins
from harness.programs.protocols import (
    Contract,
    ContractBroken,
    Executable,
    Lowered,
    OutsideSpecification,
    Refused,
)

from .distribution import declare
from .faults import DEATHS, LIES
from .samples import SUBJECTS

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


@contextmanager
def installed(
    backends: Iterable[tuple[str, str]], redirected: Iterable[str] = (), *, backend: str, executor: str = ""
) -> Iterator[list[str]]:
    """Put the faulty plugins on Python's path meanwhile; yield the names of the backends.

    They are the backend with each fault and stage of `backends`, or redirected to the executor with each fault of
    `redirected`.
    """
    made = {named(backend, *fault): f"FaultyBackend({backend!r}, *{fault!r})" for fault in backends}
    made |= {named(executor, f, "execute"): f"Redirected({backend!r}, {executor!r}, {f!r})" for f in redirected}
    lines = [f"from {__name__} import FaultyBackend, FaultyExecutor, Redirected"]
    lines += [f"plugin_{i} = lambda: {call}" for i, call in enumerate(made.values())]
    lines += [f"executor = lambda: FaultyExecutor({executor!r})"]
    groups = {"opcov.backends": {name: f"{_MODULE}:plugin_{i}" for i, name in enumerate(made)}}
    groups["opcov.executors"] = {f"{executor}-faulty": f"{_MODULE}:executor"} if executor else {}
    with TemporaryDirectory(prefix="opcov-faulty-") as text:
        folder = declare(Path(text), _MODULE, groups)
        (folder / f"{_MODULE}.py").write_text("\n".join(lines) + "\n", encoding="utf-8")
        sys.path.insert(0, text)
        try:
            yield list(made)
        finally:
            sys.path.remove(text)
