"""Small samples that the tests share, made by hand."""

from __future__ import annotations

from typing import Any

from harness.cases.sample import Fill, Mode, Sample, TensorSpec


def relu(*dims: int | str, dtype: str = "f32", seed: int = 0, **fill: Any) -> Sample:
    """A static `aten.relu.default`, of three elements unless dims are given."""
    spec = TensorSpec(dims=dims or (3,), dtype=dtype, fill=Fill(**fill), seed=seed)
    return Sample(op="aten.relu.default", dtype=dtype, mode="static", sizes={}, args={"self": spec}, runs=({},))


def dynamic(op: str, *runs: int, dtype: str = "f32", mode: Mode = "dynamic", **args: Any) -> Sample:
    """A dynamic sample of a unary op on one dim `n`, exported at size 4, run there and at these sizes."""
    spec = TensorSpec(dims=("n",), dtype=dtype)
    sizes = ({"n": 4}, *({"n": n} for n in runs))
    return Sample(op=op, dtype=dtype, mode=mode, sizes=sizes[0], args={"self": spec} | args, dynamic=("n",), runs=sizes)
