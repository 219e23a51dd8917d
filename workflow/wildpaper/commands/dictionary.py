"""The dictionary of all data, generated from the schemas."""

import argparse
from pathlib import Path

NAME, HELP = "dictionary", "the dictionary of all data, generated from the schemas"

_FILE = Path("docs/data-dictionary.md")


def describe(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", action="store_true", help=f"write {_FILE}")
    what.add_argument("--check", action="store_true", help="fail if it is out of date")
    parser.add_argument("--file", type=Path, default=_FILE, help=f"the file (default: {_FILE})")


def run(chosen: argparse.Namespace) -> int:
    """Write or check the dictionary; return the exit status."""
    from wildpaper.dictionary.page import check_dictionary, write_dictionary

    if chosen.write:
        write_dictionary(chosen.file)
    else:
        check_dictionary(chosen.file)
    return 0
