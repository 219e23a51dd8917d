"""Show the way from a number to everything behind it: table, rule, code, inputs, raw files."""

import argparse
import json
from pathlib import Path
from typing import Any

NAME, HELP = "explain", "the way from a number to everything behind it"

PROJECT = Path(__file__).resolve().parents[3]


def describe(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("claim", nargs="?", help="id of a claim, as in publish/claims.md")
    parser.add_argument(
        "--list", nargs="?", const="*", metavar="PATTERN",
        help="list the claims instead; 'table-01.*', or a part of their ids",
    )  # fmt: skip
    parser.add_argument("--preset", default="demo", help="what ran (default: demo)")
    parser.add_argument(
        "--results", type=Path, metavar="DIR", help="its results (default: results/<preset>)"
    )
    parser.add_argument("--full", action="store_true", help="each file, and whole checksums")
    parser.add_argument(
        "--verify", action="store_true", help="read all files behind it: are they as recorded?"
    )
    parser.add_argument("--json", action="store_true", help="print JSON")


def run(chosen: argparse.Namespace) -> int:
    """Print what is behind a claim; return the exit status."""
    from wildpaper.errors import WildpaperError
    from wildpaper.publish.explain.chain import changed
    from wildpaper.publish.explain.claim import (
        commands,
        explain_claim,
        find_claim,
        matching,
        read_claims,
    )
    from wildpaper.publish.explain.text import as_text, listed

    results = chosen.results or Path("results", chosen.preset)
    preset = _preset_of(results, chosen.preset)
    claims = read_claims(results, preset)
    if chosen.list is not None:
        found = matching(claims, chosen.list)
        _print(found if chosen.json else listed(found, chosen.list), chosen.json)
        return 0
    if not chosen.claim:
        raise WildpaperError(
            "Name a claim", hint="python -m wildpaper explain --list shows those of the run."
        )
    claim = find_claim(claims, chosen.claim)
    explained = explain_claim(claim, results, preset)
    if claim["verdict"] == "not-run":
        from wildpaper.publish.explain.not_run import what_it_takes

        takes = what_it_takes(claim, explained.facts, preset, PROJECT)
        explained.facts["takes"] = takes
        explained.facts["commands"] = [
            command for one in takes["presets"]
            for command in commands(explained.facts["artifact"], one, force=False)
        ]  # fmt: skip
    if chosen.verify and explained.chain:
        explained.facts["changed"] = changed(explained.chain, explained.records)
    _print(explained.facts if chosen.json else as_text(explained, full=chosen.full), chosen.json)
    return 0


def _preset_of(results: Path, named: str) -> str:
    """Return the preset of a run, by its claims; else the one that was named."""
    from wildpaper.errors import WildpaperError
    from wildpaper.files import read_json

    claims = results / "publish" / "claims.json"
    if claims.is_file():
        return str(read_json(claims)["preset"])
    config = PROJECT / "config"
    known = sorted(path.stem for path in config.glob("*.yaml"))
    if not results.is_dir() and named not in known:
        raise WildpaperError(
            f"There is no preset {named!r}", where=str(config), hint=f"Known: {', '.join(known)}."
        )
    return named


def _print(found: Any, as_json: bool) -> None:
    print(json.dumps(found, indent=1, ensure_ascii=False) if as_json else found)
