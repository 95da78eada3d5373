from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from harness.errors import Exit, OpcovError
from harness.records.query import OF_RESULT, OF_SAMPLE, BadQuery, Facts, Query, parse

EXAMPLES = json.loads((Path(__file__).parent / "queries.json").read_text(encoding="utf-8"))


def facts(sample: dict[str, Any]) -> Facts:
    return {field: (value,) if isinstance(value, str) else tuple(value) for field, value in sample.items()}


def query(text: str) -> Query:
    return parse(text, EXAMPLES["names"])


@pytest.mark.parametrize("example", EXAMPLES["queries"], ids=lambda example: example["query"])
def test_a_query_selects_these_samples(example: dict[str, Any]) -> None:
    asked = query(example["query"])
    assert [s["id"] for s in EXAMPLES["samples"] if asked.verdict(facts(s))] == example["ids"]


@pytest.mark.parametrize("example", EXAMPLES["errors"], ids=lambda example: example["query"] or "empty")
def test_what_is_no_query_is_refused_in_one_line(example: dict[str, str]) -> None:
    with pytest.raises(OpcovError) as raised:
        query(example["query"])
    assert example["says"] in str(raised.value)
    assert raised.value.hint
    assert raised.value.code == Exit.USAGE
    assert len(str(raised.value).splitlines()) == 1


def test_every_field_has_an_example() -> None:
    asked = {field for example in EXAMPLES["queries"] for field in query(example["query"]).fields}
    assert asked == {*OF_SAMPLE, *OF_RESULT}
    assert all(set(sample) == asked for sample in EXAMPLES["samples"])


@pytest.mark.parametrize(
    ("text", "known", "verdict"),
    [
        ("op:aten.conv* backend:tosa", {"op": ("aten.relu.default",)}, False),
        ("op:aten.conv* backend:tosa", {"op": ("aten.conv2d.default",)}, None),
        ("op:aten.conv* or backend:tosa", {"op": ("aten.conv2d.default",)}, True),
        ("op:aten.conv* or backend:tosa", {"op": ("aten.relu.default",)}, None),
        ("not op:aten.conv*", {"op": ("aten.conv2d.default",)}, False),
        ("not (op:aten.conv* or backend:tosa)", {}, None),
        ("not culprit:*", {"culprit": ()}, True),
    ],
)
def test_a_query_tells_what_hinges_on_what_is_not_known(text: str, known: Facts, verdict: bool | None) -> None:
    assert query(text).verdict(known) is verdict


def test_the_nearest_name_is_told() -> None:
    with pytest.raises(OpcovError, match="unknown backend 'tsa'; did you mean tosa"):
        query("backend:tsa")
    with pytest.raises(OpcovError, match=r"unknown field of --where 'bakend'; did you mean backend, frontend\?"):
        query("bakend:tosa")


def test_without_a_journal_a_field_of_results_is_an_error_that_says_what_to_add() -> None:
    query("op:* not plain:yes").check(hint="add --replay JOURNAL")
    with pytest.raises(BadQuery, match="outcome: is a field of results, and no journal is given; add --replay JOURNAL"):
        query("op:* not outcome:wrong").check(hint="add --replay JOURNAL")
