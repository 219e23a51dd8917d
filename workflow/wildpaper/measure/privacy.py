"""The privacy report: recall and precision of redaction on what was planted, and what is left."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from wildpaper.files import read_json, write_json
from wildpaper.long_table import Cell, write_long_table

ARTIFACT = "privacy-report"
ROUTE = "simulated"
"""Only a simulation knows what was planted."""

KINDS = {
    "PERSON": "person",
    "EMAIL_ADDRESS": "email-address",
    "PHONE_NUMBER": "phone-number",
    "CREDIT_CARD": "credit-card",
    "URL": "url",
    "SECRET": "secret",
}
"""Slugs of the kinds, in the order of the table."""

RATE_UNITS = {
    "recall": "percent of items within the rules' reach",
    "precision": "percent of redactions",
}

_NAMED = ("PERSON", "English")
_NAMED_ROW = "person-english"


def measure_privacy(
    assessment: Path, table: Path, notes: Path, leaks: list[Path] | None = None
) -> None:
    """Write recall, precision and what is left, by kind, as numbers of our own.

    Parameters
    ----------
    assessment : Path
        ``redaction-truth.json`` of the release stage.
    table, notes : Path
        To write: the long table; a JSON object {claim id: why there is no value}.
    leaks : list of Path, optional
        ``leaks.json`` of the release stage: how many values the leak scan looked for.

    Notes
    -----
    Columns of a kind: `planted` (items within the rules' reach), `recall` and `precision`
    in percent with exact 95 % intervals, `left` (items that the rules leave by design) and
    `left-<reason>`. The row `person-english` holds the same of names in English messages,
    the language with a model in any run, and `missed-<cause>`.
    """
    kinds = read_json(assessment)["kinds"]
    cells: list[Cell] = []
    explained: dict[str, str] = {}
    for kind, slug in KINDS.items():
        cells += _rates(slug, kinds[kind], explained)
        cells += _left(slug, kinds[kind]["left_by_design"])
    kind, language = _NAMED
    named = kinds[kind]["by_language"].get(language)
    if named is not None:
        cells += _rates(_NAMED_ROW, named, explained)
        n = named["recall"]["n"]
        cells += [
            _cell(_NAMED_ROW, f"missed-{cause}", count, n=n, unit="names in English")
            for cause, count in named["misses"].items()
        ]
    cells += [cell for path in leaks or [] for cell in _scanned(read_json(path))]
    write_long_table(table, cells)
    write_json(notes, explained)


def _rates(slug: str, found: dict[str, Any], explained: dict[str, str]) -> Iterable[Cell]:
    recall, precision = found["recall"], found["precision"]
    yield _cell(slug, "planted", recall["n"], unit="items within the rules' reach")
    for column, rate in (("recall", recall), ("precision", precision)):
        yield percent_cell(slug, column, rate, RATE_UNITS[column], _claim(slug, column))
    if not recall["n"]:
        explained[_claim(slug, "recall")] = "nothing of this kind was planted in released messages"
    if not precision["n"]:
        explained[_claim(slug, "precision")] = "nothing was redacted as of this kind"


def _left(slug: str, reaches: dict[str, dict[str, int]]) -> Iterable[Cell]:
    n, n_left = (sum(counts[key] for counts in reaches.values()) for key in ("n", "n_left"))
    yield _cell(slug, "left", n_left, n=n, unit="items that the rules leave by design")
    for reach, counts in reaches.items():
        yield _cell(slug, f"left-{reach}", counts["n_left"], n=counts["n"], unit="items")


def _scanned(report: dict[str, Any]) -> Iterable[Cell]:
    n = sum(report["n_needles"].values())
    yield _cell("leak-scan", "values", n, unit="values looked for")
    yield _cell("leak-scan", "found", len(report["leaks"]), n=n, unit="values found")


def percent_cell(row: str, column: str, rate: dict[str, Any], unit: str, claim: str) -> Cell:
    """Return a rate (`wildpaper.release.redaction.redaction_truth.rate`) in percent."""
    share, low, high = (
        None if rate[key] is None else 100 * rate[key] for key in ("share", "low", "high")
    )
    return Cell(row, column, share, low, high, rate["n"], unit, claim, ROUTE)


def _cell(row: str, column: str, value: int, *, unit: str, n: int | None = None) -> Cell:
    return Cell(row, column, value, None, None, n, unit, _claim(row, column), ROUTE)


def _claim(row: str, column: str) -> str:
    return f"own.{ARTIFACT}.{row}.{column}"
