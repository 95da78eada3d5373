"""Traits: facts about a sample that support may depend on, derived from the sample and never typed by hand."""

from __future__ import annotations

from collections.abc import Iterator

from .sample import Arg, DtypeArg, EnumArg, Sample, SizeOf, TensorSpec, tensors, walk


def traits(sample: Sample) -> tuple[str, ...]:
    """The traits of a sample, sorted: `rank=2`, `zero_size`, `broadcast`, `dim<0`, `ceil_mode=True`, `values=mixed`."""
    found = {f"dtype={sample.dtype}", f"values={sample.values}"}
    found |= set(_of_tensors(sample))
    found |= {f"dynamic={name}" for name in sample.dynamic}
    for name, arg in sample.args.items():
        found |= set(_of_argument(name, arg))
    return tuple(sorted(found))


def attributes(sample: Sample) -> set[str]:
    """The traits of the arguments that hold no tensor."""
    plain = ((name, arg) for name, arg in sample.args.items() if not tensors(arg))
    return {trait for name, arg in plain for trait in _of_argument(name, arg)}


def _of_tensors(sample: Sample) -> Iterator[str]:
    specs = tensors(sample.args)
    if not specs:
        yield "no_tensor"
        asked = [sample.sizes[leaf.dim] for leaf in walk(sample.args) if isinstance(leaf, SizeOf)]
        yield from (trait for size, trait in ((0, "zero_size"), (1, "size_1")) if size in asked)
        return
    yield f"rank={len(specs[0].dims)}"
    shapes = [t.shape(sample.sizes) for t in specs]
    if any(0 in shape for shape in shapes):
        yield "zero_size"
    if any(1 in shape for shape in shapes):
        yield "size_1"
    if len({t.dtype for t in specs}) > 1:
        yield "mixed_dtype"
    if _broadcasts(specs):
        yield "broadcast"
    if any(0 in t.shape(run) for run in sample.runs for t in specs) and sample.mode == "dynamic":
        yield "run_at_0"


def _broadcasts(specs: list[TensorSpec]) -> bool:
    """Whether a tensor broadcasts to the one of the highest rank.

    Aligned at the back, their dims are equal or one of them is a literal 1, and there is a 1 or a rank that differs.
    """
    longest = max(specs, key=lambda t: len(t.dims)).dims
    for spec in specs:
        aligned = longest[len(longest) - len(spec.dims) :]
        pairs = list(zip(aligned, spec.dims, strict=True))
        same = all(a == b or 1 in (a, b) for a, b in pairs)
        if same and (len(spec.dims) < len(longest) or any(a != b for a, b in pairs)):
            return True
    return False


def _of_argument(name: str, arg: Arg) -> Iterator[str]:
    match arg:
        case TensorSpec():
            if arg.fill.kind != "any":
                yield f"{name}:{arg.fill.kind}{'<0' if arg.fill.low is not None and arg.fill.low < 0 else ''}"
            if arg.layout != "contiguous":
                yield f"{name}:{arg.layout}"
        case bool() | None | str():
            yield f"{name}={arg}"
        case int():
            yield f"{name}<0" if arg < 0 else f"{name}={arg}" if arg < 2 else f"{name}>1"
        case float():
            yield f"{name}<0" if arg < 0 else f"{name}={arg:g}" if arg in (0.0, 1.0) else f"{name}=float"
        case complex():
            yield f"{name}=complex"
        case SizeOf():
            yield f"{name}=size"
        case DtypeArg() | EnumArg():
            yield f"{name}={arg.name}"
        case tuple():
            yield from _of_list(name, arg)


def _of_list(name: str, arg: tuple[Arg, ...]) -> Iterator[str]:
    if not arg:
        yield f"{name}=[]"
    elif any(isinstance(leaf, TensorSpec) for leaf in walk(arg)):
        yield f"len({name})={len(arg)}"
        if any(leaf is None for leaf in arg):
            yield f"{name}:None"
    else:
        leaves = list(walk(arg))
        if any(isinstance(leaf, (int, float)) and leaf < 0 for leaf in leaves):
            yield f"{name}<0"
        if any(isinstance(leaf, SizeOf) for leaf in leaves):
            yield f"{name}=size"
        if len(leaves) > 1 and len(set(map(str, leaves))) > 1:
            yield f"{name}:uneven"
        if all(isinstance(leaf, bool) for leaf in leaves):
            yield f"{name}={''.join('TF'[not leaf] for leaf in leaves)}"
        elif len(set(map(str, leaves))) == 1 and leaves[0] in (0, 1):
            yield f"{name}={leaves[0]}"
