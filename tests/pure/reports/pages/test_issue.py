from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from harness.records.cause import Cut
from harness.records.opinion import Opinion
from harness.records.outcome import Crashed, FirstWrongPass, Invalid, Outcome, TimedOut, Unsupported, Wrong
from reports.answers.clusters import clusters
from reports.answers.issue import Issue
from reports.pages.bounds import EXACT, bound_in_words
from reports.pages.issue import LONGEST, Evidence, as_markdown, index_page
from tests.causes import index, line
from tests.synthetic import PASSED

SORT = "aten.sort.default"
WRONG = Wrong(
    kind="value",
    message="out[0][3]=0.0, but should be 1.0 (error 1, bound 0.25); 1 of 6 elements",
    output=0,
    executor="llvm-jit",
    element=(3,),
    expected="1.0",
    actual="0.0",
    error=1.0,
    bound=0.25,
    count=1,
    of=6,
    sizes={"n": 2},
    confirmed=("llvm-jit", "tosa-reference"),
    others={"xla": "cannot run it"},
)
PASS = FirstWrongPass(right="contract", wrong="lower/convert-torch-to-tosa", message="out[0] is off")
SHOWN = Evidence(
    program="import torch\n",
    script="print('a script')\n",
    float64="1.0000000001",
    contract="module { contract }",
    before="module { before }",
    after="module { after }",
    command="torch-mlir-opt --pass-pipeline='x' c.mlir",
    ir_file="c.mlir",
    script_file="c.py",
    first_wrong_pass=PASS,
    cause="store of an index out-of-bounds",
)
HEADS = (
    "What happens", "What is right, and why", "Versions", "The smallest program", "Where it goes wrong",
    "The culprit alone", "Lower it", "Ops affected", "Other backends and executors", "Since when",
    "A script that shows it",
)  # fmt: skip


def made(outcome: Outcome = WRONG, **more: Any) -> Issue:
    record = line(SORT, outcome, **more)
    (cluster,) = clusters(index([record, line(SORT, PASSED, shape=(9,))]), record.backend)[0].clusters
    cut = Cut(ops=("torch.aten.sort",), ir="func.func @main()", outcome=outcome, numeric="ulp(4)")
    return Issue(
        cluster=cluster,
        record=record,
        cut=cut,
        elsewhere=("linalg: right",),
        since=("1 cell: wrong since torch-mlir 2",),
        versions=("torch 2.13.0", "torch-mlir 20261001"),
    )


def test_a_text_tells_all_that_a_tracker_asks_for() -> None:
    issue = made(numeric="sigmoid(4), promised by tosa", opinion=Opinion(executor="iree", says="confirms"))
    text = as_markdown(issue, SHOWN)
    assert text.startswith(f"# {issue.cluster.title}\n")
    assert [part.split("\n", 1)[0] for part in text.split("\n## ")[1:]] == list(HEADS)
    for said in (
        "the result is silently wrong",
        WRONG.message,
        "store of an index out-of-bounds",
        "`out[0][3]` = 1.0, in float64 1.0000000001. The compiled program has 0.0.",
        "at most 0.25 is allowed: that is the accuracy which the TOSA specification states of sigmoid",
        "- torch-mlir 20261001",
        "after `lower/convert-torch-to-tosa`; they are right until `contract`",
        "module { before }",
        "module { after }",
        "module { contract }",
        "`aten.sort`, cut out of the program",
        "torch-mlir-opt --pass-pipeline='x' c.mlir",
        "- `aten.sort.default`: static f32",
        "llvm-jit (MLIR's own conversions to LLVM, run by its ExecutionEngine), tosa-reference (Arm's",
        "- xla (XLA on the CPU): cannot run it",
        "- iree (IREE on the CPU) is wrong in the same way, which confirms it",
        "- linalg: right",
        "- 1 cell: wrong since torch-mlir 2",
        "print('a script')",
        issue.cluster.id,
    ):
        assert said in text, said


def test_what_is_not_known_has_no_section() -> None:
    bare = replace(made(), cut=None, elsewhere=(), since=(), versions=())
    heads = [part.split("\n", 1)[0] for part in as_markdown(bare, Evidence()).split("\n## ")[1:]]
    assert heads == ["What happens", "What is right, and why", "Ops affected", "Other backends and executors"]
    gone = as_markdown(replace(bare, record=None), Evidence())
    assert bare.cluster.says in gone


@pytest.mark.parametrize(
    ("outcome", "happens", "right"),
    [
        (Crashed("lower", "SIGABRT", "LLVM ERROR: no"), "the compiler dies of SIGABRT (in the", "refused with"),
        (Crashed("execute", "SIGSEGV", ""), "the compiled code dies of SIGSEGV", "may not access memory out of bounds"),
        (TimedOut("lower", 30.0), "no end after 30 s (in the lowering)", "computes the call at once"),
        (Invalid("verify", "'tosa.cast' op", finding="llvm-jit is right"), "output is not valid", "llvm-jit is right"),
        (Unsupported("lower", "error: no", "torch.aten.sort"), "refused (in the lowering)", "in the backend contract"),
    ],
)  # fmt: skip
def test_each_outcome_is_told_in_its_words(outcome: Outcome, happens: str, right: str) -> None:
    text = as_markdown(made(outcome), Evidence())
    assert happens in text
    assert right in text


def test_the_frontend_is_told_in_its_words() -> None:
    refused = Unsupported("contract", "error: failed to legalize", "torch.aten.sort")
    text = as_markdown(made(refused, backend="frontend", reached=()), Evidence())
    assert "through torch-mlir's frontend: it is refused (in the pipeline to the backend contract)" in text
    assert "`torch.export` exports it" in text
    invalid = as_markdown(made(Invalid("contract", "error: no"), backend="frontend", reached=()), Evidence())
    assert "the frontend makes IR that is not valid" in invalid


def test_a_program_that_torch_has_decomposed_wrongly_says_so() -> None:
    early = FirstWrongPass(right="export", wrong="decompositions")
    text = as_markdown(made(), replace(SHOWN, first_wrong_pass=early))
    assert "that is PyTorch's own step, with torch-mlir's table" in text


def test_a_text_fits_into_the_tracker_and_its_script_stays_whole() -> None:
    long = "x = 1\n" * 3000
    text = as_markdown(
        made(), replace(SHOWN, before="before" * 9000, after="after" * 9000, script=long + "# the end\n")
    )
    assert len(text) <= LONGEST
    assert "# the end" in text
    assert "characters left out" in text


def test_a_script_that_does_not_fit_is_to_be_attached() -> None:
    text = as_markdown(made(), replace(SHOWN, script="x = 1\n" * 20_000))
    assert len(text) <= LONGEST
    assert "too long for this text: attach c.py" in text


def test_without_a_run_the_command_lowers_the_culprit_alone() -> None:
    text = as_markdown(made(), replace(SHOWN, contract=""))
    assert "With the IR of the culprit alone, which is above, in `c.mlir`" in text


def test_nothing_of_a_text_names_a_folder_of_the_machine() -> None:
    text = as_markdown(made(Crashed("lower", "SIGABRT", "/home/me/llvm/lib.cpp:3: failed")), Evidence())
    assert "/home/me" not in text
    assert "lib.cpp:3: failed" in text


def test_what_a_tracker_has_already_comes_first() -> None:
    link = "https://example.org/issues/1 (expected to be fixed in 20261101)"
    issue = replace(made(), known=(link,))
    assert as_markdown(issue, SHOWN).split("\n## ")[1] == f"Reported already\n\n- {link}\n"
    assert f"](a.md); {link} | wrong" in index_page([(issue, "a.md")])


def test_the_index_links_each_text_with_what_it_holds_back() -> None:
    issue = made()
    page = index_page([(issue, "a.md")])
    assert page.startswith("# 1 issue\n")
    assert "## tosa" in page
    assert "](a.md) | wrong | 1 | 1 | 0 |" in page


@pytest.mark.parametrize(
    ("numeric", "words"),
    [
        (None, EXACT),
        ("exact", EXACT),
        ("ulp(4)", "within 4 units of roundoff"),
        ("linear(k*n)", "times its length, k*n,"),
        ("tail(8)", "on absolute inputs in float64"),
        ("composite(linear(n) + ulp(4))", "the parts, linear(n) + ulp(4), of"),
        ("exp(4)", "exp is within 4 units of roundoff of its value in float64"),
        ("exp(4), promised by tosa", "the TOSA specification states of exp"),
        ("shape only", "only shape and dtype"),
        ("4 times the interpreter's own error: torch.aten.x has no case", "4 times the interpreter's own error"),
    ],
)
def test_a_numeric_class_is_told_in_words(numeric: str | None, words: str) -> None:
    assert words in bound_in_words(numeric)
