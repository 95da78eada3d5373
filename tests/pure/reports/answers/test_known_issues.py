from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.cases.road import Road
from harness.commands.arguments import KNOWN
from harness.errors import Exit
from harness.records.journal import Record
from harness.records.outcome import Wrong
from harness.records.query import parse
from reports.answers import known_issues
from reports.answers.clusters import clusters
from reports.answers.known_issues import BadKnownIssues, Match, closing, load, matches, notes
from reports.index.index import Index
from tests.causes import line, refused
from tests.synthetic import HEADER, PASSED
from tests.synthetic import index as journal

SORT, MEDIAN = "aten.sort.default", "aten.median.default"
WRONG = Wrong("value", "m", 0, "x")
LINK = "https://example.org/issues/7"
RECORDS = [line(SORT, refused("torch.aten.sort")), line(SORT, WRONG, shape=(3,)), line(MEDIAN, PASSED)]
ENTRY = f'[[issue]]\nquery = "op:{SORT} outcome:unsupported"\nlink = "{LINK}"\n'


def written(tmp_path: Path, text: str, name: str = "known.toml") -> Path:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    return path


def the(tmp_path: Path, entry: str, records: Sequence[Record] = RECORDS, **header: Any) -> Match:
    made = journal(records, header=HEADER | header)
    (match,) = matches(made, load([written(tmp_path, entry)]))
    return match


def ids(index: Index, outcome: str) -> tuple[str, ...]:
    return tuple(c.id for of in clusters(index) for c in of.clusters if c.key.outcome == outcome)


def test_the_clusters_that_a_query_matches_show_the_link(tmp_path: Path) -> None:
    match = the(tmp_path, ENTRY)
    assert match.clusters == ids(journal(RECORDS), "Unsupported")
    assert notes([match]) == {match.clusters[0]: [f"known: {LINK}"]}
    assert closing([match]) == []


@pytest.mark.parametrize(
    ("query", "why"),
    [
        (f"op:{MEDIAN}", "what it matches passes"),
        (f"op:{MEDIAN} outcome:wrong", "it matches nothing any more"),
        ("op:aten.gone.default", "it matches nothing any more"),
    ],
)
def test_an_entry_that_matches_nothing_any_more_or_only_what_passes_is_to_be_closed(
    tmp_path: Path, query: str, why: str
) -> None:
    match = the(tmp_path, f'[[issue]]\nquery = "{query}"\nlink = "{LINK}"\n')
    assert match.close == why
    (said,) = closing([match])
    assert said == f"to be closed: {LINK} ({why}): {tmp_path / 'known.toml'}, entry 1, {query}"


def test_a_run_without_such_samples_closes_nothing(tmp_path: Path) -> None:
    narrow = {"options": HEADER["options"] | {"ops": [SORT, MEDIAN]}}
    entry = f'[[issue]]\nquery = "op:aten.gone.default outcome:wrong"\nlink = "{LINK}"\n'
    match = the(tmp_path, entry, **narrow)
    assert (match.close, match.unseen) == ("", True)
    assert closing([match]) == ["known issues of which this run has no sample: 1"]
    passing = f'[[issue]]\nquery = "op:{MEDIAN} outcome:wrong"\nlink = "{LINK}"\n'
    assert the(tmp_path, passing, **narrow).close == "it matches nothing any more", "its cell is in the run"


@pytest.mark.parametrize(
    ("fixed_in", "said"),
    [
        ("20270101", "expected to be fixed in 20270101"),
        ("20261001", "expected to be fixed in 20261001; this is 20261001, and it still fails"),
        ("20260901", "expected to be fixed in 20260901; this is 20261001, and it still fails"),
    ],
)
def test_the_release_that_is_expected_to_fix_it_is_told(tmp_path: Path, fixed_in: str, said: str) -> None:
    assert the(tmp_path, f'{ENTRY}fixed_in = "{fixed_in}"\nnote = "a note"\n').said == f"a note; {said}"


def test_what_was_loaded_counts_before_what_was_installed() -> None:
    line = {"kind": "toolchain", "packages": {"torch_mlir": {"version": "20261201"}}}
    assert str(known_issues.torch_mlir(journal([], toolchains=[line]).run)) == "20261201"
    assert str(known_issues.torch_mlir(journal([]).run)) == "20261001"
    assert known_issues.torch_mlir(journal([], header={"toolchain": {"torch_mlir": "a folder"}}).run) is None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[[issue]\n", "is no TOML: "),
        ("[[issues]]\n", "unknown key 'issues'; did you mean issue?"),
        ("issue = 3\n", "issue is no list of tables; an entry has three lines"),
        ('[[issue]]\nquerry = "op:x"\n', "entry 1: unknown key 'querry'; did you mean query?"),
        (f'[[issue]]\nlink = "{LINK}"\n', 'entry 1: has no query; write query = "..."'),
        ('[[issue]]\nquery = "op:x"\n', 'entry 1: has no link; write link = "..."'),
        (f'[[issue]]\nquery = 3\nlink = "{LINK}"\n', "entry 1: query is no text"),
        ('[[issue]]\nquery = "op:x"\nlink = "javascript:x"\n', "link 'javascript:x' is no address; write link ="),
        (f'[[issue]]\nquery = "(op:x"\nlink = "{LINK}"\n', "entry 1: query '(op:x': a '(' has no ')'; a query reads"),
        (f'[[issue]]\nquery = "dtype:f33"\nlink = "{LINK}"\n', "'dtype:f33': unknown dtype 'f33'; did you mean f32"),
        (f'{ENTRY}fixed_in = "soon"\n', "fixed_in 'soon' is no release; write it as pip shows it"),
        (f"{ENTRY}{ENTRY}", "known.toml, entry 2 has the query of"),
    ],
)  # fmt: skip
def test_a_bad_file_is_one_line_with_the_entry_and_what_to_type(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(BadKnownIssues) as error:
        load([written(tmp_path, text)])
    assert said in str(error.value)
    assert str(tmp_path / "known.toml") in str(error.value)
    assert "\n" not in str(error.value)
    assert error.value.code is Exit.DATA


def test_an_entry_may_be_in_one_file_only(tmp_path: Path) -> None:
    with pytest.raises(BadKnownIssues, match=r"b.toml, entry 1 has the query of .*a.toml, entry 1: .*; delete one"):
        load([written(tmp_path, ENTRY, "a.toml"), written(tmp_path, ENTRY, "b.toml")])


def test_a_file_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(BadKnownIssues, match=r"cannot read .*none.toml: No such file"):
        load([tmp_path / "none.toml"])


def test_the_repositorys_own_file_is_good_and_its_example_too(tmp_path: Path) -> None:
    load([KNOWN])
    example = KNOWN.read_text(encoding="utf-8").replace("# More files", "# # More files")
    lines = [line.removeprefix("# ") for line in example[example.index("# [[issue]]") :].splitlines()]
    (issue,) = load([written(tmp_path, "\n".join(lines))])
    assert issue.fixed_in


def test_a_cell_on_another_road_is_measured_in_its_mode() -> None:
    road = Road(transform="vjp")
    record = line(SORT, PASSED)
    assert record.sample
    whole = journal([replace(record, road=road, sample=replace(record.sample, road=road))])
    assert known_issues._is_measured(whole, parse("mode:static transform:vjp", {}))
    assert not known_issues._is_measured(whole, parse("mode:dynamic", {}))
