"""Say before anything is started what this machine can run, and which claims that covers."""

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wildpaper.doctor.environment import Check

NAME, HELP = "doctor", "what this machine can run, what is lacking, which claims that covers"

PROJECT = Path(__file__).resolve().parents[3]


def describe(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--preset", default="demo", help="name in config/ (default: demo)")
    what.add_argument("--all", action="store_true", help="all presets")
    parser.add_argument(
        "--network", action="store_true", help="also ask the hub and addresses; else nobody is"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--config-folder", type=Path, default=PROJECT / "config",
                        help=argparse.SUPPRESS)  # fmt: skip


def run(chosen: argparse.Namespace) -> int:
    """Print what was found; return 1 if a chosen preset cannot run here."""
    from wildpaper.doctor.environment import check_environment
    from wildpaper.errors import WildpaperError

    folder: Path = chosen.config_folder
    files = sorted(folder.glob("*.yaml")) if chosen.all else [folder / f"{chosen.preset}.yaml"]
    if not chosen.all and not files[0].is_file():
        known = ", ".join(sorted(path.stem for path in folder.glob("*.yaml")))
        raise WildpaperError(
            f"There is no preset {chosen.preset!r}", where=str(folder), hint=f"Known: {known}."
        )
    checks = check_environment(PROJECT)
    try:
        return _examine(files, checks, chosen)
    except ImportError:
        return _only_environment(checks, files, chosen.json)


def _examine(files: list[Path], checks: "list[Check]", chosen: argparse.Namespace) -> int:
    from wildpaper.doctor.machine import check_files, check_machine, check_secrets
    from wildpaper.doctor.presets import examine
    from wildpaper.doctor.text import as_json, as_text

    checks += [*check_machine(Path.cwd()), *check_secrets(), *check_files(PROJECT)]
    presets = [examine(file, PROJECT, checks, network=chosen.network) for file in files]
    if chosen.json:
        print(json.dumps(as_json(checks, presets), indent=1, ensure_ascii=False))
    else:
        print(as_text(checks, presets))
    return 0 if all(one.can_run for one in presets) else 1


def _only_environment(checks: "list[Check]", files: list[Path], wants_json: bool) -> int:
    """Say what stops every preset, where packages are missing that look at the rest."""
    if wants_json:
        machine = [{name: getattr(one, name) for name in one.__slots__} for one in checks]
        presets = [{"name": file.stem, "can_run": False, "claims": None} for file in files]
        print(json.dumps({"machine": machine, "presets": presets}, indent=1))
    else:
        for one in checks:
            print(f"{one.what}: {one.found}. {one.mend}".rstrip())
        print("No preset can run before this is mended; then call the doctor again.")
    return 1
