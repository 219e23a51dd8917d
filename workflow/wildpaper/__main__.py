"""Small tools around the workflow: ``python -m wildpaper --help``."""

import argparse
import sys
from pathlib import Path

from wildpaper.config_docs import check_docs, write_docs
from wildpaper.errors import WildpaperError


def main(arguments: list[str] | None = None) -> int:
    """Run one command; return the exit status."""
    parser = argparse.ArgumentParser(prog="python -m wildpaper", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    config = commands.add_parser(
        "config", help="the manual of the configuration, generated from its models"
    )
    what = config.add_mutually_exclusive_group(required=True)
    what.add_argument("--write", action="store_true", help="write config/README.md and schema.json")
    what.add_argument("--check", action="store_true", help="fail if they are out of date")
    config.add_argument(
        "--folder", type=Path, default=Path("config"), help="the folder (default: config)"
    )
    chosen = parser.parse_args(arguments)
    try:
        if chosen.write:
            write_docs(chosen.folder)
        else:
            check_docs(chosen.folder)
    except WildpaperError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
