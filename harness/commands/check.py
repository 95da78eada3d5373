"""Run the census of the cases on the control backend, print every sample that does not pass.

`python -m harness.commands.check OP ...`
"""

from __future__ import annotations

import argparse
import fnmatch
import importlib
import sys
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from harness.cases.case import OpCase
from harness.cases.draw import census
from harness.cases.profile import profile
from harness.cases.sample import dumps
from harness.errors import OpcovError
from harness.programs.compiler import INSTALLED
from harness.programs.provider import use
from harness.records.outcome import Passed
from op_suites import catalog

from .arguments import add_compiler

if TYPE_CHECKING:
    from harness.running.pipeline import Pipeline


def main() -> int:
    """Run the check; return the exit status: 0 if every cell has samples and all of them are `Passed`, else 1."""
    parser = argparse.ArgumentParser(prog="python -m harness.commands.check", description=__doc__)
    parser.add_argument("ops", nargs="*", default=["*"], help="ops or globs")
    parser.add_argument("--module", help="take CASES from this module instead of the catalog")
    parser.add_argument("--profile", default="default")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--eager-only", action="store_true", help="do not export: the reference alone")
    add_compiler(parser)
    options = parser.parse_args()
    try:
        pipeline = control(options.torch_mlir or INSTALLED)
    except OpcovError as error:
        print(f"check: {error}", file=sys.stderr)
        return error.code
    counts: Counter[str] = Counter()
    for case in _cases(options.module, options.ops):
        for dtype in case.dtypes:
            for mode in case.modes():
                samples = census(case, dtype, mode, profile(options.profile), options.seed)
                if not samples:
                    print(f"{case.op} {mode} {dtype}: no samples", flush=True)
                    counts["empty cell"] += 1
                for sample in samples:
                    result = pipeline.run(case, sample, "control", lambda stage: None)
                    counts[type(result.outcome).__name__] += 1
                    if not isinstance(result.outcome, Passed):
                        print(f"{case.op} {mode} {dtype}: {result.outcome}\n    {dumps(sample)}", flush=True)
    print(dict(counts))
    return int(set(counts) != {"Passed"})


def control(spec: str = "") -> Pipeline:
    """The pipeline of the control backend with the frontend of this compiler, or the one in use; raises BadCompiler."""
    if spec:
        use(spec)
    import torch  # late: the compiler must be chosen before anything imports it

    from backends.executors.eager import Eager
    from backends.frontend import Fx
    from backends.lowerings.control import Control
    from harness.running.pipeline import Pipeline

    torch.set_num_threads(1)
    return Pipeline(Fx(), {"control": Control()}, [Eager()])


def _cases(module: str | None, globs: list[str]) -> Iterator[OpCase]:
    """The cases of the module, by default of the catalog, whose op matches one of the globs."""
    cases = importlib.import_module(module).CASES if module else [c for f in catalog().values() for c in f]
    yield from (case for case in cases if any(fnmatch.fnmatch(case.op, glob) for glob in globs))


if __name__ == "__main__":
    sys.exit(main())
