"""A standalone script for one sample on one backend: it needs torch and torch-mlir only, and fails on its own.

The script holds the inputs as literals, the module, the official `export_and_import`, and, where the artifact must be
run to fail, the text of the executor.
"""

from __future__ import annotations

import inspect
import math
import pprint
import re
import textwrap
from collections.abc import Sequence
from typing import Any

import torch

from harness.cases.case import OpCase
from harness.cases.sample import Sample
from harness.judging.reference import Run, runs
from harness.programs.program import Call, SizeSlot, Slot, call, program
from harness.programs.protocols import Recipe
from harness.records.outcome import Outcome, Passed, Wrong


def opt_command(recipe: Recipe, ir_file: str) -> str:
    """The `torch-mlir-opt` command that lowers the IR file; what converts to linalg that tool lacks, Python has it."""
    command = f"torch-mlir-opt --pass-pipeline='{recipe.pipeline}' {ir_file}"
    return f'{command} |\n  python -c "{_CONVERT.format(recipe.conversion)}"' if recipe.conversion else command


_CONVERT = (
    "import sys; from torch_mlir import ir, passmanager; from torch_mlir.dialects import torch; "
    "from torch_mlir._mlir_libs import _stablehlo; _stablehlo.register_stablehlo_passes(); "
    "context = ir.Context(); torch.register_dialect(context); _stablehlo.register_dialect(context); "
    "module = ir.Module.parse(sys.stdin.read(), context); "
    "passmanager.PassManager.parse('{}', context).run(module.operation); print(module)"
)


def script(
    case: OpCase,
    sample: Sample,
    backend: str,
    recipe: Recipe,
    outcome: Outcome,
    executors: Sequence[tuple[str, str]],
) -> str:
    """The script's text; of `executors`, classes with the text of their modules, the first defines `run_lowered`.

    A second one takes its place, and may use what the first one's module defines.
    """
    run = _failing_run(case, sample, outcome)
    parts = [_head(sample, backend, outcome), _module(sample), _inputs("example", program(sample).args)]
    parts.append(_dynamic(sample))
    if isinstance(outcome, (Wrong, Passed)) or outcome.stage in ("execute", "compare"):
        parts += [_embedded(executors), _inputs("inputs", run.inputs), _body(recipe, run, case)]
    else:
        parts.append(_lower_only(recipe))
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def _failing_run(case: OpCase, sample: Sample, outcome: Outcome) -> Run:
    found = runs(sample, case.numeric_of(sample), case.canonical)
    if isinstance(outcome, Wrong):
        return next((r for r in found if dict(r.sizes) == dict(outcome.sizes)), found[0])
    return min(found, key=lambda r: sum(t.numel() for t in r.inputs))  # what dies at run time mostly dies at size 0


def _head(sample: Sample, backend: str, outcome: Outcome) -> str:
    said = type(outcome).__name__
    return f'''"""{sample.op} through torch-mlir's {backend} lowering, {sample.mode}, {sample.dtype}: {said}.

Needs torch and torch-mlir. Exit status 0 means that it no longer fails.
"""

from __future__ import annotations

import sys
import types
import warnings
from math import inf, nan

import torch
from torch_mlir import fx

warnings.filterwarnings("ignore")
'''


def _module(sample: Sample) -> str:
    module = call(sample)
    names = ", ".join(f"x{i}" for i in range(len(program(sample).args)))
    return f"""class Module(torch.nn.Module):
    def forward(self{", " if names else ""}{names}):
        return {_call(module)}
"""


def _call(module: Call) -> str:
    namespace, name, overload = str(module.op).split(".")
    parts = [_source(a) for a in module.call_args] + [f"{k}={_source(v)}" for k, v in module.call_kwargs.items()]
    return f"torch.ops.{namespace}.{name}.{overload}({', '.join(parts)})"


def _source(arg: Any) -> str:
    match arg:
        case Slot(index):
            return f"x{index}"
        case SizeSlot(index, dim):
            return f"x{index}.shape[{dim}]"
        case tuple() | list():
            return f"[{', '.join(map(_source, arg))}]"
        case torch.device():
            return repr(str(arg))
        case complex():
            return f"complex({_source(arg.real)}, {_source(arg.imag)})"
        case float() if not math.isfinite(arg):
            return "nan" if math.isnan(arg) else "inf" if arg > 0 else "-inf"
        case _:
            return repr(arg)


def _inputs(name: str, args: Sequence[torch.Tensor]) -> str:
    lines = ",\n".join("    " + _tensor(t) for t in args)
    return f"{name} = (\n{lines},\n)" if args else f"{name} = ()"


def _tensor(t: torch.Tensor) -> str:
    if not t.is_contiguous():
        held = t.untyped_storage().nbytes() // t.element_size()
        base = t.as_strided((held,), (1,), 0)
        return f"{_tensor(base)}.as_strided({list(t.shape)}, {list(t.stride())}, {t.storage_offset()})"
    values = t.reshape(-1).tolist()
    text = "[" + ", ".join(map(_source, values)) + "]"
    if len(text) > 100:
        text = pprint.pformat(_Raw.wrap(values), width=110, compact=True, indent=1).replace("\n", "\n    ")
    flat = f"torch.tensor({text}, dtype={t.dtype})"
    return flat if t.dim() == 1 else f"{flat}.reshape({list(t.shape)})"


class _Raw:
    """A value that prints as its source, so that pprint can wrap long lists."""

    def __init__(self, value: Any) -> None:
        self.text = _source(value)

    def __repr__(self) -> str:
        return self.text

    @staticmethod
    def wrap(values: Sequence[Any]) -> list[_Raw]:
        return [_Raw(v) for v in values]


def _dynamic(sample: Sample) -> str:
    shapes = program(sample).dynamic_shapes
    if shapes is None:
        return "dynamic_shapes = None"
    dims = {dim.__name__: dim for spec in shapes[0] for dim in spec.values()}
    lines = [f"{n} = torch.export.Dim({n!r}{_least(dim)})" for n, dim in dims.items()]
    specs = ", ".join("{" + ", ".join(f"{i}: {d.__name__}" for i, d in spec.items()) + "}" for spec in shapes[0])
    lines += [f"dynamic_shapes = ({specs},)"]
    return "\n".join(lines)


def _least(dim: Any) -> str:
    least = getattr(dim, "min", 0)
    return f", min={least}" if isinstance(least, int) and least > 1 else ""


def _lower_only(recipe: Recipe) -> str:
    return f"""
{_lower(recipe, validated=True)}

lowered = lower()
if not lowered.operation.verify():
    sys.exit("the lowered module does not verify")
print(lowered)
print("it lowers: this no longer fails")
"""


def _lower(recipe: Recipe, *, validated: bool) -> str:
    """The function `lower`, with the pipelines that follow on torch-mlir's own; raises where one of them fails."""
    text = _LOWER.format(output_type=recipe.output_type)
    if recipe.conversion or recipe.validations:
        text = _RUN + text
    if validated and recipe.validations:
        static, dynamic = recipe.validations
        text += f"    run({dynamic!r} if '?' in str(lowered) else {static!r}, lowered.operation.clone())\n"
    if recipe.conversion:
        text += f"    run({recipe.conversion!r}, lowered.operation)\n"
        text += f"    left = [op for op in op_names(lowered) if op.split('.')[0] in {recipe.converted!r}]\n"
        text += "    if left:\n        sys.exit(f'there is no conversion of {left[0]}')\n"
    return text.strip() + "\n    return lowered\n"


_RUN = """
from torch_mlir.ir import WalkResult
from torch_mlir._mlir_libs import _stablehlo
from torch_mlir.passmanager import PassManager


def run(pipeline, operation):
    _stablehlo.register_stablehlo_passes()
    with operation.context:
        PassManager.parse(pipeline).run(operation)


def op_names(module):
    names = []
    module.operation.walk(lambda op: names.append(op.name) or WalkResult.ADVANCE)
    return names

"""

_LOWER = """
def lower():
    module = Module()
    try:
        program = torch.export.export(module, example, dynamic_shapes=dynamic_shapes, strict=False)
    except Exception:  # the sizes asked for are refused: let export choose their ranges
        if dynamic_shapes is None:
            raise
        relaxed = tuple({{dim: torch.export.Dim.DYNAMIC for dim in spec}} for spec in dynamic_shapes)
        program = torch.export.export(module, example, dynamic_shapes=relaxed, strict=False)
    lowered = fx.export_and_import(program, output_type={output_type!r})
"""


def _embedded(executors: Sequence[tuple[str, str]]) -> str:
    """The executors' source; `from __future__` is at the top of the script already, what they import of us before."""
    (_, first), *others = executors
    text = _alone(first)
    for name, source in others:
        text += f"\n{_alone(source)}\n\ndef run_lowered(ir, dialect, inputs):\n"
        text += f"    return {name}().compile(types.SimpleNamespace(ir=ir))(inputs)\n"
    return f"# the executor {'-' * 105}\n\n{text}\n# end of the executor {'-' * 98}"


def _alone(source: str) -> str:
    return re.sub(r"^from (?:__future__|harness\S*|\.\S+) import .*\n", "", source, flags=re.MULTILINE)


def _body(recipe: Recipe, run: Run, case: OpCase) -> str:
    references = [b.wide if b.wide is not None else b.eager for b in run.outputs]
    bounds = [b.within(recipe.dialect) for b in run.outputs]
    lines = [
        _lower(recipe, validated=False),
        "",
        "torch.manual_seed(0)",
        f"actual = run_lowered(str(lower()), {recipe.dialect!r}, list(inputs))",
        "",
        f"# eager in float64 where results are rounded; sizes {dict(run.sizes)}",
        _inputs("expected", references),
        "# the largest error allowed per element, None where the result is exact",
        "bounds = (" + "".join(f"\n    {_tensor(b) if b is not None else None}," for b in bounds) + "\n)",
        f"unjudged = {sorted(case.unjudged)!r}",
        f"misshapen = {sorted(case.misshapen)!r}",
        f"dtypes = {tuple(b.eager.dtype for b in run.outputs)!r}",
        _canonical(case),
    ]
    return "\n".join(lines) + "\n" + _CHECK


def _canonical(case: OpCase) -> str:
    """The case's function, or one that changes nothing, under the name `canonical`."""
    if case.canonical is None:
        return "def canonical(results):\n    return results\n"
    text = f"{textwrap.dedent(inspect.getsource(case.canonical))}\n"
    return text if case.canonical.__name__ == "canonical" else f"{text}\ncanonical = {case.canonical.__name__}\n"


_CHECK = """
if len(actual) != len(expected):
    sys.exit(f"FAILED: {len(actual)} results, but should be {len(expected)}")
for i, (got, want) in enumerate(zip(actual, expected)):
    if i in misshapen:
        continue
    if got.shape != want.shape:
        sys.exit(f"FAILED: out[{i}].shape={list(got.shape)}, but should be {list(want.shape)}")
    if got.dtype != dtypes[i] and (got.dtype, dtypes[i]) != (torch.int8, torch.uint8):
        sys.exit(f"FAILED: out[{i}].dtype={got.dtype}, but should be {dtypes[i]}")
results = [got if i in misshapen else got.view(dtypes[i]) for i, got in enumerate(actual)]
for i, (got, want, bound) in enumerate(zip(canonical(results), expected, bounds)):
    if i in unjudged or i in misshapen:
        continue
    same = (got == want.to(dtypes[i])) | (got != got) & (want != want)
    right = same if bound is None else same | ((got.to(want.dtype) - want).abs() <= bound)
    if not right.all():
        print("got", got, "want", want, "bound", bound, sep="\\n")
        sys.exit(f"FAILED: out[{i}] is wrong in {int((~right).sum())} of {right.numel()} elements")
print("right: this no longer fails")
"""
