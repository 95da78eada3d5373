"""The road that a program travels before any backend sees it, and the text by which cells and journals name it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, cast, get_args

Transform = Literal["none", "vjp", "jvp", "vmap"]
TRANSFORMS: tuple[Transform, ...] = get_args(Transform)
Level = Literal["torch-mlir", "core-aten", "prims", "none"]
LEVELS: tuple[Level, ...] = get_args(Level)
EXPORT = "export"
"""The name of the built-in frontend: `torch.export` and torch-mlir's FX importer."""
_LEGAL = "legal+"


@dataclass(frozen=True, slots=True)
class Road:
    """How a program comes from eager PyTorch to the backend contract.

    - `frontend`: what traces and imports it: `export`, or the name of a plugin.
    - `transform`: what is applied to it, and to its reference: `vjp`, `jvp`, `vmap`, or `none`.
    - `level`: which decompositions it goes through: those of `torch-mlir`, PyTorch's table of `core-aten`, the
      references down to `prims`, or `none`, which leaves composite ops whole.
    - `legal`: the ops, such as `aten.gelu`, that torch-mlir's contract pipeline must not decompose, sorted.
    """

    frontend: str = EXPORT
    transform: Transform = "none"
    level: Level = "torch-mlir"
    legal: tuple[str, ...] = ()

    def __str__(self) -> str:
        """What differs from the default road, such as `dynamo-vmap-prims-legal+aten.gelu`; empty if nothing does."""
        return "-".join(self.parts)

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts of its text: what differs from the default road."""
        said = (
            self.frontend if self.frontend != EXPORT else "",
            self.transform if self.transform != "none" else "",
            self.level if self.level != "torch-mlir" else "",
            _LEGAL + "+".join(self.legal) if self.legal else "",
        )
        return tuple(filter(None, said))

    @property
    def facts(self) -> Mapping[str, Sequence[str]]:
        """The values of a query's fields."""
        return {
            "frontend": (self.frontend,),
            "transform": (self.transform,),
            "level": (self.level,),
            "legal": self.legal,
        }


DEFAULT = Road()
FIELDS = tuple(DEFAULT.facts)
"""The fields of a query that a road has."""


def road(text: str) -> Road:
    """The road of a text that `str` made; empty for the default one."""
    rest, legal = _before(text, _LEGAL)
    rest, level = _last(rest, LEVELS[1:])
    frontend, transform = _last(rest, TRANSFORMS[1:])
    return Road(
        frontend or EXPORT,
        cast(Transform, transform or "none"),
        cast(Level, level or "torch-mlir"),
        tuple(filter(None, legal.split("+"))),
    )


def _before(text: str, mark: str) -> tuple[str, str]:
    rest, _, found = text.partition(mark)
    return rest.removesuffix("-"), found


def _last(text: str, names: Iterable[str]) -> tuple[str, str]:
    """The text without its last part, and that part, if it is one of the names."""
    found = next((name for name in names if text == name or text.endswith(f"-{name}")), "")
    return text.removesuffix(found).removesuffix("-"), found


def is_sayable(frontend: str) -> bool:
    """Whether a frontend of this name can be told from the other parts of a road's text."""
    return road(frontend) == Road(frontend) and bool(frontend) and "[" not in frontend


def full_mode(mode: str, by: Road) -> str:
    """The mode with the road, as cells, columns and baselines name the two: `dynamic`, `dynamic-dynamo-vmap`."""
    return f"{mode}-{by}" if by != DEFAULT else mode


def split_mode(full: str) -> tuple[str, Road]:
    """The inverse of `full_mode`."""
    mode, _, text = full.partition("-")
    return mode, road(text)
