"""What the workers of a run have loaded: all of them the same, or the run ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from harness.errors import Exit, OpcovError
from harness.records.toolchain import Loaded, loaded_restore


class MixedToolchains(OpcovError):
    """Two workers of a run, or the two parts of a resumed one, have loaded different things."""

    code = Exit.ENVIRONMENT


class Toolchains:
    """What each worker has loaded.

    `before` are the lines of the unfinished run that this one goes on with, and `path` is its journal. `absent` are the
    executors that some worker could not load, each with the reason.
    """

    def __init__(self, before: Sequence[Mapping[str, Any]] = (), path: Path | None = None) -> None:
        self._workers: dict[str, Loaded] = {}
        self._before = loaded_restore(before[-1]) if before else None
        self._path = path
        self.absent: dict[str, str] = {}

    def add(self, line: Mapping[str, Any]) -> None:
        """Take a worker's `toolchain` line; raises MixedToolchains where it differs from what is known.

        An executor may turn out broken later in one worker, which then tells a second time: that is no difference.
        """
        name, found = str(line["worker"]), loaded_restore(line)
        if name not in self._workers:
            if self._before and (differences := list(self._before.differs(found))):
                raise MixedToolchains(
                    f"--resume: {self._path} was measured with {_said(differences, 0)}, not {_said(differences, 1)}",
                    hint="load what it was measured with, or leave --resume out: the unfinished journal is kept",
                )
            other = next(iter(self._workers), None)
            if other and (differences := list(self._workers[other].differs(found))):
                raise MixedToolchains(
                    f"the workers do not measure the same: {other} has loaded {_said(differences, 0)}, {name} has "
                    f"loaded {_said(differences, 1)}",
                    hint="give every worker the same environment and path; what the first measured is kept: --resume",
                )
            self._workers[name] = found
        self.absent |= found.absent


def _said(differences: Sequence[tuple[str, str]], side: int) -> str:
    return " and ".join(pair[side] for pair in differences)
