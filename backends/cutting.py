"""Cut programs of torch-dialect IR: the text of a few of a program's ops, and of the program without some of them.

A *piece* is a function of some of the program's ops. Its arguments are the tensors that these ops take and do not
compute; its results are those of their values that the rest of the program uses. Constants, lists, casts and size
arithmetic come along: they are computed again, and a size that is taken of a tensor makes that tensor an argument.
Types stay as they are. An op with regions, such as a loop, counts as one op.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any

from torch_mlir import ir as mlir

from harness.programs.cutting import CannotCut, Piece, Point
from harness.programs.protocols import NotExpressible, Program

from . import ir
from .executors.llvm_jit import main_of
from .executors.torch_dialect import interpret
from .exported_graph import exported
from .frontend import contract_pipeline, imported_module

__all__ = ["cuttable", "exported", "imported", "interpret", "legalize"]

_SIZES = re.compile(
    r"torch\.(aten\.(size(\.int)?|dim|numel|len\.\w+|stride(\.int)?|is_floating_point|is_complex)"
    r"|prim\.(dtype|device|layout|min\..*|max\..*)|prims\.\w+_(size|stride))"
)
"""Ops that take a tensor and do not read its elements: what they tell of it is computed again."""
_UNPACKED = ("torch.prim.ListUnpack", "torch.prim.TupleUnpack", "torch.aten.__getitem__.t", "torch.prim.TupleIndex")
_BINDING = "torch.bind_symbolic_shape"
"""Tells the compiler which sizes are equal; it comes along where the tensor is there."""
_CONSTANTS: Mapping[str, tuple[str, Callable[[Any], mlir.Attribute]]] = {
    "!torch.int": (
        "torch.constant.int",
        lambda value: mlir.IntegerAttr.get(mlir.IntegerType.get_signless(64), int(value)),
    ),
    "!torch.float": ("torch.constant.float", lambda value: mlir.FloatAttr.get(mlir.F64Type.get(), float(value))),
    "!torch.bool": ("torch.constant.bool", lambda value: mlir.BoolAttr.get(bool(value))),
}
"""By the type of a number, the op that makes it and the attribute that holds it."""


def cuttable(text: str) -> TorchCuttable:
    """Return the program of a text in torch-dialect IR; raises CannotCut."""
    try:
        return TorchCuttable(text)
    except ir.PassFailed as failure:
        raise CannotCut(f"the IR is not valid: {failure.reason}") from None


def imported(program: Program) -> str:
    """Return the IR of a program as the importer makes it; raises NotExpressible."""
    with ir.session() as session:
        text = ir.printed(imported_module(program, session))
    if "dialect_resources" in text:
        ir.drop()
    return text


def legalize(text: str, legal: Sequence[str] = ()) -> str:
    """Return imported IR after the contract pipeline; raises NotExpressible as the frontend does.

    `legal` are the ops that it leaves whole.
    """
    with ir.session() as session:
        try:
            made, _ = ir.legalized(session.parse(text), contract_pipeline(legal), session)
        except ir.PassFailed as failure:
            raise NotExpressible("contract", failure.reason) from None
    if "dialect_resources" in text + made:
        ir.drop()
    return made


class TorchCuttable:
    """A program in torch-dialect IR that can be cut; raises PassFailed if the IR cannot be parsed.

    `ops` are the names of its ops that compute a tensor, or read a number from one, in the order of the program: a
    piece is asked for by their indices here. Each piece is made of a fresh parse of the text.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        with ir.session() as session:
            body = _Body(session, text)
            self._places = _places(body)
            self.ops = tuple(ir.name(body.ops[i]) for i in self._places)
        self._release()

    def whole(self) -> Piece:
        """The whole program as a piece: without ops and arguments that no result needs."""
        return self.only(range(len(self.ops)))

    def without(self, cut: Collection[int], numbers: Mapping[Point, Any] | None = None) -> Piece:
        """The program without some of its ops; `numbers` as in `only`. Raises CannotCut."""
        return self.only([i for i in range(len(self.ops)) if i not in cut], numbers)

    def only(self, kept: Iterable[int], numbers: Mapping[Point, Any] | None = None) -> Piece:
        """The piece of these ops; raises CannotCut.

        `numbers` are values of the program that are no tensors: one that was read from a tensor's elements, by an op
        that is not in the piece, becomes a constant.
        """
        try:
            with ir.session() as session:
                body = _Body(session, self.text)
                made = _Cut(body, frozenset(self._places[i] for i in kept), self._places, numbers or {}).piece()
        except ir.PassFailed as failure:
            raise CannotCut(f"the text of a piece is not valid: {failure.reason}") from None
        finally:
            self._release()
        return made

    def _release(self) -> None:
        if "dialect_resources" in self.text:
            ir.drop()


def _places(body: _Body) -> tuple[int, ...]:
    """The indices of the ops that may be at fault: those that compute, and what nobody needs but is compiled."""
    found = [i for i, op in enumerate(body.ops[:-1]) if _computes(op)]
    needed, waiting = {len(body.ops) - 1, *found}, [len(body.ops) - 1, *found]
    while waiting:
        sources = {place for value in body.used(body.ops[waiting.pop()]) if (place := body.place(value)) is not None}
        waiting += sources - needed
        needed |= sources
    idle = [i for i, op in enumerate(body.ops) if i not in needed and ir.computing([ir.name(op)])]
    return tuple(sorted((*found, *idle)))


def _computes(op: mlir.Operation) -> bool:
    """Whether an op makes a tensor, reads a number from one, asserts something, or has regions.

    What only adds up sizes, a constant tensor and None do not compute, unless the program returns them.
    """
    name = ir.name(op)
    if len(op.regions):
        return True
    if not len(op.results):
        return name != _BINDING
    returned = any(use.owner.name == "func.return" for result in op.results for use in result.uses)
    if not ir.computing([name]):
        return returned and name in ("torch.vtensor.literal", "torch.constant.none")
    if any(map(_holds_tensor, op.results)) or (any(map(_is_tensor, op.operands)) and not _SIZES.fullmatch(name)):
        return True
    return returned


def _is_tensor(value: mlir.Value) -> bool:
    return str(value.type).startswith(("!torch.vtensor", "!torch.tensor"))


def _is_none(value: mlir.Value) -> bool:
    """Whether this is None: a program returns it, and nothing is made of it."""
    return str(value.type) == "!torch.none"


def _holds_tensor(value: mlir.Value) -> bool:
    return "tensor" in str(value.type)


class _Body:
    """The function of a fresh parse of a program."""

    def __init__(self, session: ir.Session, text: str) -> None:
        self.module = session.parse(text)
        self.function = main_of(self.module)
        self.block = self.function.regions[0].blocks[0]
        self.ops = [view.operation for view in self.block.operations]
        self._places = {result: i for i, op in enumerate(self.ops) for result in op.results}
        self.users: dict[mlir.Value, list[int]] = {}
        for i, op in enumerate(self.ops):
            for value in self.used(op):
                self.users.setdefault(value, []).append(i)

    def place(self, value: mlir.Value) -> int | None:
        """The index of the op of the function's block that makes a value; None for an argument, also of a region."""
        return self._places.get(value)

    def point(self, value: mlir.Value) -> Point:
        """Where the value comes from."""
        at = self.place(value)
        if at is None:
            return -1, mlir.BlockArgument(value).arg_number
        return at, next(i for i, result in enumerate(self.ops[at].results) if result == value)

    def used(self, op: mlir.Operation) -> Iterator[mlir.Value]:
        """The values that an op takes, and those that its regions take from outside of them."""
        found: list[mlir.Value] = []
        ir.walk(op, lambda each: found.extend(each.operands))
        arguments = tuple(self.block.arguments)
        yield from dict.fromkeys(value for value in found if value in self._places or value in arguments)


class _Cut:
    """Turns a body into a piece, in place: `kept` are the places of its ops, `cuttable` those of all that compute."""

    def __init__(
        self, body: _Body, kept: frozenset[int], cuttable: Collection[int], numbers: Mapping[Point, Any]
    ) -> None:
        self.body = body
        self.kept = kept
        self.cuttable = frozenset(cuttable)
        self.numbers = numbers
        self.inside = set(kept)
        self.arguments: dict[mlir.Value, None] = {}
        self.constants: dict[mlir.Value, None] = {}

    def piece(self) -> Piece:
        """The piece; raises CannotCut."""
        for place in sorted(self.kept):
            self._need(self.body.used(self.body.ops[place]))
        for place, op in enumerate(self.body.ops):
            if self._unpacks(op):
                self._need(self.body.used(op))
                self.inside.add(place)
        self._bind()
        results = self._results()
        arguments = sorted(self.arguments, key=self.body.point)
        points = tuple(map(self.body.point, arguments))
        told = [value for value in results if not _is_none(value)]
        returned = tuple(map(self.body.point, told))
        constants = tuple(map(self.body.point, self.constants))
        whole = [self.body.point(value) for value in self.body.ops[-1].operands if not _is_none(value)]
        names = tuple(ir.name(self.body.ops[place]) for place in sorted(self.kept))
        behind = tuple(map(self._behind, told))
        self._rewrite(arguments, results)
        if not self.body.module.operation.verify():
            raise CannotCut("the piece is not valid IR")
        outputs = tuple(whole.index(point) if point in whole else None for point in returned)
        return Piece(
            ir=ir.printed(self.body.module),
            ops=names,
            arguments=points,
            results=returned,
            outputs=outputs,
            constants=constants,
            behind=behind,
        )

    def _need(self, values: Iterable[mlir.Value]) -> None:
        """Find out where these values come from in the piece: computed, an argument, or a constant."""
        waiting = list(values)
        while waiting:
            value = waiting.pop()
            place = self.body.place(value)
            if place in self.inside or value in self.arguments or value in self.constants:
                continue
            if place is None or (_is_tensor(value) and self._is_boundary(place)):
                self.arguments[value] = None
            elif place in self.cuttable and not _is_none(value):
                self._need_number(value)
            else:
                self.inside.add(place)
                waiting += self.body.used(self.body.ops[place])

    def _is_boundary(self, place: int) -> bool:
        """Whether the tensors that this op makes are arguments: it is cut out, or takes them of a list that is."""
        op = self.body.ops[place]
        if place in self.cuttable:
            return True
        source = self.body.place(op.operands[0]) if ir.name(op) in _UNPACKED else None
        return source in self.cuttable and source not in self.kept

    def _need_number(self, value: mlir.Value) -> None:
        if str(value.type) not in _CONSTANTS or self.body.point(value) not in self.numbers:
            raise CannotCut(f"a value of type {value.type} is needed, which cannot be an argument")
        self.constants[value] = None

    def _bind(self) -> None:
        """Let the bindings of sizes come along whose tensors are there, with the symbols that they name."""
        for place, op in enumerate(self.body.ops):
            if op.name == _BINDING and self._is_there(op.operands[0]):
                self._need(list(op.operands)[1:])
                self.inside.add(place)

    def _is_there(self, value: mlir.Value) -> bool:
        return self.body.place(value) in self.inside or value in self.arguments or value in self.constants

    def _results(self) -> list[mlir.Value]:
        """The values that the rest of the program uses; of an op that is all there is and that nothing uses, all."""
        found = [value for place in sorted(self.inside) for value in self._used_outside(place)]
        if not found and len(self.kept) == 1:
            found = [value for place in self.kept for value in self.body.ops[place].results if _is_tensor(value)]
        if not found and any(self._is_read(place) for place in self.kept):
            raise CannotCut("the piece gives nothing but numbers, which are no results")
        return found

    def _is_read(self, place: int) -> bool:
        """Whether anything uses a value of this op."""
        return any(self.body.users.get(value) for value in self.body.ops[place].results)

    def _behind(self, result: mlir.Value) -> tuple[str, ...]:
        """The names of the ops of the piece that compute a value, in order."""
        found: set[int] = set()
        waiting = [result]
        while waiting:
            place = self.body.place(waiting.pop())
            if place in self.inside and place not in found:
                found.add(place)
                waiting += self.body.used(self.body.ops[place])
        names: list[str] = []
        for place in sorted(found):
            ir.walk(self.body.ops[place], lambda op: names.append(ir.name(op)))
        return tuple(ir.computing(names))

    def _used_outside(self, place: int) -> Iterator[mlir.Value]:
        op = self.body.ops[place]
        if place not in self.kept and not self._unpacks(op):
            return
        for value in op.results:
            users = {self.body.ops[user].name for user in self.body.users.get(value, ()) if user not in self.inside}
            if (_is_tensor(value) and users.difference((_BINDING,))) or "func.return" in users:
                yield value

    def _unpacks(self, op: mlir.Operation) -> bool:
        return ir.name(op) in _UNPACKED and self.body.place(op.operands[0]) in self.kept

    def _rewrite(self, arguments: Sequence[mlir.Value], results: Sequence[mlir.Value]) -> None:
        """Make the function one of these arguments and results that holds the ops of the piece and no others."""
        body, location = self.body, mlir.Location.unknown()
        own = len(body.block.arguments)
        for value in arguments:
            value.replace_all_uses_with(body.block.add_argument(value.type, location))
        with mlir.InsertionPoint.at_block_begin(body.block), location:
            for value in self.constants:
                name, attribute = _CONSTANTS[str(value.type)]
                given = {"value": attribute(self.numbers[body.point(value)])}
                made = mlir.Operation.create(name, results=[value.type], attributes=given)
                value.replace_all_uses_with(made.results[0])
        back = body.ops[-1]
        with mlir.InsertionPoint(back), location:
            mlir.Operation.create("func.return", operands=list(results))
        for place in reversed(range(len(body.ops))):
            if place not in self.inside:
                body.ops[place].erase()
        for _ in range(own):
            body.block.erase_argument(0)
        kind = mlir.FunctionType.get([a.type for a in body.block.arguments], [value.type for value in results])
        body.function.attributes["function_type"] = mlir.TypeAttr.get(kind)
        for key in ("arg_attrs", "res_attrs"):
            if key in body.function.attributes:
                del body.function.attributes[key]
