"""Find backends and executors by name through entry points, built-in ones and plugins alike.

A backend that cannot be loaded is an error, since the user asked for it. An executor that cannot be loaded is absent,
and the reports that name the executors say so. An executor that needs more packages than its distribution does names
the extra in its entry point: `xla = "backends.executors.xla_cpu:XlaCpu [xla]"`.
"""

from __future__ import annotations

import ast
import shlex
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib.machinery import PathFinder
from importlib.metadata import EntryPoint, EntryPoints, entry_points
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType
from typing import Any

from harness.cases.road import EXPORT, is_sayable
from harness.errors import MissingPackage, UnknownName
from harness.records.expectation import CONTROL
from harness.records.frontend import FRONTEND

FRONTENDS = "opcov.frontends"
"""Frontends beside the built-in one, `export`, which no plugin can replace."""
BACKENDS = "opcov.backends"
CASCADES = "opcov.cascades"
"""Backends that are measured only if the user asks for them."""
EXECUTORS = "opcov.executors"
OPINIONS = "opcov.opinions"
"""Executors that are asked for a second opinion on failures, and have no part in any other verdict."""
OPCOV = "opcov"
"""The name of opcov's own distribution."""
INSTALL = "pip install"
"""How the reason starts why an executor is absent whose package is missing; a broken one has another reason."""


def names(*groups: str) -> tuple[str, ...]:
    """Return the names declared in these groups, sorted, `control` last; raises MissingPackage if there are none."""
    found = _declared(*groups)
    if not found:
        raise MissingPackage(f"no entry points in {groups[0]!r}: opcov is not installed", hint="run `pip install -e .`")
    return found


def executor_names() -> tuple[str, ...]:
    """Return the names of all executors, those for second opinions too; raises MissingPackage if there are none."""
    return names(EXECUTORS, OPINIONS)


def adviser_names() -> tuple[str, ...]:
    """Return the names of the executors that are asked for second opinions."""
    return _declared(OPINIONS)


def columns(*groups: str) -> tuple[str, ...]:
    """Return the frontend, which no plugin can replace, and the names of the backends in these groups."""
    return (FRONTEND, *(name for name in names(*groups) if name != FRONTEND))


def frontend_names() -> tuple[str, ...]:
    """Return the built-in frontend and the names of the declared ones, but for those that a road cannot say."""
    return (EXPORT, *(name for name in _declared(FRONTENDS) if name != EXPORT and is_sayable(name)))


def frontend(name: str) -> Any:
    """Return a frontend beside the built-in one; raises UnknownName or MissingPackage."""
    return factory(FRONTENDS, name)()


def backend(name: str) -> Callable[[], Any]:
    """Return the callable that makes a backend, measured by default or not; raises UnknownName or MissingPackage."""
    return factory(CASCADES if _has(CASCADES, name) else BACKENDS, name)


def executor(name: str) -> Callable[[], Any]:
    """Return the callable that makes an executor, of whatever use; raises UnknownName or MissingPackage."""
    return factory(_group_of(name), name)


def factory(group: str, name: str) -> Callable[[], Any]:
    """Return the callable that makes the plugin of that name; raises UnknownName or MissingPackage."""
    entry = _entry(group, name)
    try:
        loaded: Callable[[], Any] = entry.load()
    except ImportError as error:
        missing = error.name or str(error)
        raise MissingPackage(
            f"{_kind(group)} {name!r} needs {missing}, which cannot be imported",
            hint=f"run `{_install(entry, missing)}` (see the README, Setup)",
        ) from error
    return loaded


def executors(
    loading: Callable[[str], None] = lambda name: None, without: Mapping[str, str] = MappingProxyType({})
) -> tuple[list[Any], dict[str, str]]:
    """Return every executor that can be loaded, but for those for second opinions, and why each other one cannot.

    The reason is the command that installs the missing package, or the error if none is missing. `loading` is called
    with each name before the executor is loaded, since that may kill the process. Those in `without` are known to be
    absent, for these reasons, and are not loaded.
    """
    return _loaded(EXECUTORS, loading, without)


def advisers(loading: Callable[[str], None], without: Mapping[str, str]) -> tuple[list[Any], dict[str, str]]:
    """Return the executors that are asked for second opinions, as `executors` does the others."""
    return _loaded(OPINIONS, loading, without)


def _loaded(group: str, loading: Callable[[str], None], without: Mapping[str, str]) -> tuple[list[Any], dict[str, str]]:
    present, absent = [], dict(without)
    for name in _declared(group):
        if name in without:
            continue
        entry = _entry(group, name)
        loading(name)
        try:
            present.append(entry.load()())
        except Exception as error:  # a broken package may raise any type
            absent[name] = _remedy(entry, error)
    return present, absent


def absent() -> dict[str, str]:
    """Return by name the command that installs what an executor lacks, found without importing anything.

    An executor is absent if its module, or a package that its module imports at the top level, is not installed. What
    only an import shows, such as a package that is broken, is in what `executors` returns.
    """
    found = {}
    for name in executor_names():
        entry = _entry(_group_of(name), name)
        lacking = (package for package in _needs(entry) if not _is_installed(package))
        if package := next(lacking, None):
            found[name] = _install(entry, package)
    return found


def strangers() -> dict[str, str]:
    """Return by name the executors that are not opcov's own, with the reason why the fork server does not load them."""
    entries = (*_entries(EXECUTORS), *_entries(OPINIONS))
    return {e.name: "it is not opcov's own" for e in entries if e.dist and e.dist.name != OPCOV}


def packages(backends: Iterable[str], executors: Iterable[str]) -> Iterator[str]:
    """The packages that the modules of these plugins import at their top level, and those that they are in."""
    for name in backends:
        yield from _needed(tuple(sys.path), CASCADES if _has(CASCADES, name) else BACKENDS, name)
    for name in executors:
        yield from _needed(tuple(sys.path), _group_of(name), name)


@cache
def _needed(path: tuple[str, ...], group: str, name: str) -> tuple[str, ...]:
    """What `_needs` says on this path; kept, so that a fork need not read the files again."""
    return tuple(package.partition(".")[0] for package in _needs(_entry(group, name)))


def _needs(entry: EntryPoint) -> Iterator[str]:
    """The package of the entry point's module, and the modules that this one imports whenever it is imported."""
    package, *rest = entry.module.split(".")
    yield package
    spec = find_spec(package)
    for part in rest:  # as `find_spec` does, but without importing the packages on the way
        spec = spec and PathFinder.find_spec(f"{spec.name}.{part}", spec.submodule_search_locations)
    source = Path(spec.origin) if spec and spec.origin else None
    if source and source.suffix == ".py" and source.exists():
        yield from _imported(source)


def _imported(source: Path) -> Iterator[str]:
    """The modules that a file imports in its outermost statements, by absolute names."""
    try:
        statements = ast.parse(source.read_bytes()).body
    except (SyntaxError, ValueError):  # whoever imports it is told
        return
    for statement in statements:
        if isinstance(statement, ast.Import):
            yield from (alias.name for alias in statement.names)
        elif isinstance(statement, ast.ImportFrom) and statement.module and not statement.level:
            yield statement.module


def _is_installed(module: str) -> bool:
    """Whether a module's package is installed; of a namespace package, the part that the module is in.

    Nothing is imported. Only namespace packages are looked into: others may make their modules as they are imported.
    """
    package, *rest = module.split(".")
    spec = find_spec(package)
    for part in rest:
        if spec is None or spec.origin is not None:
            break
        spec = PathFinder.find_spec(part, spec.submodule_search_locations)  # a dotted name would ask for the parent
    return spec is not None


def _entries(group: str) -> EntryPoints:
    return _entries_on(tuple(sys.path), group)


@cache
def _entries_on(path: tuple[str, ...], group: str) -> EntryPoints:
    """The entry points on the path, which is `sys.path`; kept, since reading them takes 5 ms and is asked often."""
    return entry_points(group=group)


def _declared(*groups: str) -> tuple[str, ...]:
    """The names declared in these groups, sorted, `control` last."""
    return tuple(sorted({e.name for group in groups for e in _entries(group)}, key=lambda n: (n == CONTROL, n)))


def _group_of(executor: str) -> str:
    """The group that declares an executor."""
    return OPINIONS if _has(OPINIONS, executor) else EXECUTORS


def _has(group: str, name: str) -> bool:
    return any(e.name == name for e in _entries(group))


def _entry(group: str, name: str) -> EntryPoint:
    for entry in _entries(group):
        if entry.name == name:
            return entry
    raise UnknownName(_kind(group), name, names(group))


def _kind(group: str) -> str:
    return group.removeprefix("opcov.").removesuffix("s")


def _remedy(entry: EntryPoint, error: Exception) -> str:
    """The command that installs the missing package, or the error if no package is missing."""
    missing = error.name if isinstance(error, ModuleNotFoundError) else None
    if missing and not find_spec(missing.partition(".")[0]):
        return _install(entry, missing)
    return f"{type(error).__name__}: {error}"


def _install(entry: EntryPoint, module: str) -> str:
    """The command that installs the extras that the entry point names, or else the package of the module."""
    extra = f"{entry.dist.name}[{','.join(entry.extras)}]" if entry.dist and entry.extras else ""
    return f"{INSTALL} {shlex.quote(extra or module.partition('.')[0].replace('_', '-'))}"
