from __future__ import annotations

import re
from html import unescape

import pytest

import reports.pages.html
from harness.errors import UnknownName
from reports.fold.matrix import Matrix, load
from reports.fold.provenance import provenance
from reports.index.index import Index
from reports.pages.formats import FORMATS, render
from reports.pages.summary import summary
from tests.synthetic import HEADER, index


@pytest.fixture
def absent() -> tuple[Index, str]:
    """A journal of a run without two executors, and how its reports name them."""
    why = {"xla": "pip install 'opcov[xla]'", "mine": "ImportError: no x"}
    made = index([], header=HEADER | {"toolchain": HEADER["toolchain"] | {"absent": why}})
    return made, "absent: executor xla (pip install 'opcov[xla]') · absent: executor mine (ImportError: no x)"


def test_no_terminal_escape_survives(whole: tuple[Matrix, Index]) -> None:
    for format in FORMATS:
        text = render(*whole, format)
        assert not re.search(r"[\x00-\x09\x0b-\x1f\u202e\ud800-\udfff]", text)
        text.encode("utf-8")


def test_unknown_format() -> None:
    made = index([])
    with pytest.raises(UnknownName, match="markdown"):
        render(load(made), made, "markdwon")


def test_empty_journal_renders() -> None:
    made = index([], header={"run": "x"}, footer=None)
    for format in FORMATS:
        assert render(load(made), made, format)
    assert "The journal holds no outcome" in summary(load(made), made, 80)


def test_absent_executors_are_said_with_what_installs_them(absent: tuple[Index, str]) -> None:
    made, said = absent
    assert provenance(made.run, load(made)).toolchain.endswith(f" · {said}")
    for form in ("text", "markdown"):
        assert said in " ".join(render(load(made), made, form).split())
    assert said in unescape(reports.pages.html.render(made))
