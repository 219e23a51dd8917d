"""Runs of the claims ledger on small tables."""

import json
from pathlib import Path

from wildpaper.artifacts import load_artifacts
from wildpaper.long_table import Cell, write_long_table
from wildpaper.publish.claims import write_claims
from wildpaper.publish.published import load_published

ROOT = Path(__file__).resolve().parents[2]
PUBLISHED, ARTIFACTS = ROOT / "data/published.yaml", ROOT / "data/artifacts.yaml"
ALPACA = "table-01.alpaca."
UNLABELLED = dict.fromkeys(
    (
        "table-07-toxicity-datasets",
        "table-12-detoxify-categories",
        "table-13-moderation-categories",
        "figure-03-coverage",
        "table-09-mtbench-scores",
        "table-10-mtbench-pairs",
    ),
    "this run has no labels",
)


def release(dataset: str = "alpaca", **fields) -> dict:
    known = {
        "title": f"{dataset}, a release",
        "comparable": True,
        "why_not": "",
        "simulated": False,
    }
    return {"dataset": dataset, "release": known | fields}


def cell(claim: str, value, route: str = "computed", **fields) -> Cell:
    _, row, column = claim.split(".", 2)
    known = {"ci_low": None, "ci_high": None, "n": 1, "unit": "x"} | fields
    return Cell(row=row, column=column, value=value, claim=claim, route=route, **known)


def as_published(prefix: str = ALPACA, **changed) -> list[Cell]:
    """Return cells that hold what was printed, but for the columns in `changed`."""
    claims, _ = load_published(PUBLISHED)
    values = {c.id: c.value for c in claims if c.id.startswith(prefix)}
    values |= {prefix + name.replace("_", "-"): value for name, value in changed.items()}
    return [cell(name, value) for name, value in values.items()]


def write(
    folder: Path,
    cells: list[Cell] | list[list[Cell]] = (),
    releases: list[dict] = (),
    notes: dict[str, str] | None = None,
    published: Path = PUBLISHED,
    artifacts: Path = ARTIFACTS,
    realised: dict | None = None,
    errors: dict | None = None,
    blanks: dict[str, str] | None = None,
    minimum_prompts: int = 100,
) -> dict:
    """Write the ledger of a run that measured `cells`; return claims.json."""
    folder.mkdir(parents=True, exist_ok=True)
    tables, acquired = [], []
    groups = cells if cells and isinstance(cells[0], list) else [list(cells)]
    for i, group in enumerate(groups):
        tables.append(folder / f"table-{i}.csv")
        write_long_table(tables[-1], group)
    for item in releases:
        acquired.append(folder / f"{item['dataset']}.json")
        acquired[-1].write_text(json.dumps(item), encoding="utf-8")
    (folder / "notes.json").write_text(json.dumps(notes or {}), encoding="utf-8")
    truth, measured = folder / "truth.json", folder / "annotator-errors.json"
    for path, content in ((truth, {"realised": realised}), (measured, errors)):
        path.write_text(json.dumps(content), encoding="utf-8")
    write_claims(
        published, artifacts, acquired, tables, [folder / "notes.json"],
        [] if realised is None else [truth], [] if errors is None else [measured],
        [], folder / "claims.json", folder / "claims.md", folder / "claims.csv",
        "test", [item["dataset"] for item in releases],
        UNLABELLED if blanks is None else blanks, minimum_prompts,
    )  # fmt: skip
    return json.loads((folder / "claims.json").read_text(encoding="utf-8"))


def by_id(result: dict) -> dict[str, dict]:
    found = {claim["id"]: claim for claim in result["claims"]}
    assert len(found) == len(result["claims"])
    return found


def all_patterns() -> list[tuple[str, str]]:
    return [(a.id, pattern) for a in load_artifacts(ARTIFACTS) for pattern in a.claims]
