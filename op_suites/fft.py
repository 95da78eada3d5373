"""Fourier transforms: of one dim, two or any number, complex, real and Hermitian; shifts, frequencies, windowed frames.

How a result is bounded. A transform is a sum of products, but the bound of `Linear` does not hold for it: the transform
of |x| is the whole sum at frequency 0 only; at other frequencies its phases cancel too, so that it bounds nothing. A
transform is stable in norm: whatever the order of its sums, an output is off by at most L u |x|_1, L the length, that
is L^1.5 u |x|_2. `Composite` measures the factor u |x|_2: if every input moves by +-u, every output moves by about
u |x|_2, since all terms have phases of modulus 1. Lengths are 8 at most (two or more dims: 64 points), where fast and
direct sums stay below some 20 u |x|_2. The stated count is 64, in case the measurement is too low.

That measurement moves floating inputs only. Integers are drawn so that no output cancels: they are distinct, and
transformed at odd prime lengths, where a sum of roots of unity vanishes only if its factors are equal.

In a one-sided spectrum, the terms of frequency 0 and, at even lengths, of the highest frequency stand for real numbers.
PyTorch documents that it ignores their imaginary parts. The complex cells here rely on that, since their fills cannot
set these parts to zero; real spectra have none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from harness.cases.case import OMIT, Dims, Draw, Inputs, OpCase
from harness.cases.dtypes import COMPLEX, EVERY, FLOAT, INT
from harness.cases.explicit import Example, example, tensor
from harness.cases.numeric import EXACT, Composite, Numeric, Stated, Ulp
from harness.cases.sample import DtypeArg, Fill, SizeOf

NORMED = Composite((Stated(64, "a transform is stable in norm, not term by term: see above"),))
NORMS = (OMIT, "ortho", "forward", "backward", None)
LENGTHS = (5, 1, 2, 3, 4, 6, 7, 8)
FINITE = Fill(low=-40, high=40, reach="unit", nonfinite=False)
"""For real results: there a NaN whose factor is zero counts in some algorithms only; an infinity does so anywhere."""
WITH_NAN = replace(FINITE, nonfinite=True)
DISTINCT = Fill(kind="distinct", reach="unit")
WINDOW = Fill(low=0.5, high=1.5, nonfinite=False)
"""For windows: the sum of overlapping ones is not 0, so that frames can be divided by it."""

REAL_IN = ("f32", "f64", *INT)
COMPLEX_IN = ("c64", "f32", "f64", *INT, "c128")
CANCELS = {"bool": "sums of zeros and ones cancel to what has no bound: only floating inputs' conditioning is measured"}
STRIDES = "of several dims: it orders them by their strides, and makes constants of the sizes that decide"
NO_BATCH = 1
"""The least size of a dim that is not transformed: eager's MKL refuses an empty one."""


def axes_of(d: Draw, count: int | None, rank: int, room: int) -> tuple[tuple[int, ...], dict[str, Any], bool]:
    """The dims to transform, the argument `dim` that names them, and whether only the number of lengths tells them.

    The first `room` dims are not transformed. `count` is None for the n-dimensional ops.
    """
    if count == 1:
        axis = _after(room, d.axis(range(rank - room)))
        return (axis,), {"dim": axis if axis != -1 else d.maybe(axis)}, False
    if count == 2:
        pair = d.choose(OMIT, (-2, -1), (-1, -2), (0, -1), (1, 0))
        axes = (-2, -1) if pair is OMIT else tuple(_after(room, axis) for axis in pair)
        return axes, {"dim": pair if pair is OMIT else axes}, False
    form = d.choose("dims", "last", "dims", *(() if room else ("all",)))
    if form == "dims":
        axes = tuple(_after(room, axis) for axis in d.axes(range(rank - room), min_size=1))
        return axes, {"dim": axes}, False
    trailing = d.integer(1, rank - room) if form == "last" else rank
    return tuple(range(rank - trailing, rank)), {"dim": d.choose(OMIT, None)}, form == "last"


def _after(room: int, axis: int) -> int:
    return axis if axis < 0 else axis + room


def transform_inputs(count: int | None, *, onesided: bool = False) -> Inputs:
    """A tensor, the dims to transform, the lengths to cut or pad them to, and the normalization.

    `onesided`: the input is a one-sided spectrum, of m terms; the result has length 2 (m - 1) unless that is given.
    """

    def inputs(d: Draw) -> Mapping[str, Any]:
        whole = d.kind == "int"
        room = int(whole and d.mode == "dynamic")  # integers' lengths are constants: another dim is symbolic
        rank = d.integer((count or 1) + room, 4 if count else 3)
        axes, dim, needs = axes_of(d, count, rank, room)
        given = needs or (whole and onesided) or d.flag()
        sizes: dict[int, Any] = {}
        lengths = []
        for axis in axes:
            name, last = f"d{axis % rank}", onesided and axis == axes[-1]
            size, length = _constant(d, len(axes), last) if whole else _length(d, name, len(axes), given, last)
            sizes[axis % rank] = size
            lengths.append(length)
        dims = tuple(sizes[i] if i in sizes else _untouched(d, i, sizes) for i in range(rank))
        argument, value = ("n", lengths[0]) if count == 1 else ("s", tuple(lengths))
        fill = DISTINCT if whole else FINITE if onesided else WITH_NAN
        return {
            "self": d.tensor(dims, fill=fill),
            argument: value if given else d.choose(OMIT, None),
            **dim,
            "norm": d.choose(*NORMS),
        }

    return inputs


def _untouched(d: Draw, i: int, axes: Collection[int]) -> str:
    """A dim that is not transformed. Between two transformed dims it is constant, since export makes it so."""
    return d.size(f"d{i}", NO_BATCH, 3, symbolic=not min(axes, default=i) < i < max(axes, default=i))


def _constant(d: Draw, among: int, last: bool) -> tuple[int, int]:
    """The size of a transformed dim of integers, and the length to cut or pad it to, an odd prime."""
    length = d.choose(3, 5, 7) if among == 1 else d.choose(3, 5)
    return (length + 1) // 2 if last else length, length


def _length(d: Draw, name: str, among: int, given: bool, last: bool) -> tuple[str, Any]:
    """The size of a transformed dim, and the length to cut or pad it to; `last` marks that of a one-sided spectrum.

    Export asks whether a symbolic size is cut or padded, and makes it a constant if the answer leaves only one size. So
    in dynamic mode the size is never the wanted one, and 2 is never the only size that is padded.
    """
    high = {1: 8, 2: 6}.get(among, 4)
    whole = d.choose(False, True) and not last
    if not given or whole:
        return d.size(name, 2 if last else 1, high), SizeOf(name)
    size = d.sizes[d.size(name, 0, max(high - 2, 3))]
    wanted = max(size - 1, 1) if d.flag() else max(size + 1, 4) if d.mode == "dynamic" else size + d.choose(2, 1)
    if d.mode == "static" and size and d.flag():
        wanted = size
    return name, 2 * wanted - d.choose(1, 2 if wanted > 1 else 1) if last else wanted


def transform(op: str, inputs: Inputs, dtypes: tuple[str, ...]) -> OpCase:
    """A transform that promotes integers."""
    name = f"aten.fft_{op}.default"
    return OpCase(op=name, inputs=inputs, dtypes=dtypes, numeric=NORMED, exclude=CANCELS, unexported=STRIDES)


def family(kind: str, dtypes: tuple[str, ...], **how: bool) -> tuple[OpCase, ...]:
    """A transform of one dim, of two, and of any number."""
    ranks: Mapping[str, int | None] = {"": 1, "2": 2, "n": None}
    return tuple(
        transform(f"{kind}{suffix}", transform_inputs(count, **how), dtypes) for suffix, count in ranks.items()
    )


# the ops that the others are made of ----------------------------------------------------------------------------------


def core_dims(d: Draw, *, constant: Any = None) -> tuple[Dims, tuple[int, ...]]:
    """The dims of a tensor, and those to transform, in any order, counted from the front as these ops want them.

    The last one to transform has the size `constant` if that is given.
    """
    rank = d.integer(1 + (d.mode == "dynamic" and constant is not None), 4)
    axes = tuple(axis % rank for axis in d.axes(range(rank), min_size=1)[:3])
    high = (8, 5, 4)[len(axes) - 1]
    at = axes[-1] if constant is not None else None
    dims = tuple(
        constant if i == at else d.size(f"d{i}", 1, high) if i in axes else _untouched(d, i, axes) for i in range(rank)
    )
    return dims, axes


def c2c_inputs(d: Draw) -> Mapping[str, Any]:
    """Complex to complex, either way."""
    dims, axes = core_dims(d)
    return {"self": d.tensor(dims), "dim": axes, "normalization": d.choose(0, 1, 2), "forward": not d.flag()}


def r2c_inputs(d: Draw) -> Mapping[str, Any]:
    """Real to complex: a one-sided spectrum, or both halves."""
    dims, axes = core_dims(d)
    tensor = d.tensor(dims, fill=WITH_NAN)
    return {"self": tensor, "dim": axes, "normalization": d.choose(0, 1, 2), "onesided": not d.flag()}


def c2r_inputs(d: Draw) -> Mapping[str, Any]:
    """A one-sided spectrum to the real signal, of even or odd length."""
    length = d.choose(*LENGTHS)
    dims, axes = core_dims(d, constant=length // 2 + 1)
    return {"self": d.tensor(dims), "dim": axes, "normalization": d.choose(0, 1, 2), "last_dim_size": length}


# shifts and frequencies -----------------------------------------------------------------------------------------------


def shift_inputs(d: Draw) -> Mapping[str, Any]:
    """A tensor and some of its dims, or all."""
    dims = d.shape(1, 4)
    return {"self": d.tensor(dims), "dim": d.choose(d.axes(dims, min_size=1), OMIT, None)}


def frequency_inputs(d: Draw) -> Mapping[str, Any]:
    """A length, the time between two samples, which may be negative, and `dtype`."""
    dtype = d.choose(DtypeArg(d.dtype), OMIT) if d.dtype == "f32" else DtypeArg(d.dtype)
    return {"n": d.choose(*LENGTHS, 0), "d": d.choose(OMIT, 0.5, 0.05, -2.0), "dtype": dtype}


# frames ---------------------------------------------------------------------------------------------------------------


def window(d: Draw, length: int, *, may_be_complex: bool) -> tuple[Any, bool]:
    """A window of that length, real or complex, or none (all ones); and whether it is complex."""
    real = {"c64": "f32", "c128": "f64"}.get(d.dtype, d.dtype)
    kinds = (real, {"f32": "c64", "f64": "c128"}[real]) if may_be_complex else (real,)
    kind = d.choose(*kinds, OMIT, None)
    if kind is None or kind is OMIT:
        return kind, False
    return d.tensor((length,), kind, WINDOW), kind in COMPLEX


def stft_inputs(*, centered: bool) -> Inputs:
    """A signal or a batch, and every attribute; `centered` is the overload that pads the signal by half a frame.

    Real results instead of complex ones are asked for at odd lengths only: at even ones the imaginary part of the
    highest frequency is a zero that nothing bounds. `align_to_window` is set only where the window fills its frame,
    since eager reads out of bounds otherwise. Two things are left out because torch-mlir's contract pipeline, which the
    control shares, dies of them: a complex window that it has to pad (a segmentation fault), and `normalized` without a
    `hop_length` (it does not end).
    """

    def inputs(d: Draw) -> Mapping[str, Any]:
        center = centered and d.choose(True, OMIT, False)
        padded = center is OMIT or center
        complex_out = d.choose(True, True, False)
        n_fft = d.choose(4, 5, 7, 8, 3, 1) if complex_out else d.choose(5, 7, 3)
        win_length = d.choose(OMIT, None, n_fft, max(n_fft - 2, 1))
        width = n_fft if win_length in (OMIT, None) else win_length
        shape, is_complex = window(d, width, may_be_complex=width == n_fft)
        twosided = is_complex or d.kind == "complex"
        lead = () if d.mode == "static" and d.flag() else (d.size("b", NO_BATCH, 3),)
        normalized = d.choose(OMIT, True, False)
        hop = d.choose(1, 2, 3, *((OMIT, None) if n_fft >= 4 and normalized is not True else ()))
        least = n_fft // 2 + 1 if padded else n_fft
        least += 3 if d.mode == "dynamic" else 0  # one frame is a special case: export makes the size a constant
        time = d.size("t", least, least + 6)
        args = {
            "self": d.tensor((*lead, time), fill=FINITE),
            "n_fft": n_fft,
            "hop_length": hop,
            "win_length": win_length,
            "window": shape,
            "normalized": normalized,
            "onesided": d.choose(OMIT, None, False, *(() if twosided else (True,))),
            "return_complex": d.choose(True, None, OMIT) if twosided and complex_out else complex_out,
            "align_to_window": d.choose(OMIT, None)
            if padded and centered
            else d.choose(OMIT, None, False, *((True,) if width == n_fft else ())),
        }
        pad_modes = (OMIT, "constant", "reflect", "replicate", "circular") if padded else (OMIT,)
        return {**args, "center": center, "pad_mode": d.choose(*pad_modes)} if centered else args

    return inputs


def plain_stft_inputs(d: Draw) -> Mapping[str, Any]:
    """A batch of signals and a real window, as everybody uses one: without it eager warns."""
    signals = d.tensor((d.size("b"), d.size("t", 8)), fill=FINITE)
    return {"self": signals, "n_fft": 4, "window": d.tensor((4,), "f32", WINDOW), "return_complex": True}


def istft_inputs(d: Draw) -> Mapping[str, Any]:
    """The spectra of frames to be put together again: one-sided ones to a real signal, two-sided ones to a complex one.

    Two-sided spectra of real signals are left out: they must be Hermitian, which no fill can make them. Windows cover
    the signal: without padding they are as wide as the frames.
    """
    n_fft = d.choose(4, 5, 7, 8, 6, 3)
    onesided = d.choose(OMIT, True, None, False)
    center = d.choose(OMIT, True, False)
    win_length = d.choose(OMIT, None, n_fft, *(() if center is False else (n_fft - 1, n_fft - 2)))
    width = n_fft if win_length in (OMIT, None) else win_length
    shape, _ = window(d, width, may_be_complex=onesided is False)
    lead = () if d.mode == "static" and d.flag() else (d.size("b", 1, 3),)
    frequencies = n_fft if onesided is False else n_fft // 2 + 1
    frames = d.integer(2, 5)
    return {
        "self": d.tensor((*lead, frequencies, frames), fill=FINITE),
        "n_fft": n_fft,
        "hop_length": d.choose(1, *((2, width) if width > 1 else ()), *((OMIT, None) if n_fft >= 4 else ())),
        "win_length": win_length,
        "window": shape,
        "center": center,
        "normalized": d.choose(OMIT, True, False),
        "onesided": onesided,
        "length": d.choose(OMIT, None, 1, *((2, 12) if width == n_fft else ())),
        "return_complex": True if onesided is False else d.choose(OMIT, False),
    }


def core(op: str, inputs: Inputs, dtypes: Sequence[str], numeric: Numeric = NORMED, **more: Any) -> OpCase:
    """An op that takes floating dtypes as they are."""
    return OpCase(op=f"aten.{op}", inputs=inputs, dtypes=tuple(dtypes), numeric=numeric, **more)


def narrow(**more: Any) -> Example:
    """A window that is shorter than a frame, and given by its length alone: three ones between zeros."""
    signal = tensor([1.0, -2.0, 0.5, 3.0, 0.0, 4.0, -1.0, 2.0], dims=("t",))
    return example(self=signal, n_fft=5, hop_length=1, win_length=3, return_complex=True, **more)


CASES = (
    *family("fft", COMPLEX_IN),
    *family("ifft", COMPLEX_IN),
    *family("rfft", REAL_IN),
    *family("irfft", COMPLEX_IN, onesided=True),
    *family("hfft", COMPLEX_IN, onesided=True),
    *family("ihfft", REAL_IN),
    core("_fft_c2c.default", c2c_inputs, COMPLEX, unexported=STRIDES),
    core("_fft_r2c.default", r2c_inputs, ("f32", "f64"), unexported=STRIDES),
    core("_fft_c2r.default", c2r_inputs, COMPLEX, unexported=STRIDES),
    core("fft_fftshift.default", shift_inputs, EVERY, EXACT),
    core("fft_ifftshift.default", shift_inputs, EVERY, EXACT),
    core("fft_fftfreq.default", frequency_inputs, FLOAT, Ulp(4), static_only="its length is no symbolic integer"),
    core("fft_rfftfreq.default", frequency_inputs, FLOAT, Ulp(4), static_only="its length is no symbolic integer"),
    core(
        "stft.default",
        stft_inputs(centered=False),
        ("f32", "f64", *COMPLEX),
        plain=plain_stft_inputs,
        examples=(narrow(),),
    ),
    core(
        "stft.center",
        stft_inputs(centered=True),
        ("f32", "f64", *COMPLEX),
        unexported="export makes the size of some constant",
        plain=plain_stft_inputs,
        examples=(narrow(center=False),),
    ),
    core("istft.default", istft_inputs, COMPLEX, unexported="its shape function refuses spectra that eager takes"),
)
