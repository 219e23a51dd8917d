"""The page of licences, generated from the registries."""

import argparse
from pathlib import Path

from wildpaper.generated import add_choice

NAME, HELP = "licences", "the page of licences, generated from the registries"

_FILE = Path("docs/licences.md")


def describe(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_choice(parser, str(_FILE))
    parser.add_argument("--file", type=Path, default=_FILE, help=f"the file (default: {_FILE})")


def run(chosen: argparse.Namespace) -> int:
    """Write or check the page; return the exit status."""
    from wildpaper.publish.licences import check_licences, write_licences

    if chosen.write:
        write_licences(chosen.file)
    else:
        check_licences(chosen.file)
    return 0
