"""A sample as one readable line, and the commands that show more of it.

A static sample: `aten.add.Tensor(self=f32[2,3], other=f32[3], alpha=2)`. A dynamic dim is shown by its name, and the
sizes that it takes follow: `aten.relu.default(self=f32[n,3]) at n=2, 0, 7`. Braces hold what is unusual about a
tensor's values or memory layout: `f32[4]{nonfinite}`.
"""

from __future__ import annotations

import shlex

from harness.cases.sample import Arg, DtypeArg, EnumArg, Sample, SizeOf, TensorSpec


def call(sample: Sample) -> str:
    """Write the sample as one line."""
    args = ", ".join(f"{name}={_arg(sample, arg)}" for name, arg in sample.args.items())
    return f"{sample.op}({args}){_sizes(sample)}"


def _arg(sample: Sample, arg: Arg) -> str:
    match arg:
        case TensorSpec():
            dims = ",".join(_dim(sample, dim) for dim in arg.dims)
            return f"{arg.dtype}[{dims}]{_notes(arg)}"
        case SizeOf():
            return _dim(sample, arg.dim)
        case DtypeArg() | EnumArg():
            return arg.name
        case tuple() | list():
            return "[" + ", ".join(_arg(sample, item) for item in arg) + "]"
        case _:
            return repr(arg)


def _dim(sample: Sample, dim: str | int) -> str:
    if isinstance(dim, int):
        return str(dim)
    return dim if dim in sample.dynamic else str(sample.sizes.get(dim, dim))


def _notes(spec: TensorSpec) -> str:
    fill = spec.fill
    notes: list[str] = [fill.kind] if fill.kind != "any" else []
    notes += [fill.values] if fill.values in ("extreme", "nonfinite") else []
    notes += [spec.layout] if spec.layout != "contiguous" else []
    return "{" + ",".join(notes) + "}" if notes else ""


def _sizes(sample: Sample) -> str:
    runs = sample.runs or (sample.sizes,)
    taken = [f"{dim}={', '.join(str(run.get(dim, '?')) for run in runs)}" for dim in sample.dynamic]
    return f" at {'; '.join(taken)}" if taken else ""


def explain_command(op: str, backend: str) -> str:
    """Return the shell command that explains one op on one backend."""
    return shlex.join(["opcov", "explain", op, "--backend", backend])


def repro_command(sample_id: str, backend: str, *, journal: str = "", compiler: str = "") -> str | None:
    """Return the shell command that runs a sample again; None for the id of a record without a sample.

    `journal` is where the sample is looked up, by default the last run's; `compiler` is what `--torch-mlir` is to name,
    by default the installed one.
    """
    if sample_id.startswith("none-"):
        return None
    words = ["opcov", "repro", sample_id, "--backend", backend]
    words += ["--journal", journal] if journal else []
    words += ["--torch-mlir", compiler] if compiler else []
    return shlex.join(words)
