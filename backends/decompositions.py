"""The tables of the levels, and `ExportedProgram.run_decompositions` with one of them, without its fixed cost per call.

Mirrors private functions of `torch.export.exported_program` and `torch._functorch.aot_autograd` (torch 2.13):

- `run_decompositions` itself splits the table, then calls `_decompose_exported_program`; so do we.
- `_split_decomp_table_to_cia_and_python_decomp` asks the dispatcher for every composite (CIA) op on each call, which
  takes 60 ms. We keep its result for each set of registered operator namespaces.
- `_override_composite_implicit_decomp` builds and then drops some 20 Python kernels for each of 570 composite ops on
  each call, which takes 40 to 200 ms. We let it build them once, and swap them in and out by assignment.
- `aot_autograd.create_aot_state` resets a `PhiloxStateTracker`, which takes 3 ms to make fake tensors. Nothing reads
  them unless `functionalize_rng_ops` is set, so we leave this out if it is not set.

On its first exit, upstream's version also loses the fake rules that composite ops had before. Ours restores them, so
that the thousandth program is decomposed exactly as the first. If a private name is gone, `decompose` falls back to the
public method, with one warning.
"""

from __future__ import annotations

import functools
import operator
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, ClassVar

import torch
from torch.export import ExportedProgram
from torch_mlir.extras.fx_decomp_util import get_decomposition_table

from harness.cases.road import Level

Table = Mapping[Any, Callable[..., Any]]


def table(level: Level) -> dict[Any, Callable[..., Any]]:
    """The decompositions of a level, by op: all that are not in it stay whole.

    Those of `prims` are PyTorch's reference implementations, which call `prims.*`, wherever an op has one.
    """
    if level == "torch-mlir":
        return dict(get_decomposition_table())
    if level == "none":
        return {}
    core = dict(torch.export.default_decompositions())
    return core if level == "core-aten" else {**core, **torch._decomp.decomposition_table}


def decompose(program: ExportedProgram, level: Level = "torch-mlir") -> ExportedProgram:
    """Decompose with the level's table, as `program.run_decompositions(table(level))` does."""
    try:
        fast = _Fast.current(level)
    except (ImportError, AttributeError, TypeError) as error:
        _warn_once(str(error))
        plain: ExportedProgram = program.run_decompositions(table(level))
        return plain
    return fast(program)


@functools.cache
def _warn_once(reason: str) -> None:
    warnings.warn(
        f"torch.export's internals changed ({reason}): falling back to run_decompositions, about 0.1 s a program",
        RuntimeWarning,
        stacklevel=3,
    )


class _Fast:
    """The split table of a level and the patched kernels of every composite op, for one set of registered operators."""

    _instances: ClassVar[dict[Level, tuple[tuple[tuple[str, int], ...], _Fast]]] = {}

    @classmethod
    def current(cls, level: Level) -> _Fast:
        """Return the instance for the operators registered now; after an operator library is loaded it is a new one."""
        key, instance = cls._instances.get(level, ((), None))
        if instance is None or key != _registered():
            instance = cls(level)
            cls._instances[level] = _registered(), instance  # splitting the table looks operators up, registering them
        return instance

    def __init__(self, level: Level) -> None:
        from torch._functorch import aot_autograd, config
        from torch.export import exported_program

        self._upstream: Any = exported_program
        self._aot: Any = aot_autograd
        self._config = config
        self._tracker = self._aot.PhiloxStateTracker
        split = self._upstream._split_decomp_table_to_cia_and_python_decomp
        self._composite, self._python = split(table(level))
        self._overrides = _Overrides(self._upstream._override_composite_implicit_decomp, self._composite)

    def needs_no_decomposition(self, program: ExportedProgram) -> bool:
        """Return whether decomposing would only trace the graph into an equal graph.

        The trace takes half of the frontend's time. It is needless if all inputs and outputs are the user's, and every
        node calls an overload that is in no table and neither writes to nor aliases its arguments.
        """
        signature = program.graph_signature
        if len(signature.user_inputs) != len(signature.input_specs):
            return False
        if len(signature.user_outputs) != len(signature.output_specs):
            return False
        return all(
            node.op in ("placeholder", "output")
            or node.target is operator.getitem
            or (node.op == "call_function" and self._is_kept(node.target))
            for node in program.graph.nodes
        )

    def _is_kept(self, op: Any) -> bool:
        if not isinstance(op, torch._ops.OpOverload) or op in self._composite or op in self._python:
            return False
        if any(key is not torch._C.DispatchKey.Meta for key in op.py_kernels):
            return False  # a Python kernel below autograd decomposes the op too
        name: str = op.name()  # type: ignore[no-untyped-call]
        if torch._C._dispatch_has_kernel_for_dispatch_key(name, torch._C.DispatchKey.CompositeImplicitAutograd):
            return False  # composite, but not among those that export can preserve
        schema = op._schema
        return not schema.is_mutable and all(result.alias_info is None for result in schema.returns)

    def __call__(self, program: ExportedProgram) -> ExportedProgram:
        if self.needs_no_decomposition(program):
            return program
        original = self._upstream._override_composite_implicit_decomp
        self._upstream._override_composite_implicit_decomp = self._override
        if not self._config.functionalize_rng_ops:
            self._aot.PhiloxStateTracker = nullcontext
        try:
            with self._upstream.unset_fake_temporarily():
                result: ExportedProgram = self._upstream._decompose_exported_program(
                    program,
                    cia_to_decomp=self._composite,
                    python_decomp_table=dict(self._python),
                    joint_loss_index=None,
                    decompose_custom_triton_ops=False,
                )
                return result
        finally:
            self._upstream._override_composite_implicit_decomp = original
            self._aot.PhiloxStateTracker = self._tracker

    def _override(self, composite: Table) -> AbstractContextManager[None]:
        assert composite is self._composite
        return self._overrides.applied()


def _registered() -> tuple[tuple[str, int], ...]:
    """Return the operator namespaces and their sizes.

    The size of `aten` is ignored: `aten` is complete at import, and lists its ops lazily.
    """
    spaces: Any = torch.ops
    return tuple((name, 0 if name == "aten" else len(getattr(spaces, name)._dir)) for name in spaces._dir)


class _Overrides:
    """The effect of `_override_composite_implicit_decomp` on composite ops, recorded once and replayed."""

    def __init__(self, upstream: Callable[[Table], AbstractContextManager[None]], composite: Table) -> None:
        from torch._subclasses import fake_impls

        self._rules: dict[Any, Any] = fake_impls.op_implementations_dict
        before_rules = dict(self._rules)
        before = {op: dict(op.py_kernels) for op in composite}
        with upstream(composite):
            self._patched = [(op, dict(op.py_kernels)) for op in composite]
            self._added = {op: rule for op, rule in self._rules.items() if op not in before_rules}
        self._rules.update({op: rule for op, rule in before_rules.items() if op not in self._rules})
        assert all(op.py_kernels == kernels for op, kernels in before.items())

    @contextmanager
    def applied(self) -> Iterator[None]:
        saved = [(op, op.py_kernels) for op, _ in self._patched]
        for op, kernels in self._patched:
            op.py_kernels = kernels
            op._dispatch_cache.clear()
        self._rules.update(self._added)
        try:
            yield
        finally:
            for op, kernels in saved:
                op.py_kernels = kernels
                op._dispatch_cache.clear()
            for op in self._added:
                self._rules.pop(op, None)
