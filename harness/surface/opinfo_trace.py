"""`python -m harness.surface.opinfo_trace OUT`: run OpInfo's sample inputs and error inputs, record what they call.

Calls are recorded at the dispatch key where export records them, above autograd and before any decomposition:
`aten.conv2d.default`, not `aten.convolution.default`. The recorder poses as torch's `SchemaCheckMode`, the only mode
for that dispatch key that runs on real tensors (torch/_ops.py, `_set_mode_pre_dispatch`, torch 2.13).
"""

from __future__ import annotations

import base64
import json
import random
import sys
import warnings
import zlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch._dispatch.python import enable_python_dispatcher
from torch._subclasses.schema_check_mode import SchemaCheckMode
from torch.testing._internal.common_methods_invocations import op_db
from torch.utils._python_dispatch import TorchDispatchMode

from harness.cases.dtypes import BY_TORCH
from harness.cases.sample import Arg, DtypeArg, EnumArg, Fill, Origin, Sample, TensorSpec, to_json
from harness.cases.stratification import stratify
from harness.programs.elements import as_bytes

from .opinfo import PROGRESS

TRACED = ("f32", "f64", "bf16", "i64", "u8", "bool", "c64")
"""The dtypes in which the sample inputs are run."""
KEPT = 6
"""The most calls to keep of one overload and dtype, chosen so that each trait occurs."""
KEPT_REJECTED = 4
"""The same for calls that eager rejects."""
LARGEST = 4096
"""The most elements of a tensor that a sample holds."""


class Unholdable(Exception):
    """A call that no sample can hold; the message says why."""


class Recorder(SchemaCheckMode):
    """Gives each call to `note` before making it, and once more, with the error, if eager rejects it."""

    def __init__(self, note: Callable[[Any, Sequence[Any], dict[str, Any], Exception | None], None]) -> None:
        TorchDispatchMode.__init__(self, torch._C.DispatchKey.PreDispatch)  # type: ignore[no-untyped-call]
        self.note = note

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Note the call and make it."""
        kwargs = kwargs or {}
        self.note(func, args, kwargs, None)
        try:
            return func(*args, **kwargs)
        except Exception as error:
            self.note(func, args, kwargs, error)
            raise


class Collection:
    """The calls recorded so far, as samples.

    `sampled` has the calls of sample inputs, `rejected` the calls of error inputs that eager rejects: by overload and
    dtype, then by `Sample.program`, so that only the first call of a program is kept. `reached` and `skipped` are as in
    `opinfo.Trace`.
    """

    def __init__(self) -> None:
        self.reached: set[str] = set()
        self.skipped: Counter[str] = Counter()
        self.sampled: dict[tuple[str, str], dict[str, Sample]] = defaultdict(dict)
        self.rejected: dict[tuple[str, str], dict[str, Sample]] = defaultdict(dict)

    def note_for(self, dtype: str, *, expects_error: bool) -> Callable[..., None]:
        """The recorder's `note` while the inputs of an OpInfo entry are run.

        `dtype` is the dtype of the inputs; `expects_error` says that they are error inputs, of which only the calls
        that eager rejects are kept.
        """

        def note(func: Any, args: Sequence[Any], kwargs: dict[str, Any], error: Exception | None) -> None:
            if not isinstance(func, torch._ops.OpOverload) or func.namespace not in ("aten", "prims"):
                return
            if not expects_error:
                self.reached.add(str(func))
            if expects_error != (error is not None) or func._schema.is_mutable:
                return
            origin: Origin = "rejected" if expects_error else "opinfo"
            try:
                sample = to_sample(func, args, kwargs, dtype, origin)
            except Unholdable as reason:
                self.skipped[str(reason)] += 1
                return
            samples = self.rejected if expects_error else self.sampled
            samples[str(func), dtype].setdefault(sample.program, sample)

        return note

    def lines(self) -> Iterator[dict[str, Any]]:
        """The calls to keep as the trace's lines, those of sample inputs first."""
        for calls, most in ((self.sampled, KEPT), (self.rejected, KEPT_REJECTED)):
            for (op, dtype), samples in sorted(calls.items()):
                for sample in stratify(list(samples.values()), most):
                    yield {"op": op, "dtype": dtype, "sample": to_json(sample)}


def to_sample(func: Any, args: Sequence[Any], kwargs: dict[str, Any], dtype: str, origin: Origin) -> Sample:
    """The call as a static sample; raises Unholdable."""
    names = [argument.name for argument in func._schema.arguments]
    named = dict(zip(names, args, strict=False)) | kwargs
    values = {name: _arg(named[name]) for name in names if name in named}
    return Sample(op=str(func), dtype=dtype, mode="static", sizes={}, args=values, runs=({},), origin=origin)


def _arg(value: Any) -> Arg:
    match value:
        case torch.Tensor():
            return _tensor(value)
        case torch.dtype():
            if (name := str(value).removeprefix("torch.")) not in BY_TORCH:
                raise Unholdable(f"dtype {name}")
            return DtypeArg(BY_TORCH[name])
        case torch.layout():
            return EnumArg("layout", str(value).removeprefix("torch."))
        case torch.memory_format():
            return EnumArg("memory_format", str(value).removeprefix("torch."))
        case torch.device():
            return EnumArg("device", str(value))
        case list() | tuple():
            return tuple(map(_arg, value))
        case None | bool() | int() | float() | complex() | str():
            return value
        case _:
            raise Unholdable(f"an argument of type {type(value).__name__}")


def _tensor(t: torch.Tensor) -> TensorSpec:
    name = str(t.dtype).removeprefix("torch.")
    if name not in BY_TORCH:
        raise Unholdable(f"a tensor of {name}")
    if t.layout is not torch.strided or t.is_quantized or t.is_nested:
        raise Unholdable(f"a tensor of layout {t.layout}")
    if t.device.type != "cpu":
        raise Unholdable(f"a tensor on {t.device.type}")
    if t.numel() > LARGEST:
        raise Unholdable(f"a tensor of more than {LARGEST} elements")
    data = base64.b64encode(zlib.compress(as_bytes(t.detach().resolve_conj().resolve_neg()))).decode()
    wild = (t.is_floating_point() or t.is_complex()) and not bool(t.isfinite().all())
    fill = Fill(kind="literal", data=data, values="nonfinite" if wild else "mixed")
    return TensorSpec(dims=tuple(t.shape), dtype=BY_TORCH[name], fill=fill)


def collect(entries: Iterable[Any]) -> Collection:
    """Run the sample inputs of each OpInfo entry in every traced dtype that it supports, and its error inputs."""
    calls = Collection()
    known = list(entries)
    for done, entry in enumerate(known):
        print(f"{done} of {len(known)}{PROGRESS}", flush=True)
        supported = entry.supported_dtypes("cpu")
        for dtype in TRACED:
            wanted = getattr(torch, next(torch_name for torch_name, name in BY_TORCH.items() if name == dtype))
            if wanted in supported:
                # `entry.sample_inputs` would seed the generator again for each sample, which costs a minute in all
                _seed()
                samples = partial(entry.sample_inputs_func, entry, "cpu", wanted, requires_grad=False)
                _run(entry, _until_error(samples), calls.note_for(dtype, expects_error=False))
        if entry.error_inputs_func is not None:
            _seed()
            errors = _until_error(partial(entry.error_inputs_func, entry, "cpu"))
            _run(entry, (error.sample_input for error in errors), calls.note_for("f32", expects_error=True))
    return calls


def _seed() -> None:
    """Make the inputs that follow the same in every trace: OpInfo draws them with torch's generator and Python's."""
    torch.manual_seed(0)
    random.seed(0)


def _run(entry: Any, samples: Iterable[Any], note: Callable[..., None]) -> None:
    for sample in samples:
        try:
            with enable_python_dispatcher(), Recorder(note), torch.no_grad():
                entry(sample.input, *sample.args, **sample.kwargs)
        except Exception:  # error inputs raise by design, and some samples have no kernel on the CPU
            continue


def _until_error(make: Callable[[], Iterable[Any]]) -> Iterator[Any]:
    """The items before the first whose creation raises: OpInfo has entries for other devices."""
    try:
        with _empty_is_filled():
            items = iter(make())
        while True:
            with _empty_is_filled():
                item = next(items)
            yield item
    except Exception:  # StopIteration, where all were created
        return


@contextmanager
def _empty_is_filled() -> Iterator[None]:
    """Let `torch.empty`, which some inputs are made with, give the same elements each time: NaN, or the largest."""
    torch.use_deterministic_algorithms(True, warn_only=True)
    try:
        yield
    finally:
        torch.use_deterministic_algorithms(False)


def main() -> int:
    """Trace all of OpInfo and write the trace to the file that the command line names; return the exit status."""
    warnings.filterwarnings("ignore")
    torch.set_num_threads(1)
    calls = collect(op_db)
    head = {
        "torch": torch.__version__,
        "entries": len(op_db),
        "reached": sorted(calls.reached),
        "skipped": dict(calls.skipped.most_common()),
    }
    with Path(sys.argv[1]).open("w", encoding="utf-8") as out:
        for line in (head, *calls.lines()):
            out.write(json.dumps(line, separators=(",", ":")) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
