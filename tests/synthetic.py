"""A made-up journal that looks like a real one: every outcome, several backends, modes and dtypes, nasty strings.

It is deterministic and needs no torch. `journal()` is small, `whole_index()` is its index; that of
`large()` has the size of a full run.
"""

from __future__ import annotations

import functools
import json
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from typing import Any

from harness.cases.sample import MODES, Fill, Mode, Sample, TensorSpec
from harness.cases.traits import traits
from harness.records.cause import Cause
from harness.records.frontend import FRONTEND, blocked
from harness.records.journal import Journal, Record, record_json
from harness.records.journal_file import Block
from harness.records.journal_writer import JournalWriter
from harness.records.outcome import (
    Blocked,
    Crashed,
    Excluded,
    HarnessError,
    Invalid,
    NotExecuted,
    NotExported,
    NotRun,
    Outcome,
    Outside,
    Passed,
    Reached,
    TimedOut,
    Unsupported,
    Wrong,
)
from reports.folds import FOLDS
from reports.index.index import Index
from reports.index.writer import IndexWriter

HEADER: dict[str, Any] = {
    "run": "2026-11-22-nightly",
    "started": "2026-11-22T03:00:12+00:00",
    "seed": 20261122,
    "toolchain": {
        "torch": "2.13.0+cpu",
        "torch_mlir": "20261001",
        "opcov": "0.1.0",
        "python": "3.11.9",
        "platform": "linux x86_64",
        "revision": "0123456789",
    },
    "frontend": True,
    "options": {
        "profile": "default",
        "backends": ["frontend", "linalg", "tosa", "stablehlo", "control"],
        "modes": ["static", "dynamic"],
        "ops": None,
    },
}
FOOTER: dict[str, Any] = {"counts": {}, "seconds": 1834.2, "interrupted": False}

FAMILIES: dict[str, tuple[str, ...]] = {
    "activation": (
        "aten.gelu.default",
        "aten.hardswish.default",
        "aten.leaky_relu.default",
        "aten.relu.default",
        "aten.sigmoid.default",
        "aten.silu.default",
    ),
    "attention": ("aten._scaled_dot_product_flash_attention_for_cpu.default",),
    "elementwise": (
        "aten.abs.default",
        "aten.add.Tensor",
        "aten.div.Tensor_mode",
        "aten.exp.default",
        "aten.fmod.Tensor",
        "aten.mul.Tensor",
        "aten.remainder.Tensor",
        "aten.sub.Tensor",
    ),
    "indexing": ("aten.gather.default", "aten.index.Tensor", "aten.index_select.default"),
    "pooling": (
        "aten.adaptive_avg_pool2d.default",
        "aten.avg_pool2d.default",
        "aten.max_pool2d.default",
        "aten.max_pool2d_with_indices.default",
    ),
    "random": ("aten.bernoulli.default",),
    "reduction": ("aten.amax.default", "aten.cumsum.default", "aten.mean.dim", "aten.sum.dim_IntList"),
    "scatter": ("aten.scatter.src", "aten.scatter_reduce.two"),
    "sorting": ("aten.sort.default", "aten.topk.default"),
}
FRONT: dict[str, Outcome] = {
    "aten.topk.default": Unsupported(
        "contract",
        "error: failed to legalize operation 'torch.operator' that was explicitly marked illegal: %1 = "
        '"torch.operator"(%arg0) <{name = "torch.aten.topk"}> : (!torch.vtensor<[3],f32>) -> !torch.vtensor<[],f32>',
        "torch.aten.topk",
    ),
    "aten.leaky_relu.default": NotExported("export", "DataDependentOutputException: aten.equal.default"),
    "aten.mean.dim": Invalid("contract", "error: type of return operand 0 doesn't match function result type"),
}
"""The outcomes of the frontend for the ops that do not reach the backends."""
DTYPES = ("f32", "f16", "bf16", "i32", "bool")
HTML = (
    '<script>window.pwned = true</script><!-- </script> --> "quoted" & \'single\' <img src=x onerror="window.pwned=1">'
)
UNICODE = "mismatch: expected ≥ 1 → got ∅ — “naïve” 日本語 \U0001f40d"
CONTROLS = "error: \x1b[31mred\x1b[0m text\r\nsecond\x00line \u202ereversed \ud800"
LONG = "error: operand #0 must be ranked tensor of " + "tensor<?x?x" * 2000 + "f32>" * 2000


def sample(op: str, dtype: str, mode: Mode, shape: Sequence[int], **args: Any) -> Sample:
    """A sample of one tensor with named dims; `args` are its other arguments, and `values` the fill of the tensor."""
    names = "nmkhwc"[: len(shape)]
    sizes = dict(zip(names, shape, strict=True))
    dynamic = tuple(names[:1]) if mode == "dynamic" else ()
    runs = (sizes, {**sizes, names[0]: 5}, {**sizes, names[0]: 0}) if dynamic else (sizes,)
    tensor = TensorSpec(dims=tuple(names), dtype=dtype, fill=Fill(values=args.pop("values", "mixed")))
    return Sample(
        op=op,
        dtype=dtype,
        mode=mode,
        sizes=sizes,
        args={"self": tensor, **args},
        dynamic=dynamic,
        runs=runs,
    )


def record(of: Sample, backend: str, outcome: Outcome, family: str = "elementwise", **more: Any) -> Record:
    """The record of a sample's outcome; the op reaches the backend as itself, unless `more` has another `reached`."""
    more = {"reached": ("torch." + of.op.removesuffix(".default"),)} | more
    return Record(
        op=of.op,
        family=family,
        backend=backend,
        mode=of.mode,
        dtype=of.dtype,
        outcome=outcome,
        sample=of,
        traits=traits(of),
        **more,
    )


def journal(records: Sequence[Record] | None = None, **changes: Any) -> Journal:
    """A complete journal of these records, or of `everything()`."""
    records = tuple(everything() if records is None else records)
    return Journal(**{"header": HEADER, "records": records, "footer": FOOTER} | changes)


def index(
    records: Sequence[Record],
    *,
    header: Mapping[str, Any] = HEADER,
    footer: Mapping[str, Any] | None = FOOTER,
    damage: Sequence[str] = (),
    toolchains: Sequence[Mapping[str, Any]] = (),
    causes: Sequence[Cause] = (),
) -> Index:
    """The index, in memory, of a journal of these records."""
    writer = IndexWriter(":memory:", FOLDS, header)
    for block in blocks(records):
        writer.add(block)
    writer.note_toolchains(*toolchains)
    writer.note_causes(causes)
    return writer.flush(footer, damage)


@functools.cache
def whole_index() -> Index:
    """The index of `everything()`."""
    return index(everything())


def blocks(records: Sequence[Record]) -> Iterator[Block]:
    """The records as a run hands them on: those of one cell that follow each other in one block."""
    for (op, backend, mode, dtype), group in groupby(records, lambda r: (r.op, r.backend, r.full_mode, r.dtype)):
        lines = tuple(json.dumps(record_json(record), separators=(",", ":")) for record in group)
        yield Block(op=op, backend=backend, mode=mode, dtype=dtype, lines=lines)


def written(path: Path, records: Sequence[Record]) -> Path:
    """A whole journal of these records, in this file."""
    with JournalWriter(path, HEADER) as writer:
        for block in blocks(records):
            writer.write_cell(block.lines)
        writer.close(**FOOTER)
    return path


@functools.cache
def everything() -> tuple[Record, ...]:
    """The records of some 30 ops on three backends and the control, and a few with nasty texts."""
    chance = random.Random(7)
    found = [r for family, ops in FAMILIES.items() for op in ops for r in _op(op, family, chance)]
    nasty = sample("aten.relu.default", "f32", "static", (2, 3))
    return (
        *found,
        record(nasty, "stablehlo", Invalid("verify", HTML), "activation"),
        record(nasty, "stablehlo", Unsupported("lower", CONTROLS, None), "activation"),
        record(nasty, "stablehlo", Invalid("verify", LONG), "activation"),
        record(nasty, FRONTEND, Unsupported("import", UNICODE, None), "activation"),
        record(nasty, "stablehlo", NotRun("contract", 3.0, "0123456789"), "activation"),
        record(nasty, "stablehlo", Outside("verify", "f64", "Invalid", HTML), "activation"),
    )


def large(ops: int = 600, per_cell: int = 4) -> Index:
    """600 ops, 3 backends and the control, 2 modes, 3 dtypes, 4 samples: 58,000 records."""
    chance = random.Random(11)
    records: list[Record] = []
    names = list(FAMILIES)
    for number in range(ops):
        family = f"{names[number % len(names)]}"
        records += _op(f"aten.op_{number:03}.default", family, chance, ("f32", "bf16", "i32"), per_cell)
    return index(records)


def _op(
    op: str, family: str, chance: random.Random, dtypes: Sequence[str] = DTYPES, count: int = 3
) -> Iterator[Record]:
    behaviours = {backend: chance.choice(BEHAVIOURS) for backend in ("linalg", "tosa", "stablehlo")}
    gone = op in ("aten.gelu.default", "aten.silu.default", "aten.hardswish.default")
    reached = ("torch.aten.mul.Tensor", "torch.aten.sigmoid") if gone else ("torch." + op.removesuffix(".default"),)
    for mode in MODES:
        for dtype in dtypes:
            if dtype == "bool" and family in ("activation", "pooling", "attention"):
                for backend in (FRONTEND, *behaviours, "control"):
                    yield Record(
                        op=op,
                        family=family,
                        backend=backend,
                        mode=mode,
                        dtype=dtype,
                        outcome=Excluded("eager: not implemented for 'Bool'"),
                        sample=None,
                    )
                continue
            shapes = [(), (3,), (2, 3), (0, 3), (1, 4), (2, 3, 4, 5)][int(mode == "dynamic") :]
            chosen = [
                sample(op, dtype, mode, shapes[i % len(shapes)], alpha=(i % 3) - 1, ceil_mode=bool(i % 2))
                for i in range(count + chance.randrange(3))
            ]
            front = FRONT.get(op, Reached())
            for of in chosen:
                yield record(of, FRONTEND, front, family, reached=reached if isinstance(front, Reached) else ())
            for of in chosen:
                yield record(of, "control", Passed(0.0, ("eager",)), family, reached=reached)
            for backend, behaviour in behaviours.items():
                for one in _cell(backend, behaviour, chosen, family, reached):
                    stopped = blocked(front, told=True)
                    yield replace(one, outcome=stopped, reached=()) if stopped else one


def _cell(
    backend: str, behaviour: str, chosen: Sequence[Sample], family: str, reached: tuple[str, ...]
) -> Iterator[Record]:
    outcomes = [_outcome(behaviour, of, backend, reached) for of in chosen]
    for of, outcome in zip(chosen, outcomes, strict=True):
        early = isinstance(outcome, (Blocked, HarnessError))
        yield record(of, backend, outcome, family, reached=() if early else reached)
    for of, outcome in zip(chosen, outcomes, strict=True):
        if isinstance(outcome, (Wrong, Crashed)):
            small = sample(of.op, of.dtype, of.mode, (1,), alpha=2)
            yield record(small, backend, outcome, family, reached=reached, minimised=of.id)
            break


BEHAVIOURS = (
    *["passes"] * 9,
    *["no rank 0"] * 3,
    *["not dynamic"] * 4,
    *["unsupported"] * 4,
    "wrong",
    "wrong on zero size",
    "crashes",
    "invalid",
    "times out",
    "not exported",
    "not executed",
    "harness error",
)
PASSED = Passed(0.31, ("llvm-jit",))


def _outcome(behaviour: str, of: Sample, backend: str, reached: tuple[str, ...]) -> Outcome:
    refused = Unsupported(
        "lower",
        f"error: failed to legalize operation '{reached[-1]}' that was explicitly marked illegal\n"
        f'  note: see current operation: %{len(of.args)} = "{reached[-1]}"(%arg0) : (!torch.vtensor<[?,3],f32>)',
        reached[-1],
    )
    match behaviour:
        case "no rank 0" if "rank=0" in traits(of):
            return refused
        case "not dynamic" if of.mode == "dynamic":
            return refused
        case "unsupported":
            return refused
        case "wrong" if "alpha<0" in traits(of):
            return Wrong(
                "value",
                "out[0, 1] = 3.0, but should be -1.0",
                0,
                "llvm-jit",
                element=(0, 1),
                expected="-1.0",
                actual="3.0",
                error=4.0,
                bound=1.2e-6,
                count=2,
                of=6,
                sizes=of.sizes,
            )
        case "wrong on zero size" if "zero_size" in traits(of):
            return Wrong("shape", "out.shape = (1, 3), but should be (0, 3)", 0, "llvm-jit", sizes=of.sizes)
        case "crashes" if of.dtype == "bf16":
            return Crashed(
                "lower", "SIGSEGV", "Stack dump:\n0. Running pass 'convert-torch-to-tosa'\nUNREACHABLE executed"
            )
        case "invalid" if of.dtype != "f32":
            return Invalid("verify", f"error: 'tosa.add' op operand #0 must be tensor of i32, but got {of.dtype}")
        case "times out" if len(of.sizes) == 4:
            return TimedOut("execute", 20.0)
        case "not exported":
            return Blocked("export", "NotExported", "torch._dynamo.exc.Unsupported: data dependent operator")
        case "not executed":
            return NotExecuted(
                {"tosa-reference": "no binary for dynamic shapes", "llvm-jit": "tosa.rfft2d has no lowering"}
            )
        case "harness error" if of.dtype == "i32":
            return HarnessError('Traceback (most recent call last):\n  File "case.py", line 3, in inputs\nKeyError: 0')
        case _:
            return PASSED
