from __future__ import annotations

import json
from dataclasses import replace

from harness.records.journal import Record, record_json, record_restore
from harness.records.outcome import NotExecuted, Passed
from reports.answers.slack import as_json, as_text, line, slack
from reports.fold.cell import Key
from reports.fold.matrix import load
from reports.pages import formats, html
from reports.pages.data import as_json as matrix_json
from reports.pages.summary import summary
from tests.synthetic import index, record, sample

SAMPLES = [sample("aten.exp.default", "f32", "static", (2, n)) for n in range(1, 31)]
OTHER = sample("aten.sum.default", "bf16", "dynamic", (3,))


def passed(share: float, number: int = 0, backend: str = "tosa", numeric: str | None = "exp(4)") -> Record:
    return record(SAMPLES[number], backend, Passed(share, ("a",)), numeric=numeric)


TIGHT = [passed(0.3), passed(0.8, 1), passed(0.6, 2), record(OTHER, "linalg", Passed(0.5, ("a",)), numeric="linear(n)")]
WIDE = [passed(0.001 * (i == 7), i, "linalg", "composite(stated(64))") for i in range(20)]


def test_a_cell_is_tight_by_its_worst_sample() -> None:
    (found,) = slack(index(TIGHT)).tight
    assert (found.share, found.samples, found.id, found.numeric) == (0.8, 3, SAMPLES[1].id, "exp(4)")


def test_half_of_a_bound_is_not_yet_tight() -> None:
    assert not slack(index([passed(0.5)])).tight
    assert slack(index([passed(0.5001)])).tight


def test_a_class_is_loose_by_its_worst_sample() -> None:
    (found,) = slack(index([*TIGHT, *WIDE])).loose
    assert (found.share, found.samples, found.numeric) == (0.001, 20, "composite(stated(64))")
    assert found.id == SAMPLES[7].id
    assert not slack(index([*WIDE, passed(0.02, 21, "tosa", "composite(stated(64))")])).loose


def test_few_samples_say_nothing_of_a_class() -> None:
    assert not slack(index(WIDE[1:])).loose


def test_the_control_the_exact_and_the_minimised_use_no_bound() -> None:
    others = [
        passed(0.9, 0, "control"),
        passed(0.0, 1, numeric=None),
        replace(passed(0.9, 2), minimised="abc"),
        record(OTHER, "tosa", NotExecuted({})),
    ]
    found = slack(index(others))
    assert (found.tight, found.loose, found.cells, found.classes) == ((), (), 0, 0)
    assert line(found) == ""


def test_the_text_has_both_lists_and_commands_to_paste() -> None:
    said = as_text(slack(index([*TIGHT, *WIDE])))
    assert f"opcov repro {SAMPLES[1].id} --backend tosa" in said
    assert f"opcov repro {SAMPLES[7].id} --backend linalg" in said
    assert "(1 of 3)" in said
    assert "(1 of 1)" in said
    assert "none" in as_text(slack(index([])))


def test_the_text_is_clipped_to_a_screen_and_the_json_is_not() -> None:
    many = [
        record(sample(f"aten.f{i}.default", "f32", "static", (2,)), "tosa", Passed(0.9, ("a",)), numeric="ulp(4)")
        for i in range(50)
    ]
    found = slack(index(many))
    assert len(as_text(found).splitlines()) < 40
    assert "30 more" in as_text(found)
    assert len(json.loads(json.dumps(as_json(found)))["tight"]) == 50


def test_the_line_counts_both_and_is_in_every_report() -> None:
    of = index([*TIGHT, *WIDE])
    said = "bounds: 1 of 3 cells at more than half of theirs; 1 of 1 classes below 1/100 of theirs (opcov slack)"
    assert line(slack(of)) == said
    assert said in formats.render(load(of), of).replace("\n", " ")
    assert said in summary(load(of), of).replace("\n", " ")
    assert said in html.render(of)


def test_a_journal_of_before_classes_were_named_still_reads() -> None:
    new = record_json(passed(0.9))
    assert record_restore(new).numeric == "exp(4)"
    old = {k: v for k, v in new.items() if k != "numeric"}
    found = slack(index([record_restore(old)]))
    assert found.tight[0].numeric == "–"
    assert as_json(found)["tight"][0]["numeric"] is None
    assert "before classes were named" in as_text(found)


def test_the_worst_share_of_a_cell_is_in_csv_and_json() -> None:
    of = index([*TIGHT, record(OTHER, "stablehlo", NotExecuted({}))])
    matrix = load(of)
    assert matrix.cells[Key("aten.exp.default", "tosa", "static", "f32")].share == 0.8
    assert matrix.cells[Key("aten.sum.default", "stablehlo", "dynamic", "bf16")].share is None
    head, *lines = (row.split(",") for row in formats.render(matrix, of, "csv").splitlines())
    shares = {(row[0], row[2], row[3]): row[head.index("share")] for row in lines}
    assert shares["aten.exp.default", "tosa", "static"] == "0.8"
    assert shares["aten.sum.default", "stablehlo", "dynamic"] == ""
    cells = [cell for op in matrix_json(matrix, of.run)["ops"] for cell in op["cells"]]
    assert {cell["share"] for cell in cells} == {None, 0.5, 0.8}
