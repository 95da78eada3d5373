"""Compare an executor's results with the reference: how many there are, each shape and dtype, then every element."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch

from harness.cases.case import OpCase
from harness.cases.numeric import Distribution, ShapeOnly
from harness.programs.protocols import ImpossibleShape
from harness.records.outcome import Wrong, WrongKind

from .reference import Run
from .tolerance import Bounded

_SIGNLESS = {torch.uint8: torch.int8, torch.uint16: torch.int16, torch.uint32: torch.int32, torch.uint64: torch.int64}


def compare(
    actual: Sequence[torch.Tensor], run: Run, first: Run, case: OpCase, executor: str, dialect: str = ""
) -> float | Wrong:
    """Return the worst error as a share of its bound, in [0, 1], or the first thing that is wrong.

    `actual` are the executor's results at the sizes of `run`; `first` is the run at the sizes of export, whose shapes
    tell a result that kept the exported shape ("specialized") from any other wrong shape. The case's `canonical` is
    applied to the results, as it was to the reference. Where the specification of `dialect` promises an accuracy, that
    is the bound. Outputs that the case lists in `unjudged` are compared in shape and dtype only; those in `misshapen`
    only have to be there.
    """
    sizes = run.sizes
    if len(actual) != len(run.outputs):
        text = f"{len(actual)} results, but should be {len(run.outputs)}"
        return Wrong("arity", text, 0, executor, sizes=sizes)
    for i, (got, want) in enumerate(zip(actual, run.outputs, strict=True)):
        if i in case.misshapen:
            continue
        if wrong := _structure(i, got, want.eager, first.outputs[i].eager, run, executor):
            return wrong
    results = judged(actual, run, case)
    worst = 0.0
    for i, (got, want) in enumerate(zip(results, run.outputs, strict=True)):
        if i in case.unjudged or i in case.misshapen:
            continue
        share = _values(i, got, want, run, executor, dialect)
        if isinstance(share, Wrong):
            return share
        worst = max(worst, share)
    return worst


def impossible(error: ImpossibleShape, executor: str, sizes: Mapping[str, int]) -> Wrong:
    """Return what is wrong with a result whose shape no tensor has; `sizes` are those of the run."""
    return Wrong("shape", str(error), error.output, executor, sizes=sizes)


def judged(actual: Sequence[torch.Tensor], run: Run, case: OpCase) -> Sequence[torch.Tensor]:
    """Return the results as they are compared: integers signed as eager's, then all in the case's canonical form."""
    results = [_signed_like(a, w.eager.dtype) for a, w in zip(actual, run.outputs, strict=True)]
    return case.canonical(results) if case.canonical else results


def _structure(
    i: int, got: torch.Tensor, want: torch.Tensor, exported: torch.Tensor, run: Run, executor: str
) -> Wrong | None:
    if got.shape != want.shape:
        stuck = got.shape == exported.shape
        kind: WrongKind = "specialized" if stuck else "shape"
        text = f"out[{i}].shape={list(got.shape)}, but should be {list(want.shape)}"
        return Wrong(kind, text + (" (the shape at export)" if stuck else ""), i, executor, sizes=run.sizes)
    if got.dtype not in (want.dtype, _SIGNLESS.get(want.dtype)):
        text = f"out[{i}].dtype={_name(got.dtype)}, but should be {_name(want.dtype)}"
        return Wrong("dtype", text, i, executor, sizes=run.sizes)
    return None


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _signed_like(got: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """The tensor with its bits read as eager's dtype, if that has the same width: MLIR's integers are signless."""
    return got.view(dtype) if got.dtype != dtype and got.element_size() == dtype.itemsize else got


def right(got: torch.Tensor, want: Bounded, dialect: str) -> torch.Tensor:
    """Return a bool tensor that says which elements are right; `got` has the shape and dtype of the reference.

    Where the comparison is exact, an element is right if it equals eager's. Otherwise it is right if it is within the
    dialect's bound of the float64 reference, if it is NaN or infinite as eager's result or the rounded reference is, or
    if it is not finite, or eager's, and the reference may overflow there (`Bounded.overflows`).
    """
    bound = want.within(dialect)
    if bound is None:
        return same(got, want.eager)
    assert want.wide is not None and want.overflows is not None
    rounded = want.wide.to(got.dtype)  # an infinity where the dtype overflows
    agrees = _same_nonfinite(got, want.eager) | _same_nonfinite(got, rounded)
    overflowed = want.overflows & (~got.isfinite() | (got == want.eager))
    return _within(got, want.wide, (got.to(want.wide.dtype) - want.wide).abs(), bound) | agrees | overflowed


def same(got: torch.Tensor, want: torch.Tensor) -> torch.Tensor:
    """Return where two tensors of one shape are equal; any NaN equals any other NaN."""
    equal = got == want
    # isnan has no kernel for quantized tensors, and they hold no NaN
    return equal if got.is_quantized else equal | (got.isnan() & want.isnan())


def _within(got: torch.Tensor, wide: torch.Tensor | None, error: torch.Tensor, bound: torch.Tensor) -> torch.Tensor:
    assert wide is not None
    return got.isfinite() & wide.isfinite() & (error <= bound)


def _values(i: int, got: torch.Tensor, want: Bounded, run: Run, executor: str, dialect: str) -> float | Wrong:
    match want.numeric:
        case ShapeOnly():
            return 0.0
        case Distribution():
            return _distribution(i, got, want.numeric, run, executor)
        case _:
            return _elements(i, got, want, run, executor, dialect)


def _elements(i: int, got: torch.Tensor, want: Bounded, run: Run, executor: str, dialect: str) -> float | Wrong:
    bound = want.within(dialect)
    if bound is None and bool((got == want.eager).all()):
        return 0.0  # as most results are; the rest finds out what is wrong, and where
    error = None if want.wide is None or bound is None else (got.to(want.wide.dtype) - want.wide).abs()
    if error is not None and bound is not None and bool(_within(got, want.wide, error, bound).all()):
        return _largest_share(error, bound)
    bad = ~right(got, want, dialect)
    if bool(bad.any()):
        kind: WrongKind = "non-finite" if _only_nonfinite(bad, got, want.eager) else "value"
        return _wrong_elements(i, kind, bad, got, want.eager, error, bound, run, executor)
    if error is None or bound is None:
        return 0.0
    return _largest_share(torch.where(_within(got, want.wide, error, bound), error, 0.0), bound)


def _largest_share(error: torch.Tensor, bound: torch.Tensor) -> float:
    """The largest error as a share of its bound; 0 where there are no elements."""
    return float((error / bound).nan_to_num(0.0).max()) if error.numel() else 0.0


def _only_nonfinite(bad: torch.Tensor, got: torch.Tensor, want: torch.Tensor) -> bool:
    floating = want.is_floating_point() or want.is_complex()
    return floating and not bool((bad & got.isfinite() & want.isfinite()).any())


def _same_nonfinite(got: torch.Tensor, want: torch.Tensor) -> torch.Tensor:
    """Where both are NaN or the same infinity; for complex numbers, where neither is finite.

    C99 annex G leaves open which of a complex number's parts are infinite and which are NaN.
    """
    if got.is_complex():
        return ~got.isfinite() & ~want.isfinite()
    return (got.isnan() & want.isnan()) | (got.isinf() & (got == want))


def _wrong_elements(
    i: int,
    kind: WrongKind,
    bad: torch.Tensor,
    got: torch.Tensor,
    want: torch.Tensor,
    error: torch.Tensor | None,
    bound: torch.Tensor | None,
    run: Run,
    executor: str,
) -> Wrong:
    """The verdict on an output of which the elements in `bad` are wrong; it shows the worst of them."""
    share = (
        torch.where(bad, error / bound, -1.0).nan_to_num(math.inf, math.inf)
        if error is not None and bound is not None
        else bad.double()
    )
    flat = int(share.reshape(-1).argmax())
    where = tuple(int(x) for x in torch.unravel_index(torch.tensor(flat), bad.shape)) if bad.dim() else ()
    expected, actual = (str(t.reshape(-1)[flat].item()) for t in (want, got))
    at = f"out[{i}]{list(where)}" if where else f"out[{i}]"
    off = None if error is None else float(error.reshape(-1)[flat])
    limit = None if bound is None else float(bound.reshape(-1)[flat])
    text = f"{at}={actual}, but should be {expected}"
    if off is not None and limit is not None and math.isfinite(off):
        text += f" (error {off:.3g}, bound {limit:.3g})"
    return Wrong(
        kind=kind,
        message=f"{text}; {int(bad.sum())} of {bad.numel()} elements",
        output=i,
        executor=executor,
        element=where,
        expected=expected,
        actual=actual,
        error=off if off is None or math.isfinite(off) else None,
        bound=limit if limit is None or math.isfinite(limit) else None,
        count=int(bad.sum()),
        of=bad.numel(),
        sizes=run.sizes,
    )


def _distribution(i: int, got: torch.Tensor, law: Distribution, run: Run, executor: str) -> float | Wrong:
    """Compare random values with their law: every element's range, then, of 32 or more, mean and standard deviation.

    Both must be within `sigmas` standard errors of the law's.
    """
    x = got.double()
    outside = ~((x >= law.low) & (x <= law.high))
    if bool(outside.any()):
        value = float(x[outside].reshape(-1)[0])
        text = f"out[{i}] has {value:g}, outside [{law.low:g}, {law.high:g}]"
        return Wrong("value", text, i, executor, count=int(outside.sum()), of=x.numel(), sizes=run.sizes)
    n = x.numel()
    if n < 32 or law.std == 0:
        return 0.0
    mean = abs(float(x.mean()) - law.mean) / (law.std / math.sqrt(n))
    spread = abs(float(x.std()) - law.std) / (law.std / math.sqrt(n))  # holds for a kurtosis of up to 5
    share = max(mean, spread) / law.sigmas
    if share <= 1:
        return share
    which, value, wanted = ("mean", float(x.mean()), law.mean) if mean > spread else ("std", float(x.std()), law.std)
    text = f"out[{i}].{which}()={value:.4g} over {n} elements, but should be {wanted:.4g}"
    return Wrong("value", text, i, executor, count=n, of=n, sizes=run.sizes)
