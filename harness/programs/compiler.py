"""The compiler that is measured, named by its SPEC: the installed one, a folder, a wheel, a requirement, a binary.

One process measures one compiler. The process that reads the command line chooses it; the fork server, the workers and
the processes of pytest-xdist find it in their environment.
"""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from harness.errors import BadCompiler

from . import compiler_cache, tool
from .compiler_cache import has_bindings
from .loaded import COMPILER

INSTALLED = "installed"
"""The SPEC of the torch-mlir that Python finds by itself."""
FORMS = "`installed`, a folder with torch_mlir/ in it, a build folder, a wheel, a requirement, a torch-mlir-opt binary"
"""What a SPEC may be, in words."""
VARIABLE = "OPCOV_COMPILER"
"""The environment variable in which a process finds the compiler that another one has chosen."""
LAYOUTS = (
    "tools/torch-mlir/python_packages/torch_mlir",
    "python_packages/torch_mlir",
    "cmake_build/tools/torch-mlir/python_packages/torch_mlir",
    "cmake_build/python_packages/torch_mlir",
    "build/tools/torch-mlir/python_packages/torch_mlir",
    "build/python_packages/torch_mlir",
    "build/cmake_build/tools/torch-mlir/python_packages/torch_mlir",
    "build/lib*",
)
"""Where a build of torch-mlir puts the folder that holds `torch_mlir/` (docs/development.md of torch-mlir).

In LLVM's build folder, in one of its own, in that of `setup.py`; and the same from the checkout that holds them."""


@dataclass(frozen=True, slots=True)
class Compiler:
    """A torch-mlir.

    `spec` is what the user typed. `folder` holds the `torch_mlir/` that alone may be imported; None where the installed
    one is. `tool` is the `torch-mlir-opt` that lowers in place of the bindings; None where the bindings do.
    """

    spec: str = INSTALLED
    folder: Path | None = None
    tool: Path | None = None

    @property
    def opt(self) -> str:
        """The `torch-mlir-opt` to type: the tool itself, else the one in the folder, else that on the user's path."""
        inside = self.folder / COMPILER / "_mlir_libs" / "torch-mlir-opt" if self.folder else None
        return str(self.tool or (inside if inside and inside.exists() else "torch-mlir-opt"))


def named(spec: str) -> Compiler:
    """The compiler of a SPEC; a wheel and a requirement are installed into the user's cache. Raises BadCompiler."""
    if spec == INSTALLED:
        return Compiler()
    path = Path(spec)
    if path.is_dir():
        return Compiler(spec, _folder(path))
    if path.suffix == ".whl":
        return Compiler(spec, compiler_cache.wheel(path))
    if path.is_file():
        return Compiler(spec, tool=_tool(path))
    if compiler_cache.is_requirement(spec):
        return Compiler(spec, compiler_cache.requirement(spec))
    raise BadCompiler(f"--torch-mlir {spec}: no such file or folder", hint=f"a compiler is {FORMS}")


def choose(compiler: Compiler) -> None:
    """Let this process, and those that it starts from now on, measure this compiler."""
    fields = {"spec": compiler.spec, "folder": compiler.folder, "tool": compiler.tool}
    os.environ[VARIABLE] = json.dumps({key: str(value) for key, value in fields.items() if value})


def chosen() -> Compiler:
    """The compiler that this process measures: the installed one, unless another was chosen."""
    told = json.loads(os.environ.get(VARIABLE, "{}"))
    folder, tool = (Path(told[key]) if key in told else None for key in ("folder", "tool"))
    return Compiler(told.get("spec", INSTALLED), folder, tool)


def _folder(path: Path) -> Path:
    """The folder that holds `torch_mlir/`, as an absolute path: this one or one below it; raises BadCompiler."""
    if path.name == COMPILER and has_bindings(path):
        return path.absolute().parent
    found = next(_packages(path), None)
    if found is None:
        raise BadCompiler(
            f"--torch-mlir {path}: no {COMPILER}/ with MLIR's bindings ({COMPILER}/_mlir_libs/) in it, nor where a "
            "build puts it",
            hint="name the folder that holds torch_mlir/, or a build made with -DMLIR_ENABLE_BINDINGS_PYTHON=ON",
        )
    return found


def _packages(path: Path) -> Iterator[Path]:
    below = (folder for layout in LAYOUTS for folder in sorted(path.absolute().glob(layout)))
    yield from (folder for folder in (path.absolute(), *below) if has_bindings(folder / COMPILER))


def _tool(path: Path) -> Path:
    if not path.stat().st_mode & (stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH):
        raise BadCompiler(
            f"--torch-mlir {path}: it is neither a wheel nor an executable file",
            hint=f"a compiler is {FORMS}; a binary needs `chmod +x`",
        )
    tool.check(path.absolute())
    return path.absolute()
