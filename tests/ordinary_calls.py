"""Which optional arguments ops have, and which are given as a rule: `python -m tests.ordinary_calls` writes this down.

The result is `harness/cases/ordinary.json`, an object with one op a line. Of each op that has optional arguments,
`defaults` has them with their defaults, and `given` those to which most of OpInfo's samples of the op give another
value. Where OpInfo has samples, an argument that may be None counts as optional too. Arguments that say how a result is
stored are left out: OpInfo gives them to vary the dtype and the device.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import harness
from harness.cases.sample import Sample
from harness.programs.program import overload
from harness.surface import opinfo
from op_suites import catalog

PATH = Path(harness.__file__).parent / "cases" / "ordinary.json"
STORAGE = ("dtype", "layout", "device", "pin_memory", "memory_format", "non_blocking", "copy", "generator")


def text() -> str:
    """The whole file."""
    ops = sorted(case.op for cases in catalog().values() for case in cases)
    lines = [f"{json.dumps(op)}: {json.dumps(found)}" for op in ops if (found := _facts(op))["defaults"]]
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _facts(op: str) -> dict[str, Any]:
    samples = [sample for found in opinfo.trace().samples.get(op, {}).values() for sample in found]
    taken = [sample for sample in samples if sample.origin == "opinfo"]
    defaults = {
        argument.name: argument.default_value
        for argument in overload(op)._schema.arguments
        if argument.name not in STORAGE
        and (argument.has_default_value() or (taken and str(argument.type).startswith("Optional")))
    }
    return {"given": [name for name in defaults if _given(name, defaults[name], taken)], "defaults": defaults}


def _given(name: str, default: Any, samples: Iterable[Sample]) -> bool:
    values = [sample.args.get(name, default) for sample in samples]
    other = [v for v in values if (list(v) if isinstance(v, tuple) else v) != default and v is not None]
    return 2 * len(other) > len(values)


if __name__ == "__main__":
    PATH.write_text(text(), encoding="utf-8")
