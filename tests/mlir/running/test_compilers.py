"""Workers with a compiler that was chosen: another one, and miniatures that cannot be used."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from harness.errors import Exit, OpcovError
from harness.programs import compiler as compilers
from harness.programs.compiler import Compiler, choose
from harness.records.outcome import NotExecuted, Passed
from harness.running.child import fork_server
from harness.running.request import WarmUp
from harness.running.supervisor import Supervisor
from tests import miniatures
from tests.mutated_compiler import linked
from tests.samples import relu


@pytest.fixture
def choice(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv(compilers.VARIABLE, "{}")
    yield
    choose(Compiler())


@pytest.mark.usefixtures("choice")
def test_each_compiler_has_a_fork_server_of_its_own_and_an_executor_that_it_cannot_serve_is_absent(
    tmp_path: Path,
) -> None:
    found, outcomes = [], []
    for compiler in (Compiler("BUILD", linked(tmp_path, "ExecutionEngine", "execution_engine")), Compiler()):
        choose(compiler)
        with Supervisor(("tosa",)) as supervisor:
            outcomes.append(type(supervisor.run(relu(), "tosa").outcome))
            found.append(supervisor.loaded())
    assert outcomes == [NotExecuted, Passed], "the executors of TOSA need the engine too"
    build, installed = (loaded.packages["torch_mlir"] for loaded in found)
    assert (build.path, build.distribution) == (str(tmp_path / "torch_mlir"), "")
    assert installed.distribution == "torch-mlir"
    assert build.sha256 == installed.sha256 != ""
    assert "execution_engine" in found[0].absent["llvm-jit"]
    assert "llvm-jit" in found[1].executors


@pytest.mark.usefixtures("choice")
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("import os; os.write(2, b'no such processor'); os.abort()", "ends the process: SIGABRT, no such processor"),
        ("raise RuntimeError('built for another torch')", "RuntimeError: built for another torch"),
    ],
)
def test_a_compiler_that_cannot_be_imported_is_an_environment_error_of_one_line(
    tmp_path: Path, text: str, said: str
) -> None:
    choose(Compiler("MINIATURE", miniatures.compiler(tmp_path, fx=text)))
    with Supervisor(("control",)) as supervisor, pytest.raises(OpcovError) as raised:
        supervisor.loaded()
    assert raised.value.code == Exit.ENVIRONMENT
    assert said in str(raised.value)
    assert "--torch-mlir MINIATURE" in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.usefixtures("choice")
def test_a_process_that_lives_on_does_not_hold_up_the_fork_server_of_another_compiler() -> None:
    asked = WarmUp(backends=("control",), modes=("static",), fully=False)
    fork_server(asked, "json")
    lives_on = os.fork()  # with a copy of the pipe over which the server sees that this process is alive
    if lives_on == 0:
        time.sleep(60)
        os._exit(0)
    try:
        choose(Compiler("OTHER"))
        begun = time.monotonic()
        fork_server(asked, "json")
        assert time.monotonic() - begun < 30
    finally:
        os.kill(lives_on, signal.SIGKILL)
        os.waitpid(lives_on, 0)
