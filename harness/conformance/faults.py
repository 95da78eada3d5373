"""The miniature faults: deeds that end or block a process, and lies about the results of a program.

Each is deterministic. `faulty.py` wraps them around a plugin, and opcov's own tests build small plugins from them.
"""

from __future__ import annotations

import ctypes
import os
import re
from collections.abc import Callable, Mapping
from typing import Any, NoReturn

from harness.programs.protocols import CannotExecute, ImpossibleShape

# deeds that end the process, or try to ------------------------------------------------------------------------------

CHATTER = 10_000
"""Characters that `complain` prints before `LAST_WORDS`."""
LAST_WORDS = "LLVM ERROR: out of ideas"


def segfault() -> None:
    """Read address 0."""
    ctypes.string_at(0)


def abort() -> NoReturn:
    """End as an assertion in C does."""
    os.abort()


def leave() -> NoReturn:
    """Exit with status 3 and run no handler."""
    os._exit(3)


def fail() -> NoReturn:
    """Raise an exception that no protocol names."""
    raise ValueError("a miniature fails")


def hang() -> None:
    """Block in native code for ever, idle, and hold the interpreter's lock."""
    ctypes.PyDLL(None).pause()


def spin() -> None:
    """Compute in native code for ever, at full speed, and hold the interpreter's lock."""
    re.match(r"(a+)+$", "a" * 64 + "b")


def hog() -> None:
    """Allocate 64 MiB at a time, until there is no more memory or 64 GiB are held."""
    held: list[bytearray] = []
    while len(held) < 1024:
        held.append(bytearray(1 << 26))


def hog_natively() -> None:
    """Call C++'s `operator new` for a tebibyte; nothing catches its exception."""
    ctypes.CDLL("libstdc++.so.6")._Znwm(ctypes.c_size_t(1 << 40))


def complain() -> NoReturn:
    """Write much text, then the reason, to file descriptor 2 past Python's stderr, and abort."""
    os.write(2, b"." * CHATTER + b"\n" + LAST_WORDS.encode() + b"\n")
    os.abort()


DEATHS: Mapping[str, Callable[[], None]] = {
    action.__name__: action for action in (segfault, abort, leave, fail, hang, spin, hog, hog_natively, complain)
}

# lies about results; `example` are the results at the sizes of export -------------------------------------------------

Results = list[Any]
"""The tensors that a program returns."""


def right(results: Results, example: Results) -> Results:
    """Tell the truth."""
    return results


def lie_in_value(results: Results, example: Results) -> Results:
    """Change the last element of the first result."""
    results[0].view(-1)[-1:] = results[0].view(-1)[-1:] != 1
    return results


def lie_in_shape(results: Results, example: Results) -> Results:
    """Give the first result one more dim."""
    return [results[0].unsqueeze(0), *results[1:]]


def lie_in_dtype(results: Results, example: Results) -> Results:
    """Give the first result another dtype."""
    return [results[0].double(), *results[1:]]


def lie_in_dtype_and_last_value(results: Results, example: Results) -> Results:
    """Give the first result another dtype, and change the last one."""
    return [*lie_in_dtype(results[:-1], example), *lie_in_value(results[-1:], example)]


def drop_nan(results: Results, example: Results) -> Results:
    """Replace what is not finite."""
    return [r.nan_to_num(0.0) for r in results]


def inject_nan(results: Results, example: Results) -> Results:
    """Make the first element of the first result NaN."""
    results[0].view(-1)[:1] = float("nan")
    return results


def lie_in_arity(results: Results, example: Results) -> Results:
    """Return the first result twice."""
    return [*results, results[0]]


def specialize(results: Results, example: Results) -> Results:
    """Return the results at the sizes of export, whatever the inputs are."""
    return example


def size_below_zero(results: Results, example: Results) -> Results:
    """Say that a size is below 0."""
    raise ImpossibleShape(0, (-1, 3))


def refuse(results: Results, example: Results) -> Results:
    """Say that the module cannot be run."""
    raise CannotExecute("a miniature cannot run this")


LIES: Mapping[str, Callable[[Results, Results], Results]] = {
    action.__name__: action
    for action in (
        right,
        lie_in_value,
        lie_in_shape,
        size_below_zero,
        lie_in_dtype,
        lie_in_dtype_and_last_value,
        drop_nan,
        inject_nan,
        lie_in_arity,
        specialize,
        refuse,
    )
}

# refusals of a frontend -----------------------------------------------------------------------------------------------

REASONS: Mapping[str, str] = {
    "reject": "a miniature says no",
    "make_no_valid_ir": "MLIRError: Verification failed: a miniature makes IR that is not valid",
}
"""By fault, why a frontend says that it cannot express a program."""
