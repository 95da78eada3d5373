"""One of the two runs that are compared: what must be known of it to judge a change."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from harness.records.toolchain import COMPILERS, Loaded, compilers, installed_version
from reports.fold.provenance import loaded, moment
from reports.index.index import Index, Run

INSTALLED = "installed"
"""What `--torch-mlir` names by default."""


@dataclass(frozen=True)
class Side:
    """One run: the index of its journal, and the journal's name as commands are to repeat it, "" for the last run's."""

    index: Index
    journal: str

    @property
    def run(self) -> Run:
        """What the journal says of the whole run."""
        return self.index.run

    @property
    def name(self) -> str:
        """The run's own name."""
        return str(self.run.header.get("run") or "unnamed run")

    @property
    def started(self) -> str:
        """When it started, to the minute."""
        return moment(self.run.header.get("started"))

    @cached_property
    def loaded(self) -> Loaded | None:
        """What its workers loaded; None if the journal does not say."""
        return loaded(self.run)

    @property
    def compilers(self) -> tuple[str, ...]:
        """The torch and the torch-mlir that it measured, in words."""
        if self.loaded:
            return tuple(compilers(self.loaded))
        tools = self._tools
        said = {**tools, **_mapping(tools.get("installed"))}
        found = [f"{name} {said[key]}" for name in COMPILERS for key in (name, name.replace("_", "-")) if key in said]
        return (*dict.fromkeys(found), "what was loaded is not known") if found else ("toolchain unknown",)

    @property
    def compiler(self) -> str:
        """What `--torch-mlir` is to name to run a sample with the torch-mlir of this run; "" if the journal cannot say.

        That is what the run was told. If it took what was installed, that is `installed` where the same version of the
        same distribution is installed now, or else the distribution or the folder that it loaded.
        """
        asked = str(self._options.get("torch_mlir") or "")
        package = self.loaded.packages.get("torch_mlir") if self.loaded else None
        if asked not in ("", INSTALLED) or package is None:
            return asked
        if package.distribution and package.version == installed_version(package.distribution):
            return INSTALLED
        if package.distribution:
            return f"{package.distribution}=={package.version}"
        return str(Path(package.path).parent)

    @property
    def executors(self) -> frozenset[str] | None:
        """The executors that could be asked; None if the journal does not say."""
        if self.loaded:
            return frozenset(self.loaded.executors) - frozenset(self.loaded.absent)
        names = self._tools.get("executors")
        if not isinstance(names, str):
            return None
        return frozenset(names.split(", ")) - frozenset(_mapping(self._tools.get("absent")))

    @property
    def seconds(self) -> float | None:
        """The deadline of one sample; None if the journal does not say."""
        found = self._options.get("sample_seconds")
        return float(found) if isinstance(found, (int, float)) else None

    @property
    def _tools(self) -> Mapping[str, Any]:
        return _mapping(self.run.header.get("toolchain"))

    @property
    def _options(self) -> Mapping[str, Any]:
        return _mapping(self.run.header.get("options"))


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
