"""The claims ledger: every published value joined to what the run obtained."""

import csv
import math
from collections import Counter
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path
from typing import Any

from wildpaper.artifacts import Artifact, artifact_of, load_artifacts
from wildpaper.config import DATASETS
from wildpaper.errors import WildpaperError
from wildpaper.files import read_json, write_json, write_text
from wildpaper.long_table import Cell, read_long_table
from wildpaper.publish.claims_md import claims_markdown
from wildpaper.publish.planted import BY_MESSAGE, MESSAGES, Truth, read_truth
from wildpaper.publish.published import (
    PublishedClaim,
    SummaryStatement,
    load_published,
    tolerance_of,
)
from wildpaper.publish.statements import judge_statement
from wildpaper.publish.truth import compare
from wildpaper.releases import Release, read_releases

FIELDS = (
    "id",
    "kind",
    "where",
    "dataset",
    "unit",
    "published",
    "checked",
    "obtained",
    "ci_low",
    "ci_high",
    "tolerance",
    "verdict",
    "reason",
    "truth",
    "truth_tolerance",
    "truth_verdict",
    "route",
    "artifact",
    "rule",
)


@dataclass(frozen=True, slots=True)
class Run:
    """What the ledger knows of a run."""

    preset: str
    datasets: list[str]
    releases: dict[str, Release]
    artifacts: list[Artifact]
    cells: dict[str, Cell]
    notes: dict[str, str] = field(default_factory=dict)
    blanks: dict[str, str] = field(default_factory=dict)
    truth: Truth = field(default_factory=Truth)


def write_claims(
    published: Path,
    artifacts: Path,
    acquired: list[Path],
    tables: list[Path],
    notes: list[Path],
    truth: list[Path],
    errors: list[Path],
    redaction: list[Path],
    claims: Path,
    markdown: Path,
    table: Path,
    preset: str,
    datasets: list[str],
    blanks: dict[str, str],
    minimum_prompts: int,
) -> None:
    """Join the published values to the tables of the run; write JSON, Markdown and CSV.

    Parameters
    ----------
    published, artifacts : Path
        ``data/published.yaml`` and ``data/artifacts.yaml``.
    acquired : list of Path
        ``acquired.json`` of each data set of the run.
    tables, notes : list of Path
        Long tables, and explanations {claim id: text} of the measure stage.
    truth, errors, redaction : list of Path
        ``truth.json``, ``annotator-errors.json`` and ``redaction-truth.json`` of a simulated
        run; empty otherwise.
    claims, markdown, table : Path
        To write.
    preset : str
    datasets : list of str
        Data sets of the run.
    blanks : dict
        {artifact id: why this run does not build it}.
    minimum_prompts : int
        User messages from which on a language counts.
    """
    listed, summary = load_published(published)
    cells = [cell for path in tables for cell in read_long_table(path) if cell.claim]
    run = Run(
        preset=preset,
        datasets=datasets,
        releases=read_releases(acquired),
        artifacts=load_artifacts(artifacts),
        cells={cell.claim: cell for cell in cells},
        notes={key: text for path in notes for key, text in read_json(path).items()},
        blanks=blanks,
        truth=read_truth(truth, errors, redaction, minimum_prompts),
    )
    known = {claim.id for claim in listed}
    _check_ids(cells, known, run.artifacts)
    rows = [judge(claim, run) for claim in listed]
    rows += [_summary_row(statement, rows, run) for statement in summary]
    own = [_own_row(cell, run) for name, cell in run.cells.items() if name not in known]
    rows += [row for row in own if row["obtained"] is not None or row["truth"] is not None]
    releases = {name: release["title"] for name, release in run.releases.items()}
    result = {"preset": preset, "release": releases, "claims": rows}
    write_json(claims, result)
    write_text(markdown, claims_markdown(result))
    write_text(table, _as_csv(rows))


def _check_ids(cells: list[Cell], known: set[str], artifacts: list[Artifact]) -> None:
    """Refuse ids that two cells answer, and unknown ids of the form of published ones."""
    counts = Counter(cell.claim for cell in cells)
    twice = [name for name, n in counts.items() if n > 1]
    unknown = [
        cell.claim
        for cell in cells
        if cell.value is not None
        and cell.claim not in known
        and any(artifact.answers(cell.claim) for artifact in artifacts)
    ]
    if twice or unknown:
        raise WildpaperError(
            f"Claims that two cells answer: {twice}; that nobody published: {unknown}",
            where="the tables of the measure stage",
            hint="An own number takes an id that no pattern in data/artifacts.yaml matches.",
        )


def judge(claim: PublishedClaim, run: Run) -> dict[str, Any]:
    """Return the ledger's row of one published claim: obtained value, verdict, reason."""
    artifact = artifact_of(run.artifacts, claim.id)
    cell = run.cells.get(claim.id)
    tolerance = tolerance_of(claim)
    row = {
        "id": claim.id,
        "kind": "published",
        "where": claim.where,
        "dataset": claim.dataset,
        "unit": claim.unit,
        "published": claim.value,
        "checked": claim.checked,
        "obtained": cell.value if cell else None,
        "ci_low": cell.ci_low if cell else None,
        "ci_high": cell.ci_high if cell else None,
        "tolerance": tolerance,
        "verdict": "not-run",
        "reason": "",
        **_against_truth(claim.id, cell, _datasets_of(claim), artifact, run),
        "route": cell.route if cell and cell.value is not None else None,
        "artifact": artifact.id,
        "rule": artifact.rule or None,
    }
    others = _why_not_comparable(claim, run)
    if cell is None or cell.value is None:
        row["reason"] = _why_not_run(claim, artifact, run, cell)
    elif others:
        row |= {"verdict": "not-comparable", "reason": others}
    elif agrees(cell.value, claim.value, tolerance):
        row["verdict"] = "reproduced"
    else:
        reason = run.notes.get(claim.id) or claim.note or "no reason known"
        row |= {"verdict": "deviates", "reason": reason}
    return row


def agrees(obtained: float | str, published: float | str, tolerance: float | None) -> bool:
    """Say whether a value rounds to the published one; dates and words must be equal.

    The margin that half a unit of the last digit leaves to binary fractions is one part
    in 10^12 of the value.
    """
    if isinstance(obtained, str) or isinstance(published, str) or tolerance is None:
        return str(obtained) == str(published)
    slack = 1e-12 * max(abs(published), 1.0)
    return math.isfinite(obtained) and abs(obtained - published) <= tolerance + slack


def _why_not_comparable(claim: PublishedClaim, run: Run) -> str:
    """Return why a release behind a claim is another than the paper's; empty if none is."""
    releases = [run.releases[n] for n in _datasets_of(claim) if n in run.releases]
    return "; ".join(release["why_not"] for release in releases if not release["comparable"])


def _against_truth(
    claim: str, cell: Cell | None, datasets: list[str], artifact: Artifact | None, run: Run
) -> dict[str, Any]:
    """Return the second verdict; there is none where a data set behind it is not simulated."""
    behind = [run.releases[name] for name in datasets if name in run.releases]
    other_unit = cell and claim.startswith(BY_MESSAGE) and cell.unit != MESSAGES
    if other_unit or not behind or not all(release["simulated"] for release in behind):
        return dict.fromkeys(("truth", "truth_tolerance", "truth_verdict"))
    blank = artifact is not None and bool(artifact.not_built or artifact.id in run.blanks)
    obtained, n = (cell.value, cell.n) if cell else (None, None)
    return compare(claim, obtained, n, built=cell is not None and not blank, truth=run.truth)


def _datasets_of(claim: PublishedClaim) -> list[str]:
    return list(dict.fromkeys(claim.dataset.split(",")))


def _why_not_run(claim: PublishedClaim, artifact: Artifact, run: Run, cell: Cell | None) -> str:
    if artifact.not_built:
        return artifact.not_built
    missing = [
        name for name in _datasets_of(claim) if name in DATASETS and name not in run.datasets
    ]
    if missing:
        return f"data set not in this run (source: none): {', '.join(missing)}"
    if artifact.id in run.blanks:
        return run.blanks[artifact.id]
    if cell is None:
        raise WildpaperError(
            f"No table of the run has a line for the claim {claim.id!r}",
            where=f"rule {artifact.rule}",
            hint="Its rule must write one for each published claim, without a value if need be.",
        )
    return run.notes.get(claim.id) or "the run's data do not give this value"


def _summary_row(
    statement: SummaryStatement, rows: list[dict[str, Any]], run: Run
) -> dict[str, Any]:
    return dict.fromkeys(FIELDS) | {
        "id": statement.id,
        "kind": "summary",
        "where": "summary",
        "dataset": "",
        "unit": "statement",
        "published": statement.said,
        "checked": True,
        **judge_statement(statement, rows, run.cells),
    }


def _own_row(cell: Cell, run: Run) -> dict[str, Any]:
    owners = [a for a in run.artifacts if cell.claim.removeprefix("own.").startswith(a.id)]
    owner = owners[0] if owners else None
    if cell.row in run.releases:
        datasets = [cell.row]
    else:
        datasets = list(owner.datasets if owner else run.releases)
    return dict.fromkeys(FIELDS) | {
        "id": cell.claim,
        "kind": "own",
        "where": "own numbers",
        "dataset": cell.row,
        "unit": cell.unit,
        "checked": True,
        "obtained": cell.value,
        "ci_low": cell.ci_low,
        "ci_high": cell.ci_high,
        "reason": "",
        **_against_truth(cell.claim, cell, datasets, owner, run),
        "route": None if cell.value is None else cell.route,
        "artifact": owner.id if owner else None,
        "rule": owner.rule if owner else None,
    }


def _as_csv(rows: list[dict[str, Any]]) -> str:
    buffer = StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(FIELDS)
    for row in rows:
        writer.writerow(["" if row[name] is None else row[name] for name in FIELDS])
    return buffer.getvalue()
