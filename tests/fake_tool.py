"""A `torch-mlir-opt` that is a script around the real one, with one deterministic fault for each of four ops.

`python -m tests.fake_tool REAL FILE` writes it. The default faults are in `FAULTS`. It fails while it lowers to a
backend; the backend contract and the verifier are the real ones.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

FAULTS: Mapping[str, str] = {
    "refuse": "torch.aten.abs",
    "miscompile": "torch.aten.sub.Tensor",
    "crash": "torch.aten.neg",
    "hang": "torch.aten.sqrt",
}
"""By fault, the op that has it."""
LAST_WORDS = "LLVM ERROR: out of ideas"
"""What it writes before it crashes."""

_SCRIPT = '''#!{python} -SE
import os, re, signal, subprocess, sys, time

REAL, FAULTS = {real!r}, {faults!r}
SWAPS = (("arith.subf", "arith.addf"), ("tosa.sub ", "tosa.add "), ("stablehlo.subtract", "stablehlo.add"))
LAST_WORDS = {last_words!r}


def fault(text):
    """The fault of the first op of the text that has one."""
    ops = re.findall(r"= (torch\\.[\\w.]+)", text)
    return next((name for op in ops for name, faulty in FAULTS.items() if op == faulty), None)


def refused(text):
    op = FAULTS["refuse"]
    line, source = next((i, each) for i, each in enumerate(text.splitlines(), 1) if op + " " in each)
    column = source.index(op) + 1
    sys.stderr.write(f"<stdin>:{{line}}:{{column}}: error: failed to legalize operation '{{op}}' that was explicitly "
                     f"marked illegal\\n{{source}}\\n{{' ' * (column - 1)}}^\\n")
    sys.exit(1)


text = sys.stdin.read() if sys.argv[-1] == "-" else ""
found = fault(text) if any("torch-backend-to-" in each for each in sys.argv) else None
if found == "refuse":
    refused(text)
if found == "crash":
    os.write(2, LAST_WORDS.encode() + b"\\n")
    os.kill(os.getpid(), signal.SIGABRT)
if found == "hang":  # in a child: it must end with the script
    subprocess.run(["sleep", "1000"])
done = subprocess.run([REAL, *sys.argv[1:]], input=text, text=True, stdout=subprocess.PIPE)
out = done.stdout
if found == "miscompile":
    for old, new in SWAPS:
        out = out.replace(old, new)
sys.stdout.write(out)
sys.exit(done.returncode)
'''


def write(real: Path, file: Path, faults: Mapping[str, str] = FAULTS) -> Path:
    """Write the script; return its path."""
    text = _SCRIPT.format(python=sys.executable, real=str(real), faults=dict(faults), last_words=LAST_WORDS)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8")
    file.chmod(0o755)
    return file


def main() -> None:
    """Write the script and print its path."""
    parser = argparse.ArgumentParser(prog="python -m tests.fake_tool", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("real", type=Path)
    parser.add_argument("file", type=Path)
    parser.add_argument("--faults", type=json.loads, default=FAULTS, help="a JSON object: by fault, the op")
    options = parser.parse_args()
    print(write(options.real.resolve(), options.file, options.faults))


if __name__ == "__main__":
    main()
