"""Miniature backends and executors: each has one deterministic fault, with which tests prove that the harness sees it.

They lower to a dialect of their own, `miniature`, whose one op names an action, such as `miniature.lie_in_shape`. The
executor `actor` performs the action, one of `harness/conformance/faults.py`, on eager's results. The harness finds
miniatures as it finds any out-of-tree plugin, through entry points: `install` writes a distribution into a folder,
which a test then puts on the import path.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

from harness.conformance.distribution import declare
from harness.conformance.faults import DEATHS, LIES, Results, complain, hang, lie_in_shape, lie_in_value
from harness.programs.protocols import CannotExecute, Contract, Executable, Lowered, OutsideSpecification, Refused

# executors ------------------------------------------------------------------------------------------------------------


def eager(program: Any, inputs: Sequence[Any]) -> Results:
    """Run the program itself and return its results."""
    import torch
    from torch.utils import _pytree as pytree

    with torch.no_grad():
        return [torch.as_tensor(leaf).clone().contiguous() for leaf in pytree.tree_leaves(program.module(*inputs))]


class Actor:
    """Performs the action that the IR names on eager's results."""

    name = "actor"
    dialects = frozenset(("miniature",))

    def compile(self, lowered: Lowered) -> Executable:
        action = lowered.ir.split()[0].removeprefix("miniature.")

        def run(inputs: Sequence[Any]) -> Results:
            if action in DEATHS:
                DEATHS[action]()
            return LIES[action](eager(lowered.program, inputs), eager(lowered.program, lowered.program.args))

        return run


class Detective(Actor):
    """A checker: aborts whenever it runs, and writes the action and the shape of its input to stderr."""

    name = "detective"

    def compile(self, lowered: Lowered) -> Executable:
        def run(inputs: Sequence[Any]) -> Results:
            os.write(2, f"it was {lowered.ir.split()[0]} at {list(inputs[0].shape)}\n".encode())
            os.abort()

        return run

    def diagnose(self, lowered: Lowered, stderr: str) -> str:
        return stderr.strip()


class CannotCompile:
    """Is listed before `actor`, since its name sorts first, and can compile nothing."""

    name = "able"
    dialects = frozenset(("miniature",))

    def compile(self, lowered: Lowered) -> Executable:
        raise CannotExecute("not able")


class Witness(Actor):
    """Returns eager's results, whatever action the IR names; runs in a fork."""

    name = "witness"
    isolated = True

    def compile(self, lowered: Lowered) -> Executable:
        return lambda inputs: eager(lowered.program, inputs)


class Doomed(Witness):
    """Aborts in its fork."""

    name = "doomed"

    def compile(self, lowered: Lowered) -> Executable:
        return lambda inputs: complain()


class Hangs(Witness):
    """Never ends in its fork."""

    name = "hangs"

    def compile(self, lowered: Lowered) -> Executable:
        return lambda inputs: hang()  # type: ignore[return-value]


class Rubbish(Witness):
    """Returns what is no tensor."""

    name = "rubbish"

    def compile(self, lowered: Lowered) -> Executable:
        return lambda inputs: ["rubbish"]


class Echo(Actor):
    """Performs the action that the IR names, in a fork."""

    name = "echo"
    isolated = True


class LiesInShape(Witness):
    """Returns the first result in another shape."""

    name = "lies-in-shape"

    def compile(self, lowered: Lowered) -> Executable:
        return lambda inputs: lie_in_shape(eager(lowered.program, inputs), [])


class Blind(Detective):
    """A checker that finds nothing."""

    name = "blind"

    def compile(self, lowered: Lowered) -> Executable:
        return Actor.compile(self, lowered)


class FalseEager:
    """Is asked before `eager` and lies for the control backend too; `eager`, of the same road, cannot outvote it."""

    name = "an-eager"
    road = "eager"
    dialects = frozenset(("eager",))

    def compile(self, lowered: Lowered) -> Executable:
        return lambda inputs: lie_in_value(eager(lowered.program, inputs), [])


# backends -------------------------------------------------------------------------------------------------------------


class Acts:
    """Lowers to an action; its IR holds the id of the process that made it."""

    def __init__(self, name: str, action: str) -> None:
        self.name = name
        self.action = action

    def lower(self, contract: Contract) -> Lowered:
        return Lowered(dialect="miniature", ir=f"miniature.{self.action} {os.getpid()}", program=contract.program)

    def verify(self, lowered: Lowered) -> None:
        pass


class Dies(Acts):
    """Performs its action while it lowers, or while it verifies."""

    def __init__(self, name: str, action: str, stage: str) -> None:
        super().__init__(name, "right")
        self.death = DEATHS[action]
        self.stage = stage

    def lower(self, contract: Contract) -> Lowered:
        if self.stage == "lower":
            self.death()
        return super().lower(contract)

    def verify(self, lowered: Lowered) -> None:
        self.death()


PLANTED: Mapping[str, tuple[str, str, tuple[str, ...]]] = {
    "planted-refusal": ("reject", "lower", ("torch.aten.mul.Tensor",)),
    "planted-crash": ("segfault", "lower", ("torch.aten.mul.Tensor",)),
    "planted-death": ("abort", "execute", ("torch.aten.mul.Tensor",)),
    "planted-lie": ("lie_in_value", "execute", ("torch.aten.mul.Tensor",)),
    "planted-pair": ("lie_in_value", "execute", ("torch.aten.add.Scalar", "torch.aten.mul.Tensor")),
    "planted-hang": ("hang", "lower", ("torch.aten.where.self",)),
}
"""Backends with a fault in some ops: the action, its stage, and the ops that a program must have for it."""


class Planted(Acts):
    """Performs its action on programs that have certain ops; a refusal names another op than the one at fault."""

    def __init__(self, name: str) -> None:
        action, self.stage, self.ops = PLANTED[name]
        super().__init__(name, action)

    def lower(self, contract: Contract) -> Lowered:
        there = set(self.ops) <= set(contract.reached)
        if there and self.action == "reject":
            raise Refused("error: failed to legalize operation 'torch.aten.size.int'", "torch.aten.size.int")
        if there and self.stage == "lower":
            DEATHS[self.action]()
        lowered = super().lower(contract)
        return lowered if there else replace(lowered, ir="miniature.right")


class Forbids(Acts):
    """Performs an action whose module the specification of the dialect does not allow."""

    def verify(self, lowered: Lowered) -> None:
        raise OutsideSpecification("a miniature forbids it")


class Leaks(Acts):
    """Leaks `STEP` bytes for every program."""

    STEP = 32 << 20

    def __init__(self) -> None:
        super().__init__("leaks", "right")
        self.kept: list[bytes] = []

    def lower(self, contract: Contract) -> Lowered:
        self.kept.append(b"x" * self.STEP)
        return super().lower(contract)


class LeavesATransform(Acts):
    """Leaves the thread inside of a transform of torch's."""

    def __init__(self) -> None:
        super().__init__("leaves-a-transform", "right")

    def lower(self, contract: Contract) -> Lowered:
        from torch._C import _functorch

        _functorch._grad_increment_nesting()
        return super().lower(contract)


class BreaksTransforms(Acts):
    """Leaves `torch.func` broken, and nothing else changed that torch keeps for the thread."""

    def __init__(self) -> None:
        super().__init__("breaks-transforms", "right")

    def lower(self, contract: Contract) -> Lowered:
        import torch

        torch.func.vjp = None  # type: ignore[assignment]
        return super().lower(contract)


class RejectsEverything(Acts):
    """Refuses every program, with the first op as the culprit."""

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
    """Make a backend like the built-in ones whose pipeline converts nothing."""
    from backends.lowerings.tosa import Tosa

    class LeaksDialect(Tosa):
        name = "leaks-dialect"
        recipe = replace(Tosa.recipe, pipeline="builtin.module(canonicalize)")

    return LeaksDialect()


def fails_the_verifier() -> Any:
    """Make a backend like the built-in ones whose IR is not valid."""
    from backends.lowerings.tosa import Tosa

    class FailsTheVerifier(Tosa):
        name = "fails-the-verifier"

        def lower(self, contract: Contract) -> Lowered:
            return Lowered(dialect="tosa", ir="func.func @main() -> i32 { return }", program=contract.program)

    return FailsTheVerifier()


rejects_everything = RejectsEverything
speaks_to_nobody = SpeaksToNobody
leaks = Leaks
leaves_a_transform = LeavesATransform
breaks_transforms = BreaksTransforms
ACTS = tuple(LIES)
DIES = tuple((action, stage) for action in DEATHS for stage in ("lower", "verify", "execute"))


def named(action: str) -> str:
    """Return the name of a backend from its action: `lie_in_value` becomes `lie-in-value`."""
    return action.replace("_", "-")


def __getattr__(name: str) -> Callable[[], Any]:
    """Return the factory of a backend named by its action: `act_lie_in_shape`, `die_abort_lower`, `forbid_right`."""
    kind, _, action = name.partition("_")
    if kind == "act" and action in ACTS:
        return partial(Acts, named(action), action)
    if kind == "forbid" and action in (*ACTS, *DEATHS):
        return partial(Forbids, f"forbids-{named(action)}", action)
    if kind == "planted":
        return partial(Planted, named(name))
    action, _, stage = action.rpartition("_")
    if kind == "die" and (action, stage) in DIES:
        full = named(f"{action}-{stage}")
        return partial(Acts, full, action) if stage == "execute" else partial(Dies, full, action, stage)
    raise AttributeError(name)


BACKENDS: Mapping[str, str] = {
    **{named(action): f"act_{action}" for action in ACTS},
    **{named(f"{action}-{stage}"): f"die_{action}_{stage}" for action, stage in DIES},
    **{name: name.replace("-", "_") for name in PLANTED},
    **{f"forbids-{named(action)}": f"forbid_{action}" for action in ("right", "lie_in_value", "segfault", "hang")},
    **{
        named(name): name
        for name in (
            "rejects_everything",
            "speaks_to_nobody",
            "leaks",
            "leaves_a_transform",
            "breaks_transforms",
            "leaks_dialect",
            "fails_the_verifier",
        )
    },
}
"""Every miniature backend: its name, and the name of its factory in this module."""
EXECUTORS: Mapping[str, str] = {
    "actor": "Actor",
    "able": "CannotCompile",
    "an-eager": "FalseEager",
    "doomed": "Doomed",
    "witness": "Witness",
    "detective": "Detective",
    "echo": "Echo",
    "blind": "Blind",
}


def install(
    folder: Path,
    backends: Iterable[str] = BACKENDS,
    executors: Iterable[str] = ("actor",),
    opinions: Iterable[str] = (),
) -> Path:
    """Write a distribution of these miniatures into the folder, as `pip install` would; return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(__file__, folder / "opcov_miniatures.py")
    made = {"backends": (backends, BACKENDS), "executors": (executors, EXECUTORS), "opinions": (opinions, EXECUTORS)}
    groups = {
        f"opcov.{kind}": {name: f"opcov_miniatures:{factories[name]}" for name in names}
        for kind, (names, factories) in made.items()
    }
    return declare(folder, "miniature", groups)


def needy(folder: Path, group: str, modules: Mapping[str, str], extra: str = "") -> Path:
    """Write a distribution of plugins, each with the text of its module, which defines `Plugin` or fails to import."""
    declare(folder, "needy", {group: {name: f"needy_{name}:Plugin {extra}" for name in modules}})
    for name, text in modules.items():
        (folder / f"needy_{name}.py").write_text(text, encoding="ascii")
    return folder


# compilers ------------------------------------------------------------------------------------------------------------


def compiler(folder: Path, **modules: str) -> Path:
    """Write a `torch_mlir/` with these modules, and a folder for libraries, into a folder; return the folder."""
    (folder / "torch_mlir" / "_mlir_libs").mkdir(parents=True, exist_ok=True)
    for name, text in modules.items():
        (folder / "torch_mlir" / f"{name}.py").write_text(text, encoding="utf-8")
    return folder
