"""From a sample to a `Program`: a module that calls the op, its example tensors, its dynamic shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from harness.cases.sample import Arg, DtypeArg, EnumArg, Sample, SizeOf, Sizes, TensorSpec, map_leaves, tensors, walk
from harness.errors import BadSample, BrokenCase, UnknownName

from .materialize import dtype, materialize
from .protocols import Program


@dataclass(frozen=True, slots=True)
class Slot:
    """Stands for the tensor argument at an index."""

    index: int


@dataclass(frozen=True, slots=True)
class SizeSlot:
    """Stands for the size of a dim of the tensor argument at an index."""

    index: int
    dim: int


def overload(op: str) -> torch._ops.OpOverload:
    """The torch overload of a name such as `aten.add.Tensor`; raises UnknownName."""
    try:
        namespace, name, kind = op.split(".")
        found = getattr(getattr(getattr(torch.ops, namespace), name), kind)
    except (ValueError, AttributeError):
        raise UnknownName("op", op, ()) from None
    if not isinstance(found, torch._ops.OpOverload):
        raise UnknownName("op", op, ())
    return found


class Call(torch.nn.Module):
    """Calls one overload: tensors and symbolic sizes come from the inputs, all else is baked in."""

    def __init__(self, op: torch._ops.OpOverload, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        super().__init__()
        self.op = op
        self.call_args = tuple(args)
        self.call_kwargs = dict(kwargs)

    def forward(self, *inputs: torch.Tensor) -> Any:
        """The op's result."""

        def fill(leaf: Any) -> Any:
            match leaf:
                case Slot(index):
                    return inputs[index]
                case SizeSlot(index, dim):
                    return inputs[index].shape[dim]
                case _:
                    return leaf

        args = [_substitute(arg, fill) for arg in self.call_args]
        return self.op(*args, **{name: _substitute(arg, fill) for name, arg in self.call_kwargs.items()})


def _substitute(arg: Any, fill: Any) -> Any:
    return [_substitute(item, fill) for item in arg] if isinstance(arg, (tuple, list)) else fill(arg)


def inputs(sample: Sample, sizes: Sizes) -> tuple[torch.Tensor, ...]:
    """The program's arguments at these sizes: the tensors in order, then one carrier for each dim that has none.

    A carrier is an f32 tensor of shape [dim] whose size alone is used: it brings the symbolic size of a creation op.
    """
    carriers = tuple(torch.zeros(sizes[name]) for name in _carried(sample))
    return tuple(materialize(t, sizes) for t in tensors(sample.args)) + carriers


def _carried(sample: Sample) -> tuple[str, ...]:
    """Dynamic dims that only `SizeOf` mentions."""
    held = {dim for t in tensors(sample.args) for dim in t.dims}
    asked = {leaf.dim for leaf in walk(sample.args) if isinstance(leaf, SizeOf)}
    return tuple(d for d in sample.dynamic if d in asked and d not in held)


def program(sample: Sample, *, relaxed: bool = False) -> Program:
    """The program of a sample; raises BadSample where its arguments do not fit the op's schema.

    Dynamic dims become named `Dim`s, least size as in the runs; `relaxed` leaves their ranges to export
    (`Dim.DYNAMIC`), which then excludes sizes 0 and 1 from the contract.
    """
    example = inputs(sample, sample.sizes)
    return Program(op=sample.op, module=call(sample), args=example, dynamic_shapes=_dynamic_shapes(sample, relaxed))


def call(sample: Sample) -> Call:
    """The module that calls the op; raises BadSample where the arguments do not fit the op's schema."""
    op = overload(sample.op)
    args, kwargs = _bind(op, sample)
    return Call(op, args, kwargs)


def _bind(op: torch._ops.OpOverload, sample: Sample) -> tuple[list[Any], dict[str, Any]]:
    """Split arguments by the schema: positional ones in order, with defaults up to the last given, then kwargs."""
    schema = op._schema
    names = [a.name for a in schema.arguments]
    if extra := [name for name in sample.args if name not in names]:
        raise BadSample(f"{sample.op} has no argument {', '.join(map(repr, extra))}", hint=f"its schema is {schema}")
    positional = [a for a in schema.arguments if not a.kwarg_only]
    given = [i for i, a in enumerate(positional) if a.name in sample.args]
    called = positional[: given[-1] + 1] if given else []
    required = [a.name for a in schema.arguments if not a.has_default_value() and a.name not in sample.args]
    if required:
        raise BadSample(f"{sample.op} needs argument {', '.join(map(repr, required))}", hint=f"its schema is {schema}")
    value = _valuer(sample)
    args = [value(sample.args[a.name]) if a.name in sample.args else a.default_value for a in called]
    kwargs = {a.name: value(sample.args[a.name]) for a in schema.arguments if a.kwarg_only and a.name in sample.args}
    return args, kwargs


def _valuer(sample: Sample) -> Any:
    """A function from a sample's argument to the call's, numbering the tensors as it meets them (schema order)."""
    order = {id(t): i for i, t in enumerate(tensors(sample.args))}
    places = _places(sample)

    def leaf(arg: Arg) -> Any:
        match arg:
            case TensorSpec():
                return Slot(order[id(arg)])
            case SizeOf(dim):
                return SizeSlot(*places[dim]) if dim in sample.dynamic else sample.sizes[dim]
            case DtypeArg(name):
                return dtype(name)
            case EnumArg("device", name):
                return torch.device(name)
            case EnumArg(_, name):
                return getattr(torch, name)
            case _:
                return arg

    return lambda arg: map_leaves(arg, leaf)


def _places(sample: Sample) -> dict[str, tuple[int, int]]:
    """Where the size of each named dim can be read: (argument, dim)."""
    specs = tensors(sample.args)
    found = {dim: (len(specs) + i, 0) for i, dim in enumerate(_carried(sample))}
    for i, t in reversed(list(enumerate(specs))):
        found |= {dim: (i, j) for j, dim in enumerate(t.dims) if isinstance(dim, str)}
    return found


def _dynamic_shapes(sample: Sample, relaxed: bool) -> tuple[Any, ...] | None:
    if not sample.dynamic:
        return None
    dims = {name: _dim(sample, name, relaxed) for name in sample.dynamic}
    shapes = [{i: dims[d] for i, d in enumerate(t.dims) if d in dims} for t in tensors(sample.args)]
    shapes += [{0: dims[name]} for name in _carried(sample)]
    return (tuple(shapes),)


def _dim(sample: Sample, name: str, relaxed: bool) -> Any:
    if relaxed:
        return torch.export.Dim.DYNAMIC
    least = min(run[name] for run in (sample.sizes, *sample.runs))
    return torch.export.Dim(name, min=least) if least > 1 else torch.export.Dim(name)


def check_seen(sample: Sample, exported: Sequence[str], seen_as: str | None) -> None:
    """Raise BrokenCase if the op is not in the exported graph: it would not be the one that is tested."""
    wanted = seen_as or sample.op
    if wanted not in exported:
        saw = ", ".join(exported) or "no op"
        raise BrokenCase(f"{wanted} is not in the exported graph, which has {saw}: the case tests something else")
