"""The errors that opcov reports to its user: one line that says what is wrong, why, and what to type next."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of `opcov`, documented in the README."""

    OK = 0
    FOUND = 1  # the command worked and found a failure: a reproduced one, a red verdict, a change for the worse
    USAGE = 2  # the command line is wrong: unknown names, bad flags
    DATA = 3  # a file is missing, unreadable or damaged
    ENVIRONMENT = 4  # a package, wheel or program is missing


class OpcovError(Exception):
    """An error with a one-line message, a hint and an exit code.

    Raise a subclass. `cli.main` prints `opcov: {what}; {hint}` and exits with `code`.
    """

    code = Exit.USAGE

    def __init__(self, what: str, *, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.what}; {self.hint}" if self.hint else self.what


class UnknownName(OpcovError):
    """The user named an op, backend, mode, dtype, profile or executor that does not exist.

    The hint suggests up to three names that are close to it, or else lists the first 12 known names.
    Common causes: a typo, an overload left out (`aten.add` for `aten.add.Tensor`), a plugin that is not installed.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        close = difflib.get_close_matches(name, names, n=3, cutoff=0.4) or [n for n in names if name in n][:3]
        hint = f"did you mean {', '.join(close)}?" if close else f"known: {', '.join(names[:12])}"
        super().__init__(f"unknown {kind} {name!r}", hint=hint)


class BadJournal(OpcovError):
    """The journal is missing or unreadable, has another schema, or is damaged before its last line."""

    code = Exit.DATA


class BadBaseline(OpcovError):
    """A baseline is missing, has lines that make no sense, or does not fit the registry."""

    code = Exit.DATA


class BadHistory(OpcovError):
    """The file of the history is missing, damaged, or no history."""

    code = Exit.DATA


class NoBaseline(BadBaseline):
    """There is no baseline of a profile."""


class BadSample(OpcovError):
    """The JSON of a sample is malformed or does not fit the schema of its op."""

    code = Exit.DATA


class MissingPackage(OpcovError):
    """A package, wheel or program that the command needs is not installed."""

    code = Exit.ENVIRONMENT


class BadCompiler(OpcovError):
    """What `--torch-mlir` names is no compiler, is none for this Python, or cannot be loaded."""

    code = Exit.ENVIRONMENT


class MixedPackage(OpcovError):
    """Python would join a package from several folders on its path, so nobody could say what was measured."""

    code = Exit.ENVIRONMENT

    def __init__(self, name: str, paths: Sequence[str]) -> None:
        super().__init__(
            f"{name} would be mixed from {' and '.join(paths)}: Python joins the folders of a package without "
            "__init__.py",
            hint="uninstall one, take it off PYTHONPATH, or give the one that is ahead an empty __init__.py",
        )


class BrokenCase(Exception):
    """An op case does not test what it claims to, for example because its op is not in the exported graph: our bug."""
