"""The column `iree`: what `iree-compile` makes of the torch dialect, from the backend contract to a result.

IREE has its own copy of torch-mlir and lowers the torch dialect by itself, so no lowering of torch-mlir takes part.
"""

from __future__ import annotations

import base64
import tempfile
from pathlib import Path

from iree.runtime import VmInstance, VmModule
from torch_mlir.ir import TypeAttr

from backends import ir
from backends.executors.iree import Module, binary, command
from backends.executors.llvm_jit import main_of, signature_of
from backends.lowerings.lowering import culprit, shortened
from backends.tool import parsed
from harness.programs import tool
from harness.programs.protocols import (
    CannotExecute,
    Contract,
    ContractBroken,
    Executable,
    Lowered,
    Refused,
    VersionSkew,
)

DIALECT = "iree"
TYPES = "builtin.module(torch-func-backend-type-conversion)"
"""The pass of torch-mlir that gives functions the builtin types of their arguments and results."""


class Iree:
    """Lowers the torch dialect to IREE's bytecode.

    The IR is text: the declaration of `main`, by which it is called, and the bytecode in comments below it.
    """

    name = "iree"

    def lower(self, contract: Contract) -> Lowered:
        """Compile in a process of its own; raises Refused, VersionSkew, CompilerDied."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "main.vmfb"
            program, *flags = command()
            said = tool.run(Path(program), [*flags, "-o", str(file)], contract.ir)
            if said.status:
                raise _refusal(said.err, contract)
            bytecode = base64.encodebytes(file.read_bytes()).decode()
        comments = "".join(f"// {line}\n" for line in bytecode.splitlines())
        return Lowered(dialect=DIALECT, ir=f"{_declaration(contract)}\n{comments}", program=contract.program)

    def verify(self, lowered: Lowered) -> None:
        """Let IREE's runtime check the bytecode; raises ContractBroken."""
        try:
            VmModule.copy_buffer(VmInstance(), _bytecode(lowered)).lookup_function("main")
        except (RuntimeError, ValueError) as error:
            raise ContractBroken(f"IREE does not load it: {error}") from None


class IreeRuntime:
    """Runs IREE's bytecode on the CPU, in a process apart, since compiled code may end it."""

    name = "iree-runtime"
    dialects = frozenset((DIALECT,))
    reusable = True

    def compile(self, lowered: Lowered) -> Executable:
        """Load the bytecode, which runs at any sizes; raises CannotExecute."""
        try:
            return Module(_bytecode(lowered), signature_of(lowered.ir))
        except (RuntimeError, ValueError) as error:
            raise CannotExecute(f"IREE does not load it: {error}") from None


def _refusal(stderr: str, contract: Contract) -> Exception:
    """What it means that `iree-compile` failed: it takes no such program, or cannot even parse this torch dialect."""
    failure = ir.PassFailed(parsed(stderr, contract.ir).diagnostics, stderr)
    if tool.run(Path(binary("iree-opt")), ["-"], contract.ir).status:
        return VersionSkew(f"IREE cannot parse what torch-mlir wrote: {shortened(failure.reason)}")
    return Refused(shortened(failure.reason), culprit(failure, contract))


def _declaration(contract: Contract) -> str:
    """The declaration of `main` with builtin types, which is how IREE's runtime calls it."""
    typed = ir.lowered(contract.ir, TYPES)
    with ir.session() as session:
        return f"func.func private @main{TypeAttr(main_of(session.parse(typed)).attributes['function_type']).value}"


def _bytecode(lowered: Lowered) -> bytes:
    return base64.b64decode("".join(line.removeprefix("// ") for line in lowered.ir.splitlines()[1:]))
