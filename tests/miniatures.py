"""Miniature backends and executors, each with one deterministic fault, that prove that the harness sees it.

They lower to a dialect of their own, `miniature`, whose only op is a deed: `miniature.lie_in_shape`, done by the
executor `actor` to eager's result. They are found as any out-of-tree plugin is, through entry points: `install` writes
a distribution into a folder, which is then put on the import path.
"""

from __future__ import annotations

import ctypes
import os
import re
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

from harness.programs.protocols import CannotExecute, Contract, Executable, Lowered, Refused

# deeds that end a process, or try to ----------------------------------------------------------------------------------

CHATTER = 10_000
"""Characters that `complain` prints before its last words."""
LAST_WORDS = "LLVM ERROR: out of ideas"


def segfault() -> None:
    ctypes.string_at(0)


def abort() -> NoReturn:
    os.abort()


def leave() -> NoReturn:
    os._exit(3)


def fail() -> NoReturn:
    raise ValueError("a miniature fails")


def hang() -> None:
    """Never return from native code, holding the interpreter's lock, at no cost."""
    ctypes.PyDLL(None).pause()


def spin() -> None:
    """Never return from native code, holding the interpreter's lock, at full speed."""
    re.match(r"(a+)+$", "a" * 64 + "b")


def hog() -> None:
    """Allocate 64 MiB at a time until there are no more, or 64 GiB."""
    held = []
    while len(held) < 1024:
        held.append(bytearray(1 << 26))


def hog_natively() -> None:
    """C++ `operator new` of a tebibyte, whose exception nobody catches."""
    ctypes.CDLL("libstdc++.so.6")._Znwm(ctypes.c_size_t(1 << 40))


def complain() -> NoReturn:
    """Print much, then the reason, to the process's stderr below Python's, and die."""
    os.write(2, b"." * CHATTER + b"\n" + LAST_WORDS.encode() + b"\n")
    os.abort()


DEATHS: Mapping[str, Callable[[], None]] = {
    deed.__name__: deed for deed in (segfault, abort, leave, fail, hang, spin, hog, hog_natively, complain)
}

# deeds done to eager's results; `example` are those at the sizes of export --------------------------------------------

Results = list[Any]


def right(results: Results, example: Results) -> Results:
    return results


def lie_in_value(results: Results, example: Results) -> Results:
    """Change the last element."""
    results[0].view(-1)[-1:] = results[0].view(-1)[-1:] != 1
    return results


def lie_in_shape(results: Results, example: Results) -> Results:
    return [results[0].unsqueeze(0), *results[1:]]


def lie_in_dtype(results: Results, example: Results) -> Results:
    return [results[0].double(), *results[1:]]


def drop_nan(results: Results, example: Results) -> Results:
    return [r.nan_to_num(0.0) for r in results]


def inject_nan(results: Results, example: Results) -> Results:
    results[0].view(-1)[:1] = float("nan")
    return results


def lie_in_arity(results: Results, example: Results) -> Results:
    return [*results, results[0]]


def specialize(results: Results, example: Results) -> Results:
    """The example's results, whatever the inputs."""
    return example


def refuse(results: Results, example: Results) -> Results:
    raise CannotExecute("a miniature cannot run this")


LIES: Mapping[str, Callable[[Results, Results], Results]] = {
    deed.__name__: deed
    for deed in (
        right,
        lie_in_value,
        lie_in_shape,
        lie_in_dtype,
        drop_nan,
        inject_nan,
        lie_in_arity,
        specialize,
        refuse,
    )
}

# executors ------------------------------------------------------------------------------------------------------------


def eager(program: Any, inputs: Sequence[Any]) -> Results:
    """The results of the program itself."""
    import torch
    from torch.utils import _pytree as pytree

    with torch.no_grad():
        return [torch.as_tensor(leaf).clone().contiguous() for leaf in pytree.tree_leaves(program.module(*inputs))]


class Actor:
    """Does the deed that the IR names to eager's results."""

    name = "actor"
    dialects = frozenset(("miniature",))

    def compile(self, lowered: Lowered) -> Executable:
        deed = lowered.ir.split()[0].removeprefix("miniature.")

        def run(inputs: Sequence[Any]) -> Results:
            if deed in DEATHS:
                DEATHS[deed]()
            return LIES[deed](eager(lowered.program, inputs), eager(lowered.program, lowered.program.args))

        return run


class Detective(Actor):
    """A checker: dies of whatever it is given to run, and says of what and where."""

    name = "detective"

    def compile(self, lowered: Lowered) -> Executable:
        def run(inputs: Sequence[Any]) -> Results:
            os.write(2, f"it was {lowered.ir.split()[0]} at {list(inputs[0].shape)}\n".encode())
            os.abort()

        return run

    def diagnose(self, lowered: Lowered, stderr: str) -> str:
        return stderr.strip()


class CannotCompile:
    """Comes before `actor`, and cannot run what it takes."""

    name = "able"
    dialects = frozenset(("miniature",))

    def compile(self, lowered: Lowered) -> Executable:
        raise CannotExecute("not able")


class Witness(Actor):
    """Is eager, whatever the IR says to be done; runs in a fork."""

    name = "witness"
    isolated = True

    def compile(self, lowered: Lowered) -> Executable:
        return lambda inputs: eager(lowered.program, inputs)


class Doomed(Witness):
    """Dies in its fork."""

    name = "doomed"

    def compile(self, lowered: Lowered) -> Executable:
        return lambda inputs: complain()


class FalseEager:
    """Comes before `eager`, and lies for the control backend too; being of its road, it has its way."""

    name = "an-eager"
    road = "eager"
    dialects = frozenset(("eager",))

    def compile(self, lowered: Lowered) -> Executable:
        return lambda inputs: lie_in_value(eager(lowered.program, inputs), [])


# backends -------------------------------------------------------------------------------------------------------------


class Acts:
    """Lowers to a deed; its IR tells the process it was made in."""

    def __init__(self, name: str, deed: str) -> None:
        self.name = name
        self.deed = deed

    def lower(self, contract: Contract) -> Lowered:
        return Lowered(dialect="miniature", ir=f"miniature.{self.deed} {os.getpid()}", program=contract.program)

    def verify(self, lowered: Lowered) -> None:
        pass


class Dies(Acts):
    """Does a deed that ends it while it lowers, or else while it verifies."""

    def __init__(self, name: str, deed: str, stage: str) -> None:
        super().__init__(name, "right")
        self.death = DEATHS[deed]
        self.stage = stage

    def lower(self, contract: Contract) -> Lowered:
        if self.stage == "lower":
            self.death()
        return super().lower(contract)

    def verify(self, lowered: Lowered) -> None:
        self.death()


class Leaks(Acts):
    """Keeps some memory of every program."""

    STEP = 32 << 20

    def __init__(self) -> None:
        super().__init__("leaks", "right")
        self.kept: list[bytes] = []

    def lower(self, contract: Contract) -> Lowered:
        self.kept.append(b"x" * self.STEP)
        return super().lower(contract)


class RejectsEverything(Acts):
    """Says no, and to what."""

    def __init__(self) -> None:
        super().__init__("rejects-everything", "right")

    def lower(self, contract: Contract) -> Lowered:
        raise Refused("error: a miniature says no", contract.reached[0])


class SpeaksToNobody(Acts):
    """Lowers to a dialect that no executor takes."""

    def __init__(self) -> None:
        super().__init__("speaks-to-nobody", "right")

    def lower(self, contract: Contract) -> Lowered:
        return Lowered(dialect="unheard-of", ir="unheard_of.op", program=contract.program)


def leaks_dialect() -> Any:
    """A backend as the built-in ones are, whose pipeline converts nothing."""
    from backends.lowerings.tosa import Tosa

    class LeaksDialect(Tosa):
        name = "leaks-dialect"
        recipe = replace(Tosa.recipe, pipeline="builtin.module(canonicalize)")

    return LeaksDialect()


def fails_the_verifier() -> Any:
    """A backend as the built-in ones are, whose IR is not valid."""
    from backends.lowerings.tosa import Tosa

    class FailsTheVerifier(Tosa):
        name = "fails-the-verifier"

        def lower(self, contract: Contract) -> Lowered:
            return Lowered(dialect="tosa", ir="func.func @main() -> i32 { return }", program=contract.program)

    return FailsTheVerifier()


rejects_everything = RejectsEverything
speaks_to_nobody = SpeaksToNobody
leaks = Leaks
ACTS = tuple(LIES)
DIES = tuple((deed, stage) for deed in DEATHS for stage in ("lower", "verify", "execute"))


def named(deed: str) -> str:
    """The name of a backend by its deed: `lie_in_value` is `lie-in-value`."""
    return deed.replace("_", "-")


def __getattr__(name: str) -> Callable[[], Any]:
    """The backends that differ in their deed only: `act_lie_in_shape`, `die_abort_lower`."""
    kind, _, deed = name.partition("_")
    if kind == "act" and deed in ACTS:
        return partial(Acts, named(deed), deed)
    deed, _, stage = deed.rpartition("_")
    if kind == "die" and (deed, stage) in DIES:
        full = named(f"{deed}-{stage}")
        return partial(Acts, full, deed) if stage == "execute" else partial(Dies, full, deed, stage)
    raise AttributeError(name)


BACKENDS: Mapping[str, str] = {
    **{named(deed): f"act_{deed}" for deed in ACTS},
    **{named(f"{deed}-{stage}"): f"die_{deed}_{stage}" for deed, stage in DIES},
    **{
        named(name): name
        for name in ("rejects_everything", "speaks_to_nobody", "leaks", "leaks_dialect", "fails_the_verifier")
    },
}
"""Every miniature backend: its name, and what the module calls it."""
EXECUTORS: Mapping[str, str] = {
    "actor": "Actor",
    "able": "CannotCompile",
    "an-eager": "FalseEager",
    "doomed": "Doomed",
    "witness": "Witness",
    "detective": "Detective",
}


def install(folder: Path, backends: Iterable[str] = BACKENDS, executors: Iterable[str] = ("actor",)) -> Path:
    """Write a distribution of these miniatures into the folder, as `pip install` would; returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(__file__, folder / "opcov_miniatures.py")
    info = folder / "miniature-0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: miniature\nVersion: 0\n", encoding="ascii")
    lines = ["[opcov.backends]", *(f"{name} = opcov_miniatures:{BACKENDS[name]}" for name in backends)]
    lines += ["[opcov.executors]", *(f"{name} = opcov_miniatures:{EXECUTORS[name]}" for name in executors)]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="ascii")
    return folder


def needy(folder: Path, group: str, modules: Mapping[str, str], extra: str = "") -> Path:
    """Write a distribution of plugins, each with the text of its module, which defines `Plugin` or cannot."""
    info = folder / "needy-0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: needy\nVersion: 0\n", encoding="ascii")
    lines = [f"[{group}]", *(f"{name} = needy_{name}:Plugin {extra}" for name in modules)]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n", encoding="ascii")
    for name, text in modules.items():
        (folder / f"needy_{name}.py").write_text(text, encoding="ascii")
    return folder
