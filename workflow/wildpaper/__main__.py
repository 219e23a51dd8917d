"""Small tools around the workflow: ``python -m wildpaper --help``."""

import argparse
import logging
import sys
from collections.abc import Callable
from types import ModuleType

from wildpaper.commands import config, fetch_detoxify, plan_training, score_toxicity
from wildpaper.errors import WildpaperError

_COMMANDS: dict[str, ModuleType] = {
    command.NAME: command for command in (config, score_toxicity, fetch_detoxify, plan_training)
}


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m wildpaper", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name, command in _COMMANDS.items():
        command.describe(commands.add_parser(name, help=command.HELP, description=command.__doc__))
    chosen = parser.parse_args(arguments)
    run: Callable[[argparse.Namespace], int] = _COMMANDS[chosen.command].run
    logging.basicConfig(format="%(asctime)s %(message)s", datefmt="%H:%M:%S")
    logging.getLogger("wildpaper").setLevel(logging.INFO)
    try:
        return run(chosen)
    except WildpaperError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
