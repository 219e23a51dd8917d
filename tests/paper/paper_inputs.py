"""Synthetic inputs of the paper: claims, tables and figures as the stages write them."""

import json
import shutil
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from wildpaper.artifacts import artifact_of, load_artifacts
from wildpaper.publish.claims_tex import write_claims_table
from wildpaper.publish.costs import write_costs
from wildpaper.publish.numbers import write_numbers
from wildpaper.publish.origins import write_origins
from wildpaper.tex import blank

ROOT = Path(__file__).parents[2]
TABLES = (
    *("table-01-datasets", "table-02-apis", "table-03-countries", "table-04-prompt-categories"),
    *("table-05-languages", "table-06-toxicity-overlap", "table-07-toxicity-datasets"),
    *("table-08-jailbreaks", "table-09-mtbench-scores", "table-10-mtbench-pairs"),
    *("table-12-detoxify-categories", "table-13-moderation-categories", "likelihood-judge"),
    *("linking-causes", "privacy-report", "privacy-languages", "embedding-overlap"),
    *("language-agreement", "near-duplicates", "interval-coverage", "jailbreak-discovery"),
    *("classifier-agreement", "toxicity-strata", "recorded-scores", "coverage-variants"),
    *("contamination", "judge-robustness"),
)
FIGURES = (
    *("figure-02a-turns", "figure-02b-languages", "figure-03-coverage", "figure-04-embeddings"),
    *("figure-05-toxicity-by-month", "figure-06-mtbench-categories"),
    *("token-lengths", "flow-ledger", "threshold-sweep", "loss-curve"),
    *("use-concentration", "conversations-by-month", "june-update", "detoxify-calibration"),
    "data-size",
)
REASONS = {
    "table-09": "needs a GPU and the weights of Llama-2, which are gated",
    "table-10": "needs a GPU and the weights of Llama-2, which are gated",
    "table-12": "the open release of WildChat holds no toxic conversation",
    "figure-03": "needs a GPU for 5 fine-tuned models & 25 evaluations",
    "training": "this preset trains no model",
}
# The smallest PDF that pdfTeX includes: one empty page of 300 by 180 points.
_PDF = b"""%PDF-1.4
1 0 obj <</Type/Catalog/Pages 2 0 R>> endobj
2 0 obj <</Type/Pages/Kids[3 0 R]/Count 1>> endobj
3 0 obj <</Type/Page/Parent 2 0 R/MediaBox[0 0 300 180]>> endobj
trailer <</Root 1 0 R>>
"""


def make_claim(**fields: Any) -> dict[str, Any]:
    """One claim of claims.json with every field of the contract."""
    claim: dict[str, Any] = {
        **{"id": "own.value", "kind": "own", "where": "", "dataset": "wildchat", "unit": ""},
        **{"published": None, "checked": True, "obtained": None, "ci_low": None, "ci_high": None},
        **{
            "tolerance": None,
            "verdict": None,
            "reason": "",
            "truth": None,
            "truth_tolerance": None,
            "truth_verdict": None,
        },
        **{"route": "computed", "artifact": "table-01-datasets", "rule": "measure_datasets"},
    }
    return claim | fields


def published_claims(*, simulated: bool, run: bool = True) -> list[dict[str, Any]]:
    """Every claim of data/published.yaml, joined to invented values."""
    document = yaml.safe_load((ROOT / "data/published.yaml").read_text(encoding="utf-8"))
    artifacts = load_artifacts(ROOT / "data/artifacts.yaml")
    joined = [
        _join(entry, simulated, run) | {"artifact": artifact_of(artifacts, entry["id"]).id}
        for entry in document["claims"]
    ]
    return joined + [
        make_claim(
            id=entry["id"],
            kind="summary",
            where="summary",
            published=entry["said"],
            verdict="not-run" if simulated else "deviates",
            reason=entry["adjudication"],
        )
        for entry in document["summary"]
    ]


def _join(entry: dict[str, Any], simulated: bool, run: bool) -> dict[str, Any]:
    value = entry["value"]
    reason = REASONS.get(entry["id"].split(".")[0], "")
    claim = make_claim(
        **{key: entry[key] for key in ("id", "where", "dataset", "unit", "checked")},
        **{"kind": "published", "published": value, "route": "simulated" if simulated else ""},
    )
    if not run or reason:
        return claim | {"verdict": "not-run", "reason": reason or "no data set", "route": "not-run"}
    claim["obtained"] = value
    if isinstance(value, int | float):
        exponent = Decimal(repr(value)).as_tuple().exponent
        claim["tolerance"] = 0.5 * 10 ** int(exponent)
        claim |= {"ci_low": value * 0.93, "ci_high": value * 1.07}
    if simulated:
        claim |= {"verdict": "not-comparable", "reason": "the corpus is simulated"}
        return claim | {"truth": value, "truth_verdict": "recovered"}
    return claim | {"verdict": "reproduced", "route": "computed"}


def write_claims(path: Path, claims: list[dict[str, Any]]) -> Path:
    document = {"preset": "demo", "release": {"wildchat": "simulated"}, "claims": claims}
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def build_folder(folder: Path, *, simulated: bool, run: bool = True) -> Path:
    """Copy paper/ to a folder and add generated/ as the workflow would."""
    shutil.copytree(ROOT / "paper", folder, ignore=shutil.ignore_patterns("generated"))
    generated = folder / "generated"
    for name in ("tables", "figures"):
        (generated / name).mkdir(parents=True)
    claims = write_claims(folder / "claims.json", published_claims(simulated=simulated, run=run))
    write_numbers(claims, generated / "numbers.tex")
    prose = sorted((ROOT / "paper").rglob("*.tex"))
    write_claims_table(claims, generated / "claims-table.tex", generated / "not-run.tex", prose)
    write_origins(**origin_inputs(), claims=claims, origins=generated / "origins.tex")
    write_costs(**cost_inputs(), costs=generated / "costs.tex", measured=generated / "measured.tex")
    flag = "true" if simulated else "false"
    texts = {
        "run": r"\def\wpPreset{demo}\def\wpVersion{0.1.0}\def\wpReleases{WildChat (simulated)}"
        rf"\newif\ifwpsimulated\wpsimulated{flag}",
        "read-table": _tabular(4, 6),
        "availability": _tabular(4, 6),
        "routes": _write_artifacts(generated, simulated, run),
    }
    for name, text in texts.items():
        (generated / f"{name}.tex").write_text(text + "\n", encoding="utf-8")
    return folder


def origin_inputs() -> dict[str, Any]:
    """What says where artifacts come from, in the project itself."""
    return {
        "artifacts": ROOT / "data/artifacts.yaml",
        "rules": sorted((ROOT / "workflow/rules").glob("*.smk")),
        "notebooks": sorted((ROOT / "notebooks").glob("*.ipynb")),
        "citation": ROOT / "CITATION.cff",
    }


def cost_inputs() -> dict[str, Any]:
    return {
        "recipes": sorted((ROOT / "data/recipes").glob("*.yaml")),
        "published": ROOT / "data/published.yaml",
        "benchmarks": sorted((ROOT / "benchmarks/results").glob("*.md")),
    }


def _write_artifacts(generated: Path, simulated: bool, run: bool) -> str:
    routes = []
    for artifact in (*TABLES, *FIGURES):
        prefix = "-".join(artifact.split("-")[:2])
        skipped = not run or prefix in REASONS
        route = "not-run" if skipped else "simulated" if simulated else "computed"
        routes.append(rf"\wpdefroute{{{artifact}}}{{{route}}}")
        folder = generated / ("tables" if artifact in TABLES else "figures")
        if skipped:
            text = blank(artifact, REASONS.get(prefix, "no data set was given to this run"))
            (folder / f"{artifact}.tex").write_text(text, encoding="utf-8")
        elif artifact in TABLES:
            columns = 13 if artifact == "table-01-datasets" else 5
            (folder / f"{artifact}.tex").write_text(_tabular(columns, 6), encoding="utf-8")
        else:
            (folder / f"{artifact}.pdf").write_bytes(_PDF)
    return "\n".join(routes)


def _tabular(columns: int, rows: int) -> str:
    cells = " & ".join(["1{,}234.56"] * (columns - 1))
    body = "\n".join(rf"Data set {row} & {cells} \\" for row in range(rows))
    return f"\\begin{{tabular}}{{l{'r' * (columns - 1)}}}\n\\toprule\n{body}\n\\bottomrule\n" + (
        "\\end{tabular}%"
    )
