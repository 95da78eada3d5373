from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from typing import Any

import pytest

from harness.records.outcome import Crashed
from reports.answers.clusters import clusters
from reports.fold.matrix import load
from reports.fold.status import STATUSES
from reports.pages import panels, samples
from reports.pages.causes import Link
from reports.pages.html import payload, render
from tests.synthetic import HTML, UNICODE, everything, index, record, sample, whole_index

VOID = {"meta", "link", "input", "br", "wbr", "img"}


class Page(HTMLParser):
    """Parses a page as a browser does: checks that tags balance, collects scripts, addresses and classes of cells."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.scripts: list[str] = []
        self.addresses: list[str] = []
        self.cells: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.addresses += [str(v) for k, v in given.items() if k in ("src", "href", "action", "srcset")]
        if tag == "td" and (given.get("class") or "").startswith("s-"):
            self.cells.append(str(given["class"]))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self.open and self.open[-1] == "script":
            self.scripts[-1] += data


@pytest.fixture(scope="module")
def text() -> str:
    return render(whole_index())


@pytest.fixture(scope="module")
def data(text: str) -> Any:
    return json.loads(Page(text).scripts[0])


def test_the_page_is_whole_and_alone(text: str) -> None:
    page = Page(text)
    assert page.open == []
    assert len(page.scripts) == 2
    assert all(address == "data:," or address.startswith("#") for address in page.addresses)
    assert "http:" not in text
    assert "https:" not in text


def test_nasty_texts_stay_texts(text: str, data: Any) -> None:
    assert "<script>window" not in text
    assert "<img" not in text
    assert text.count("</script>") == 2
    assert HTML in data["texts"]
    assert UNICODE in data["texts"]
    text.encode("utf-8")


def test_every_cell_is_in_the_markup_with_its_status(text: str) -> None:
    matrix = load(whole_index())
    cells = [cell for row in matrix.rows for cell in row.cells]
    severities = [f" g-{cell.severity.name}" if cell.severity else "" for cell in cells]
    assert Page(text).cells == [f"s-{cell.status.name}{g}" for cell, g in zip(cells, severities, strict=True)]


def test_every_status_has_a_colour_in_light_and_dark(text: str) -> None:
    for status in STATUSES:
        assert re.search(rf"\.s-{status.name}\b", text)
    assert "prefers-color-scheme: dark" in text


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_text_stands_out_from_its_ground(text: str) -> None:
    for block in re.findall(r":root \{(.*?)\}", text, re.S):
        colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))
        pairs = [(name.removesuffix("-bg") + "-fg", name) for name in colours if name.endswith("-bg")]
        pairs += [("fg", "bg"), ("muted", "bg"), ("muted", "raised"), ("link", "bg"), ("link", "raised")]
        for front, back in pairs:
            light, dark = sorted((luminance(colours[front]), luminance(colours[back])), reverse=True)
            assert (light + 0.05) / (dark + 0.05) >= 4.5, (front, back)


def test_data_is_folded(data: Any) -> None:
    assert len(set(data["texts"])) == len(data["texts"])
    for row in data["rows"]:
        for cell in filter(None, row["cells"]):
            within = [count for outcome, count in cell["k"] if data["outcomes"][outcome] != "Outside"]
            assert sum(within) == cell["m"]
            assert sum(part[3] for part in cell["d"]) == cell["m"]
            assert len(cell["w"]) <= 6
    assert max(map(len, data["texts"])) < 4000


def test_the_page_has_the_facts_of_every_sample(data: Any) -> None:
    """Whoever looks up a sample's places in the tables finds what the record says."""
    texts, columns = data["texts"], [tuple(column) for column in data["columns"]]
    found = set()
    for row in data["rows"]:
        for (backend, mode), cell in zip(columns, row["cells"], strict=True):
            for (dtype, *_), (group, results) in zip(cell["d"], cell["f"], strict=True) if cell else ():
                group_mode, group_dtype, ids, _, traits = row["g"][group]
                assert (texts[group_mode], group_dtype) == (mode, dtype)
                for place, (id, trait) in enumerate(zip(ids.split(), traits, strict=True)):
                    result = results if isinstance(results, int) else results[place]
                    if result >= 0:
                        outcome, stage = ([texts[i] for i in values] for values in data["results"][result][:2])
                        has = tuple(texts[i] for i in data["traits"][trait])
                        found.add((row["op"], backend, mode, texts[dtype], id, outcome[0], *stage, has))
    records = {
        (r.op, r.backend, r.mode, r.dtype, r.id, type(r.outcome).__name__, r.stage, tuple(r.traits))
        for r in everything()
        if r.backend != "control"
    }
    assert found <= records
    assert {one[:5] for one in found} == {one[:5] for one in records}


def test_provenance_and_totals_are_said(text: str) -> None:
    for said in ("torch-mlir 20261001", "seed 20261122", "2026-11-22 03:00 UTC", "control: 100 % Passed", "not green"):
        assert said in text


def test_control_has_columns_only_where_asked_for(text: str) -> None:
    assert 'data-backend="control"' not in text
    assert 'data-backend="control"' in render(whole_index(), control=True)


def test_an_empty_and_a_killed_journal_render() -> None:
    text = render(index([], header={"run": "<b>x</b>"}, footer=None))
    assert "The run was killed" in text
    assert "<b>x</b>" not in text


def test_a_cause_is_a_sentence_of_the_panel() -> None:
    of = sample("aten.relu.default", "f32", "static", (2, 3))
    crashed = record(of, "linalg", Crashed("execute", "SIGSEGV", ""), cause="out-of-bounds store")
    made = index([crashed])
    found = payload(load(made), panels.load(made), samples.load(made))
    (reason,) = found["rows"][0]["cells"][load(made).columns.index(("linalg", "static"))]["w"]
    assert found["texts"][reason[12]] == "runtime verification: out-of-bounds store"


def test_every_cause_is_in_the_markup_and_every_failing_cell_links_to_its_causes(text: str, data: Any) -> None:
    found = {cluster.id: cluster for of in clusters(whole_index()) for cluster in of.clusters}
    assert re.findall(r'<tr id="(c\d-\w+)">', text) == list(found)
    cells = {
        (row["op"], *column): {data["texts"][id] for id, _ in cell.get("y", ())}
        for row in data["rows"]
        for column, cell in zip(data["columns"], row["cells"], strict=True)
        if cell
    }
    for (op, backend, mode), ids in cells.items():
        held = {
            id for id, of in found.items() if of.backend == backend for c in of.cells if (c.op, c.mode) == (op, mode)
        }
        assert ids == held


def test_a_known_issue_is_linked_where_its_cause_is() -> None:
    made = index(
        [record(sample("aten.relu.default", "f32", "static", (2, 3)), "linalg", Crashed("lower", "SIGSEGV", ""))]
    )
    ((cluster,),) = [of.clusters for of in clusters(made) if of.clusters]
    text = render(made, known={cluster.id: [Link("https://example.org/7", "fixed in 3, still fails")]})
    assert '<a class="known" href="https://example.org/7" rel="noreferrer">' in text
    assert "fixed in 3, still fails" in text
