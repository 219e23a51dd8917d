"""Detoxify's scores beside known judgments: discrimination, calibration, thresholds."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from wildpaper.files import read_json, write_json
from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.shares import wilson_share

ARTIFACT = "detoxify-calibration"
ALL, ABOUT, AT_THRESHOLD = "all", "about", "at-threshold"
PRECISION, RECALL, FALSE_POSITIVES = "precision", "recall", "false-positive-rate"
MEAN_SCORE, TOXIC = "mean-score", "toxic"

_UNITS = {
    PRECISION: "percent of flagged texts",
    RECALL: "percent of toxic texts",
    FALSE_POSITIVES: "percent of other texts",
}


def measure_calibration(assessed: Path, table: Path, notes: Path) -> None:
    """Measure how far scores tell toxic texts from others, and what they are worth.

    Parameters
    ----------
    assessed : Path
        Counts of `wildpaper.annotate.detoxify.human.assess_human_labels`.
    table, notes : Path
        The long table; a JSON object {claim id: explanation}. Rows: ``all``, over all
        texts; ``about``, names of the model and of the judgments; ``at-threshold``, the
        configured one; ``bin-01`` to ``bin-10`` by score; ``threshold-0.01`` to
        ``threshold-0.99``. Rates are in percent, with Wilson's 95 % intervals; the area
        under the curve has DeLong's.
    """
    found = read_json(assessed)
    route = "simulated" if found["kind"] == "planted" else "computed"
    cells = [
        *_overall(found, route),
        *_rates(AT_THRESHOLD, found["at_threshold"], found, route, claimed=True),
        *_bins(found, route),
    ]
    for point in found["sweep"]:
        cells += _rates(f"threshold-{point['threshold']:.2f}", point, found, route, claimed=False)
    write_long_table(table, cells)
    write_json(notes, _explain(found, cells))


def _overall(found: Mapping[str, Any], route: str) -> Iterator[Cell]:
    n, auc = found["n"], found["auc"]
    for column, value, low, high, unit in (
        ("texts", n, None, None, "texts"),
        ("toxic-texts", found["n_toxic"], None, None, "texts"),
        ("auc", auc["value"], auc["low"], auc["high"], "area under the ROC curve"),
        ("average-precision", found["average_precision"], None, None, "area"),
        ("calibration-error", found["calibration_error"], None, None, "score"),
        ("brier", found["brier"], None, None, "squared score"),
    ):
        yield Cell(ALL, column, value, low, high, n, unit, _claim(column), route)
    yield _share(ALL, "truncated", found["n_truncated"], n, "percent of texts", route, claimed=True)
    for column, key in (("model", "annotator"), ("judgments", "judgments"), ("kind", "kind")):
        yield Cell(ABOUT, column, found[key], None, None, None, "name", "", route)


def _rates(
    row: str, point: Mapping[str, Any], found: Mapping[str, Any], route: str, *, claimed: bool
) -> Iterator[Cell]:
    """Yield the threshold, and how often it is right above it."""
    toxic, other = point["n_toxic_flagged"], point["n_other_flagged"]
    yield Cell(row, "threshold", point["threshold"], None, None, None, "score", "", route)
    for column, n, total in (
        (PRECISION, toxic, toxic + other),
        (RECALL, toxic, found["n_toxic"]),
        (FALSE_POSITIVES, other, found["n"] - found["n_toxic"]),
    ):
        yield _share(row, column, n, total, _UNITS[column], route, claimed=claimed)


def _bins(found: Mapping[str, Any], route: str) -> Iterator[Cell]:
    for i, one in enumerate(found["bins"], 1):
        row, n = f"bin-{i:02d}", one["n"]
        mean = one["score_sum"] / n if n else None
        yield Cell(row, MEAN_SCORE, mean, None, None, n, "score", "", route)
        yield _share(row, TOXIC, one["n_toxic"], n, "percent of texts", route, claimed=False)


def _share(
    row: str, column: str, n: int, total: int, unit: str, route: str, *, claimed: bool
) -> Cell:
    claim = _claim(column) if claimed else ""
    return wilson_share(n, total).cell(row, column, unit, claim, route)


def _claim(column: str) -> str:
    return f"own.{ARTIFACT}.{column}"


def _explain(found: Mapping[str, Any], cells: list[Cell]) -> dict[str, str]:
    """Say of each claim what it is taken over, and why a value is missing."""
    source = (
        "texts of the simulation, toxic where an insult is planted"
        if found["kind"] == "planted"
        else f"texts judged by people ({found['judgments']})"
    )
    note = f"{found['annotator']} on {found['n']:,} {source}"
    if found["unusable"]:
        left_out = ", ".join(f"{n:,} {reason}" for reason, n in found["unusable"].items())
        note += f"; rows left out: {left_out}"
    explained = {cell.claim: note for cell in cells if cell.claim}
    for cell in cells:
        if cell.claim and cell.value is None:
            explained[cell.claim] += "; there is nothing to divide by"
        elif cell.column == "auc" and cell.ci_low is None:
            explained[cell.claim] += "; no interval, since the scores part both kinds entirely"
    return explained
