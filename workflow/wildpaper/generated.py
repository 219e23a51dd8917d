"""Pages of the project that are generated and kept in sync: written anew, or checked."""

import argparse
from pathlib import Path

from wildpaper.errors import WildpaperError


def add_choice(parser: argparse.ArgumentParser, what: str) -> None:
    """Let a command be told to write or to check; `what` names the files."""
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--write", action="store_true", help=f"write {what}")
    choice.add_argument("--check", action="store_true", help="fail if that is out of date")


def check_generated(path: Path, text: str, source: str) -> None:
    """Compare a file with what it should hold.

    Raises
    ------
    WildpaperError
        If it is missing or holds something else; `source` says what it is made from.
    """
    if not path.is_file() or path.read_text(encoding="utf-8") != text:
        raise WildpaperError(
            f"Out of date with {source}",
            where=str(path),
            hint="Run 'make docs' and commit the result.",
        )
