"""Small tools around the workflow: ``python -m wildpaper --help``."""

import argparse
import logging
import os
import sys
from collections.abc import Callable
from importlib import import_module
from types import ModuleType

from wildpaper.errors import WildpaperError

_MODULES = (
    *("doctor", "explain", "report", "config", "dictionary", "licences"),
    *("plan_training", "score_toxicity", "fetch_detoxify"),
)


def _commands() -> dict[str, ModuleType]:
    """Return the commands, without those whose packages are missing: `doctor` says which."""
    found = {}
    for name in _MODULES:
        try:
            command = import_module(f"wildpaper.commands.{name}")
        except ModuleNotFoundError as error:
            if str(error.name).startswith("wildpaper"):
                raise
        else:
            found[command.NAME] = command
    return found


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m wildpaper", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    known = _commands()
    for name, command in known.items():
        command.describe(commands.add_parser(name, help=command.HELP, description=command.__doc__))
    chosen = parser.parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = known[chosen.command].run
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("wildpaper").setLevel(logging.INFO)
    try:
        status = run(chosen)
        sys.stdout.flush()
    except WildpaperError as error:
        print(error, file=sys.stderr)
        return 1
    except BrokenPipeError:  # who reads it, as `head` does, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    return status


if __name__ == "__main__":
    sys.exit(main())
