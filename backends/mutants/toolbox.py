"""The toolbox that a command passes to `harness.mutation`: the default frontend, `llvm-jit` and the mutants."""

from __future__ import annotations

from backends.executors.llvm_jit import LlvmJit
from backends.frontend import Fx
from harness.mutation.toolbox import Toolbox

from . import KINDS, apply_mutant, find_mutants, trivially_equivalent

TOOLBOX = Toolbox(
    kinds=tuple(KINDS),
    frontend=Fx,
    executor=LlvmJit,
    find_mutants=find_mutants,
    apply_mutant=apply_mutant,
    trivially_equivalent=trivially_equivalent,
)
