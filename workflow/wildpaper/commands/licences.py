"""The page of licences, generated from the registries."""

import argparse
from pathlib import Path

NAME, HELP = "licences", "the page of licences, generated from the registries"

_FILE = Path("docs/licences.md")


def describe(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", action="store_true", help=f"write {_FILE}")
    what.add_argument("--check", action="store_true", help="fail if it is out of date")
    parser.add_argument("--file", type=Path, default=_FILE, help=f"the file (default: {_FILE})")


def run(chosen: argparse.Namespace) -> int:
    """Write or check the page; return the exit status."""
    from wildpaper.publish.licences import check_licences, write_licences

    if chosen.write:
        write_licences(chosen.file)
    else:
        check_licences(chosen.file)
    return 0
