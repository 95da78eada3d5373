"""The command `opcov` in a process of its own: its output, its exit status, its errors for bad input."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from harness.cases.sample import Sample, dumps, from_json, to_json
from harness.errors import Exit
from tests.end_to_end.opcov import Done, environment, job, opcov, outcomes
from tests.samples import dynamic, relu

SPECIAL = relu(8, values="nonfinite")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the journal of a small run where `opcov` looks for it."""
    folder = tmp_path_factory.mktemp("cli")
    done = job(
        "--op", "aten.relu.default", "--op", "aten.expm1.default", "--dtype", "f32,u8", "--mode", "static",
        "--profile", "quick", out=folder / "reports" / "out",
    )  # fmt: skip
    assert done.returncode == 0, done.stdout
    return folder


@pytest.fixture(scope="module")
def journal(folder: Path) -> Path:
    return folder / "reports" / "out" / "journal.jsonl.gz"


def error_line(done: Done, code: Exit) -> str:
    """The one line that a failed command writes to stderr; checks its exit status too."""
    assert done.returncode == code, done.stdout + done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    assert done.stderr.startswith("opcov: ")
    return done.stderr


# seeded mistakes ------------------------------------------------------------------------------------------------------


def test_sensitivity_seeds_mistakes_and_its_journal_reads_again(folder: Path) -> None:
    done = opcov("sensitivity", "--op", "aten.relu.default", "--op", "aten.expm1.default", "--jobs", "1", cwd=folder)
    assert done.returncode in (Exit.OK, Exit.FOUND), done.stderr
    assert "of those that can be seen are caught" in done.stdout
    assert "\nnan " in done.stdout
    again = opcov("sensitivity", "reports/out/sensitivity.jsonl", "--read", cwd=folder)
    assert again.stdout == done.stdout
    assert again.returncode == done.returncode
    data = json.loads(opcov("sensitivity", "reports/out/sensitivity.jsonl", "--read", "--json", cwd=folder).stdout)
    assert data["kinds"]["nan"]["killed"] > 0


def test_sensitivity_of_nothing_says_so(folder: Path) -> None:
    assert "no trial" in error_line(opcov("sensitivity", "--read", cwd=folder), Exit.USAGE)
    done = opcov("sensitivity", "--op", "aten.relu.default", "--mode", "dynamic", cwd=folder)
    assert "no sample that passed and is asked for" in done.stderr
    assert done.returncode == Exit.USAGE


# reading journals -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command",
    [
        ("matrix",),
        ("matrix", "--format", "markdown"),
        ("matrix", "--format", "csv"),
        ("todo", "--backend", "tosa"),
        ("explain", "aten.expm1.default", "--backend", "tosa"),
        ("explain", "aten.expm1.default"),
    ],
    ids=" ".join,
)
def test_a_command_answers_about_the_last_run(command: tuple[str, ...], folder: Path) -> None:
    done = opcov(*command, cwd=folder)
    assert (done.returncode, done.stderr) == (Exit.OK, "")
    assert "expm1" in done.stdout or command[0] == "todo"
    assert done.stdout.strip()


@pytest.mark.parametrize(
    "command",
    [("matrix",), ("todo", "--backend", "tosa"), ("explain", "aten.expm1.default", "--backend", "tosa"), ("html",)],
    ids=" ".join,
)
def test_json_is_json_and_nothing_else(command: tuple[str, ...], folder: Path) -> None:
    done = opcov(*command, "--json", cwd=folder)
    assert (done.returncode, done.stderr) == (Exit.OK, "")
    assert json.loads(done.stdout)


def test_html_is_written_where_asked_for(folder: Path, journal: Path, tmp_path: Path) -> None:
    done = opcov("html", journal, "--out", tmp_path / "deep" / "report.html", cwd=tmp_path)
    assert done.returncode == Exit.OK
    assert "<html" in (tmp_path / "deep" / "report.html").read_text(encoding="utf-8")


def test_html_that_cannot_be_written_says_so(journal: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    done = opcov("html", journal, "--out", tmp_path / "file" / "x.html", cwd=tmp_path)
    assert "choose another file with --out" in error_line(done, Exit.USAGE)


def test_explain_shows_the_ir_of_the_stages(folder: Path) -> None:
    done = opcov("explain", "aten.expm1.default", "--backend", "tosa", "--ir", cwd=folder)
    assert done.returncode == Exit.OK, done.stderr
    assert "torch.aten.expm1" in done.stdout
    assert "// lower (tosa" in done.stdout


def test_ops_has_families_and_denominators(tmp_path: Path) -> None:
    done = opcov("ops", "--json", "--no-opinfo", cwd=tmp_path)
    data = json.loads(done.stdout)
    assert {"op", "dtypes", "modes"} == set(data["families"]["elementwise"][0])
    assert data["mutating"]["aten.add_.Tensor"] == "aten.add.Tensor"
    assert "aten.size.default" in data["tensorless"]
    for name in ("core", "dialect"):
        parts = [set(data["denominators"][name][key]) for key in ("covered", "excluded", "missing")]
        assert parts[0]
        assert len(set().union(*parts)) == sum(map(len, parts))
    assert len(data["denominators"]["core"]["covered"]) > 170


def test_ops_for_people_cuts_long_lists(tmp_path: Path) -> None:
    done = opcov("ops", "--no-opinfo", cwd=tmp_path)
    assert done.returncode == Exit.OK
    assert "more (--names)" in done.stdout
    assert "total" in done.stdout
    named = opcov("ops", "--no-opinfo", "--names", cwd=tmp_path).stdout
    assert "aten.resize_.default: " in named


def test_ops_lists_what_is_drawn_of_every_attribute(tmp_path: Path) -> None:
    done = opcov("ops", "--attributes", "--op", "aten.sum.dim_IntList", "--op", "aten._softmax.default", cwd=tmp_path)
    assert "half_to_float" in done.stdout
    assert "0 of these without a reason" in done.stdout
    data = json.loads(opcov("ops", "--attributes", "--op", "aten.sum.dim_IntList", "--json", cwd=tmp_path).stdout)
    assert set(data["aten.sum.dim_IntList"]) == {"dim", "keepdim", "dtype"}
    assert {"True", "False"} & set(data["aten.sum.dim_IntList"]["keepdim"]["values"])


def test_ops_lists_the_dtypes_that_eager_takes(tmp_path: Path) -> None:
    done = opcov(
        "ops", "--dtypes", "--op", "aten.sub.Tensor", "--op", "aten.bitwise_not.default", "--json", cwd=tmp_path
    )
    data = json.loads(done.stdout)
    assert "bool" not in data["aten.sub.Tensor"]["eager_only"], "eager refuses to subtract booleans"
    assert "f32" in data["aten.sub.Tensor"]["drawn"]
    assert data["aten.bitwise_not.default"]["eager_only"] == []


def test_ops_says_what_eager_takes_and_no_sample_holds(tmp_path: Path) -> None:
    done = opcov("ops", "--tame", "--op", "aten.cat.default", "--json", cwd=tmp_path)
    data = json.loads(done.stdout)
    assert done.returncode == (Exit.FOUND if data["findings"] else Exit.OK), done.stderr
    assert data["failed"] == {}
    assert sum(data["counts"].values()) == len(data["findings"])
    assert all(from_json(finding["sample"]).op == "aten.cat.default" for finding in data["findings"])
    assert {"dim<0 at rank 0"} <= {reason["facet"] for reason in data["reasons"]}, "eager refuses to join scalars"


def test_a_journal_of_one_source_has_no_gap_to_show(folder: Path) -> None:
    text = error_line(opcov("ops", "--opinfo-gap", "reports/out/journal.jsonl.gz", cwd=folder), Exit.USAGE)
    assert "--samples both" in text


# bad input ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "command", [("matrix",), ("html",), ("todo", "--backend", "tosa"), ("explain", "aten.relu.default")], ids=" ".join
)
def test_without_a_journal_it_says_how_to_make_one(command: tuple[str, ...], tmp_path: Path) -> None:
    text = error_line(opcov(*command, cwd=tmp_path), Exit.DATA)
    assert "No such file" in text
    assert "make matrix" in text


@pytest.mark.parametrize(
    ("text", "wanted"),
    [("", "no header"), ("hello\n", "no header"), ('{"kind":"header","schema":9}\n', "has schema 9")],
)
def test_a_damaged_journal_is_an_error(text: str, wanted: str, tmp_path: Path) -> None:
    (tmp_path / "j").write_text(text, encoding="ascii")
    assert wanted in error_line(opcov("matrix", "j", cwd=tmp_path), Exit.DATA)


def test_a_journal_cut_short_is_read(journal: Path, tmp_path: Path) -> None:
    whole = journal.read_bytes()
    (tmp_path / "j").write_bytes(whole[: whole.rindex(b"\n", 0, -1) - 30])
    done = opcov("matrix", "j", cwd=tmp_path)
    assert done.returncode == Exit.OK
    assert "aten.relu.default" in done.stdout


@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        (("explain", "aten.expm.default", "--backend", "tosa"), "did you mean aten.expm1.default"),
        (("explain", "aten.expm1.default", "--backend", "toss"), "did you mean tosa"),
        (("todo", "--backend", "toss"), "did you mean tosa"),
        (("repro", "0123456789", "--backend", "toss"), "did you mean tosa"),
        (("sensitivity", "--kind", "swop"), "did you mean swap"),
        (("sensitivity", "--op", "aten.expm.default"), "did you mean aten.expm1.default"),
    ],
    ids=lambda x: x if isinstance(x, str) else " ".join(x),
)
def test_an_unknown_name_is_an_error_with_a_suggestion(command: tuple[str, ...], wanted: str, folder: Path) -> None:
    assert wanted in error_line(opcov(*command, cwd=folder), Exit.USAGE)


def test_an_unknown_sample_is_an_error(folder: Path) -> None:
    text = error_line(opcov("repro", "0123456789", "--backend", "tosa", cwd=folder), Exit.DATA)
    assert "no sample '0123456789'" in text
    assert "opcov explain" in text


@pytest.mark.parametrize(
    ("change", "wanted", "code"),
    [
        ({"op": "aten.rellu.default"}, "did you mean aten.relu.default", Exit.USAGE),
        ({"args": {}}, "needs argument 'self'", Exit.DATA),
        ({"args": to_json(relu())["args"] | {"alpha": 1}}, "has no argument 'alpha'", Exit.DATA),
        ({"args": {"self": {"tensor": {"dims": ["n"], "dtype": "f32", "seed": 0}}}}, "have no size: n", Exit.DATA),
        ({"dtype": "float32"}, "dtype 'float32'", Exit.DATA),
        ({"mode": "frozen"}, "mode 'frozen'", Exit.DATA),
    ],
)
def test_a_sample_that_does_not_fit_is_an_error(
    change: dict[str, Any], wanted: str, code: Exit, tmp_path: Path
) -> None:
    text = json.dumps(to_json(relu()) | change)
    assert wanted in error_line(opcov("repro", text, "--backend", "linalg", cwd=tmp_path), code)
    assert not (tmp_path / "repro").exists()


@pytest.mark.parametrize("text", ["{", "[1]", '{"op": 1}', ""])
def test_what_is_no_sample_is_an_error(text: str, tmp_path: Path) -> None:
    error_line(opcov("repro", "-", "--backend", "linalg", cwd=tmp_path, text=text), Exit.DATA)


@pytest.mark.parametrize("arguments", [(), ("matricks",), ("todo",), ("repro", "x"), ("matrix", "--format", "xml")])
def test_bad_usage_exits_2(arguments: tuple[str, ...], tmp_path: Path) -> None:
    done = opcov(*arguments, cwd=tmp_path)
    assert done.returncode == Exit.USAGE
    assert "usage: opcov" in done.stderr


def test_a_closed_pipe_is_no_error(journal: Path, folder: Path) -> None:
    command = f"{Path(sys.executable).parent / 'opcov'} matrix {journal} --json | head -c 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=folder, env=environment(), capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")


# reproducing ----------------------------------------------------------------------------------------------------------


def tensor(dtype: str, **fill: Any) -> Any:
    return relu(5, dtype=dtype, **fill).args["self"]


def static(op: str, dtype: str, **args: Any) -> Sample:
    return replace(relu(5, dtype=dtype), op=op, args=args)


SAMPLES: dict[str, tuple[Sample, str, str]] = {
    "wrong non-finite": (SPECIAL, "tosa", "Wrong"),
    "wrong value": (static("aten.expm1.default", "u8", self=tensor("u8")), "tosa", "Wrong"),
    "crashed": (
        static("aten.addcmul.default", "i8", self=tensor("i8"), tensor1=tensor("i8"), tensor2=tensor("i8")),
        "linalg",
        "Crashed",
    ),
    "unsupported": (static("aten.cumprod.default", "f32", self=tensor("f32"), dim=0), "tosa", "Unsupported"),
    "invalid": (relu(5, dtype="f64"), "tosa", "Invalid"),
    "passed": (relu(), "linalg", "Passed"),
    "passed dynamic": (dynamic("aten.tanh.default", 1, 5), "linalg", "Passed"),
    "converted wrong": (
        static("aten.add.Tensor", "bool", self=tensor("bool"), other=tensor("bool")),
        "stablehlo-linalg",
        "Wrong",
    ),
    "not converted": (static("aten.sort.default", "f32", self=tensor("f32")), "stablehlo-linalg", "Unsupported"),
    "invalid before it is converted": (relu(5, dtype="f64"), "tosa-linalg", "Invalid"),
    "converted": (dynamic("aten.tanh.default", 1, 5), "tosa-linalg", "Passed"),
    "reached": (relu(), "frontend", "Reached"),
    "not in the dialect": (static("aten.lgamma.default", "f32", self=tensor("f32")), "frontend", "Unsupported"),
    "blocked": (static("aten.lgamma.default", "f32", self=tensor("f32")), "tosa", "Blocked"),
}
GOOD = ("Passed", "Reached")


@pytest.fixture(scope="module")
def reproduced(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Run `opcov repro` once for each sample: the process, its JSON answer and the folder it ran in."""
    known: dict[str, tuple[Done, dict[str, Any], Path]] = {}

    def ask(name: str) -> tuple[Done, dict[str, Any], Path]:
        if name not in known:
            sample, backend, _ = SAMPLES[name]
            cwd = tmp_path_factory.mktemp("repro")
            done = opcov("repro", dumps(sample), "--backend", backend, "--json", cwd=cwd)
            assert done.stdout, done.stderr
            known[name] = done, json.loads(done.stdout), cwd
        return known[name]

    return ask


@pytest.mark.parametrize("name", SAMPLES)
def test_repro_finds_the_outcome_and_exits_1_unless_it_passes(name: str, reproduced: Any) -> None:
    done, found, _ = reproduced(name)
    wanted = SAMPLES[name][2]
    assert found["outcome"] == wanted
    assert done.returncode == (Exit.OK if wanted in GOOD else Exit.FOUND)
    assert found["sample"] == SAMPLES[name][0].id


def test_repro_says_after_which_pass_a_wrong_sample_parts_and_writes_the_ir_before_and_after(reproduced: Any) -> None:
    _, found, cwd = reproduced("wrong value")
    assert (found["parts"]["right"], found["parts"]["wrong"]) == ("contract", "lower/convert-torch-to-tosa")
    assert "torch.aten.expm1" in (cwd / found["before"]).read_text()
    assert "tosa.exp" in (cwd / found["after"]).read_text()
    assert "parts" not in reproduced("passed")[1]


@pytest.mark.parametrize("name", SAMPLES)
def test_the_script_fails_alone_as_the_sample_does(name: str, reproduced: Any, tmp_path: Path) -> None:
    _, found, cwd = reproduced(name)
    script = tmp_path / "alone.py"
    shutil.copy(cwd / found["script"], script)
    clean = {k: v for k, v in os.environ.items() if k != "PYTHONPATH"}
    done = subprocess.run(
        [sys.executable, "-I", script], cwd=tmp_path, env=clean, capture_output=True, text=True, timeout=120
    )
    wanted = SAMPLES[name][2]
    if wanted == "Crashed":
        assert done.returncode < 0, done.stdout + done.stderr
    else:
        assert done.returncode == (0 if wanted in GOOD else 1), done.stdout + done.stderr
    assert "SyntaxError" not in done.stderr
    assert "NameError" not in done.stderr
    if wanted == "Wrong":
        assert "FAILED: out[0]" in done.stderr


@pytest.mark.parametrize("name", ["passed", "unsupported", "crashed", "converted"])
def test_the_command_it_prints_lowers_the_ir(name: str, reproduced: Any) -> None:
    _, found, cwd = reproduced(name)
    assert found["command"].startswith("torch-mlir-opt ")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        found["command"], shell=True, cwd=cwd, env=environment() | {"PATH": path}, capture_output=True, text=True
    )
    if SAMPLES[name][2] == "Passed":
        assert done.returncode == 0, done.stderr
        assert "linalg.generic" in done.stdout
    else:
        assert done.returncode != 0


def test_the_sample_file_reproduces_too(reproduced: Any) -> None:
    _, found, cwd = reproduced("passed")
    done = opcov("repro", found["sample_file"], "--backend", "linalg", cwd=cwd)
    assert done.returncode == Exit.OK
    assert "aten.relu.default on linalg, static, f32" in done.stdout
    assert ": Passed" in done.stdout


def test_an_id_out_of_the_journal_reproduces(folder: Path, journal: Path) -> None:
    line = next(x for x in outcomes(journal) if x["outcome"] == "Wrong")
    done = opcov("repro", line["id"], "--backend", line["backend"], cwd=folder)
    assert done.returncode == Exit.FOUND, done.stderr
    assert "Wrong" in done.stdout
    assert line["id"] in done.stdout


# texts for the tracker ------------------------------------------------------------------------------------------------

WITHOUT_OPCOV = """
import runpy, sys
for name in ("harness", "backends", "op_suites", "reports"):
    sys.modules[name] = None  # an import of it fails
runpy.run_path(sys.argv[1], run_name="__main__")
"""


def test_an_issue_has_a_script_that_needs_torch_and_torch_mlir_alone(folder: Path, tmp_path: Path) -> None:
    """One cause with a run of its own, then all without: the second must not overwrite the first."""
    found = json.loads(opcov("clusters", "--backend", "tosa", "--json", cwd=folder).stdout)["backends"][0]["clusters"]
    cause = next(one for one in found if one["outcome"] == "Wrong" and one["manner"] == "value")
    known, link = tmp_path / "known.toml", "https://example.org/issues/1"
    known.write_text(f'[[issue]]\nquery = "cause:{cause["id"]}"\nlink = "{link}"\n', encoding="utf-8")
    done = opcov("issue", cause["id"], "--out", tmp_path, "--known", known, cwd=folder)
    assert done.returncode == Exit.OK, done.stderr
    assert done.stdout.startswith(f"written: {cause['title']}")
    text = (tmp_path / f"{cause['id']}.md").read_text(encoding="utf-8")
    script = tmp_path / f"{cause['id']}.py"
    for said in (f"## Reported already\n\n- {link}\n",
                 "torch.ops.aten.expm1", "after `lower/convert-torch-to-tosa`", "IR before it", "IR after it",
                 "torch-mlir-opt --pass-pipeline=", f"in `{cause['id']}.mlir`", "in float64", "linalg: ",
                 script.read_text(encoding="utf-8").strip()):  # fmt: skip
        assert said in text, said
    alone = subprocess.run(
        [sys.executable, "-I", "-c", WITHOUT_OPCOV, script], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert alone.returncode == 1, alone.stdout + alone.stderr
    assert "FAILED: out[0] is wrong in" in alone.stderr
    assert "would be overwritten" in error_line(opcov("issue", "--all", "--out", tmp_path, cwd=folder), Exit.USAGE)
    assert script.exists()
    done = opcov("issue", "--all", "--backend", "tosa", "--out", tmp_path, "--overwrite", cwd=folder)
    assert done.stdout.startswith(f"{len(found)} texts written" if len(found) > 1 else "1 text written"), done.stderr
    index = (tmp_path / "index.md").read_text(encoding="utf-8")
    assert all(f"({one['id']}.md)" in index and (tmp_path / f"{one['id']}.md").exists() for one in found)
