"""A standalone script that reproduces the outcome of one sample on one backend; it needs only torch and torch-mlir.

The script has the inputs as literals, a module that calls the op, and torch-mlir's own `fx.export_and_import`. If the
lowered module must be run to reproduce the outcome, the script has the executor's source too, the expected results and
their bounds. Its exit status is 0 if the sample no longer fails.
"""

from __future__ import annotations

import inspect
import re
import shlex
import textwrap
from collections.abc import Sequence
from typing import Any

from harness.cases.case import OpCase
from harness.cases.road import EXPORT, Road
from harness.cases.sample import Sample
from harness.judging.reference import Run, runs
from harness.programs.compiler import chosen
from harness.programs.loaded import COMPILER
from harness.programs.program import program
from harness.programs.protocols import Recipe
from harness.records.frontend import FRONTEND
from harness.records.outcome import Outcome, Passed, Wrong

from . import road_source
from .python_source import assignment, tensor_source
from .transform_source import dynamic_shapes, module_source


def opt_command(recipe: Recipe, ir_file: str) -> str:
    """The shell command that lowers a file of IR in the backend contract.

    If the recipe has a conversion to linalg, the command pipes the lowered IR into Python: `torch-mlir-opt` lacks
    passes that the conversions need, and the Python bindings have them.
    """
    command = f"{shlex.quote(chosen().opt)} --pass-pipeline='{recipe.pipeline}' {ir_file}"
    convert = "import sys; " + "".join(f"{line}; " for line in only_folder()) + _CONVERT.format(recipe.conversion)
    return f'{command} |\n  python -c "{convert}"' if recipe.conversion else command


def only_folder() -> tuple[str, ...]:
    """Statements after which `torch_mlir` is imported from the folder of the compiler that this process measures."""
    folder = chosen().folder
    if folder is None:
        return ()
    path = f"torch_mlir.__path__ = [{str(folder / COMPILER)!r}]"
    return (f"sys.path.insert(0, {str(folder)!r})", "import torch_mlir", path)


_CONVERT = (
    "from torch_mlir import ir, passmanager; from torch_mlir.dialects import torch; "
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
    measured_with: Sequence[str] = (),
) -> str:
    """The text of the script.

    `executors` has the name of each executor's class and the text of its module. The first module must define the
    function `run_lowered`. A second executor replaces that function with its own; its module may use the names that the
    first module defines. `measured_with` names the compilers, in words.
    """
    run = failing_run(case, sample, outcome)
    parts = [
        _head(sample, backend, outcome, measured_with),
        module_source(sample),
        assignment("example", program(sample).args),
    ]
    parts.append(_dynamic(sample))
    if isinstance(outcome, (Wrong, Passed)) or outcome.stage in ("execute", "compare"):
        parts += [_embedded(executors), assignment("inputs", run.inputs), _body(recipe, sample.road, run, case)]
    else:
        parts.append(_lower_only(recipe, sample.road))
    return "\n\n".join(part.strip("\n") for part in parts if part) + "\n"


def smallest_program(sample: Sample, recipe: Recipe) -> str:
    """The program alone: a module that calls the op, its inputs, and what torch-mlir makes of it, printed."""
    lower = textwrap.dedent(road_source.lower(sample.road, recipe.output_type))
    parts = [
        "import torch\nfrom math import inf, nan\nfrom torch_mlir import fx",
        module_source(sample),
        assignment("example", program(sample).args),
        _dynamic(sample),
        f"{road_source.tracing(sample.road)}program = torch.export.export("
        f"{road_source.module(sample.road)}, example, dynamic_shapes=dynamic_shapes, strict=False)\n"
        f"{textwrap.dedent(road_source.undecomposed(sample.road))}"
        f"print(fx.export_and_import(program, output_type={recipe.output_type!r}{road_source.arguments(sample.road)}))"
        if sample.road.frontend == EXPORT
        else f"{lower.rstrip()}\n    print(lowered)\n\n\nlower()",
    ]
    return "\n\n".join(part.strip("\n") for part in parts) + "\n"


def failing_run(case: OpCase, sample: Sample, outcome: Outcome) -> Run:
    """The run whose results are wrong; for any other outcome the run with the fewest elements."""
    references = runs(sample, case.numeric_of(sample), case.canonical)
    if isinstance(outcome, Wrong):
        return next((r for r in references if dict(r.sizes) == dict(outcome.sizes)), references[0])
    return min(references, key=lambda r: sum(t.numel() for t in r.inputs))  # most crashes at run time are at size 0


def _head(sample: Sample, backend: str, outcome: Outcome, measured_with: Sequence[str]) -> str:
    name = type(outcome).__name__
    measured = "".join(f"\n- {one}" for one in measured_with)
    measured = f"\nMeasured with\n{measured}\n" if measured else ""
    way = "frontend, to the backend contract" if backend == FRONTEND else f"{backend} lowering"
    only = "".join(f"{line}\n" for line in only_folder())
    only = f"\n{only}" if only else only
    return f'''"""{sample.op} through torch-mlir's {way}, {sample.mode}, {sample.dtype}: {name}.
{measured}
Needs torch and torch-mlir. Exit status 0 means that it no longer fails.
"""

from __future__ import annotations

import sys
import types
import warnings
from math import inf, nan

import torch
{only}from torch_mlir import fx

warnings.filterwarnings("ignore")
'''


def _dynamic(sample: Sample) -> str:
    if sample.varied:
        return dynamic_shapes(sample)
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


def _lower_only(recipe: Recipe, road: Road) -> str:
    return f"""
{_lower(recipe, road, validated=True)}

lowered = lower()
if not lowered.operation.verify():
    sys.exit("the lowered module does not verify")
print(lowered)
print("it lowers: this no longer fails")
"""


def _lower(recipe: Recipe, road: Road, *, validated: bool) -> str:
    """The source of `lower`, which returns the lowered module and raises if a pipeline fails.

    If `validated`, `lower` also checks the lowered module against the dialect's specification.
    """
    text = road_source.lower(road, recipe.output_type)
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


def _embedded(executors: Sequence[tuple[str, str]]) -> str:
    """The source of the executors' modules as one text; a second executor gets a `run_lowered` of its own."""
    (_, first), *others = executors
    text = _alone(first)
    for name, source in others:
        text += f"\n{_alone(source)}\n\ndef run_lowered(ir, dialect, inputs):\n"
        text += f"    return {name}().compile(types.SimpleNamespace(ir=ir, dialect=dialect))(inputs)\n"
    return f"# the executor {'-' * 105}\n\n{text}\n# end of the executor {'-' * 98}"


def _alone(source: str) -> str:
    """A module's source without its imports from `__future__`, from `harness` and from its own package.

    The script's head has the first already, and the first executor's module defines the names of the others.
    """
    return re.sub(r"^from (?:__future__|harness\S*|\.\S+) import .*\n", "", source, flags=re.MULTILINE)


def _body(recipe: Recipe, road: Road, run: Run, case: OpCase) -> str:
    references = [b.wide if b.wide is not None else b.eager for b in run.outputs]
    bounds = [b.within(recipe.dialect) for b in run.outputs]
    lines = [
        _lower(recipe, road, validated=False),
        "",
        "torch.manual_seed(0)",
        f"actual = run_lowered(str(lower()), {recipe.dialect!r}, {road_source.inputs(road)})",
        "",
        f"# eager in float64 where results are rounded; sizes {dict(run.sizes)}",
        assignment("expected", references),
        "# the largest error allowed per element, None where the result is exact",
        "bounds = (" + "".join(f"\n    {tensor_source(b) if b is not None else None}," for b in bounds) + "\n)",
        f"unjudged = {sorted(case.unjudged)!r}",
        f"misshapen = {sorted(case.misshapen)!r}",
        f"dtypes = {tuple(b.eager.dtype for b in run.outputs)!r}",
        _canonical(case),
    ]
    return "\n".join(lines) + "\n" + _CHECK


def _canonical(case: OpCase) -> str:
    """The source of a function `canonical`: the case's own, or one that returns the results as they are."""
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
