"""The denominators of the registry: sets of overloads, computed from the installed torch and torch-mlir."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from typing import Any

MEANINGS = {
    "core": "ATen overloads that carry torch.Tag.core",
    "dialect": "functional overloads returning a tensor that the torch dialect declares",
    "opinfo": "functional ATen overloads returning a tensor that PyTorch's OpInfo samples call",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Denominator:
    """A set of overloads: those with a case, those excluded with a reason, and the others, which are missing."""

    name: str
    meaning: str
    covered: tuple[str, ...]
    excluded: Mapping[str, str]
    missing: tuple[str, ...]

    @property
    def total(self) -> int:
        """How many overloads there are."""
        return len(self.covered) + len(self.excluded) + len(self.missing)


@dataclass(frozen=True, slots=True, kw_only=True)
class Uncounted:
    """The overloads that the torch dialect declares and that the denominator `dialect` does not count.

    `mutating` maps each overload that writes to an argument to its functional form, or to None if torch has none.
    `tensorless` are the overloads that write to no argument and return no tensor.
    """

    mutating: Mapping[str, str | None]
    tensorless: tuple[str, ...]


def denominators(
    registry: Collection[str], excluded: Mapping[str, str], sets: Mapping[str, Collection[str]]
) -> tuple[Denominator, ...]:
    """Count the registry against sets of overloads, which have the names in `MEANINGS`.

    `registry` are the overloads with a case, `excluded` those without one and the reasons.
    """
    return tuple(
        Denominator(
            name=name,
            meaning=MEANINGS[name],
            covered=tuple(sorted(set(ops) & set(registry))),
            excluded={op: excluded[op] for op in sorted(ops) if op in excluded},
            missing=tuple(sorted(set(ops) - set(registry) - set(excluded))),
        )
        for name, ops in sets.items()
    )


def uncounted(declared: Collection[str]) -> Uncounted:
    """Find the declared overloads that the denominator `dialect` does not count; skip those that torch lacks."""
    from harness.programs.program import overload

    known = sorted(op for op in declared if _exists(op) and not functional(op))
    mutating = {op: functional_form(op) for op in known if overload(op)._schema.is_mutable}
    return Uncounted(mutating=mutating, tensorless=tuple(op for op in known if op not in mutating))


def core() -> frozenset[str]:
    """Every ATen overload tagged `torch.Tag.core`, including those that torch loads only on access."""
    import torch

    from harness.programs.program import overload

    names = (name.removeprefix("aten::") for name in torch._C._dispatch_get_all_op_names() if name.startswith("aten::"))
    ops = (f"aten.{name}" if "." in name else f"aten.{name}.default" for name in names)
    return frozenset(op for op in ops if torch.Tag.core in overload(op).tags)


def functional(op: str) -> bool:
    """Whether an overload exists, writes to no argument and returns at least one tensor."""
    from harness.programs.program import overload

    if not _exists(op):
        return False
    schema = overload(op)._schema
    returns_tensor = any("Tensor" in str(r.type) for r in schema.returns)
    return returns_tensor and not schema.is_mutable


def functional_form(op: str) -> str | None:
    """The overload that returns what a mutating overload writes: `aten.add.Tensor` for `aten.add_.Tensor`.

    It has the arguments of the mutating overload except those that are only written to (`out`). None if torch has no
    such overload.
    """
    import torch

    from harness.programs.program import overload

    namespace, name, _ = op.split(".")
    written = {a.name for a in overload(op)._schema.arguments if a.kwarg_only and a.alias_info is not None}
    wanted = [(a.name, str(a.type)) for a in overload(op)._schema.arguments if a.name not in written]
    for candidate in (name.removesuffix("_"), f"{name.removesuffix('_')}_functional"):
        packet = getattr(getattr(torch.ops, namespace), candidate, None)
        for kind in packet.overloads() if packet else ():
            form = f"{namespace}.{candidate}.{kind}"
            if functional(form) and [(a.name, str(a.type)) for a in overload(form)._schema.arguments] == wanted:
                return form
    return None


def _exists(op: str) -> bool:
    from harness.errors import UnknownName
    from harness.programs.program import overload

    try:
        overload(op)
    except UnknownName:
        return False
    return True


def figures(sets: Collection[Denominator]) -> dict[str, Any]:
    """The denominators as JSON values."""
    return {d.name: {key: value for key, value in asdict(d).items() if key != "name"} for d in sets}
