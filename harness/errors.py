"""Errors opcov reports to its user: one line that says what, why, and what to type next."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from enum import IntEnum


class Exit(IntEnum):
    """Exit codes of `opcov`, documented in the README."""

    OK = 0
    FOUND = 1  # the command worked; what it found is bad (a reproduced failure, a red verdict)
    USAGE = 2  # the user's input does not make sense: unknown names, bad flags
    DATA = 3  # a file is missing, unreadable or damaged
    ENVIRONMENT = 4  # a package, wheel or program is missing


class OpcovError(Exception):
    """An error with a one-line message, a hint and an exit code.

    Raise a subclass; `cli.main` prints `opcov: {what}; {hint}` and exits with `code`.
    """

    code = Exit.USAGE

    def __init__(self, what: str, *, hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.what}; {self.hint}" if self.hint else self.what


class UnknownName(OpcovError):
    """A name that matches nothing: an op, backend, mode, dtype, profile or executor.

    Common causes: a typo, an overload left out (`aten.add` for `aten.add.Tensor`), a plugin that is not installed.
    """

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        close = difflib.get_close_matches(name, names, n=3, cutoff=0.4) or [n for n in names if name in n][:3]
        hint = f"did you mean {', '.join(close)}?" if close else f"known: {', '.join(names[:12])}"
        super().__init__(f"unknown {kind} {name!r}", hint=hint)


class BadJournal(OpcovError):
    """A journal that is missing, unreadable, of another schema, or damaged before its last line."""

    code = Exit.DATA


class BadSample(OpcovError):
    """A sample JSON that is malformed or does not fit the schema of its op."""

    code = Exit.DATA


class MissingPackage(OpcovError):
    """A package, wheel or program that the command needs is not installed."""

    code = Exit.ENVIRONMENT


class BrokenCase(Exception):
    """A case that does not do what it says, such as one whose op is not in the exported graph: our bug."""
