from __future__ import annotations

import json
from dataclasses import replace

import pytest

from harness.errors import BadSample
from harness.records import restorer
from harness.records.journal import Record, dumped, record_json, record_restore
from harness.records.opinion import Opinion
from harness.records.outcome import FirstWrongPass, Unsupported
from harness.records.restorer import Restorer
from tests.samples import dynamic, relu
from tests.synthetic import PASSED, everything, record

MARKS = ',"op":,"sample":,"traits":,"detail":,"reached":,"seconds":{}}{"a"'
REFUSED = Unsupported("lower", f'error: "{MARKS}', "torch.aten.relu")
FULL = record(
    dynamic("n", 2, 5),
    "tosa",
    PASSED,
    minimised="abc",
    breaks="n",
    cause=MARKS,
    first_wrong_pass=FirstWrongPass(right=None, wrong="lower/cse", between={"a": "b"}),
    numeric="tanh(4)",
    hung=("lower",),
    plain=True,
    without="rare",
    results=("f64",),
    opinion=Opinion(executor="x", says="clears", instead=REFUSED),
)
RECORDS = (
    *everything(),
    FULL,
    record(relu(), "tosa", REFUSED),
    replace(FULL, sample=None, traits=(MARKS,), seconds={}),
)


def test_a_line_is_restored_as_alone() -> None:
    one = Restorer()
    for each in RECORDS:
        assert one.record(dumped(each)) == record_restore(json.loads(dumped(each)))


def other_forms(of: Record) -> list[str]:
    """The line as another program may write it."""
    data = record_json(of)
    return [json.dumps(data), json.dumps(dict(reversed(data.items()))), json.dumps({"new": {"a": [1]}, **data})]


@pytest.mark.parametrize("text", [text for each in (FULL, *RECORDS[:3]) for text in other_forms(each)])
def test_any_form_of_a_line_is_read(text: str) -> None:
    assert Restorer().record(text) == record_restore(json.loads(text))


@pytest.mark.parametrize(
    ("old", "new", "error"),
    [
        ('"outcome":"Passed"', '"outcome":"Odd"', KeyError),
        ('"traits":[', '"traits":[[', ValueError),
        ('"family":', '"kin":', KeyError),
        ('"mode":"dynamic","sizes"', '"mode":"odd","sizes"', BadSample),
        ('"kind":"outcome"', '"kind":outcome', ValueError),
    ],
)
def test_what_is_no_outcome_line_is_an_error(old: str, new: str, error: type[Exception]) -> None:
    text = dumped(FULL)
    assert old in text
    with pytest.raises(error):
        Restorer().record(text.replace(old, new, 1))


def test_what_lines_have_in_common_is_decoded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    texts: list[str] = []
    decoded = restorer._decoded
    monkeypatch.setattr(restorer, "_decoded", lambda text: (texts.append(text), decoded(text))[1])
    one = Restorer()
    lines = [dumped(replace(FULL, backend=backend)) for backend in ("tosa", "linalg", "stablehlo", "tosa")]
    found = [one.record(line) for line in lines]
    assert len({id(each.sample) for each in found}) == len({id(each.outcome) for each in found}) == 1
    decoded_again = [text for text in set(texts) if texts.count(text) > 1]
    assert decoded_again == [json.dumps(dict(FULL.seconds), separators=(",", ":"))], "only the seconds are a line's own"
