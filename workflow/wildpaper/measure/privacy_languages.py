"""Recall and precision of redaction by kind and language."""

from pathlib import Path
from typing import Any

from wildpaper.files import read_json, write_json
from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.privacy import KINDS, RATE_UNITS, percent_cell
from wildpaper.release.redaction.redaction_truth import rate

OTHERS = "others"
"""Row of all languages but the most frequent ones."""

MOST_LANGUAGES = 6

_CLAIM = "own.privacy-languages"


def measure_privacy_languages(assessment: Path, table: Path, notes: Path) -> None:
    """Write recall and precision by kind and language, with exact 95 % intervals.

    Recall is by the language that a message was written in, precision by the one it was
    labelled with. The six languages with the most planted items have a row each, all
    others share one.

    Parameters
    ----------
    assessment : Path
        ``redaction-truth.json`` of the release stage.
    table, notes : Path
        To write: the long table; an empty JSON object.
    """
    kinds = read_json(assessment)["kinds"]
    rows = _rows(kinds)
    cells = [
        _cell(row, slug, side, _pooled(kinds[kind]["by_language"], languages, side))
        for row, languages in rows.items()
        for kind, slug in KINDS.items()
        for side in RATE_UNITS
    ]
    write_long_table(table, [cell for cell in cells if cell.n])
    write_json(notes, {})


def _rows(kinds: dict[str, Any]) -> dict[str, list[str]]:
    """Return {row: languages}; of as many items, languages come by name."""
    planted: dict[str, int] = {}
    for kind in KINDS:
        for language, found in kinds[kind]["by_language"].items():
            planted[language] = planted.get(language, 0) + found["recall"]["n"]
    ordered = sorted(planted, key=lambda name: (-planted[name], name))
    own, others = ordered[:MOST_LANGUAGES], ordered[MOST_LANGUAGES:]
    return {name: [name] for name in own} | ({OTHERS: others} if others else {})


def _pooled(found: dict[str, Any], languages: list[str], side: str) -> dict[str, Any]:
    rates = [found[name][side] for name in languages if name in found]
    return rate(*(sum(one[key] for one in rates) for key in ("n_found", "n")))


def _cell(row: str, slug: str, side: str, found: dict[str, Any]) -> Cell:
    claim = f"{_CLAIM}.{row.lower()}.{slug}.{side}"
    return percent_cell(row, f"{slug}.{side}", found, RATE_UNITS[side], claim)
