"""With what options and which toolchain a run was measured: a baseline tells, and takes only runs of the same."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from harness.errors import Exit, OpcovError
from harness.programs import plugins
from harness.programs.loaded import PINNED, PINS, pins
from harness.records.baseline_file import Baseline
from harness.records.toolchain import Loaded, loaded_restore

if TYPE_CHECKING:
    from reports.index.index import Run

PAIR = PINNED
OPTIONS = ("profile", "seed", "samples", "thorough", "sample_seconds", "sample_memory")


class NotComparable(OpcovError):
    """The run is of another compiler, or other options, than the baseline: there is nothing to compare."""

    def __init__(self, what: str, *, hint: str, code: Exit) -> None:
        super().__init__(what, hint=hint)
        self.code = code


def measured(run: Run) -> dict[str, str]:
    """The options of a run, its backends, its executors and its pair, each as text."""
    options = {**run.header.get("options", {}), "seed": run.header.get("seed")}
    loaded = _loaded(run)
    pair = {name: loaded.packages[key].said(key) for key, name in PAIR.items() if key in loaded.packages}
    texts = {key: _text(options.get(key)) for key in OPTIONS}
    return texts | {"backends": " ".join(options.get("backends", ())), "executors": " ".join(executors(run))} | pair


def executors(run: Run) -> tuple[str, ...]:
    """The executors that every worker of the run could load, but for those that are asked for second opinions."""
    loaded = _loaded(run)
    return tuple(sorted({*loaded.executors} - {*loaded.absent} - {*plugins.adviser_names()}))


def _loaded(run: Run) -> Loaded:
    """What the workers loaded, all of them the same, but for executors that turned out broken later."""
    found = [loaded_restore(line) for line in run.toolchains]
    absent = {name: why for one in found for name, why in one.absent.items()}
    last = found[-1] if found else Loaded()
    return Loaded(packages=last.packages, executors=last.executors, absent=absent)


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def check_comparable(run: Run, baseline: Baseline | None, constraints: Path = PINS, *, any_pair: bool = False) -> None:
    """Raise NotComparable unless the run is of the pinned pair, or any, and its options are those of the baseline."""
    if not run.toolchains:
        raise NotComparable(
            "the journal does not say which torch and torch-mlir its workers loaded",
            hint="run `make matrix` again",
            code=Exit.DATA,
        )
    expected = baseline.measured if baseline else {}
    differ = () if any_pair else tuple(_unlike_pins(_loaded(run), pins(constraints) or _versions(expected)))
    if differ:
        raise NotComparable(
            f"the journal is of {' and '.join(differ)}, the baseline is for the pinned pair",
            hint="`opcov diff A B` compares any two compilers, `opcov baseline check --any-pair` one with the baseline",
            code=Exit.ENVIRONMENT,
        )
    found = measured(run)
    unlike = [key for key in OPTIONS if expected.get(key, found[key]) != found[key]]
    if unlike:
        others = [f"{key} {found[key]}, not {expected[key]}" for key in unlike]
        raise NotComparable(
            f"the journal was measured with {'; '.join(others)}",
            hint="measure with the options of the baseline, which are in its measured.txt",
            code=Exit.DATA,
        )


def _versions(of: Mapping[str, str]) -> Mapping[str, str]:
    """The versions of the pair that a baseline was measured with: `torch 2.13.0+cpu (libtorch_cpu ...)`."""
    return {name: of[name].split()[1].partition("+")[0] for name in PAIR.values() if name in of}


def _unlike_pins(loaded: Loaded, pinned: Mapping[str, str]) -> Iterator[str]:
    """What was loaded instead of the pinned packages, in words."""
    for key, name in PAIR.items():
        package = loaded.packages.get(key)
        version = package.version.partition("+")[0] if package and package.distribution == name else None
        if version != pinned.get(name, version) or version is None:
            yield f"{package.said(key) if package else f'no {name}'} (pinned: {pinned.get(name, name)})"
