"""What cutting a failing program has shown: which of its ops are at fault, and what the rest of it comes to.

Cutting takes one sample of each way of failing (`way`) of an op on a backend in a mode. *Alone* is the program of one
of its ops, fed with what the torch-dialect interpreter computes there. *Without* is the program with the results of
some ops given as arguments.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from .outcome import Outcome, detail, restore
from .signature import Signature, signature

Found = Literal["culprits", "composition", "not tried"]
FOUND: tuple[Found, ...] = get_args(Found)
Level = Literal["contract", "imported", "exported"]
LEVELS: tuple[Level, ...] = get_args(Level)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A program that was cut out and fails: `ir` is its text, `outcome` its end; `ops` are the ops that it holds.

    `numeric` says which bounds the results of a wrong one were held to; "" where no result was compared.
    """

    ops: tuple[str, ...]
    ir: str
    outcome: Outcome
    numeric: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """The cause of one way of failing of an op on a backend, or in the frontend, in one mode. A line of kind `cause`.

    - `op`, `family`, `backend`, `mode`: whose failure it is, the mode with the road; `id` is the sample that was cut.
    - `way`: what the samples that it stands for have in common.
    - `level`: the form of the program that was cut: IR in the backend contract, imported IR, the exported graph.
    - `found`: whether single ops are at fault, or only their composition, or why that is not known (`why`).
    - `culprits`: the ops at fault in the order of the program, such as `torch.aten.sort`; of a composition, the
      smallest group of ops that still fails.
    - `needs`: what the rest stops at next once the culprits are cut out, in the order found; empty if it passes.
    - `unlocks`: whether the rest passes with the culprits, and them alone, cut out.
    - `alone`: of each culprit, or of the composition, the cut program that fails.
    - `tried`: how many cut programs were run; `seconds` how long that took.
    """

    op: str
    family: str
    backend: str
    mode: str
    id: str
    way: Signature
    found: Found
    level: Level = "contract"
    culprits: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    unlocks: bool = False
    alone: tuple[Cut, ...] = ()
    why: str = ""
    tried: int = 0
    seconds: float = 0.0

    def explains(self, backend: str, mode: str, outcome: Outcome) -> bool:
        """Whether it is the cause of this outcome of a sample of the same op."""
        return (self.backend, self.mode) == (backend, mode) and signature(outcome, backend) == self.way


def cause_json(cause: Cause) -> dict[str, Any]:
    """The cause as the JSON object of its line."""
    values = {
        "op": cause.op,
        "family": cause.family,
        "backend": cause.backend,
        "mode": cause.mode,
        "id": cause.id,
        "way": asdict(cause.way),
        "found": cause.found,
        "level": cause.level,
        "tried": cause.tried,
        "seconds": round(cause.seconds, 3),
    }
    more = {
        "culprits": list(cause.culprits),
        "needs": list(cause.needs),
        "unlocks": cause.unlocks,
        "alone": [_cut_json(cut) for cut in cause.alone],
        "why": cause.why,
    }
    return {"kind": "cause", **values, **{key: value for key, value in more.items() if value}}


def _cut_json(cut: Cut) -> dict[str, Any]:
    end = {"outcome": type(cut.outcome).__name__, "stage": cut.outcome.stage, "detail": detail(cut.outcome)}
    return {"ops": list(cut.ops), "ir": cut.ir, **end} | ({"numeric": cut.numeric} if cut.numeric else {})


def cause_restore(line: Mapping[str, Any]) -> Cause:
    """The inverse of `cause_json`; raises KeyError or TypeError."""
    if line["found"] not in FOUND or line["level"] not in LEVELS:
        raise KeyError(f"{line['found']} {line['level']}")
    return Cause(
        **{key: line[key] for key in ("op", "family", "backend", "mode", "id", "found", "level", "tried", "seconds")},
        way=Signature(**line["way"]),
        culprits=tuple(line.get("culprits", ())),
        needs=tuple(line.get("needs", ())),
        unlocks=line.get("unlocks", False),
        alone=tuple(map(_cut_restore, line.get("alone", ()))),
        why=line.get("why", ""),
    )


def _cut_restore(line: Mapping[str, Any]) -> Cut:
    outcome = restore(line["outcome"], line["stage"], line["detail"])
    return Cut(ops=tuple(line["ops"]), ir=line["ir"], outcome=outcome, numeric=line.get("numeric", ""))
