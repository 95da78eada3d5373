"""The HTML report in a real browser: filter, open, copy, link, keys, no console errors."""

from __future__ import annotations

import functools
import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.records.journal import Record
from harness.records.outcome import Wrong
from harness.records.query import NAMES
from reports import folds
from reports.answers.clusters import clusters
from reports.answers.diff.diff import diff
from reports.answers.diff.side import Side
from reports.fold.matrix import load
from reports.fold.selected import NothingSelected
from reports.fold.severity import GRADES, only
from reports.index.index import Index
from reports.pages.html import render
from tests.synthetic import everything, index, large, whole_index

CHROMIUM = shutil.which("chromium")
DRIVER = shutil.which("chromedriver")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1440,900",
)
LINALG, STABLEHLO = 2, 6
"""The places of the first columns of two backends; those of the frontend come first."""
RIGHT = ("Passed", "Reached")
OPEN = "cell=aten.avg_pool2d.default%2Clinalg%2Cstatic"


def need(met: object, what: str) -> None:
    """Skip the test if `met` is false, or fail it in CI, where the browser must be present."""
    if met:
        return
    reason = f"{what} is missing; apt-get install chromium chromium-driver, pip install selenium"
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    need(CHROMIUM, "chromium")
    need(DRIVER, "chromedriver")
    try:
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service
    except ImportError:
        need(None, "selenium")
    options = webdriver.ChromeOptions()
    options.binary_location = CHROMIUM
    for flag in (*FLAGS, f"--user-data-dir={tmp_path_factory.mktemp('profile')}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    driver.implicitly_wait(2)
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    path: Path = tmp_path_factory.mktemp("report") / "index.html"
    path.write_text(render(whole_index()), encoding="utf-8")
    return path.as_uri()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    browser.get("about:blank")
    browser.get(address)
    yield browser
    assert browser.get_log("browser") == []
    assert not browser.execute_script("return window.pwned")


def find(page: Any, css: str) -> Any:
    return page.find_element("css selector", css)


def ops(page: Any) -> list[str]:
    """The ops whose rows are visible."""
    script = """return [...document.querySelectorAll('#matrix tr[data-row]')].filter(e => e.offsetHeight)
        .map(e => e.querySelector('th').textContent.replace('~', '').trim())"""
    return list(page.execute_script(script))


def search(page: Any, query: str) -> list[str]:
    """Type a filter and wait until it is applied."""
    box = find(page, "#filter")
    box.clear()
    box.send_keys(query or " ")
    page.execute_async_script("setTimeout(arguments[0], 150)")
    return ops(page)


def cell(page: Any, op: str, column: int) -> Any:
    script = """return [...document.querySelectorAll('#matrix tr[data-row]')]
        .find(e => e.querySelector('th').textContent.startsWith(arguments[0])).querySelectorAll('td')[arguments[1]]"""
    return page.execute_script(script, op, column)


def test_filters_show_what_they_say(page: Any) -> None:
    rows = load(whole_index()).rows
    columns = load(whole_index()).columns
    assert len(ops(page)) == len(rows)
    wrong = [row.op for row in rows if any(c.status.name == "wrong" for c in row.cells)]
    assert search(page, "is:wrong") == wrong
    assert search(page, "gelu") == ["aten.gelu.default"]
    assert len(search(page, "family:pooling")) == 4
    assert search(page, "is:decomposed") == [row.op for row in rows if row.decomposed]
    only = [
        row.op
        for row in rows
        if any(
            next(c.status.fails for c, k in zip(row.cells, columns, strict=True) if k == ("tosa", mode))
            and all(
                c.status.name == "pass"
                for c, k in zip(row.cells, columns, strict=True)
                if k[1] == mode and k[0] not in ("tosa", "frontend")
            )
            for mode in ("static", "dynamic")
        )
    ]
    assert only
    assert search(page, "only:tosa") == only
    assert search(page, "nothing has this name") == []
    assert find(page, "#none").is_displayed()


def test_a_report_against_an_older_run_marks_and_filters_what_changed(browser: Any, tmp_path: Path) -> None:
    op, old = "aten.exp.default", [r for r in everything() if r.op in ("aten.exp.default", "aten.abs.default")]
    new = [replace(r, outcome=Wrong("value", "no", 0, "x")) if (r.op, r.backend) == (op, "linalg") else r for r in old]
    after = index(new)
    path = tmp_path / "index.html"
    path.write_text(render(after, against=diff(Side(index(old), "a.gz"), Side(after, "b.gz"))), encoding="utf-8")
    browser.get(path.as_uri())
    assert "newly wrong" in find(browser, ".diff h2").text
    assert "opcov repro" in find(browser, ".diff pre").get_attribute("textContent")
    assert len(ops(browser)) == 2
    assert search(browser, "change:worse") == [op]
    assert search(browser, "change:better") == []
    search(browser, "change:worst")
    assert "did you mean worse" in find(browser, "#error").text
    search(browser, "")
    marked = cell(browser, op, LINALG)
    assert marked.get_attribute("data-change") == "worse"
    marked.click()
    assert "since run A: newly wrong" in find(browser, "#panel .change").text
    assert browser.get_log("browser") == []


def test_a_dtype_filter_shows_that_dtype_alone(page: Any) -> None:
    search(page, "dtype:bf16")
    matrix = load(whole_index())
    row = matrix.row("aten.exp.default")
    part = next(p for p in row.cells[2].by_dtype if p.dtype == "bf16")
    assert f"{part.passed}/{part.total}" in cell(page, row.op, 2).text
    assert part.status.name in cell(page, row.op, 2).get_attribute("class")
    search(page, "")
    assert f"{row.cells[2].passed}/{row.cells[2].total}" in cell(page, row.op, 2).text


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("is:wrnog", "unknown is “wrnog”; did you mean wrong"),
        ("dtype:f99", "unknown dtype"),
        ("bakend:tosa", "unknown field “bakend”; did you mean backend"),
        ("relu (backend:tosa", "a '(' has no ')'"),
        ("family:", "has no value"),
        ("change:worse", "unknown field"),
    ],
)
def test_what_is_no_query_is_an_error_and_hides_nothing(page: Any, query: str, said: str) -> None:
    before = ops(page)
    assert search(page, "relu") != before
    assert search(page, query) == before
    assert said in find(page, "#error").text
    search(page, "relu")
    assert find(page, "#error").text == ""


QUERIES = json.loads((Path(__file__).parents[2] / "pure" / "records" / "queries.json").read_text(encoding="utf-8"))


def test_the_filter_reads_queries_as_where_does(page: Any) -> None:
    """Every example of the language's file, with the facts of its samples."""
    script = """const { names, samples, queries, errors } = arguments[0];
        const known = { ...names, ...arguments[1] };
        const facts = samples.map((s) => Object.fromEntries(Object.entries(s).map(([k, v]) => [k, [v].flat()])));
        const said = (text) => { try { opcovQuery.parse(text, known); return ""; } catch (e) { return e.message; } };
        return [queries.map(({ query }) => {
          const { verdict } = opcovQuery.parse(query, known);
          return facts.filter((f) => verdict(f)).map((f) => f.id[0]);
        }), errors.map(({ query }) => said(query))]"""
    selected, refused = page.execute_script(script, QUERIES, {field: list(names) for field, names in NAMES.items()})
    assert dict(zip((q["query"] for q in QUERIES["queries"]), selected, strict=True)) == {
        q["query"]: q["ids"] for q in QUERIES["queries"]
    }
    for example, said in zip(QUERIES["errors"], refused, strict=True):
        assert example["says"] in str(said)


ASKED = (
    "outcome:wrong",
    "op:aten.a* backend:tosa,linalg not mode:static",
    "trait:rank=0 outcome:unsupported or family:pooling stage:execute",
    "dtype:f32,bf16 status:wrong outcome:passed",
    "severity:rare not (outcome:wrong or outcome:crashed)",
    "culprit:aten.add* executor:*",
    'culprit:"torch.aten.topk"',
    "not culprit:* not outcome:passed,reached",
    "plain:yes not outcome:passed",
)


def test_a_query_shows_the_ops_that_have_such_a_sample(plain_page: Any) -> None:
    for query in ASKED:
        try:
            expected = set(folds.select(with_plain_calls(), f"({query}) not backend:control", ("row",)).ops)
        except NothingSelected:
            expected = set()
        assert set(search(plain_page, query)) == expected, query
        assert find(plain_page, "#error").text == ""


def test_the_id_of_a_sample_finds_it_and_other_cells_step_back(page: Any) -> None:
    of = next(r for r in everything() if type(r.outcome).__name__ == "Wrong" and not r.minimised)
    assert search(page, f"id:{of.id} backend:{of.backend}") == [of.op]
    assert f"backend%3A{of.backend}" in page.current_url
    columns = [column for column in load(whole_index()).columns if column.backend == of.backend]
    shown = [th for th in page.find_elements("css selector", "th[data-column]") if th.is_displayed()]
    assert [th.text for th in shown] == [column.mode for column in columns]
    place = load(whole_index()).columns.index((of.backend, of.mode))  # type: ignore[arg-type]
    assert "miss" not in cell(page, of.op, place).get_attribute("class")
    search(page, f"id:{of.id} outcome:passed backend:linalg,tosa,stablehlo")
    assert "miss" in cell(page, of.op, place).get_attribute("class")


def test_several_dtypes_are_joined_as_the_report_joins_them(page: Any) -> None:
    """As a report of these dtypes alone would show them."""
    search(page, "dtype:f32,bf16")
    selected = load(folds.select(whole_index(), "dtype:f32,bf16"))
    script = """return [...document.querySelectorAll('#matrix tr[data-row]')].map(tr => [...tr.querySelectorAll('td')]
        .map(td => td.getAttribute('aria-label')))"""
    shown = dict(zip((row.op for row in load(whole_index()).rows), page.execute_script(script), strict=True))
    for row in selected.rows:
        for one, label in zip(row.cells, shown[row.op], strict=True):
            words = f", fails {only(one.severity)}" if one.severity else ""
            assert label == one.status.name + words + (f", {one.passed} of {one.total} passed" if one.total else "")


def test_a_cell_opens_with_its_evidence(page: Any) -> None:
    cell(page, "aten.avg_pool2d.default", LINALG).click()
    panel = find(page, "#panel")
    (small,) = [
        r
        for r in everything()
        if (r.op, r.backend, r.mode, r.dtype) == ("aten.avg_pool2d.default", "linalg", "static", "f16") and r.minimised
    ]
    for said in (
        "aten.avg_pool2d.default",
        "wrong 9/17",
        "fails iff alpha<0",
        "value: out[0, 1] = 3.0, but should be -1.0",
        f"minimised from {small.minimised}",
        "aten.avg_pool2d.default(self=f16[1], alpha=2)",
        f"opcov repro {small.id} --backend linalg",
        "expected -1.0, got 3.0",
        "always fail",
    ):
        assert said in panel.text
    assert [row.text.split()[0] for row in panel.find_elements("css selector", "table tbody tr")][:5] == [
        "f32",
        "f16",
        "bf16",
        "i32",
        "bool",
    ]


def test_copy_takes_the_command(page: Any, address: str) -> None:
    page.execute_cdp_cmd("Browser.grantPermissions", {"permissions": ["clipboardReadWrite", "clipboardSanitizedWrite"]})
    cell(page, "aten.avg_pool2d.default", LINALG).click()
    shown = find(page, "article .command code").text
    find(page, "article .command button").click()
    page.execute_async_script("setTimeout(arguments[0], 100)")
    assert find(page, "article .command button").text == "Copied"
    box = find(page, "#filter")
    from selenium.webdriver.common.keys import Keys

    box.send_keys(Keys.CONTROL, "v")
    assert box.get_attribute("value") == shown
    assert shown.startswith("opcov repro ")


def test_a_view_can_be_linked(page: Any, address: str) -> None:
    search(page, "is:wrong family:pooling")
    cell(page, "aten.avg_pool2d.default", LINALG).click()
    link = page.current_url
    assert link == f"{address}#q=is%3Awrong+family%3Apooling&{OPEN}"
    page.get("about:blank")
    page.get(link)
    assert ops(page) == ["aten.avg_pool2d.default"]
    assert find(page, "#filter").get_attribute("value") == "is:wrong family:pooling"
    assert "wrong 9/17" in find(page, "#panel").text
    page.execute_script("location.hash = 'q=gelu'")
    page.execute_async_script("setTimeout(arguments[0], 100)")
    assert ops(page) == ["aten.gelu.default"]
    assert not find(page, "#panel").is_displayed()


def test_a_link_to_a_cell_that_is_gone_says_so(page: Any, address: str) -> None:
    page.get("about:blank")
    page.get(address + "#cell=aten.gone.default,tosa,static")
    assert "no such cell" in find(page, "#error").text


def test_totals_link_to_their_ops(page: Any) -> None:
    link = page.find_element(
        "xpath", "//table[@class='totals']//a[contains(@href, 'is%3Awrong+backend%3Atosa+mode%3Astatic')]"
    )
    count = int(link.text)
    link.click()
    page.execute_async_script("setTimeout(arguments[0], 100)")
    assert len(ops(page)) == count
    assert len([th for th in page.find_elements("css selector", "th[data-column]") if th.is_displayed()]) == 1


def test_keys_move_open_and_close(page: Any) -> None:
    from selenium.webdriver.common.keys import Keys

    def active() -> Any:
        return page.switch_to.active_element

    cell(page, "aten.gelu.default", LINALG).click()
    active().send_keys(Keys.ARROW_RIGHT)
    assert "linalg dynamic" in find(page, "#panel").text
    active().send_keys(Keys.ESCAPE)
    assert not find(page, "#panel").is_displayed()
    active().send_keys(Keys.ARROW_DOWN)
    active().send_keys(Keys.HOME)
    assert not find(page, "#panel").is_displayed()
    active().send_keys(Keys.ENTER)
    assert find(page, "#panel h2").text == "aten.hardswish.default"
    assert find(page, "#panel .strip [aria-current]").text == "● frontend static"
    find(page, "body").send_keys("/")
    assert active().get_attribute("id") == "filter"


def test_nasty_diagnostics_are_shown_as_text(page: Any) -> None:
    cell(page, "aten.relu.default", STABLEHLO).click()
    assert "<script>window.pwned = true</script>" in find(page, "#panel").text


def test_families_fold(page: Any) -> None:
    find(page, "tbody[data-family=pooling] button").click()
    assert not any("pool" in op for op in ops(page))
    find(page, "#fold").click()
    assert ops(page) == []
    assert "aten.avg_pool2d.default" in search(page, "is:wrong"), "a filter shows its matches, folded or not"


@pytest.mark.parametrize("width", [420, 1440])
def test_headers_stay_in_sight(page: Any, width: int) -> None:
    page.execute_cdp_cmd(
        "Emulation.setDeviceMetricsOverride", {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
    )
    try:
        page.execute_script("document.getElementById('main').scrollTo(200, 600)")
        box = "return (e => [e.left, e.top])(document.querySelector(arguments[0]).getBoundingClientRect())"
        left, top = page.execute_script(box, "#matrix thead th.op")
        assert left == pytest.approx(0, abs=2)
        assert 0 <= top < 120
        assert page.execute_script(box, "#filter")[1] >= 0
        wide = page.execute_script("return document.documentElement.scrollWidth <= innerWidth")
        assert wide, "the page itself never scrolls sideways"
    finally:
        page.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})


def test_a_full_run_stays_quick(browser: Any, tmp_path: Path) -> None:
    text = render(large())
    assert len(text) < 8_000_000
    path = tmp_path / "large.html"
    path.write_text(text, encoding="utf-8")
    browser.get(path.as_uri())
    script = """const box = document.getElementById('filter'), start = performance.now(), done = arguments[0];
        box.value = 'is:fails dtype:bf16'; box.dispatchEvent(new Event('input'));
        setTimeout(() => requestAnimationFrame(() => done(performance.now() - start)), 90)"""
    assert browser.execute_async_script(script) < 3000
    assert len(ops(browser)) > 10
    assert browser.get_log("browser") == []


# causes ---------------------------------------------------------------------------------------------------------------


def test_a_cell_links_to_its_causes_which_can_be_sorted_and_show_their_cells(page: Any) -> None:
    (of,) = clusters(whole_index(), "linalg")
    wanted = max(of.clusters, key=lambda cluster: len(cluster.ops))
    name = next(c for c in wanted.cells if c.mode == "static")
    page.execute_script("arguments[0].scrollIntoView()", cell(page, name.op, LINALG))
    cell(page, name.op, LINALG).click()
    find(page, f"#panel a[href='#cause={wanted.id}']").click()
    page.execute_async_script("setTimeout(arguments[0], 150)")
    line = find(page, f"tr[id='{wanted.id}'].found")
    assert line.is_displayed()
    table = line.find_element("xpath", "ancestor::table")
    rows = "return [...arguments[0].tBodies[0].rows].map(tr => [tr.id, Number(tr.cells[1].dataset.sort)])"
    before = page.execute_script(rows, table)
    assert [id for id, _ in before] == [cluster.id for cluster in of.clusters]
    heading = table.find_element("css selector", "button[data-column='1']")
    page.execute_script("arguments[0].click()", heading)
    after = page.execute_script(rows, table)
    assert [count for _, count in after] == sorted((count for _, count in before), reverse=True)
    assert heading.find_element("xpath", "..").get_attribute("aria-sort") == "descending"
    page.execute_script("arguments[0].click()", line.find_element("css selector", "a"))
    page.execute_async_script("setTimeout(arguments[0], 150)")
    assert ops(page) == sorted(wanted.ops, key=ops_in_order().index)
    assert search(page, "cause:c1-nothing") == ops_in_order()
    assert "unknown cause “c1-nothing”" in find(page, "#error").text


def ops_in_order() -> list[str]:
    return [row.op for row in load(whole_index()).rows]


# the plain call and severity ------------------------------------------------------------------------------------------


@functools.cache
def with_plain_calls() -> Index:
    """The synthetic run with a plain call in each cell of f32: its first sample."""
    seen: set[tuple[str, str, str]] = set()

    def marked(record: Record) -> Record:
        key = (record.op, record.backend, record.mode)
        if record.sample is None or record.minimised or record.dtype != "f32" or key in seen:
            return record
        seen.add(key)
        return replace(record, plain=True)

    return index([marked(record) for record in everything()])


@pytest.fixture
def plain_page(browser: Any, tmp_path: Path) -> Any:
    path = tmp_path / "index.html"
    path.write_text(render(with_plain_calls()), encoding="utf-8")
    browser.get(path.as_uri())
    return browser


def test_what_is_wrong_in_plain_calls_is_in_the_first_screen_and_can_be_filtered(plain_page: Any) -> None:
    rows = load(with_plain_calls()).rows
    red = [(row.op, cell) for row in rows for cell in row.cells if cell.plain in ("Wrong", "Crashed")]
    assert red
    items = plain_page.find_elements("css selector", ".plaincalls li")
    assert [item.text for item in items] == [f"✗{op} {cell.backend} {cell.mode}" for op, cell in red]
    assert max(item.rect["y"] + item.rect["height"] for item in items) < 600
    wrong = [row.op for row in rows if any(cell.plain == "Wrong" for cell in row.cells)]
    assert search(plain_page, "plain:wrong") == wrong
    fails = [row.op for row in rows if any(cell.plain and cell.plain not in RIGHT for cell in row.cells)]
    assert set(wrong) < set(search(plain_page, "plain:fails")) <= set(fails)


def test_a_plain_call_opens_first_in_the_panel(plain_page: Any) -> None:
    plain_page.find_element("css selector", ".plaincalls li a").click()
    plain_page.execute_async_script("setTimeout(arguments[0], 100)")
    titles = [title.text for title in plain_page.find_elements("css selector", "#panel h3")]
    assert titles[0] == "Plain call"
    assert "fails in the plain call" in find(plain_page, "#panel .severity").text


def test_a_red_cell_shows_its_severity_by_symbol_shade_and_words(plain_page: Any) -> None:
    matrix = load(with_plain_calls())
    for grade in GRADES:
        ops_of = [row.op for row in matrix.rows if any(cell.severity is grade for cell in row.cells)]
        assert search(plain_page, f"grade:{grade.name}") == ops_of
    search(plain_page, "")
    row, place = next((r, i) for r in matrix.rows for i, c in enumerate(r.cells) if c.status.name == "wrong")
    shown, severity = cell(plain_page, row.op, place), row.cells[place].severity
    assert severity is not None
    assert shown.text.startswith(f"✗{severity.symbol}")
    assert f"g-{severity.name}" in shown.get_attribute("class")
    assert severity.words in shown.get_attribute("aria-label")
