"""What the registry is measured against: sets of overloads, computed from the installed torch and torch-mlir."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Denominator:
    """A set of overloads, and which of them the registry has."""

    name: str
    meaning: str
    covered: tuple[str, ...]
    missing: tuple[str, ...]

    @property
    def total(self) -> int:
        """How many overloads there are."""
        return len(self.covered) + len(self.missing)


def denominators(registry: Collection[str], declared: Collection[str]) -> tuple[Denominator, ...]:
    """`core` and `dialect`, given the registry's ops and those that the torch dialect declares."""
    sets: Mapping[str, tuple[str, frozenset[str]]] = {
        "core": ("ATen overloads that carry torch.Tag.core", core()),
        "dialect": (
            "functional overloads returning a tensor that the torch dialect declares",
            frozenset(op for op in declared if functional(op)),
        ),
    }
    return tuple(
        Denominator(
            name=name,
            meaning=meaning,
            covered=tuple(sorted(ops & set(registry))),
            missing=tuple(sorted(ops - set(registry))),
        )
        for name, (meaning, ops) in sets.items()
    )


def core() -> frozenset[str]:
    """Every ATen overload tagged `torch.Tag.core`, those that torch loads only when asked for included."""
    import torch

    from .program import overload

    names = (name.removeprefix("aten::") for name in torch._C._dispatch_get_all_op_names() if name.startswith("aten::"))
    ops = (f"aten.{name}" if "." in name else f"aten.{name}.default" for name in names)
    return frozenset(op for op in ops if torch.Tag.core in overload(op).tags)


def functional(op: str) -> bool:
    """Whether an overload exists, writes to no argument and returns at least one tensor."""
    from .errors import UnknownName
    from .program import overload

    try:
        schema = overload(op)._schema
    except UnknownName:
        return False
    returns_tensor = any("Tensor" in str(r.type) for r in schema.returns)
    return returns_tensor and not schema.is_mutable
