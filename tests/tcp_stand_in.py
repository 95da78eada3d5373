"""A stand-in for `tcp-opt`: a script that reads torch-dialect text, and writes TCP and linalg text as the real one.

It knows a few ops: tanh and add have a conversion to TCP and to linalg, gather becomes TCP's `custom_op`, which has
none to linalg; any other op is refused in MLIR's words. With a fault it is no `tcp-opt`, dies, hangs, prints rubbish.
"""

from __future__ import annotations

import sys
from pathlib import Path

FAULTS = ("", "another program", "dies", "hangs", "rubbish", "lies", "newer", "unsure")

_SCRIPT = r'''#!{python} -SE
import os, re, signal, sys, time

FAULT = {fault!r}
HELP = """OVERVIEW: MLIR modular optimizer driver
      --convert-tcp-to-arith                  -   Lower TCP to Arith
      --convert-tcp-to-linalg                 -   Lower TCP to Linalg
      --convert-tcp-to-tensor                 -   Lower TCP to Tensor
      --torch-backend-to-tcp-backend-pipeline -   Pipeline lowering torch backend contract to TCP backend contract.
  --pass-pipeline=<string>                    - Textual description of the pass pipeline to run
"""
PASSES = ("convert-tcp-to-linalg", "convert-tcp-to-tensor", "convert-tcp-to-arith")
UNARY = {{"tanh": "math.tanh"}}
BINARY = {{"add": "arith.addf"}}
ATEN = re.compile(r"(\s*%\S+ = )torch\.aten\.(\w+)(?:\.Tensor)? (%\w+)(?:, (%\w+))?.* -> (!torch\.vtensor<.*>)$")
ILLEGAL = "failed to legalize operation 'torch.aten.{{}}' that was explicitly marked illegal"


def fails(text, line, message, name=""):
    source = text.splitlines()[line - 1]
    column = len(source) - len(source.lstrip()) + 1
    sys.stderr.write(f"<stdin>:{{line}}:{{column}}: error: {{message}}\n{{source}}\n{{' ' * (column - 1)}}^\n")
    if name:  # with --mlir-print-ir-after-failure
        sys.stderr.write(f"// -----// IR Dump After Pass Failed ({{name}}) //----- //\n{{text}}\n")
    sys.exit(1)


def builtin(kind):
    sizes, element = re.fullmatch(r"!torch\.vtensor<\[(.*)\],(\w+)>", kind).groups()
    return "tensor<" + "".join(f"{{size}}x" for size in sizes.split(",") if size) + element.replace("si", "i") + ">"


def to_tcp(text):
    out = []
    for number, line in enumerate(text.splitlines(), 1):
        found = ATEN.match(line)
        if found:
            begin, op, x, y, kind = found.groups()
            kind = builtin(kind)
            if op in UNARY:
                line = f"{{begin}}tcp.{{op}} {{x}} : {{kind}} -> {{kind}}"
            elif op in BINARY:
                line = f"{{begin}}tcp.{{op}} {{x}}, {{y}} : {{kind}}, {{kind}} -> {{kind}}"
            elif op == "gather":
                call = f'tcp.custom_op("torch.aten.gather") {{x}} {{{{axis = 0 : i64}}}}'
                line = f"{{begin}}{{call}} : {{kind}} -> {{kind}}"
            else:
                fails(text, number, ILLEGAL.format(op), "convert-torch-to-tcp")
        elif "torch.constant." in line or "torch.bind_symbolic_shape" in line or "torch.symbolic_int" in line:
            continue
        out.append(re.sub(r"!torch\.vtensor<\[[^]]*\],\w+>", lambda match: builtin(match[0]), line))
    return re.sub(r" attributes {{torch[^}}]*}}", "", "\n".join(out)) + "\n"


def generic(result, op, operands, kind):
    rank, element = kind.count("x"), re.search(r"(\w+)>$", kind)[1].rpartition("x")[2]
    lines, dims = [], []
    for axis, size in enumerate(kind[len("tensor<"):-1].split("x")[:-1]):
        if size == "?":
            lines += [f"%c{{axis}}_{{result}} = arith.constant {{axis}} : index",
                      f"%d{{axis}}_{{result}} = tensor.dim {{operands[0]}}, %c{{axis}}_{{result}} : {{kind}}"]
            dims.append(f"%d{{axis}}_{{result}}")
    names = ", ".join(f"d{{axis}}" for axis in range(rank))
    maps = ", ".join([f"affine_map<({{names}}) -> ({{names}})>"] * (len(operands) + 1))
    kinds, loops = ", ".join([kind] * len(operands)), ", ".join(['"parallel"'] * rank)
    inside = ", ".join(f"%a{{i}}: {{element}}" for i in range(len(operands) + 1))
    values = ", ".join(f"%a{{i}}" for i in range(len(operands)))
    lines += [f"%e_{{result}} = tensor.empty({{', '.join(dims)}}) : {{kind}}",
              f"%{{result}} = linalg.generic {{{{indexing_maps = [{{maps}}], iterator_types = [{{loops}}]}}}} "
              f"ins({{', '.join(operands)}} : {{kinds}}) outs(%e_{{result}} : {{kind}}) {{{{",
              f"^bb0({{inside}}):", f"  %r = {{op}} {{values}} : {{element}}", f"  linalg.yield %r : {{element}}",
              f"}}}} -> {{kind}}"]
    return lines


def to_linalg(text):
    out = []
    for line in text.splitlines():
        found = re.match(r"\s*%(\w+) = tcp\.(\w+) (%\w+)(?:, (%\w+))? : .* -> (tensor<.*>)$", line)
        if found and found[2] in {{**UNARY, **BINARY}}:
            result, op, x, y, kind = found.groups()
            target = {{**UNARY, **BINARY}}[op]
            if FAULT == "lies":
                target = {{"math.tanh": "math.sin", "arith.addf": "arith.subf"}}[target]
            if FAULT == "newer":
                target = "math.from_the_future"
            out += generic(result, target, [x, y] if y else [x], kind)
        else:
            out.append(line)
    return "\n".join(out) + "\n"


if "--help" in sys.argv:
    print("usage: cat [FILE]" if FAULT == "another program" else HELP)
    sys.exit(0)
text = sys.stdin.read()
pipeline = next((each.partition("=")[2] for each in sys.argv if each.startswith("--pass-pipeline=")), "")
passes = re.findall(r"[a-z][a-z-]+-[a-z-]+", pipeline)
for name in passes:
    if name not in (*PASSES, "torch-backend-to-tcp-backend-pipeline"):
        sys.stderr.write(f"<unknown>:0: error: '{{name}}' does not refer to a registered pass or pass pipeline\n")
        sys.exit(1)
works = "torch." in text or "tcp." in text  # a question whether it has a pass comes with an empty function
if passes and works and FAULT == "dies":
    os.write(2, b"LLVM ERROR: out of ideas\n")
    os.kill(os.getpid(), signal.SIGABRT)
if passes and works and FAULT == "hangs":
    time.sleep(1000)
if works and FAULT == "rubbish":
    print("rubbish")
    sys.exit(0)
if not text.lstrip().startswith(("module", "func.func", "#")):
    fails(text, 1, "custom op 'rubbish' is unknown")
for number, line in enumerate(text.splitlines(), 1):
    if "torch.operator" in line:
        fails(text, number, f"failed to legalize operation 'torch.operator': {{line}}", "convert-torch-to-tcp")
if "torch-backend-to-tcp-backend-pipeline" in passes:
    text = to_tcp(text)
if "convert-tcp-to-linalg" in passes and FAULT != "unsure":
    text = to_linalg(text)
sys.stdout.write(text)
'''


def write(path: Path, fault: str = "") -> Path:
    """Write the stand-in, with a fault if one is named; return its path."""
    assert fault in FAULTS
    path.write_text(_SCRIPT.format(python=sys.executable, fault=fault), encoding="utf-8")
    path.chmod(0o755)
    return path
