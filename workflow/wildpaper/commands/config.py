"""The manual of the configuration, generated from its models."""

import argparse
from pathlib import Path

NAME, HELP = "config", "the manual of the configuration, generated from its models"


def describe(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", action="store_true", help="write config/README.md and schema.json")
    what.add_argument("--check", action="store_true", help="fail if they are out of date")
    parser.add_argument(
        "--folder", type=Path, default=Path("config"), help="the folder (default: config)"
    )


def run(chosen: argparse.Namespace) -> int:
    """Write or check the manual; return the exit status."""
    from wildpaper.config_docs import check_docs, write_docs

    if chosen.write:
        write_docs(chosen.folder)
    else:
        check_docs(chosen.folder)
    return 0
