"""Calls with two dtypes that eager promotes, which the nightly alone has room for: a file a family, as JSON lines."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import count, groupby
from pathlib import Path
from typing import Any

from harness.errors import BadSample

from .dtypes import DTYPES
from .picks_file import parsed
from .sample import Arg, Sample, TensorSpec, from_json, map_leaves, tensors, to_json


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """A sample whose tensor of this index, in the order of arguments, is to have each of these dtypes."""

    sample: Sample
    tensor: int
    dtypes: tuple[str, ...]

    def samples(self) -> Iterator[Sample]:
        """The sample with each dtype."""
        return (with_dtype(self.sample, self.tensor, dtype) for dtype in self.dtypes)


def with_dtype(sample: Sample, index: int, dtype: str) -> Sample:
    """The sample with another dtype for its tensor of this index."""
    seen = count()

    def leaf(arg: Arg) -> Arg:
        if isinstance(arg, TensorSpec) and next(seen) == index:
            return replace(arg, dtype=dtype)
        return arg

    return replace(sample, args={name: map_leaves(arg, leaf) for name, arg in sample.args.items()})


def read(path: Path) -> Mapping[str, tuple[Promotion, ...]]:
    """The promotions of a family by op, none where there is no file; raises BadSample with file and line."""
    ordered = groupby(parsed(path, _from_json), key=lambda found: found.sample.op)
    return {op: tuple(found) for op, found in ordered}


def _from_json(data: Mapping[str, Any]) -> Promotion:
    found = Promotion(sample=from_json(data["sample"]), tensor=data["tensor"], dtypes=tuple(data["dtypes"]))
    if found.tensor not in range(len(tensors(found.sample.args))) or not set(found.dtypes) <= set(DTYPES):
        raise BadSample("it has no such tensor, or there is no such dtype")
    return found


def text(promotions: Iterable[Promotion]) -> str:
    """The lines of a file, by op and dtype."""
    lines = ((p.sample.op, p.sample.dtype, json.dumps(_to_json(p), separators=(",", ":"))) for p in promotions)
    return "".join(f"{line}\n" for _, _, line in sorted(lines))


def _to_json(promotion: Promotion) -> dict[str, Any]:
    return {"tensor": promotion.tensor, "dtypes": list(promotion.dtypes), "sample": to_json(promotion.sample)}
