"""The protocols that backends and executors implement, built-in ones and plugins alike, and what they exchange.

A program takes this way, in a worker process:

1. `Frontend.run` turns a `Program` into a `Contract`: torch-dialect IR in the backend contract, the same for every
   backend. No plugin replaces the built-in frontend, `export`; the user asks for another one by its name.
2. `Backend.lower` turns the contract into a `Lowered` module of the backend's dialect, and `Backend.verify` checks it.
3. `Executor.compile` turns the lowered module into an `Executable`, which runs on the inputs, for each size in turn.
   Any executor that takes the dialect may be asked.

Samples that differ in values only are one program: they share the contract, the lowered module and the executables.

A plugin declares itself by an entry point in one of five groups: `opcov.frontends`, `opcov.backends`, `opcov.cascades`
(backends that are measured if the user asks for them), `opcov.executors` and `opcov.opinions` (executors asked for a
second opinion on failures only). The entry point names a callable without arguments, best a class, that returns a
`Frontend`, a `Backend` or an `Executor`. It is called in child processes, not in their parent.

Each exception below says which outcome it becomes. A MemoryError is always a crash. Any other exception of a backend is
a crash of the compiler (`Crashed`), as is its death. Any other exception of a frontend or an executor is a harness
error (`HarnessError`), and fails the run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

from .fork import ForkDied

if TYPE_CHECKING:
    import torch

    from harness.cases.road import Level
    from harness.records.outcome import Stage

Argument = int | tuple[int, int]
"""An argument of `main`: that of the program with this index, or the size of the dim (index, dim) as a number."""
Enter = Callable[["Stage"], None]
"""Called with a stage as it begins, so that the outcome can name the stage in which the process died."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One exportable call of one op.

    `op` is the overload, such as `aten.add.Tensor`. `module` calls it on tensors; every other argument is baked in.
    `args` are example tensors, one for each tensor argument, and one for each dynamic dim that no tensor has.
    `dynamic_shapes` is what `torch.export.export` takes, or None in static mode. `level` and `legal` are the road's: a
    frontend decomposes the program at that level, and has torch-mlir leave the legal ops whole. `arguments` is what the
    frontend says that `main` takes; empty where that is `args`. `transformed` says that the module applies a transform
    of `torch.func`, which some frontends must trace first.
    """

    op: str
    module: torch.nn.Module
    args: tuple[torch.Tensor, ...]
    dynamic_shapes: tuple[Any, ...] | None = None
    level: Level = "torch-mlir"
    legal: tuple[str, ...] = ()
    arguments: tuple[Argument, ...] = ()
    transformed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Contract:
    """What the frontend hands to every backend: torch-dialect IR in the backend contract, as text in `ir`.

    - `exported`: the overloads in the exported graph before decomposition (`aten.add.Tensor`), sorted and unique;
    - `introduced`: the overloads that the exported graph has because of a transform; a frontend leaves it empty;
    - `reached`: the torch-dialect ops of the IR that compute (`torch.aten.add.Tensor`), sorted and unique;
    - `ranges`: for each argument, by the index of a dim, the inclusive range that export allows the symbolic size;
      outside of it nothing is promised, and nothing is run;
    - `guards`: returns the first assumption of tracing that shapes do not keep, or ""; no backend is run at them;
    - `decomposed`: returns the exported and decomposed program as an executable that eager runs, which may raise
      Specialized; a result that is as wrong there is no backend's fault;
    - `decomposes`: whether torch decomposed any op of the program; if not, `decomposed` computes what eager does;
    - `dtypes`: the dtype of each result of the decomposed program, as far as that is known;
    - `steps`: takes the program to the IR once more, and returns it after each step.
    """

    program: Program
    ir: str
    exported: tuple[str, ...]
    reached: tuple[str, ...]
    ranges: tuple[Mapping[int, tuple[float, float]], ...] = ()
    decomposed: Callable[[], Executable] | None = None
    decomposes: bool = True
    dtypes: tuple[torch.dtype, ...] = ()
    steps: Callable[[], Sequence[Step]] | None = None
    introduced: tuple[str, ...] = ()
    guards: Callable[[Sequence[Sequence[int]]], str] | None = None

    def admits(self, shapes: Sequence[Sequence[int]]) -> bool:
        """Return whether these shapes, one for each argument, are within the ranges and keep the guards."""
        return self.allows(shapes) and not (self.guards and self.guards(shapes))

    def allows(self, shapes: Sequence[Sequence[int]]) -> bool:
        """Return whether these shapes, one for each argument, are within the ranges."""
        return all(
            low <= shape[dim] <= high
            for shape, ranges in zip(shapes, self.ranges, strict=False)
            for dim, (low, high) in ranges.items()
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Lowered:
    """A lowered module: the name of its dialect, which selects the executors, and its IR as text.

    `program` is the contract's; executors that call eager need it.
    """

    dialect: str
    ir: str
    program: Program


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How a user of torch-mlir gets a backend's IR without opcov; reproductions are written from it.

    - `dialect`: the dialect of the result;
    - `output_type`: the argument of `torch_mlir.fx.export_and_import`;
    - `pipeline`: the pass pipeline that this runs on the contract;
    - `validations`: two pass pipelines that hold the result to its dialect's specification, the first where it is
      static, the second where it is dynamic;
    - `conversion`: the pass pipeline that converts the result to another dialect, for a cascade;
    - `converted`: the dialects of which no op may be left after the conversion.
    """

    dialect: str
    output_type: str
    pipeline: str
    validations: tuple[str, str] | None = None
    conversion: str | None = None
    converted: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A program after one step of its compilation; `name` is mostly that of a pass.

    `lowered` is a module that an executor of its dialect may run, or a text that says why there is none.
    """

    name: str
    lowered: Lowered | str


class NotExpressible(Exception):
    """Raised by a frontend: export, import or the backend-contract pipeline cannot express the program.

    Becomes `NotExported`, `Unsupported` or `Invalid`, by the stage and the reason. `exported` is the contract, without
    IR, of a program that did get through export: a backend that starts there, such as the control, needs no more.
    """

    def __init__(self, stage: Stage, reason: str, exported: Contract | None = None) -> None:
        super().__init__(reason)
        self.stage = stage
        self.reason = reason
        self.exported = exported


class Specialized(Exception):
    """Raised by `Contract.decomposed`'s executable at sizes that decomposing lost. Becomes `NotExported`."""


class Refused(Exception):
    """Raised by `Backend.lower`: the lowering does not support the program. Becomes `Unsupported`.

    `diagnostic` is what the lowering says. `culprit` is the op that it stopped at, such as `torch.aten.sort`, or None
    if that is not known.
    """

    def __init__(self, diagnostic: str, culprit: str | None) -> None:
        super().__init__(diagnostic)
        self.diagnostic = diagnostic
        self.culprit = culprit


class ContractBroken(Exception):
    """Raised by `Backend.lower` or `Backend.verify`: the module breaks its dialect's contract. Becomes `Invalid`."""


class OutsideSpecification(ContractBroken):
    """Raised by `Backend.verify`: the module is valid IR of its dialect, but the specification does not allow it.

    Becomes `Invalid` too. Executors run it all the same, and the outcome says what they make of it.
    """


class CompilerDied(ForkDied):
    """Raised by a frontend or a backend: the compiler runs in a process of its own, and died there.

    Becomes `Crashed`, with the signal or exit status in `how` and the end of `stderr`.
    """


class VersionSkew(Exception):
    """Raised by a frontend or a backend: what one version of torch-mlir wrote, another one cannot parse.

    The text says who wrote it, and names the line. Becomes `NotExecuted`: it is nobody's fault.
    """


class Unavailable(Exception):
    """Raised by a backend: the program that it drives is not on this machine, or is another program.

    The text says how to get it. Becomes `NotExecuted`: nothing is known of the lowering.
    """


class CannotExecute(Exception):
    """Raised by an executor or an executable: it cannot run this module, through no fault of the lowering.

    The outcome is `NotExecuted`, with each executor's reason, if no other executor can run the module either.
    """


class ImpossibleShape(CannotExecute):
    """Raised by an executable: a result came back with a shape that no tensor has, as of a size that was divided by 0.

    This one is the lowering's fault: the outcome is `Wrong`. `output` is the result's index, `shape` its sizes.
    """

    def __init__(self, output: int, shape: Sequence[int]) -> None:
        super().__init__(output, shape)
        self.output = output
        self.shape = shape

    def __str__(self) -> str:
        return f"out[{self.output}].shape={list(self.shape)}, which no tensor has"


@runtime_checkable
class Frontend(Protocol):
    """Takes a program to torch-dialect IR in the backend contract.

    It may have a method `export`, with the signature of `run`, that only exports the program and returns a contract
    without IR, for backends that start there.
    """

    name: str

    def run(self, program: Program, enter: Enter) -> Contract:
        """Export, import and legalize each new program.

        Call `enter` with each stage as it begins: "export", "import", "contract". Raise NotExpressible where one of
        them refuses the program. A dynamic program that export refuses comes a second time, with the ranges of its dims
        left to export.
        """
        ...


@runtime_checkable
class Backend(Protocol):
    """A lowering from the backend contract to one dialect.

    `name` is that of the entry point. A backend may have more:

    - `starts = "export"`: it starts from the exported program. Its contracts may have no IR, and it also gets programs
      that export takes and the import refuses.
    - `element_types`, an attribute of the class: the `ElementTypes` of the dialect's specification.
    - `recipe`, an attribute of the class that the entry point names: the `Recipe` from which `opcov repro` writes its
      script.
    - `steps(contract)`: the `Step`s of its lowering, one after each pass, the lowered module last. It is called only
      for a wrong result, in a fork, to find the first wrong pass. An exception of it is a harness error.
    """

    name: str

    def lower(self, contract: Contract) -> Lowered:
        """Lower the contract of each new program; runs as the stage "lower".

        Parse `contract.ir` afresh: other backends get the same contract. Raise Refused where the program is not
        supported, and ContractBroken where the result is not valid.
        """
        ...

    def verify(self, lowered: Lowered) -> None:
        """Check what `lower` returned against its dialect's own contract; runs right after it, as the stage "verify".

        Raise ContractBroken with what breaks it, or OutsideSpecification if it can be executed all the same.
        """
        ...


class Executable(Protocol):
    """A compiled module, ready to run at all sizes that its IR admits.

    If the module writes out of bounds, the process should die of it at once. An executable that cannot guard every
    buffer says how many it left in an attribute `unguarded`: the sample then has the trait `unguarded_buffers`.
    """

    def __call__(self, inputs: Sequence[torch.Tensor]) -> list[torch.Tensor]:
        """Run `main` on the inputs and return its results; raise CannotExecute where that is not possible.

        `inputs` are CPU tensors, one for each argument of `main` (see `Program.arguments`), with any strides,
        overlapping ones too. They are copies, which may be written to. Results carry the dtype of the module's element
        types, signless integers as torch's signed ones (`i8` is `torch.int8`, also where the program means `uint8`),
        `i1` as `torch.bool`; scalars are rank 0.
        """
        ...


@runtime_checkable
class Executor(Protocol):
    """Runs lowered modules on the CPU.

    `name` is that of the entry point. `dialects` are the dialects that it takes. An executor may have more:

    - `isolated = True`: it compiles and runs in a fork, both anew for each run. If the fork dies, that says only that
      the executor cannot run the module. Isolated executors are asked after the others, which run in the worker itself.
      A death of those becomes `Crashed`, unless an isolated executor is right.
    - `reusable = True`: it runs in a fork that may serve many of its runs, since it can be pickled, needs no
      `Lowered.program`, and a run depends on nothing that runs before it did. A run in which that fork dies is done
      once more in a fork of its own, which then counts. Without `isolated`, that death is no limit of the executor but
      becomes `Crashed` as in the worker, which lives on.
    - `takes_numbers = True`: where `main` takes a number, it takes an i64 tensor of rank 0. Other executors are not
      asked to run modules that take numbers.
    - `road`: the name of its compilation route, by default its own name. Executors of one road share their mistakes, so
      one that is right does not outvote one that is wrong.

    `opcov repro` copies the file of the class that the entry point names into its script, if that executor saw the
    wrong result.
    """

    name: str
    dialects: frozenset[str]

    def compile(self, lowered: Lowered) -> Executable:
        """Compile each new lowered module into an executable for all sizes; raise CannotExecute where that fails."""
        ...


@runtime_checkable
class Checker(Executor, Protocol):
    """An executor that dies of what a module does wrong, such as an access out of bounds, and tells what that was.

    It has no say in whether results are right. It is asked where an executor found a module wrong or died of it, and
    then compiles and runs in a fork. Any executor with a method `diagnose` is a checker.
    """

    def diagnose(self, lowered: Lowered, stderr: str) -> str:
        """Return the cause of the checker's death as a sentence, from what it wrote to stderr.

        Empty where that tells no cause. Called if the fork died or did not return in time.
        """
        ...
