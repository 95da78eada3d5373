"""`--where QUERY`: one small language that selects samples, in runs, in replays and in every command that reads.

    query    = all {"or" all}
    all      = one {["and"] one}
    one      = "not" one | "(" query ")" | FIELD ":" GLOB {"," GLOB}

A glob takes `*` for any text and `?` for any character; everything else, brackets too, stands for itself. Capitals do
not matter. A value with a space, a comma or a parenthesis stands in double quotes. A field may have no value, as a
sample that passed has no culprit, or several, as most samples have several traits: a term holds if one of the values
is like one of the globs. `tests/pure/records/queries.json` has examples, each with the samples that it selects.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from harness.cases.dtypes import DTYPES
from harness.cases.road import FIELDS, LEVELS, TRANSFORMS
from harness.cases.sample import MODES
from harness.errors import OpcovError, UnknownName

from .outcome import BY_NAME, STAGES
from .severity import SEVERITIES

OF_SAMPLE = ("op", "family", "backend", "mode", "dtype", *FIELDS, "plain", "id")
"""The fields that are known before a sample is run."""
OF_RESULT = ("outcome", "stage", "culprit", "trait", "severity", "status", "executor", "cause")
"""The fields that only a result has, so that they need a journal."""
YES, NO = "yes", "no"
"""The values of the field `plain`."""
NAMES: Mapping[str, Collection[str]] = {
    "mode": MODES,
    "dtype": DTYPES,
    "transform": TRANSFORMS,
    "level": LEVELS,
    "plain": (YES, NO),
    "outcome": (*BY_NAME, "InvalidRight"),
    "stage": STAGES,
    "severity": SEVERITIES,
}
"""By field, the only values that there are; those of other fields depend on the registry or on the journal."""
Facts = Mapping[str, Sequence[str]]
"""By field, the values of one sample or of all samples of a cell or an op; a field that is left out is not known."""
Verdict = Callable[[Facts], bool | None]
"""Whether a condition holds for facts; None where it hinges on what is not known."""

_TOKEN = re.compile(r'\s*(?:(?P<mark>[()])|(?P<word>(?:[^\s()"]|"[^"]*")+)|(?P<odd>\S))')
_GLOB = re.compile(r'(?:[^,"]|"[^"]*")+')
EXAMPLE = "op:aten.conv* backend:tosa not outcome:passed"


class BadQuery(OpcovError):
    """The text of `--where` is no query, or asks for what only results have where no journal is given."""

    def __init__(self, what: str, *, hint: str = f"a query reads like '{EXAMPLE}'") -> None:
        super().__init__(f"--where: {what}", hint=hint)


@dataclass(frozen=True)
class Query:
    """A parsed query: its text as given, the fields that it names, and whether it holds."""

    text: str
    fields: frozenset[str]
    verdict: Verdict

    @cached_property
    def needs_results(self) -> bool:
        """Whether the query asks for what only a result has."""
        return not self.fields.isdisjoint(OF_RESULT)

    def may_hold(self, facts: Facts) -> bool:
        """Whether the query holds for these facts, or may hold by what is not known of them."""
        return self.verdict(facts) is not False

    def check(self, *, hint: str) -> None:
        """Raise BadQuery, with a hint, if the query needs results."""
        asked = next((field for field in OF_RESULT if field in self.fields), None)
        if asked:
            raise BadQuery(f"{asked}: is a field of results, and no journal is given", hint=hint)


def parse(text: str, known: Mapping[str, Collection[str]] = NAMES) -> Query:
    """Parse a query; raises BadQuery, or UnknownName for a field, or for a glob like none of the field's `known` names.

    The names of a field that `known` leaves out are those of `NAMES`; where these have none, every glob is taken.
    """
    parser = _Parser(text, {**NAMES, **known})
    verdict = parser.query()
    if parser.token:
        raise BadQuery(f"{parser.token!r} has no '(' before it")
    return Query(text, frozenset(parser.fields), verdict)


class _Parser:
    """Reads a text from left to right, one token ahead; `token` is "" at the end, `fields` are those that it met."""

    def __init__(self, text: str, known: Mapping[str, Collection[str]]) -> None:
        self._tokens = _TOKEN.finditer(text.rstrip())
        self._known = known
        self.fields: set[str] = set()
        self.token = ""
        self._next()

    def _next(self) -> str:
        """Return the present token, and go on to the next one."""
        last, found = self.token, next(self._tokens, None)
        if found and found["odd"]:
            raise BadQuery("a double quote has no second one", hint='write a value with spaces as field:"two words"')
        self.token = found.group().strip() if found else ""
        return last

    def _keyword(self) -> str:
        return self.token.lower() if self.token.lower() in ("and", "or", "not") else ""

    def query(self) -> Verdict:
        parts = [self._all()]
        while self._keyword() == "or":
            self._next()
            parts.append(self._all())
        return _any(parts)

    def _all(self) -> Verdict:
        parts = [self._one()]
        while self.token and self.token != ")" and self._keyword() != "or":
            if self._keyword() == "and":
                self._next()
            parts.append(self._one())
        return _not(_any([_not(part) for part in parts]))

    def _one(self) -> Verdict:
        if self._keyword() == "not":
            self._next()
            return _not(self._one())
        if self.token == "(":
            self._next()
            inside = self.query()
            if self._next() != ")":
                raise BadQuery("a '(' has no ')'")
            return inside
        if not self.token or self.token == ")" or self._keyword():
            raise BadQuery(f"there is no condition before {self.token!r}" if self.token else "a condition is missing")
        return self._term(self._next())

    def _term(self, word: str) -> Verdict:
        """A term such as `backend:tosa,linalg`."""
        field, colon, values = word.partition(":")
        field = field.lower()
        if not colon or '"' in field:
            raise BadQuery(f"{word} names no field", hint=f"write field:value, such as op:*{word.strip('*')}*")
        if field not in (*OF_SAMPLE, *OF_RESULT):
            raise UnknownName("field of --where", field, (*OF_SAMPLE, *OF_RESULT))
        globs = [glob.replace('"', "") for glob in _GLOB.findall(values)]
        if not any(globs):
            raise BadQuery(f"{field}: has no value", hint=f"write no space behind the colon: {field}:value")
        self.fields.add(field)
        for glob in globs:
            if field in self._known and not any(map(_matcher(glob), self._known[field])):
                raise UnknownName(field, glob, self._known[field])
        return _holds(field, [_matcher(glob) for glob in globs])


def _matcher(glob: str) -> Callable[[str], object]:
    signs = {"*": ".*", "?": "."}
    pattern = "".join(signs.get(character) or re.escape(character) for character in glob)
    return re.compile(pattern, re.IGNORECASE | re.DOTALL).fullmatch


def _holds(field: str, matchers: Sequence[Callable[[str], object]]) -> Verdict:
    def verdict(facts: Facts) -> bool | None:
        if field not in facts:
            return None
        return any(matches(value) for value in facts[field] for matches in matchers)

    return verdict


def _any(parts: Sequence[Verdict]) -> Verdict:
    def verdict(facts: Facts) -> bool | None:
        found = [part(facts) for part in parts]
        return True if True in found else None if None in found else False

    return parts[0] if len(parts) == 1 else verdict


def _not(part: Verdict) -> Verdict:
    def verdict(facts: Facts) -> bool | None:
        found = part(facts)
        return None if found is None else not found

    return verdict
