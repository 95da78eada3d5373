from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from harness.commands import cli
from tests.synthetic import everything, written

ROOT = Path(__file__).parents[3]
SLOW = ("torch", "torch_mlir", "numpy", "hypothesis", "jinja2", "op_suites", "pytest", "multiprocessing")
"""What takes long to import, and what no command needs that only reads a journal."""


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("cli") / "journal.jsonl.gz", everything()[:50])


@pytest.mark.parametrize(
    "arguments",
    ["matrix JOURNAL", "todo --backend tosa JOURNAL", "blame JOURNAL", "slack JOURNAL", "bottleneck JOURNAL",
     "clusters JOURNAL", "explain aten.gelu.default --journal JOURNAL", "matrix --format csv JOURNAL"],
)  # fmt: skip
def test_a_command_that_reads_a_journal_loads_nothing_slow(arguments: str, journal: Path) -> None:
    argv = [str(journal) if word == "JOURNAL" else word for word in arguments.split()]
    code = (
        f"import sys; from harness.commands.cli import main; status = main({argv!r})\n"
        f"print(status, *(m for m in {SLOW} if m in sys.modules), file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr.split() == ["0"]


def test_help_lists_every_command_and_a_command_lists_its_arguments(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    said = " ".join(capsys.readouterr().out.split())
    for name, does in cli.COMMANDS.items():
        assert f"{name} {does}" in said
    with pytest.raises(SystemExit):
        cli.main(["matrix", "--help"])
    assert "--format" in capsys.readouterr().out


def test_damage_is_said_on_stderr_and_in_the_answer(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = bytearray(journal.read_bytes())
    data[len(data) // 3] ^= 0x40
    hurt = journal.with_name("hurt.jsonl.gz")
    hurt.write_bytes(data)
    for _ in range(2):
        assert cli.main(["matrix", str(hurt)]) == 0
        said = capsys.readouterr()
        assert f"opcov: {hurt} is damaged: line" in said.err
        assert "The journal is damaged: line" in said.out
        assert all("the gzip member at byte 0 is damaged" in text for text in (said.err, said.out))


def test_sensitivity_says_that_the_frontend_lowers_nothing(journal: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["sensitivity", "--backend", "frontend", str(journal)]) == 2
    assert "the frontend lowers nothing; name a backend: linalg" in capsys.readouterr().err
