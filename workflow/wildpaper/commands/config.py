"""The manual of the configuration, generated from its models."""

import argparse
from pathlib import Path

from wildpaper.generated import add_choice

NAME, HELP = "config", "the manual of the configuration, generated from its models"


def describe(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    add_choice(parser, "config/README.md and schema.json")
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
