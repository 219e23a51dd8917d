"""The dictionary of all data, generated from the schemas."""

import argparse
from pathlib import Path

from wildpaper.generated import add_choice

NAME, HELP = "dictionary", "the dictionary of all data, generated from the schemas"

_FILE = Path("docs/data-dictionary.md")


def describe(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_choice(parser, str(_FILE))
    parser.add_argument("--file", type=Path, default=_FILE, help=f"the file (default: {_FILE})")


def run(chosen: argparse.Namespace) -> int:
    """Write or check the dictionary; return the exit status."""
    from wildpaper.dictionary.page import check_dictionary, write_dictionary

    if chosen.write:
        write_dictionary(chosen.file)
    else:
        check_dictionary(chosen.file)
    return 0
