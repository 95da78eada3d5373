"""The main job, `pytest op_suites`, in a process of its own: what it writes, prints and exits with, and survives."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from html import unescape
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from harness.cases.sample import dumps
from harness.records.journal_file import read
from harness.records.journal_writer import JournalWriter
from tests import miniatures
from tests.end_to_end.opcov import ROOT, Done, environment, job, job_command, lines, opcov, outcomes, timeless
from tests.samples import relu

ADD = ("--op", "aten.add.Tensor", "--dtype", "f32", "--profile", "quick")
RELU = ("--op", "aten.relu.default", "--dtype", "f32", "--profile", "quick", "--mode", "static")


@pytest.fixture(scope="module")
def plugins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    names = ("right", "segfault-lower", "lie-in-value", "hang-lower")
    return miniatures.install(tmp_path_factory.mktemp("plugins"), names)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Done, Path]:
    """A small run: two ops, every backend, one process."""
    out = tmp_path_factory.mktemp("run")
    return job(*ADD, "--op", "aten.expm1.default", "--dtype", "u8", out=out), out


# a run ----------------------------------------------------------------------------------------------------------------


def test_a_run_with_shortfalls_exits_0(run: tuple[Done, Path]) -> None:
    done, out = run
    assert done.returncode == 0, done.stdout + done.stderr
    assert any(line["outcome"] == "Wrong" for line in outcomes(out / "journal.jsonl.gz"))
    assert "xfailed" in done.stdout
    assert "failed" not in done.stdout.replace("xfailed", "")


def test_thorough_asks_every_executor(tmp_path: Path) -> None:
    done = job(*RELU, "--backend", "stablehlo", "--thorough", "--check-baseline", out=tmp_path)
    passed = [
        line["detail"]["executors"] for line in outcomes(tmp_path / "journal.jsonl.gz") if line["outcome"] == "Passed"
    ]
    assert passed
    assert all({"llvm-jit", "stablehlo-interpreter"} <= set(executors) for executors in passed)
    assert lines(tmp_path / "journal.jsonl.gz")[0]["options"]["thorough"] is True
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1].startswith("baseline: not checked: ")


def test_no_worker_starts_a_cell_once_the_time_is_over(tmp_path: Path) -> None:
    done = job(*RELU, "--backend", "control", "-n", "2", "--budget", "0.1s", out=tmp_path)
    assert "no tests ran" in done.stdout, done.stdout + done.stderr
    assert not list(tmp_path.iterdir())


def test_it_writes_the_journal_and_the_reports_and_says_where(run: tuple[Done, Path]) -> None:
    done, out = run
    index = "journal.jsonl.gz.index.sqlite"
    assert sorted(p.name for p in out.iterdir() if not p.name.startswith(".")) == [
        "index.html",
        "journal.jsonl.gz",
        index,
        "matrix.md",
    ]
    assert f"{out}/index.html" in done.stdout
    assert "<html" in (out / "index.html").read_text(encoding="utf-8")
    assert "aten.add.Tensor" in (out / "matrix.md").read_text(encoding="utf-8")


def test_it_prints_the_matrix_and_that_the_control_is_green(run: tuple[Done, Path]) -> None:
    done, _ = run
    for text in ("linalg", "tosa", "stablehlo", "static", "dynamic", "control: 100 % Passed"):
        assert text in done.stdout


def test_the_header_says_what_was_asked_for_and_of_what(run: tuple[Done, Path]) -> None:
    header = lines(run[1] / "journal.jsonl.gz")[0]
    asked = {"kind", "schema", "run", "started", "toolchain", "frontend", "options", "seed", "cells"}
    assert set(header) == asked | {"element_types"}
    assert (header["kind"], header["seed"]) == ("header", 0)
    assert {"installed", "opcov", "hypothesis", "python", "platform", "executors"} <= set(header["toolchain"])
    assert {"torch", "torch-mlir", "tosa-tools", "jaxlib"} <= set(header["toolchain"]["installed"])
    assert "absent" not in header["toolchain"]["installed"].values()
    assert header["toolchain"]["absent"] == {}
    options = header["options"]
    assert options["profile"] == "quick"
    assert options["ops"] == ["aten.add.Tensor", "aten.expm1.default"]
    assert options["dtypes"] == ["f32", "u8"]
    assert options["backends"][0] == "frontend"
    assert {"linalg", "tosa", "stablehlo", "control"} <= set(options["backends"])


def test_each_worker_says_what_it_loaded_and_the_reports_show_it(run: tuple[Done, Path]) -> None:
    done, out = run
    told = [line for line in lines(out / "journal.jsonl.gz") if line["kind"] == "toolchain"]
    assert 1 <= len({line["worker"] for line in told}) == len(told)
    for line in told:
        compiler = line["packages"]["torch_mlir"]
        assert (compiler["distribution"], compiler["version"]) == ("torch-mlir", version("torch-mlir"))
        assert re.fullmatch("[0-9a-f]{64}", compiler["sha256"])
        assert compiler["library"].startswith("lib")
        assert {"torch", "jaxlib", "tosa_reference_model"} <= set(line["packages"])
    said = f"torch-mlir {version('torch-mlir')} ({compiler['library'].partition('.')[0]} {compiler['sha256'][:12]})"
    assert said in " ".join(done.stdout.split())
    assert said in (out / "matrix.md").read_text(encoding="utf-8").replace("\\", "")
    assert said in unescape((out / "index.html").read_text(encoding="utf-8"))


def test_an_element_type_that_the_dialect_lacks_is_outside_and_no_shortfall(tmp_path: Path) -> None:
    asked = ("--op", "aten.relu.default,aten.complex.default", "--mode", "static", "--profile", "quick")
    done = job(*asked, "--backend", "tosa", "--dtype", "f64", "--strict", out=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    header, *_ = lines(tmp_path / "journal.jsonl.gz")
    assert set(header["element_types"]) == {"tosa"}
    assert "f64" not in header["element_types"]["tosa"]["types"]
    found = outcomes(tmp_path / "journal.jsonl.gz")
    assert {line["outcome"] for line in found} == {"Invalid", "Unsupported"}, "the journal has the facts"
    assert all(line["results"] == ["c128"] for line in found if line["op"] == "aten.complex.default")
    assert "∉ outside" in done.stdout
    assert "2 skipped" in done.stdout


def test_the_footer_and_the_summary_say_how_much_the_registry_covers(tmp_path: Path) -> None:
    # a run of a few ops does not ask torch what there is to cover: it takes what is known
    assert opcov("ops", "--no-opinfo", cwd=tmp_path).returncode == 0
    out = tmp_path / "out"
    done = job(*RELU, "--backend", "control", out=out)
    figures = lines(out / "journal.jsonl.gz")[-1]["registry"]
    assert figures["core"]["missing"] == figures["dialect"]["missing"] == 0
    assert f"registry: core {figures['core']['covered']} of " in done.stdout
    assert "registry: core" in (out / "index.html").read_text(encoding="utf-8")


def test_opinfo_is_a_second_source_of_samples(tmp_path: Path) -> None:
    options = ("--op", "aten.gather.default", "--dtype", "f32", "--profile", "quick", "--backend", "linalg,control")
    done = job(*options, "--samples", "both", out=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    found = outcomes(tmp_path / "journal.jsonl.gz")
    origins = {line["sample"].get("origin", "census") for line in found if line["mode"] == "static"}
    assert origins == {"census", "opinfo", "rejected"}
    assert {line["outcome"] for line in found if line["sample"].get("origin") == "rejected"} == {"Excluded"}
    assert all(line["outcome"] == "Passed" for line in found if line["sample"].get("origin") == "opinfo")
    gap = opcov("ops", "--opinfo-gap", str(tmp_path / "journal.jsonl.gz"), cwd=tmp_path)
    assert gap.returncode == 0, gap.stderr
    assert "cells sampled by both sources" in gap.stdout


def test_opinfo_alone_has_the_cells_that_it_samples(tmp_path: Path) -> None:
    options = ("--op", "aten.gather.default", "--profile", "quick", "--backend", "control")
    assert job(*options, "--samples", "opinfo", out=tmp_path).returncode == 0
    found = outcomes(tmp_path / "journal.jsonl.gz")
    assert found
    assert {line["mode"] for line in found} == {"static"}
    assert {line["sample"].get("origin") for line in found} <= {"opinfo", "rejected"}


def test_every_outcome_line_has_what_is_promised(run: tuple[Done, Path]) -> None:
    promised = {
        "kind", "id", "op", "family", "backend", "mode", "dtype", "outcome", "stage", "sample", "traits", "detail",
        "reached", "seconds",
    }  # fmt: skip
    found = outcomes(run[1] / "journal.jsonl.gz")
    assert found
    for line in found:
        assert set(line) - {"minimised", "breaks", "parts", "cause", "numeric", "plain", "results"} == promised
        assert line["family"] == "elementwise"


def test_the_footer_counts_the_outcomes(run: tuple[Done, Path]) -> None:
    found = lines(run[1] / "journal.jsonl.gz")
    footer = found[-1]
    assert set(footer) == {"kind", "counts", "seconds", "interrupted", "missing", "registry"}
    assert footer["interrupted"] is False
    assert footer["missing"] == 0
    assert sum(footer["counts"].values()) == sum(line["kind"] == "outcome" for line in found)


def test_every_cell_that_was_asked_for_is_there(run: tuple[Done, Path]) -> None:
    cells = {(x["op"], x["backend"], x["mode"], x["dtype"]) for x in outcomes(run[1] / "journal.jsonl.gz")}
    expected = {
        (op, backend, mode, dtype)
        for op in ("aten.add.Tensor", "aten.expm1.default")
        for backend in ("frontend", "linalg", "tosa", "stablehlo", "control")
        for mode in ("static", "dynamic")
        for dtype in ("f32", "u8")
    }
    assert cells == expected


def test_two_workers_find_the_same_in_another_process(run: tuple[Done, Path], tmp_path: Path) -> None:
    done = job(*ADD, "--op", "aten.expm1.default", "--dtype", "u8", "-n", "2", out=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    one, two = (sorted(map(str, timeless(out / "journal.jsonl.gz"))) for out in (run[1], tmp_path))
    assert sorted(set(one)) == sorted(set(two))  # each worker says the same of what it has loaded


def test_the_same_run_writes_the_same_journal(tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert job(*RELU, out=tmp_path / name).returncode == 0
    assert timeless(tmp_path / "a" / "journal.jsonl.gz") == timeless(tmp_path / "b" / "journal.jsonl.gz")


def test_strict_fails_on_a_shortfall_and_says_how_to_reproduce_it(tmp_path: Path) -> None:
    options = ("--op", "aten.expm1.default", "--dtype", "u8", "--mode", "static", "--profile", "quick")
    done = job(*options, "--backend", "tosa", "--strict", out=tmp_path)
    assert done.returncode == 1
    assert "reproduce: opcov repro " in done.stdout
    assert "--backend tosa" in done.stdout
    assert (tmp_path / "index.html").exists()


# selecting ------------------------------------------------------------------------------------------------------------


def test_a_node_id_selects_one_cell(tmp_path: Path) -> None:
    cell = "op_suites/elementwise.py::aten.add.Tensor[tosa-dynamic-f32]"
    done = job("--check-baseline", out=tmp_path, suites=cell)
    assert done.returncode == 0, done.stdout
    compared = r"baseline: as expected, 1 of the [\d,]+ cells of the profile default compared"
    assert re.fullmatch(compared, done.stdout.splitlines()[-1])
    cells = {(x["op"], x["backend"], x["mode"], x["dtype"]) for x in outcomes(tmp_path / "journal.jsonl.gz")}
    assert cells == {("aten.add.Tensor", "tosa", "dynamic", "f32")}


def collected(*options: str) -> list[str]:
    done = subprocess.run(
        [*job_command(*options, out=Path("/nowhere")), "--collect-only"],
        cwd=ROOT, env=environment(), capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    return [line.partition("::")[2] for line in done.stdout.splitlines() if "::" in line]


def test_a_keyword_selects_cells() -> None:
    found = collected("--op", "aten.relu.default", "-k", "tosa and dynamic and f32")
    assert found == ["aten.relu.default[tosa-dynamic-f32]"]


@pytest.mark.parametrize(
    ("keyword", "count"),
    [
        ("activation.py and aten.ReLU.default and TOSA-static and f32", 1),
        ("op_suites and aten.relu.default[tosa-static-f32]", 1),
        ("aten.relu.default and tosa and not dynamic and f32", 1),
        ("aten.relu.default and (tosa or linalg) and static and f32", 2),
        ("nothing-has-this-name", 0),
    ],
)
def test_a_keyword_selects_the_cells_that_pytest_itself_would(keyword: str, count: int) -> None:
    assert len(collected("-k", keyword)) == count


def test_options_select_cells_by_glob_backend_mode_and_dtype() -> None:
    found = collected("--op", "aten.relu*", "--backend", "tosa,linalg", "--mode", "static", "--dtype", "f32")
    assert sorted(found) == [
        "aten.relu.default[linalg-static-f32]",
        "aten.relu.default[tosa-static-f32]",
        "aten.relu6.default[linalg-static-f32]",
        "aten.relu6.default[tosa-static-f32]",
    ]


DEFAULT = {"frontend", "linalg", "tosa", "stablehlo", "control"}
CASCADES = {"tosa-linalg", "stablehlo-linalg"}


@pytest.mark.parametrize(
    ("options", "backends"),
    [
        ((), DEFAULT),
        (("--cascades",), DEFAULT | CASCADES),
        (("--backend", "tosa", "--cascades"), {"tosa"} | CASCADES),
        (("--backend", "tosa-linalg,tosa"), {"tosa", "tosa-linalg"}),
    ],
)
def test_cascades_are_measured_only_where_they_are_asked_for(options: tuple[str, ...], backends: set[str]) -> None:
    found = collected("--op", "aten.relu.default", "--mode", "static", "--dtype", "f32", *options)
    assert sorted(found) == sorted(f"aten.relu.default[{backend}-static-f32]" for backend in backends)


@pytest.fixture(scope="module")
def cascaded(tmp_path_factory: pytest.TempPathFactory) -> tuple[Done, Path]:
    """Booleans added and floats, through StableHLO and on to linalg."""
    out = tmp_path_factory.mktemp("cascaded") / "reports" / "out"
    options = ("--op", "aten.add.Tensor", "--dtype", "f32,bool", "--backend", "stablehlo")
    return job(*options, "--cascades", out=out), out


def test_a_cascade_is_a_column_that_may_be_wrong_where_its_base_is_right(cascaded: tuple[Done, Path]) -> None:
    done, out = cascaded
    assert done.returncode == 0, done.stdout + done.stderr
    found = {(x["backend"], x["outcome"]) for x in outcomes(out / "journal.jsonl.gz") if x["dtype"] == "bool"}
    assert ("stablehlo-linalg", "Wrong") in found
    assert {outcome for backend, outcome in found if backend == "stablehlo"} == {"Passed"}
    assert "stablehlo static | stablehlo dynamic | stablehlo-linalg static |" in (out / "matrix.md").read_text("utf-8")
    assert "stablehlo-linalg" in (out / "index.html").read_text(encoding="utf-8")


def test_what_a_cascade_does_not_convert_is_what_to_do_next(cascaded: tuple[Done, Path]) -> None:
    said = opcov("todo", "--backend", "stablehlo-linalg", cwd=cascaded[1].parents[1])
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith("stablehlo-linalg: ")
    assert "`shape.shape_of` is refused" in said.stdout


def test_the_matrix_with_cascades_keeps_to_the_width(cascaded: tuple[Done, Path]) -> None:
    said = opcov("matrix", cwd=cascaded[1].parents[1]).stdout
    assert "stablehlo-linalg" in said
    assert max(map(len, said.splitlines())) <= 120


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--op", "aten.ad.Tensor"), "unknown op 'aten.ad.Tensor'; did you mean aten.add.Tensor"),
        (("--backend", "toss"), "unknown backend 'toss'; did you mean tosa"),
        (("--backend", "tosa-lnalg"), "unknown backend 'tosa-lnalg'; did you mean tosa-linalg"),
        (("--mode", "dyn"), "unknown mode 'dyn'; did you mean dynamic"),
        (("--dtype", "fp32"), "unknown dtype 'fp32'; did you mean f32"),
        (("--frontend", "exprt"), "unknown frontend 'exprt'; did you mean export"),
        (("--transform", "vmp"), "unknown transform 'vmp'; did you mean vmap"),
        (("--decompositions", "prim"), "unknown level of decomposition 'prim'; did you mean prims"),
        (("--legal-op", "aten.geluu"), "unknown legal op 'aten.geluu'; did you mean aten.gelu"),
        (("--profile", "exlpore"), "unknown profile 'exlpore'; did you mean explore"),
    ],
)
def test_an_unknown_name_ends_the_run_at_once_with_a_suggestion(
    options: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    with JournalWriter(tmp_path / "journal.jsonl.gz", {"run": "old"}) as old:
        old.close()
    before = (tmp_path / "journal.jsonl.gz").read_bytes()
    done = job(*options, out=tmp_path)
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert f"opcov: {said}" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert (tmp_path / "journal.jsonl.gz").read_bytes() == before


# dying ----------------------------------------------------------------------------------------------------------------


def hear_ctrl_c() -> None:
    """A suite that a shell runs in the background ignores SIGINT, and so would all that it starts."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def started(plugins: Path, tmp_path: Path) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts a run in a process group of its own: a sample that passes, then one that hangs."""
    running: list[subprocess.Popen[str]] = []

    def start(*more: str) -> subprocess.Popen[str]:
        command = job_command(*RELU, "--sample-seconds", "200", *more, out=tmp_path)
        process = subprocess.Popen(
            command, cwd=ROOT, env=environment(plugins), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True, preexec_fn=hear_ctrl_c,  # noqa: PLW1509
        )  # fmt: skip
        running.append(process)
        return process

    yield start
    for process in running:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


def wait_for_outcomes(path: Path, process: subprocess.Popen[Any]) -> None:
    end = time.monotonic() + 200
    while not (path.exists() and outcomes(path)):
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < end
        time.sleep(0.1)


HANGS = ("--backend", "linalg", "--backend", "hang-lower")


def test_ctrl_c_keeps_what_was_done_and_writes_the_reports(
    started: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    process = started(*HANGS)
    wait_for_outcomes(tmp_path / "journal.jsonl.gz.part", process)
    time.sleep(1)  # the next sample hangs by now
    os.killpg(process.pid, signal.SIGINT)
    printed, _ = process.communicate(timeout=60)
    assert process.returncode == pytest.ExitCode.INTERRUPTED, printed
    journal = read(tmp_path / "journal.jsonl.gz.part")
    assert journal.records
    assert journal.footer is not None
    assert journal.footer["interrupted"] is True
    assert not journal.complete
    assert "1 cell did not run: add --resume to the command" in printed
    assert (tmp_path / "index.html").exists()
    assert (tmp_path / "matrix.md").exists()


def test_a_killed_run_leaves_what_it_had_and_the_last_journal(
    started: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    with JournalWriter(tmp_path / "journal.jsonl.gz", {"run": "the last one"}) as last:
        last.close()
    process = started(*HANGS)
    wait_for_outcomes(tmp_path / "journal.jsonl.gz.part", process)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    journal = read(tmp_path / "journal.jsonl.gz.part")
    assert {r.backend for r in journal.records} == {"linalg"}
    assert journal.footer is None
    assert read(tmp_path / "journal.jsonl.gz").header["run"] == "the last one"


def test_what_a_pytest_worker_dies_of_fails_the_run_and_the_rest_is_run(
    started: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    process = started(*HANGS, "--backend", "right", "-n", "1")
    wait_for_outcomes(tmp_path / "journal.jsonl.gz.part", process)
    time.sleep(1)
    workers = [pid for pid in children(process.pid) if "exec(eval(sys.stdin" in command_line(pid)]
    assert len(workers) == 1, [command_line(pid) for pid in children(process.pid)]
    os.kill(workers[0], signal.SIGKILL)
    printed, _ = process.communicate(timeout=120)
    assert process.returncode == 1, printed
    assert "crashed while running 'op_suites/activation.py::aten.relu.default[hang-lower-static-f32]'" in printed
    journal = read(tmp_path / "journal.jsonl.gz")
    assert {r.backend for r in journal.records} == {"linalg", "right"}
    assert journal.footer is not None
    assert journal.footer["missing"] == 1
    assert not journal.complete


def command_line(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()


def children(pid: int) -> list[int]:
    return [int(p) for p in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


# out of tree ----------------------------------------------------------------------------------------------------------


def test_an_out_of_tree_backend_is_a_column_and_its_crash_an_outcome(plugins: Path, tmp_path: Path) -> None:
    wanted = ("right", "segfault-lower", "lie-in-value", "control")
    done = job(*RELU, "--backend", ",".join(wanted), out=tmp_path, plugins=plugins)
    assert done.returncode == 0, done.stdout + done.stderr
    found: dict[str, set[str]] = {}
    for line in outcomes(tmp_path / "journal.jsonl.gz"):
        found.setdefault(line["backend"], set()).add(line["outcome"])
    assert found == {
        "right": {"Passed"},
        "segfault-lower": {"Crashed"},
        "lie-in-value": {"Wrong"},
        "control": {"Passed"},
    }
    assert "segfault-lower" in (tmp_path / "matrix.md").read_text(encoding="utf-8")
    assert "actor" in lines(tmp_path / "journal.jsonl.gz")[0]["toolchain"]["executors"]


def test_an_executor_that_cannot_be_had_is_left_out_and_said_wherever_the_others_are(tmp_path: Path) -> None:
    modules = {"lonely": "import unheard_of", "outdated": "from json import Plugin"}
    folder = miniatures.needy(tmp_path / "plugins", "opcov.executors", modules, extra="[more]")
    done = job("-v", *RELU, "--backend", "stablehlo,control", out=tmp_path, plugins=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "opcov: executor lonely is absent: pip install 'needy[more]'" in done.stdout
    assert "opcov: executor outdated is absent: ImportError: cannot import name 'Plugin'" in done.stdout
    assert done.stdout.count("opcov: executor") == 2, "each is said once: before the run, or once a worker has found it"
    header, told, *_ = lines(tmp_path / "journal.jsonl.gz")
    assert set(header["toolchain"]["absent"]) == {"lonely"}
    assert header["toolchain"]["executors"].split(", ")[-1] == "xla"
    assert set(told["absent"]) == {"lonely", "outdated"}
    assert told["executors"][-1] == "xla"
    assert {o["outcome"] for o in outcomes(tmp_path / "journal.jsonl.gz")} == {"Passed"}
    said = "absent: executor lonely (pip install 'needy[more]')"
    assert said in " ".join(done.stdout.split())
    assert said in (tmp_path / "matrix.md").read_text(encoding="utf-8")
    assert said in unescape((tmp_path / "index.html").read_text(encoding="utf-8"))


def test_an_executor_that_ends_the_process_that_loads_it_is_absent_from_then_on(tmp_path: Path) -> None:
    text = "import os\nos.write(2, b'no such processor')\nos.abort()"
    folder = miniatures.needy(tmp_path / "plugins", "opcov.executors", {"deadly": text})
    done = job(*RELU, "--backend", "tosa,control", out=tmp_path, plugins=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    said = "loading it ends the process: SIGABRT, no such processor"
    assert f"opcov: executor deadly is absent: {said}" in done.stdout
    header, told, *_ = lines(tmp_path / "journal.jsonl.gz")
    assert (header["toolchain"]["absent"], told["absent"]) == ({}, {"deadly": said})
    assert f"absent: executor deadly ({said})" in unescape((tmp_path / "index.html").read_text(encoding="utf-8"))


def test_a_built_in_executor_that_ends_the_fork_server_is_absent_and_the_others_run(tmp_path: Path) -> None:
    package = tmp_path / "ahead" / "jaxlib" / "__init__.py"
    package.parent.mkdir(parents=True)
    package.write_text("import os\nos.write(2, b'illegal instruction')\nos.abort()\n", encoding="ascii")
    done = job(*RELU, "--backend", "stablehlo,control", out=tmp_path, plugins=package.parents[1])
    assert done.returncode == 0, done.stdout + done.stderr
    assert "opcov: executor xla is absent: loading it ends the process: SIGABRT" in done.stdout
    assert {line["outcome"] for line in outcomes(tmp_path / "journal.jsonl.gz")} == {"Passed"}


def test_two_compilers_on_the_path_are_an_error_that_names_both(tmp_path: Path) -> None:
    ahead = tmp_path / "ahead" / "torch_mlir"
    ahead.mkdir(parents=True)
    for done in (
        job(*RELU, "--backend", "control", out=tmp_path, plugins=ahead.parent),
        opcov("repro", dumps(relu()), "--backend", "tosa", cwd=tmp_path, plugins=ahead.parent),
    ):
        assert done.returncode == 4, done.stdout + done.stderr
        (line,) = [text for text in (done.stdout + done.stderr).splitlines() if "would be mixed" in text]
        assert str(ahead) in line
        assert "site-packages/torch_mlir" in line
    assert not (tmp_path / "journal.jsonl.gz.part").exists()


def test_workers_that_load_different_things_end_the_run(tmp_path: Path) -> None:
    text = "import os, sys\nsys.path.insert(0, {!r} + os.environ['PYTEST_XDIST_WORKER'])\nimport shifty\n"
    text += "class Plugin:\n    name = 'mine'\n    dialects = frozenset()\n"
    folder = miniatures.needy(tmp_path / "plugins", "opcov.executors", {"mine": text.format(f"{tmp_path}/plugins/")})
    for place in ("", "gw0", "gw1"):
        (folder / place).mkdir(exist_ok=True)
        (folder / place / "shifty.py").touch()
    ops = ("--op", "aten.relu.default,aten.add.Tensor,aten.mul.Tensor", "--profile", "quick", "--backend", "control")
    done = job("-n", "2", *ops, out=tmp_path, plugins=folder)
    assert done.returncode == 4, done.stdout + done.stderr
    both = [f"gw{i} has loaded shifty in {folder}/gw{i}/shifty.py" for i in (0, 1)]
    assert all(said in done.stdout for said in both), done.stdout
    told = [line for line in lines(tmp_path / "journal.jsonl.gz.part") if line["kind"] == "toolchain"]
    assert len(told) == 1


def test_a_control_that_fails_fails_the_run(tmp_path: Path) -> None:
    liar = miniatures.install(tmp_path / "plugins", [], ["an-eager"])
    done = job(*RELU, "--backend", "control", out=tmp_path, plugins=liar)
    assert done.returncode == 1, done.stdout
    assert "Wrong" in done.stdout
    assert outcomes(tmp_path / "journal.jsonl.gz")[0]["outcome"] == "Wrong"


def test_an_error_of_ours_fails_the_run(tmp_path: Path) -> None:
    broken = miniatures.install(tmp_path / "plugins", ["fail-execute"])
    done = job(*RELU, "--backend", "fail-execute", out=tmp_path, plugins=broken)
    assert done.returncode == 1, done.stdout
    assert "HarnessError" in done.stdout
    assert "a miniature fails" in done.stdout
