from __future__ import annotations

from dataclasses import replace

import pytest

from harness.records.entry import End, Entry
from harness.records.signature import Signature
from reports.answers.drift import Check, Drift, accepted, drift
from tests.pure.records.test_entry import CRASHED, REFUSED, WRONG, entry

TIMED_OUT = Signature("TimedOut", "execute")
NOT_RUN = Signature("NotRun", "execute")
UNEXECUTED = Signature("NotExecuted", "execute")
OTHER = Signature("Unsupported", "lower", "torch.aten.topk")
DIED = Signature("Crashed", "lower", kind="SIGSEGV")

PASS = End("pass", 5, 5)
PARTIAL = End("partial", 3, 5, (REFUSED,))
BAD = End("wrong", 3, 5, (REFUSED, WRONG))
SILENT = End("wrong", 4, 5, (WRONG,))


@pytest.mark.parametrize(
    ("old", "new", "kind"),
    [
        (PASS, PASS, None),
        (PASS, SILENT, "worse"),
        (PASS, PARTIAL, "worse"),
        (PARTIAL, BAD, "worse"),
        (End("wrong", 3, 5, (WRONG,)), End("crash", 3, 5, (DIED,)), "worse"),
        (End("wrong", 3, 5, (WRONG,)), End("wrong", 4, 5, (DIED, WRONG)), "worse"),
        (SILENT, PASS, "better"),
        (BAD, PARTIAL, "better"),
        (End("unsupported", 0, 5, (REFUSED,)), PARTIAL, "better"),
        (PARTIAL, End("partial", 3, 5, (OTHER,)), "changed"),
        (PARTIAL, End("partial", 2, 5, (REFUSED,)), "counts"),
        (SILENT, End("timeout", 4, 5, (TIMED_OUT,)), "undecided"),
        (PASS, End("partial", 3, 5, (NOT_RUN,)), "undecided"),
        (End("timeout", 4, 5, (TIMED_OUT,)), SILENT, "undecided"),
        (End("crash", 0, 5, (CRASHED,)), End("crash", 0, 5, (DIED,)), "undecided"),
        (PARTIAL, End("wrong", 2, 5, (REFUSED, TIMED_OUT, WRONG)), "worse"),
        (End("timeout", 2, 5, (REFUSED, TIMED_OUT)), End("timeout", 2, 5, (OTHER, TIMED_OUT)), "changed"),
    ],
)
def test_each_kind_of_drift(old: End, new: End, kind: str | None) -> None:
    found = drift(entry(old), entry(new))
    assert (found.kind if found else None) == kind


def test_other_samples_are_no_regression_and_a_new_cell_is_none() -> None:
    redrawn = drift(entry(PASS), entry(SILENT, census="000000"))
    new = drift(None, entry(SILENT))
    assert redrawn and redrawn.kind == "redrawn"
    assert new and new.kind == "new"


def test_what_an_absent_executor_may_explain_is_undecided() -> None:
    def kind(old: End, new: End) -> str:
        found = drift(entry(old), entry(new), ("xla",))
        assert found
        return found.kind

    assert kind(PASS, SILENT) == "undecided"
    assert kind(PASS, End("unexecuted", 0, 5, (UNEXECUTED,))) == "undecided"
    assert kind(PASS, PARTIAL) == "worse"
    assert kind(PARTIAL, End("unsupported", 0, 5, (OTHER,))) == "worse"
    assert drift(entry(PASS), entry(PASS), ("xla",)) is None


def test_a_second_verdict_is_as_expected() -> None:
    known = entry(PASS, also=(("cpu", SILENT),))
    assert drift(known, entry(SILENT)) is None
    assert drift(known, entry(PASS)) is None
    assert drift(known, entry(PARTIAL)) is not None


# second opinions ------------------------------------------------------------------------------------------------------

CLEARED = entry(SILENT).with_opinion(PASS)


def test_a_cell_does_not_drift_by_the_presence_or_the_absence_of_a_second_opinion() -> None:
    absent, known = entry(SILENT), entry(SILENT).with_opinion(PASS)
    assert drift(known, absent) is None
    assert drift(known, CLEARED) is None
    found = drift(absent, CLEARED)
    assert found and found.kind == "opinion"
    assert found.said == "wrong 4/5 Wrong@compare=value -> pass 5/5"
    assert found.json()["new"] == "pass 5/5"
    assert not Check(profile="default", cells=1, expected=1, drifts=(found,), strict=True).is_red
    assert accepted(found) == CLEARED


@pytest.mark.parametrize("old", [entry(PASS), entry(PASS).with_opinion(SILENT)])
def test_what_the_executors_find_is_compared_whatever_the_opinion(old: Entry) -> None:
    worse = drift(old, CLEARED)
    assert worse and worse.kind == "worse"
    assert drift(old, entry(SILENT)) == replace(worse, new=entry(SILENT))


def test_a_cell_that_is_right_without_the_opinion_is_better() -> None:
    found = drift(CLEARED, entry(PASS))
    assert found and found.kind == "better"
    assert accepted(found) == entry(PASS)


def test_other_counts_keep_the_opinion_where_there_is_no_new_one() -> None:
    found = drift(CLEARED, entry(End("wrong", 3, 5, (WRONG,))))
    assert found and found.kind == "counts"
    assert accepted(found).opinion == PASS


# the life of a reason -------------------------------------------------------------------------------------------------


def take(old: End, new: End, why: str = "", **more: object) -> object:
    found = drift(entry(old, **more), entry(new))
    assert found
    return accepted(found, why)


def test_a_reason_stays_until_the_cell_is_as_good_as_before() -> None:
    worse = take(PASS, End("wrong", 3, 5, (WRONG,)), "upstream issue 1")
    assert worse == entry(End("wrong", 3, 5, (WRONG,)), was=PASS, reason="upstream issue 1")
    since = {"was": PASS, "reason": "upstream issue 1"}
    assert take(End("wrong", 3, 5, (WRONG,)), PARTIAL, **since) == entry(PARTIAL, **since)
    assert take(PARTIAL, PASS, **since) == entry(PASS)
    second = {"was": PASS, "reason": "upstream issue 1; issue 2"}
    assert take(PARTIAL, BAD, "issue 2", **since) == entry(BAD, **second)


def test_a_reason_goes_with_what_it_excuses_and_not_with_the_samples() -> None:
    since = {"was": PARTIAL, "reason": "upstream issue 1"}
    assert take(BAD, PARTIAL, **since) == entry(PARTIAL)
    redrawn = drift(entry(BAD, **since), entry(SILENT, census="000000"))
    assert redrawn and accepted(redrawn) == entry(SILENT, census="000000", **since)
    right = drift(entry(BAD, **since), entry(PASS, census="000000"))
    assert right and accepted(right) == entry(PASS, census="000000")


def test_other_counts_leave_the_rest_of_the_line() -> None:
    known = entry(PARTIAL, also=(("flicker", SILENT),), was=PASS, reason="why")
    fewer = End("partial", 2, 5, (REFUSED,))
    found = drift(known, entry(fewer))
    assert found and accepted(found) == replace(known, end=fewer)


# the answer -----------------------------------------------------------------------------------------------------------


def check(*drifts: Drift, strict: bool = False) -> Check:
    return Check(profile="quick", cells=9, expected=12, drifts=drifts, notes=("a note",), strict=strict)


def test_what_is_better_passes_unless_it_is_strict() -> None:
    better = Drift("better", entry(SILENT), entry(PASS))
    assert not check(better).is_red
    assert check(better, strict=True).is_red
    assert "better: 1 cell [1 op]" in check(better).text()


def test_old_and_new_stand_side_by_side() -> None:
    text = check(Drift("worse", entry(PASS), entry(SILENT)), Drift("new", None, entry(PASS))).text()
    assert text.splitlines()[0] == ("baseline: drift, 1 worse, 1 new, 9 of the 12 cells of the profile quick compared")
    assert "  aten.sort.default[tosa-static-f32]  pass 5/5 -> wrong 4/5 Wrong@compare=value" in text
    assert "  aten.sort.default[tosa-static-f32]  nothing -> pass 5/5" in text


def test_the_verdict_is_the_first_line_or_the_last() -> None:
    one = check(Drift("worse", entry(PASS), entry(SILENT)))
    assert one.text().splitlines()[0] == one.text(last=True).splitlines()[-1] == one.headline


def test_a_long_list_is_cut() -> None:
    many = [Drift("worse", entry(PASS), entry(SILENT, op=f"aten.op{n}.default")) for n in range(30)]
    assert "and 27 more cells: add --all" in check(*many).text(limit=3)
    assert "more cells" not in check(*many).text(limit=None)
