"""TCP, the tensor compute primitives of mlir-tcp: its `tcp-opt` converts torch to TCP, and TCP to linalg.

The pipelines are those that the project documents in `lib/Pipeline/Pipeline.cpp`: the one from the torch backend
contract to TCP whole, of `tcp-to-llvm-pipeline` the part that ends in linalg. The contract comes from the installed
torch-mlir and the executors of linalg run the result, so three versions of MLIR meet; a text that one of them cannot
parse is `VersionSkew`. The real binary has not been run with opcov: its protocol is tested with a stand-in.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from backends import ir
from backends.tool import Tool
from harness.programs import tcp_opt, tool
from harness.programs.protocols import Contract, ContractBroken, Lowered, Refused, Unavailable, VersionSkew

from .linalg import Linalg
from .lowering import culprit, operations, shortened

TO_TCP = "torch-backend-to-tcp-backend-pipeline"
TO_LINALG = (
    "drop-symbolic-shape-ops",
    "decompose-tensor-ops",
    "convert-tcp-to-linalg",
    "convert-tcp-to-tensor",
    "convert-tcp-to-arith",
)
"""The passes that end in linalg. A binary may be too old for some of them: those that it does not list are left out."""
NEEDED = (TO_TCP, "convert-tcp-to-linalg")
"""What a binary lists in its help, if it is a `tcp-opt`."""
HELP_SECONDS = 10.0
"""How long it may take to print its help."""
_OP = re.compile(r'^\s*(?:%[^=]*= )?"?(tcp\.\w+)"?(?:\("([\w.]+)"\))?', re.MULTILINE)
_IN_MESSAGE = re.compile(r"'(tcp\.\w+)'")


class Tcp:
    """Torch to TCP to linalg, by a `tcp-opt` binary that runs in a process of its own."""

    name = tcp_opt.COLUMN
    element_types = Linalg.element_types

    def lower(self, contract: Contract) -> Lowered:
        """Convert to TCP, then to linalg; raises Refused, ContractBroken, VersionSkew, CompilerDied, Unavailable.

        The culprit of a refusal is an op of the torch dialect that has no conversion to TCP, or an op of TCP that has
        none to linalg. Of TCP's catch-all `tcp.custom_op` it is the torch op that it carries.
        """
        binary = _binary(tcp_opt.chosen())
        try:
            tcp, _ = binary.legalized(contract.ir, f"builtin.module({TO_TCP})")
        except ir.PassFailed as failure:
            raise Refused(shortened(failure.reason), culprit(failure, contract)) from None
        except VersionSkew as skew:
            raise VersionSkew(str(skew).replace("torch-mlir-opt", tcp_opt.NAME)) from None
        passes = [each for each in TO_LINALG if binary.has(f"builtin.module(func.func({each}))")]
        try:
            linalg = binary.lowered(tcp, f"builtin.module(func.func({','.join(passes)}))")
        except ir.PassFailed as failure:
            named = [match[1] for d in failure.diagnostics for match in _IN_MESSAGE.finditer(d.message)]
            if not named:
                raise ContractBroken(f"the conversion of TCP to linalg: {shortened(failure.reason)}") from None
            raise Refused(shortened(failure.reason), named[0]) from None
        if left := _left(linalg):
            raise Refused(f"{', '.join(left)} left in linalg IR: there is no conversion", left[0])
        return Lowered(dialect="linalg", ir=linalg, program=contract.program)

    def verify(self, lowered: Lowered) -> None:
        """Let the binary parse its own text, then check it as linalg; raises ContractBroken, VersionSkew."""
        try:
            _binary(tcp_opt.chosen()).verify(lowered.ir)
        except ir.PassFailed as failure:
            raise ContractBroken(f"{tcp_opt.NAME} cannot parse what it wrote: {shortened(failure.reason)}") from None
        try:
            operations(lowered)
        except ContractBroken as broken:
            raise VersionSkew(f"the installed torch-mlir cannot parse what {tcp_opt.NAME} wrote: {broken}") from None
        Linalg().verify(lowered)


@cache
def _binary(path: Path | None) -> Tool:
    """The binary at the path; raises Unavailable if there is none, or if it is another program."""
    if path is None:
        raise Unavailable(f"there is no {tcp_opt.NAME}: {tcp_opt.HOW}")
    if fault := tool.fault(path, NEEDED, HELP_SECONDS):
        raise Unavailable(f"{path} is no {tcp_opt.NAME}: {fault}; {tcp_opt.HOW}")
    return Tool(path)


def _left(text: str) -> list[str]:
    """The ops of TCP in a text, each once and constants last, since a constant is left for an op that uses it."""
    found = dict.fromkeys(carried or op for op, carried in _OP.findall(text))
    return sorted(found, key=lambda op: op == "tcp.const")
