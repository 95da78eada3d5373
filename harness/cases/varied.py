"""What a transform varies of a sample: which arguments, along which dim, with which seed."""

from __future__ import annotations

import itertools
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from itertools import islice
from typing import Any, Literal, get_args

Randomness = Literal["error", "different", "same"]
RANDOMNESS: tuple[Randomness, ...] = get_args(Randomness)


@dataclass(frozen=True, slots=True, kw_only=True)
class Varied:
    """What a transform does with a sample.

    - `tensors`: by their places among the sample's tensors, those that are differentiated or mapped over.
    - `batch`: the sizes of the dims that vmap maps over, from the outside: two where vmap is applied to vmap.
    - `last`: these are the last dims, not the first.
    - `randomness`: what vmap makes of random ops, as `torch.func.vmap` takes it.
    - `seed`: of the cotangents of vjp, and the tangents of jvp.
    """

    tensors: tuple[int, ...]
    batch: tuple[int, ...] = ()
    last: bool = False
    randomness: Randomness = "error"
    seed: int = 0


def varied_json(varied: Varied) -> dict[str, Any]:
    """The fields that differ from their defaults, as JSON values."""
    defaults = {f.name: f.default for f in fields(Varied)}
    found = {name: value for name, value in asdict(varied).items() if value != defaults[name]}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in found.items()}


def varied_restore(data: Mapping[str, Any]) -> Varied:
    """The inverse of `varied_json`; raises TypeError, KeyError or ValueError."""
    lists = {name: tuple(map(int, data.get(name, ()))) for name in ("tensors", "batch")}
    found = Varied(**{**data, **lists})
    if found.randomness not in RANDOMNESS or not found.tensors:
        raise ValueError(f"bad {dict(data)}")
    return found


def derivatives(floating: Sequence[int]) -> Iterator[Varied]:
    """By all floating tensors together, then by each alone."""
    if floating:
        yield Varied(tensors=tuple(floating), seed=1)
    for place in floating if len(floating) > 1 else ():
        yield Varied(tensors=(place,), seed=1)


def mapped(count: int, sizes: Collection[int], randomness: Randomness) -> Iterator[Varied]:
    """Over all tensors, then over each alone, over the last dim of all, and nested.

    The dims that are mapped over have none of these sizes: torch takes two symbolic sizes that it compares, and that
    are equal by chance, for one.
    """
    every = tuple(range(count))
    if not count:
        return
    free = tuple(islice((size for size in itertools.count(2) if size not in sizes), 2))
    for tensors in (every, *((place,) for place in every if count > 1)):
        yield Varied(tensors=tensors, batch=free[:1], randomness=randomness)
    yield Varied(tensors=every, batch=free[:1], last=True, randomness=randomness)
    yield Varied(tensors=every, batch=free, randomness=randomness)
