"""Twenty programs are tried where two versions have to agree: most of them must."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from harness.errors import BadCompiler, Exit
from harness.programs.protocols import CompilerDied, Contract, Enter, Lowered, NotExpressible, Program, VersionSkew
from harness.running import trial, worker

SKEW = "torch-mlir-opt cannot parse what the importer wrote: line 3, unknown op: %1 = torch.aten.new"


@dataclass
class Scripted:
    """A frontend that raises one error after the other, and then none."""

    errors: Iterator[Exception]
    name: str = "scripted"
    runs: int = 0

    def run(self, program: Program, enter: Enter) -> Contract:
        self.runs += 1
        if error := next(self.errors, None):
            raise error
        return Contract(program=program, ir="", exported=(), reached=())


@dataclass
class Crossing:
    """A backend whose IR the other version cannot parse."""

    name: str = "linalg"
    seen: list[str] = field(default_factory=list)

    def lower(self, contract: Contract) -> Lowered:
        return Lowered(dialect="linalg", ir="", program=contract.program)

    def verify(self, lowered: Lowered) -> None:
        raise VersionSkew(SKEW)


def tried(*errors: Exception) -> Scripted:
    frontend = Scripted(iter(errors))
    trial.check_crossing(trial.samples(worker.case), frontend, [])
    return frontend


def test_there_are_twenty_programs() -> None:
    found = trial.samples(worker.case)
    assert len({sample.id for sample in found}) == 20
    assert {sample.mode for sample in found} == {"static", "dynamic"}


def test_few_that_do_not_cross_are_told_by_their_samples() -> None:
    assert tried(*[VersionSkew(SKEW)] * 10).runs == 20


def test_most_that_do_not_cross_are_an_error_of_one_line() -> None:
    with pytest.raises(
        BadCompiler, match=r"^11 of 20 programs do not cross .*: torch-mlir-opt cannot .*line 3"
    ) as raised:
        tried(*[VersionSkew(SKEW)] * 11)
    assert raised.value.code == Exit.ENVIRONMENT
    assert "\n" not in str(raised.value)


def test_what_is_lowered_has_to_cross_too() -> None:
    with pytest.raises(BadCompiler, match="20 of 20"):
        trial.check_crossing(trial.samples(worker.case), Scripted(iter(())), [Crossing()])


def test_what_is_refused_or_dies_has_crossed() -> None:
    tried(*[NotExpressible("contract", "no")] * 10, *[CompilerDied("SIGSEGV")] * 10)


def test_it_ends_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trial, "LONGEST", 0.0)
    assert tried(VersionSkew(SKEW)).runs == 0
