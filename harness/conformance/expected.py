"""What outcome each miniature fault must become, as short text: the name of the outcome, and what tells it apart."""

from __future__ import annotations

from collections.abc import Mapping

from harness.records.outcome import SHARED, Crashed, Outcome, TimedOut, Wrong

from .faults import DEATHS

BLOCKING = ("hang", "spin")
"""The deaths that do not come."""
OTHERS = ("lower_another", "hand_over_another")
"""The lies of which the backend has to take another op."""
OWN = ("decompose_wrongly",)
"""The faults that show in the frontend's own column."""
_SIGNS = {
    "segfault": "SIGSEGV",
    "abort": "SIGABRT",
    "leave": "exit 3",
    "fail": "exception ValueError",
    "hog": "memory limit",
    "hog_natively": "SIGABRT (memory limit)",
    "complain": "SIGABRT",
}
_LIES = {
    "right": "Passed",
    "lie_in_value": "Wrong: value",
    "lie_in_shape": "Wrong: shape",
    "size_below_zero": "Wrong: shape",
    "lie_in_dtype": "Wrong: dtype",
    "drop_nan": "Wrong: non-finite",
    "inject_nan": "Wrong: non-finite",
    "lie_in_arity": "Wrong: arity",
    "specialize": "Wrong: specialized",
    "refuse": "NotExecuted",
}
_MIXED = frozenset(("hog", "fail"))
"""The deaths that are an exception: a fork hands it to whoever waits for it."""


def told(outcome: Outcome) -> str:
    """The outcome, as the expectations below spell it."""
    match outcome:
        case Crashed(stage=stage, signal=signal):
            return f"Crashed at {stage}: {signal}"
        case TimedOut(stage=stage):
            return f"TimedOut at {stage}"
        case Wrong(kind=kind):
            return f"Wrong: {kind}"
        case _:
            return type(outcome).__name__


def _deaths(stage: str) -> Mapping[str, str]:
    return {
        name: f"TimedOut at {stage}" if name in BLOCKING else f"Crashed at {stage}: {_SIGNS[name]}" for name in DEATHS
    }


def of_backend() -> Mapping[tuple[str, str], str]:
    """By fault and stage, what becomes of a backend that has it."""
    found = {(name, stage): text for stage in ("lower", "verify") for name, text in _deaths(stage).items()}
    return found | {
        ("reject", "lower"): "Unsupported",
        ("lower_another", "lower"): "Wrong: value",
        ("speak_to_nobody", "lower"): "NotExecuted",
        ("break_the_contract", "verify"): "Invalid",
        ("leave_the_specification", "verify"): "Invalid",
    }


def of_frontend() -> Mapping[tuple[str, str], str]:
    """By fault and stage, what becomes of a program on the way of a frontend that has it.

    IR that is no IR, or that of another program, shows on the backend behind it; that torch's decomposition is wrong
    shows in the frontend's own column.
    """
    found: dict[tuple[str, str], str] = {
        (name, stage): text for stage in SHARED for name, text in _deaths(stage).items()
    }
    found |= {("fail", stage): "HarnessError" for stage in SHARED}
    found |= {("reject", stage): "NotExported" if stage == "export" else "Unsupported" for stage in SHARED}
    return found | {
        ("make_no_valid_ir", "import"): "Invalid",
        ("make_no_valid_ir", "contract"): "Invalid",
        ("hand_over_no_ir", "contract"): "Unsupported",
        ("hand_over_another", "contract"): "Wrong: value",
        ("hand_over_static", "contract"): "Wrong: specialized",
        ("export_another", "export"): "HarnessError",
        ("decompose_wrongly", "export"): "NotExported",
    }


def of_executor(*, isolated: bool) -> Mapping[tuple[str, str], str]:
    """By fault and stage, what becomes of a module that an executor with this fault runs.

    The death of an `isolated` executor says no more than that it cannot run the module.
    """
    deaths = {**_deaths("execute"), "fail": "HarnessError"}
    if isolated:
        deaths |= dict.fromkeys(set(deaths) - _MIXED, "NotExecuted")
    return {(name, "execute"): text for name, text in {**deaths, **_LIES}.items()}
