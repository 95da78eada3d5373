"""`opcov`: parse the command line, run the command that it names, turn an error into a line and an exit status.

Text for people goes to stdout; with `--json` it is JSON for programs. Errors and progress go to stderr.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Protocol

from harness.errors import Exit, OpcovError

from . import blame, explain, html, matrix, ops, repro, sensitivity, slack, todo


class Command(Protocol):
    """What a module of this package has, if it is a command of `opcov`."""

    NAME: str
    HELP: str

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the command's arguments, apart from `--json`, which every command has."""

    def run(self, options: argparse.Namespace) -> Exit:
        """Print the answer and return the exit status; raises OpcovError."""


COMMANDS: tuple[Command, ...] = (ops, matrix, html, todo, blame, sensitivity, slack, explain, repro)
"""In the order in which `opcov --help` lists them."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command that the arguments name, by default those of this process; return its exit status.

    `errors.Exit` lists the statuses. Raises SystemExit, as argparse does, for `--help` and for bad usage.
    """
    options = _parser().parse_args(argv)
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="opcov",
        description="Op coverage of torch-mlir's lowerings.",
        epilog="exit status: 0 ok, 1 the command found a failure, 2 bad usage, 3 bad data, 4 bad environment",
    )
    subparsers = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")
    for command in COMMANDS:
        description = f"{command.HELP[0].upper()}{command.HELP[1:]}."
        subparser = subparsers.add_parser(command.NAME, help=command.HELP, description=description)
        subparser.set_defaults(run=command.run)
        subparser.add_argument("--json", action="store_true", help="print JSON")
        command.add_arguments(subparser)
    return parser


if __name__ == "__main__":
    sys.exit(main())
