"""`opcov`: parse the command line, run the command that it names, turn an error into a line and an exit status.

Text for people goes to stdout; with `--json` it is JSON for programs. Errors and progress go to stderr.
"""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Protocol, cast

from harness.errors import Exit, OpcovError


class Command(Protocol):
    """What a module of this package has, if it is a command of `opcov`."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's arguments, apart from `--json`, which every command has."""

    def run(self, options: argparse.Namespace) -> Exit:
        """Print the answer and return the exit status; raises OpcovError."""


COMMANDS: Mapping[str, str] = {
    "ops": "what is in the registry, against which denominators, what is missing",
    "matrix": "the coverage matrix as text, Markdown or CSV",
    "html": "the report, one self-contained file",
    "diff": "what changed between two journals: worse, better, changed, undecided",
    "clusters": "the causes of what fails: one entry for all ops, modes and dtypes that fail alike",
    "issue": "a text about one cause, or about each, for torch-mlir's tracker; nothing is sent",
    "todo": "what to mend or to lower next, ranked by what passes once it is mended",
    "roads": "what one frontend, transform or level brings through and another does not",
    "bottleneck": "how many ops the surface comes down to at each level, and what is left to lower",
    "causes": "cut the programs that fail: which of their ops are at fault",
    "blame": "how many executors confirm a verdict, and which are at fault themselves",
    "sensitivity": "seed wrong lowerings, see how many the census catches",
    "slack": "how much of their bounds results use: cells close to theirs, classes with too much",
    "baseline": "what is expected of each cell with the pinned pair: check a run, update it, write it",
    "record": "add a journal to the history",
    "history": "since when a cell is wrong, or right again, in the runs that were recorded",
    "explain": "one op: outcomes by trait, smallest failing sample, diagnostic, IR",
    "ab": "two compilers on the same samples, then what changed from one to the other",
    "bisect": "the first bad one of a list of compilers, by one sample",
    "night": "measure for a limited time, compare with last night, publish a folder",
    "repro": "run one sample again, alone; write a standalone script and the IR",
}
"""What each command does, by its name, which is its module's too; in the order in which `opcov --help` lists them."""


GARBAGE = 1_000_000
"""After how many new objects Python looks for cycles: seldom, since what a command reads has none and may be large."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name, by default those of this process; return its exit status.

    `errors.Exit` lists the statuses. Raises SystemExit, as argparse does, for `--help` and for bad usage.
    """
    gc.set_threshold(GARBAGE)
    arguments = sys.argv[1:] if argv is None else argv
    options = _parser(arguments[0] if arguments else "").parse_args(arguments)
    try:
        status: Exit = options.run(options)
        sys.stdout.flush()
    except OpcovError as error:
        print(f"opcov: {error}", file=sys.stderr)
        return error.code
    except BrokenPipeError:  # `opcov ... | head`: reopen stdout, or Python fails to flush it on exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return Exit.OK
    return status


def _parser(wanted: str) -> argparse.ArgumentParser:
    """The parser of the command line; only the wanted command's module is imported, since some take long to load."""
    parser = argparse.ArgumentParser(
        prog="opcov",
        description="Op coverage of torch-mlir's lowerings.",
        epilog="exit status: 0 ok, 1 the command found a failure, 2 bad usage, 3 bad data, 4 bad environment",
    )
    subparsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for name, does in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=does, description=f"{does[0].upper()}{does[1:]}.")
        if name == wanted:
            command = cast(Command, import_module(f"{__package__}.{name}"))
            subparser.set_defaults(run=command.run)
            subparser.add_argument("--json", action="store_true", help="print JSON")
            command.add_arguments(subparser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
