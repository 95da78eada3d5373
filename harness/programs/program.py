"""Turn a sample into a `Program`: a module that calls the op, its example tensors and its dynamic shapes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from harness.cases.road import EXPORT
from harness.cases.sample import Arg, DtypeArg, EnumArg, Sample, SizeOf, Sizes, TensorSpec, map_leaves, tensors, walk
from harness.errors import BadSample, BrokenCase, UnknownName

from .materialize import copied, dtype, materialize
from .protocols import Program
from .transforms import Transformed, Untransformable, directions, floating, mapped


@dataclass(frozen=True, slots=True)
class Slot:
    """A placeholder for the tensor argument at an index."""

    index: int


@dataclass(frozen=True, slots=True)
class SizeSlot:
    """A placeholder for the size of a dim of the tensor argument at an index."""

    index: int
    dim: int


def overload(op: str) -> torch._ops.OpOverload:
    """Return the torch overload of a name such as `aten.add.Tensor`; raises UnknownName."""
    try:
        namespace, name, kind = op.split(".")
        op_overload = getattr(getattr(getattr(torch.ops, namespace), name), kind)
    except (ValueError, AttributeError):
        raise UnknownName("op", op, ()) from None
    if not isinstance(op_overload, torch._ops.OpOverload):
        raise UnknownName("op", op, ())
    return op_overload


class Call(torch.nn.Module):
    """A module that calls one overload.

    Tensors and symbolic sizes come from the inputs, where the arguments hold a `Slot` or a `SizeSlot`. All other
    arguments are constants.
    """

    def __init__(self, op: torch._ops.OpOverload, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        super().__init__()
        self.op = op
        self.call_args = tuple(args)
        self.call_kwargs = dict(kwargs)

    def forward(self, *inputs: torch.Tensor) -> Any:
        """Return the op's result, as the op returns it."""

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
    """Return the program's arguments at these sizes: the sample's tensors in order, then the carriers.

    A carrier is an f32 tensor of shape [dim] of which only the size is used. There is one for each dynamic dim that no
    tensor has, as in creation ops: export needs a tensor to take the symbolic size from.

    On a road with a transform, what this takes more comes last: see `transforms`. Raises Untransformable where it can
    take nothing, and what the op raises.
    """
    carriers = tuple(torch.zeros(sizes[name]) for name in _carrier_dims(sample))
    varied, transform = sample.varied, sample.road.transform
    specs = tensors(sample.args)
    if varied and transform == "vmap":
        own = (mapped(t, sizes, varied) if i in varied.tensors else materialize(t, sizes) for i, t in enumerate(specs))
        return (*own, *carriers)
    plain = (*(materialize(t, sizes) for t in specs), *carriers)
    if varied and transform == "vjp":
        return (*plain, *directions(_pulled(sample, plain), varied))
    if varied and transform == "jvp":
        return (*plain, *directions([plain[place] for place in varied.tensors], varied))
    return plain


def _pulled(sample: Sample, plain: Sequence[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """The results that cotangents are pulled back from; raises Untransformable if there are none."""
    seed_eager(0)
    with torch.no_grad():
        found = floating(call(sample)(*map(copied, plain)))
    if not found:
        raise Untransformable("vjp has no floating result to pull back")
    return found


def _carrier_dims(sample: Sample) -> tuple[str, ...]:
    """The dynamic dims that a `SizeOf` names and no tensor has."""
    of_tensors = {dim for t in tensors(sample.args) for dim in t.dims}
    of_sizes = {leaf.dim for leaf in walk(sample.args) if isinstance(leaf, SizeOf)}
    return tuple(d for d in sample.dynamic if d in of_sizes and d not in of_tensors)


def program(sample: Sample, *, relaxed: bool = False) -> Program:
    """Return the program of a sample; raises BadSample where its arguments do not fit the op's schema.

    Each dynamic dim becomes a named `Dim`, whose minimum is the least size of the runs if that is above 1. With
    `relaxed` it is `Dim.DYNAMIC`: export then chooses the range, which leaves out sizes 0 and 1.
    """
    return Program(
        op=sample.op,
        module=module(sample),
        args=inputs(sample, sample.sizes),
        dynamic_shapes=_dynamic_shapes(sample, relaxed),
        level=sample.road.level,
        legal=sample.road.legal,
        transformed=sample.road.transform != "none",
    )


def module(sample: Sample) -> torch.nn.Module:
    """Return the module of a sample's program: it calls the op, on a road with a transform transformed.

    Raises BadSample where the arguments do not fit the op's schema.
    """
    plain = call(sample)
    if not sample.varied:
        return plain
    count = len(tensors(sample.args)) + len(_carrier_dims(sample))
    return Transformed(plain, count, sample.road.transform, sample.varied)


def call(sample: Sample) -> Call:
    """Return the module that calls the op; raises BadSample where the arguments do not fit the op's schema."""
    op = overload(sample.op)
    args, kwargs = _bind(op, sample)
    return Call(op, args, kwargs)


def _bind(op: torch._ops.OpOverload, sample: Sample) -> tuple[list[Any], dict[str, Any]]:
    """The arguments by the schema: positional ones in order, up to the last that the sample gives, then keyword ones.

    Positional arguments before that one which the sample leaves out take their defaults. Raises BadSample.
    """
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
    value = _converter(sample)
    args = [value(sample.args[a.name]) if a.name in sample.args else a.default_value for a in called]
    kwargs = {a.name: value(sample.args[a.name]) for a in schema.arguments if a.kwarg_only and a.name in sample.args}
    return args, kwargs


def _converter(sample: Sample) -> Any:
    """A function from an argument of the sample to that of the call; slots number the tensors in the sample's order."""
    order = {id(t): i for i, t in enumerate(tensors(sample.args))}
    size_slots = _size_slots(sample)

    def leaf(arg: Arg) -> Any:
        match arg:
            case TensorSpec():
                return Slot(order[id(arg)])
            case SizeOf(dim):
                return size_slots[dim] if dim in sample.dynamic else sample.sizes[dim]
            case DtypeArg(name):
                return dtype(name)
            case EnumArg("device", name):
                return torch.device(name)
            case EnumArg(_, name):
                return getattr(torch, name)
            case _:
                return arg

    return lambda arg: map_leaves(arg, leaf)


def _size_slots(sample: Sample) -> dict[str, SizeSlot]:
    """Where the size of each named dim can be read: in the first tensor that has it, or in its carrier."""
    specs = tensors(sample.args)
    slots = {dim: SizeSlot(len(specs) + i, 0) for i, dim in enumerate(_carrier_dims(sample))}
    for i, t in reversed(list(enumerate(specs))):
        slots |= {dim: SizeSlot(i, j) for j, dim in enumerate(t.dims) if isinstance(dim, str)}
    return slots


def _dynamic_shapes(sample: Sample, relaxed: bool) -> tuple[Any, ...] | None:
    if not sample.dynamic:
        return None
    relaxed = relaxed or sample.varied is not None  # what traces a transform leaves out 0 and 1 as well
    dims = {name: _dim(sample, name, relaxed) for name in sample.dynamic}
    shapes = [{i: dims[d] for i, d in enumerate(t.dims) if d in dims} for t in tensors(sample.args)]
    shapes += [{0: dims[name]} for name in _carrier_dims(sample)]
    return (tuple(_transformed_shapes(sample, shapes) if sample.varied else shapes),)


def _transformed_shapes(sample: Sample, shapes: Sequence[dict[int, Any]]) -> list[dict[int, Any]]:
    """The dynamic shapes of a transformed program, given those of the plain one.

    Which sizes of a cotangent vary is found by looking: export finds out what they are equal to.
    """
    varied = sample.varied
    assert varied
    if sample.road.transform == "vmap":
        before = 0 if varied.last else len(varied.batch)
        of_mapped = [{dim + before: spec for dim, spec in shape.items()} for shape in shapes]
        return [of_mapped[i] if i in varied.tensors else shape for i, shape in enumerate(shapes)]
    if sample.road.transform == "jvp":
        return [*shapes, *(shapes[place] for place in varied.tensors)]
    first, *others = ([t.shape for t in inputs(sample, run)[len(shapes) :]] for run in (sample.sizes, *_large(sample)))
    auto = torch.export.Dim.AUTO
    return [
        *shapes,
        *(
            {dim: auto for dim, size in enumerate(shape) if any(other[i][dim] != size for other in others)}
            for i, shape in enumerate(first)
        ),
    ]


def _large(sample: Sample) -> list[Sizes]:
    """The runs at which no dynamic dim is 0 or 1."""
    return [run for run in sample.runs if all(run[name] > 1 for name in sample.dynamic)]


def _dim(sample: Sample, name: str, relaxed: bool) -> Any:
    if relaxed:
        return torch.export.Dim.DYNAMIC
    least = min(run[name] for run in (sample.sizes, *sample.runs))
    return torch.export.Dim(name, min=least) if least > 1 else torch.export.Dim(name)


def seed_eager(seed: int) -> None:
    """Seed the generator that eager draws from on the CPU.

    `torch.manual_seed` also keeps a formatted stack for each absent kind of accelerator, in case one comes up later:
    a fifth of the cost of a reference, and memory that is never given back.
    """
    torch.default_generator.manual_seed(seed)


def check_seen(sample: Sample, exported: Sequence[str], seen_as: str | None) -> None:
    """Raise BrokenCase if the sample's op is not among the `exported` overloads: the case would test another op.

    `seen_as` is the overload that export records in place of the op, where PyTorch rewrites the call; another frontend
    may record the op itself.
    """
    expected = seen_as or sample.op
    accepted = {expected} if sample.road.frontend == EXPORT else {expected, sample.op}
    if not accepted & set(exported):
        saw = ", ".join(exported) or "no op"
        raise BrokenCase(f"{expected} is not in the exported graph, which has {saw}: the case tests something else")
