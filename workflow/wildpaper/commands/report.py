"""Write the HTML report of a run, whether it is finished, was stopped or failed."""

import argparse
import tomllib
from pathlib import Path
from typing import Any

NAME, HELP = "report", "the HTML report of a run, even of one that failed or was stopped"

PROJECT = Path(__file__).resolve().parents[3]


def describe(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command."""
    parser.add_argument("--preset", default="demo", help="name in config/ (default: demo)")
    parser.add_argument(
        "--out", type=Path, metavar="FILE",
        help="file to write (default: results/<preset>/publish/report.html)",
    )  # fmt: skip


def run(chosen: argparse.Namespace) -> int:
    """Write the report; return the exit status."""
    from wildpaper.errors import WildpaperError
    from wildpaper.publish.report.build import write_report

    results = Path("results", chosen.preset)
    config = PROJECT / "config" / f"{chosen.preset}.yaml"
    if not config.is_file() and not results.is_dir():
        known = ", ".join(sorted(path.stem for path in config.parent.glob("*.yaml")))
        raise WildpaperError(
            f"There is no preset {chosen.preset!r}",
            where=str(config.parent),
            hint=f"Known: {known}.",
        )
    out = chosen.out or results / "publish" / "report.html"
    publish = results / "publish"
    write_report(
        claims=publish / "claims.json",
        manifest=publish / "manifest.json",
        ledger=results / "ledger.json",
        artifacts=PROJECT / "data" / "artifacts.yaml",
        sources=PROJECT / "data" / "sources.yaml",
        report=out,
        logs=[str(results / "logs"), "data/raw"],
        preset=chosen.preset,
        **_planned(config, results),
    )
    print(f"The report is in {out}.")
    return 0


def _planned(config: Path, results: Path) -> dict[str, Any]:
    """Return what the run is to make, by its configuration; without one, what lies there."""
    import yaml

    from wildpaper.errors import WildpaperError
    from wildpaper.plan import make_plan
    from wildpaper.yaml_text import parse_yaml

    present = results / "present"
    try:
        raw = parse_yaml(config.read_text(encoding="utf-8"))
        plan = make_plan(raw, [config], str(PROJECT), "data/raw")
    except (OSError, yaml.YAMLError, WildpaperError) as error:
        project = tomllib.loads((PROJECT / "pyproject.toml").read_text("utf-8"))["project"]
        return {
            "tables": sorted((present / "tables").glob("*.csv")),
            "figures": sorted((present / "figures").glob("*.png")),
            "notebooks": sorted((present / "notebooks").glob("*.html")),
            "acquired": [],
            "version": project["version"],
            "datasets": [],
            "blanks": {},
            "trouble": str(error),
        }
    notebooks = sorted((PROJECT / "notebooks").glob("*.ipynb")) if plan.datasets else []
    return {
        "tables": [present / "tables" / f"{name}.csv" for name in plan.ids("table")],
        "figures": [present / "figures" / f"{name}.png" for name in plan.ids("figure")],
        "notebooks": [present / "notebooks" / f"{path.stem}.html" for path in notebooks],
        "acquired": [Path(dataset.acquired) for dataset in plan.datasets.values()],
        "version": plan.version,
        "datasets": list(plan.datasets),
        "blanks": plan.blanks("table", "figure"),
    }
