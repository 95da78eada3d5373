"""The small protocols a frontend, a backend and an executor implement; the built-in ones are found as plugins are.

Entry-point groups: `opcov.backends`, `opcov.cascades` (backends that are measured only where they are asked for) and
`opcov.executors`; each entry point names a callable without arguments that returns a `Backend` or an `Executor`. It is
called in the worker process, never in the parent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

if TYPE_CHECKING:
    import torch

    from harness.records.outcome import Stage

Enter = Callable[["Stage"], None]
"""Called as a stage is entered, so that a death can be placed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One exportable call of one op.

    `module` calls the op on its tensor arguments, everything else baked in; `args` are example tensors, one per
    tensor (or carrier) argument; `dynamic_shapes` is what `torch.export.export` takes, or None in static mode.
    """

    op: str
    module: torch.nn.Module
    args: tuple[torch.Tensor, ...]
    dynamic_shapes: tuple[Any, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What the frontend hands to every backend: torch-dialect IR in the backend contract, as text.

    `exported` are the overloads in the exported graph before decomposition (`aten.add.Tensor`), `reached` the
    torch-dialect ops of the IR (`torch.aten.add.Tensor`), both sorted and unique. `ranges` are the inclusive ranges
    that export allows the symbolic sizes of each argument, by the index of the dim: outside them nothing is promised.
    `decomposed` makes the exported and decomposed program as eager runs it, which may raise Specialized: what is wrong
    there no backend has done.
    `steps` goes the way from the program to the IR once more, step by step.
    """

    program: Program
    ir: str
    exported: tuple[str, ...]
    reached: tuple[str, ...]
    ranges: tuple[Mapping[int, tuple[float, float]], ...] = ()
    decomposed: Callable[[], Executable] | None = None
    steps: Callable[[], Sequence[Step]] | None = None

    def admits(self, shapes: Sequence[Sequence[int]]) -> bool:
        """Whether these argument shapes are within the ranges."""
        return all(
            low <= shape[dim] <= high
            for shape, ranges in zip(shapes, self.ranges, strict=False)
            for dim, (low, high) in ranges.items()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowered:
    """A lowered module as a value: the name of its dialect and its IR as text (`program` serves eager executors)."""

    dialect: str
    ir: str
    program: Program


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """The road to a backend's IR as users of torch-mlir take it, for reproductions that do without opcov.

    `output_type` is what `torch_mlir.fx.export_and_import` is asked for, `pipeline` what it runs on the contract. If
    there are `validations` the result is held to its dialect's specification by the first where it is static, by the
    second where it is dynamic. Where it then goes to another dialect, `conversion` is the pipeline, and `converted` are
    the dialects that it must leave nothing of.
    """

    dialect: str
    output_type: str
    pipeline: str
    validations: tuple[str, str] | None = None
    conversion: str | None = None
    converted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A program after one step of its way through the compiler, mostly a pass of this name.

    It is a module that an executor of its dialect may run, or why there is none: ops of another dialect are left.
    """

    name: str
    lowered: Lowered | str


class NotExpressible(Exception):
    """Export, import or the backend-contract pipeline cannot express the program: becomes `NotExported`.

    `exported` is the contract without IR of a program that did get through export: enough for a backend that starts
    from the program, such as the control.
    """

    def __init__(self, stage: Stage, reason: str, exported: Contract | None = None) -> None:
        super().__init__(reason)
        self.stage = stage
        self.reason = reason
        self.exported = exported


class Specialized(Exception):
    """A decomposed program does not take sizes that it took before torch decomposed it; says which guard failed."""


class Refused(Exception):
    """A lowering says no, with its diagnostics and the op it stopped at: becomes `Unsupported`."""

    def __init__(self, diagnostic: str, culprit: str | None) -> None:
        super().__init__(diagnostic)
        self.diagnostic = diagnostic
        self.culprit = culprit


class ContractBroken(Exception):
    """A lowered module breaks its own dialect's contract: becomes `Invalid`."""


class CannotExecute(Exception):
    """An executor cannot run this module, through no fault of the lowering: becomes part of `NotExecuted`."""


@runtime_checkable
class Frontend(Protocol):
    """From a program to torch-dialect IR in the backend contract.

    A frontend may have a method `export` like `run` that exports and no more, for backends that start there.
    """

    name: str

    def run(self, program: Program, enter: Enter) -> Contract:
        """Export, import and legalize; calls `enter` with each stage; raises NotExpressible."""
        ...


@runtime_checkable
class Backend(Protocol):
    """A lowering from the backend contract to one dialect.

    A backend may set `starts = "export"`: it is then given programs that were exported and no more, too. Its class may
    have a `recipe`, from which reproductions are written. It may have a method `steps`, from a contract to what its
    lowering makes of it, pass by pass: `Step`s, the lowered module last.
    """

    name: str

    def lower(self, contract: Contract) -> Lowered:
        """Lower a fresh parse of the contract's IR; raises Refused."""
        ...

    def verify(self, lowered: Lowered) -> None:
        """Check the result against its dialect's own contract; raises ContractBroken."""
        ...


class Executable(Protocol):
    """A compiled module, ready to run at any sizes its IR admits."""

    def __call__(self, inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Run `main` on contiguous CPU tensors; raises CannotExecute.

        Results carry the dtype of the module's element types, signless integers as torch's signed ones
        (`i8` is `torch.int8`, also where the program means `uint8`), `i1` as `torch.bool`; scalars are rank 0.
        """
        ...


@runtime_checkable
class Executor(Protocol):
    """Something that runs a lowered module on the CPU.

    An executor may set `isolated = True`: it then compiles and runs in a fork, whose death says nothing but that it
    cannot run the module, and it is asked after those that run in the worker itself. It may name its `road`, by default
    its own name: executors of one road share its mistakes, so one that is right does not outvote one that is wrong.
    """

    name: str
    dialects: frozenset[str]

    def compile(self, lowered: Lowered) -> Executable:
        """Compile once, for every size; raises CannotExecute."""
        ...


@runtime_checkable
class Checker(Executor, Protocol):
    """An executor that dies of what a module does wrong, and says of what: it has no say in whether results are right.

    It is asked where an executor has found an artifact wrong or died of it, and compiles and runs in a fork.
    """

    def diagnose(self, lowered: Lowered, stderr: str) -> str:
        """The cause of its death as a sentence, from what it wrote to stderr; empty where that says nothing."""
        ...


Plugins = Mapping[str, Callable[[], Any]]
