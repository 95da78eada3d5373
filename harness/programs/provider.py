"""Where this process imports `torch_mlir` from: one folder, and no other.

`torch_mlir` has no `__init__.py`: Python joins its portions from all folders of its path, so a module that one compiler
lacks would come from another without a word. A finder ahead of Python's own says where the one portion is.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from pathlib import Path
from types import ModuleType

from harness.errors import BadCompiler

from .compiler import Compiler, choose, named
from .loaded import COMPILER, check_compiler, mapped


class OnlyFolder(MetaPathFinder):
    """Finds `torch_mlir` in one folder, whatever else is on the path; its modules are then looked for there alone."""

    def __init__(self, folder: Path) -> None:
        self.package = folder / COMPILER

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The spec of the package; None for any other name."""
        if name != COMPILER:
            return None
        source = self.package / "__init__.py"
        if source.is_file():
            return spec_from_file_location(name, source, submodule_search_locations=[str(self.package)])
        spec = ModuleSpec(name, None, is_package=True)
        spec.submodule_search_locations = [str(self.package)]  # a plain list: Python adds no portion to it
        return spec


def use(spec: str) -> Compiler:
    """Let this process and those that it starts measure the compiler of this SPEC; raises BadCompiler, MixedPackage."""
    compiler = named(spec)
    choose(compiler)
    provide(compiler)
    return compiler


def provide(compiler: Compiler) -> None:
    """Let this process import `torch_mlir` from this compiler alone; imports nothing.

    Raises BadCompiler if it has been imported from elsewhere already, and MixedPackage if Python would join the
    installed one from several folders.
    """
    sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, OnlyFolder)]
    if compiler.folder is None:
        check_compiler()
        return
    finder = OnlyFolder(compiler.folder)
    before = [*getattr(sys.modules.get(COMPILER), "__path__", (str(finder.package),))]
    if before != [str(finder.package)]:
        raise BadCompiler(
            f"--torch-mlir {compiler.spec}: this process has imported {COMPILER} from {' and '.join(before)} already",
            hint="a plugin or a .pth file imports it too early: take that off the path",
        )
    sys.meta_path.insert(0, finder)


def check_libraries(compiler: Compiler) -> None:
    """Raise BadCompiler if a library that the compiler's folder has was loaded from another folder."""
    if compiler.folder is None:
        return
    own = {file.name: file.resolve() for file in (compiler.folder / COMPILER / "_mlir_libs").glob("*.so*")}
    for library in sorted(mapped()):
        if library.name in own and library != own[library.name]:
            raise BadCompiler(
                f"--torch-mlir {compiler.spec}: {library.name} was loaded from {library.parent}, not from "
                f"{own[library.name].parent}: two compilers would be mixed",
                hint="unset LD_LIBRARY_PATH and LD_PRELOAD",
            )
