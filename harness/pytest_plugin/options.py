"""The options of the main job: declared, checked before anything runs, and turned into values."""

from __future__ import annotations

import os
import secrets
import sys
from pathlib import Path
from typing import Any

import pytest

import op_suites
from harness.cases.profile import ASKS, PROFILES, Asks, profile
from harness.errors import OpcovError
from harness.programs import plugins, tcp_opt
from harness.programs.compiler import FORMS, INSTALLED, Compiler, chosen
from harness.programs.provider import provide, use
from harness.records.journal_file import JournalReader
from harness.records.query import EXAMPLE, BadQuery, Query
from harness.running.cells import Selection, every_cell, registry_query, split
from harness.running.supervisor import Limits
from harness.surface import opinfo

from . import resume, roads
from .replay import REPLAY, Replay

SUITES = Path(op_suites.__file__).parent
SAMPLES = ("census", "opinfo", "both")
WHERE = pytest.StashKey[Query]()
"""What `--where` asks for."""
SETTLED = "opcov-settled"
"""The key of a worker's input under which the controller tells what it has settled; pytest-xdist passes only words."""
HYPOTHESIS = "hypothesispytest"
"""The plugin of hypothesis: it has nothing to do in the main job, and would import hypothesis in the controller."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare the options; pytest's own `--strict` turns every shortfall into a failure."""
    group = parser.getgroup("opcov", "op coverage (pytest op_suites)")
    add = group.addoption
    add("--torch-mlir", default=INSTALLED, metavar="SPEC", help=f"the compiler: {FORMS} ({INSTALLED})")
    add("--op", action="append", default=[], metavar="GLOB", help="only these ops, such as 'aten.conv*' (repeatable)")
    add(
        "--backend",
        action="append",
        default=[],
        metavar="NAME",
        help="only these backends, or the frontend before them (repeatable)",
    )
    add("--cascades", action="store_true", help="also the lowerings to TOSA and StableHLO, converted on to linalg")
    add("--tcp-opt", metavar="PATH", help="the binary that the column tcp drives, which --cascades then has too")
    add("--mode", action="append", default=[], metavar="MODE", help="static or dynamic (repeatable)")
    add("--dtype", action="append", default=[], metavar="DTYPE", help="only these dtypes, such as bf16 (repeatable)")
    roads.add_options(add)
    add("--where", default="", metavar="QUERY", help=f"only samples such as '{EXAMPLE}'")
    add("--replay", metavar="JOURNAL", help="the samples of this journal, instead of those that the cases draw")
    add("--profile", help=f"how much is sampled: {', '.join(PROFILES)}")
    add("--samples", default="census", choices=SAMPLES, help="the cases' own, those of PyTorch's OpInfo, or both")
    add("--thorough", action="store_true", help="every executor runs every sample")
    add("--opinions", choices=ASKS, help="on which failures a second opinion is asked for (default: by the profile)")
    add("--seed", type=int, default=None, help="seed of the census (default: 0; explore: fresh and printed)")
    add("--resume", action="store_true", help="go on with the unfinished run in the folder of --out")
    add("--out", default="reports/out", metavar="DIR", help="folder of journal.jsonl.gz, index.html and matrix.md")
    add("--sample-seconds", type=float, default=Limits().seconds, help="deadline of one sample")
    add("--sample-memory", type=float, default=Limits().memory / 2**30, help="memory limit of one sample, in GiB")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Check every name before anything runs; the controller settles the seed for all workers."""
    vars(config.option).update(getattr(config, "workerinput", {}).get(SETTLED, {}))
    try:
        if config.option.tcp_opt:
            tcp_opt.choose(config.option.tcp_opt)
        _settle_samples(config)
        if selection(config) != Selection():
            roads.check(config)
            selection(config).check(op_suites.catalog(), plugins.columns(plugins.BACKENDS, plugins.CASCADES))
        if config.option.samples != "census":
            opinfo.trace()
        compiler(config)
        if config.option.seed is None:
            config.option.seed = _seed(config)
    except OpcovError as error:
        raise usage_error(error) from None


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist what is settled: a fresh seed, and when the last cell starts."""
    option = node.config.option
    node.workerinput[SETTLED] = {"seed": option.seed, "last_start": getattr(option, "last_start", None)}


def _settle_samples(config: pytest.Config) -> None:
    """Find out which samples run: those of a journal, or those of a profile, as far as a query selects them.

    Raises UnknownName, BadJournal, BadQuery and NothingSelected.
    """
    option = config.option
    if option.replay:
        _check_replay(config)
        config.stash[REPLAY] = replay = Replay(Path(option.replay), option.where)
        option.profile = option.profile or replay.profile()
        option.seed = replay.header.get("seed") if option.seed is None else option.seed
        assert replay.cells
    option.profile = option.profile or "default"
    profile(option.profile)
    if option.where and not option.replay:
        every = plugins.columns(plugins.BACKENDS, plugins.CASCADES)
        config.stash[WHERE] = registry_query(option.where, op_suites.catalog(), every, hint="add --replay JOURNAL")
        if not _any_cell(config):
            raise BadQuery(f"no cell of the registry is {option.where}", hint="leave a condition out")


def _check_replay(config: pytest.Config) -> None:
    option = config.option
    if option.samples != "census":
        raise OpcovError("--replay and --samples name two sources of samples", hint="leave one of the two out")
    if Path(option.replay).resolve() == journal_path(config).resolve() and not is_worker(config):
        raise OpcovError(
            f"--replay: the run would replace {option.replay}, which it replays",
            hint="choose another folder with --out",
        )


def _any_cell(config: pytest.Config) -> bool:
    """Whether the options ask for any cell."""
    wanted, size, backends = selection(config), profile(config.option.profile), plugins.columns(plugins.BACKENDS)
    return next(every_cell(op_suites.catalog(), backends, wanted, size), None) is not None


def compiler(config: pytest.Config) -> Compiler:
    """The compiler that is measured; a worker of pytest-xdist finds the controller's in its environment.

    Raises BadCompiler. opcov's own tests choose none: they measure what a test chooses.
    """
    if is_worker(config):
        provide(chosen())
    elif is_main_job(config) or config.option.torch_mlir != INSTALLED:
        return use(config.option.torch_mlir)
    return chosen()


def _seed(config: pytest.Config) -> int:
    """The seed where none is given: that of the run that goes on, a fresh one where it explores, else 0."""
    if config.option.resume and (path := resume.find(journal_path(config))):
        return int(JournalReader(path).header["seed"])
    return secrets.randbelow(2**31) if config.option.profile == "explore" else 0


def journal_path(config: pytest.Config) -> Path:
    """Where the run writes its journal."""
    return Path(config.option.out) / "journal.jsonl.gz"


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Do without what opcov's own tests need and the main job does not; it would take a second to load.

    The plugin of hypothesis goes once it has taken note that the session starts. With it pytest has marked all of
    hypothesis as code whose assertions it rewrites. Hypothesis itself would load whatever package has a plugin for it.
    """
    if not _is_main_job_alone(session.config):
        return
    manager = session.config.pluginmanager
    if manager.has_plugin(HYPOTHESIS):
        manager.unregister(name=HYPOTHESIS)
    finders: list[Any] = sys.meta_path
    if manager.rewrite_hook in finders:
        finders.remove(manager.rewrite_hook)
    os.environ.setdefault("HYPOTHESIS_NO_PLUGINS", "1")


def said(config: pytest.Config) -> list[str]:
    """What a run says of its options, so that it can be repeated."""
    option = config.option
    first = f"profile {option.profile}, seed {option.seed}, torch-mlir {option.torch_mlir}, out {Path(option.out)}"
    replay = config.stash.get(REPLAY, None)
    where = [f"only what is {option.where}"] if option.where else []
    return [first, *(replay.said() if replay else ()), *where]


def columns(config: pytest.Config) -> tuple[str, ...]:
    """The columns that are measured where no option names any."""
    replay = config.stash.get(REPLAY, None)
    if replay is None:
        return plugins.columns(plugins.BACKENDS)
    known = dict.fromkeys((*plugins.names(plugins.CASCADES), *plugins.columns(plugins.BACKENDS)))
    return tuple(backend for backend in known if backend in replay.backends)


def usage_error(error: OpcovError) -> pytest.UsageError:
    """The error as pytest shows it: in one line, before anything is collected."""
    return pytest.UsageError(f"opcov: {error}")


def is_main_job(config: pytest.Config) -> bool:
    """Whether any of the paths asked for is in the suites, or holds them: opcov's own tests need no executors."""
    suites = SUITES.resolve()
    return any(suites.is_relative_to(path) or path.is_relative_to(suites) for path in _asked(config))


def _is_main_job_alone(config: pytest.Config) -> bool:
    """Whether every path asked for is in the suites."""
    return all(path.is_relative_to(SUITES.resolve()) for path in _asked(config))


def is_whole(config: pytest.Config) -> bool:
    """Whether all of the registry runs: neither paths nor options narrow it."""
    narrowed = selection(config) != Selection() or config.option.keyword or config.option.replay or config.option.cells
    return not narrowed and all(SUITES.resolve().is_relative_to(path) for path in _asked(config))


def _asked(config: pytest.Config) -> list[Path]:
    return [Path(argument.partition("::")[0]).resolve() for argument in config.args]


def is_worker(config: pytest.Config) -> bool:
    """Whether this process is a worker of pytest-xdist."""
    return hasattr(config, "workerinput")


def selection(config: pytest.Config) -> Selection:
    """The cells that the options ask for."""
    option = config.option
    backends = split(option.backend)
    if option.cascades:
        named = backends or plugins.columns(plugins.BACKENDS)
        cascades = (n for n in plugins.names(plugins.CASCADES) if n != tcp_opt.COLUMN or tcp_opt.chosen())
        backends = tuple(dict.fromkeys((*cascades, *named)))
    return Selection(
        ops=split(option.op),
        backends=backends,
        modes=split(option.mode),
        dtypes=split(option.dtype),
        roads=roads.asked(config),
        where=config.stash.get(WHERE, None),
    )


def limits(config: pytest.Config) -> Limits:
    """What one sample may take."""
    option = config.option
    return Limits(seconds=option.sample_seconds, memory=int(option.sample_memory * 2**30))


def is_thorough(config: pytest.Config) -> bool:
    """Whether every executor runs every sample; if not, they are asked until one is right."""
    return bool(config.option.thorough)


def opinions(config: pytest.Config) -> Asks:
    """On which failures a second opinion is asked for."""
    asked: Asks | None = config.option.opinions
    return asked or profile(config.option.profile).opinions


def is_strict(config: pytest.Config) -> bool:
    """Whether pytest's own `--strict` is on: here, every shortfall fails."""
    return bool(config.getini("strict"))
