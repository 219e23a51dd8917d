"""Table 5: user messages by language."""

from pathlib import Path

from wildpaper.files import write_json
from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.shards import OpenedDataset, each_dataset
from wildpaper.measure.shares import shares_of

LANGUAGES = ("English", "Chinese", "Russian", "Spanish", "French", "German")
"""The columns of the paper's table, besides the others."""

OTHER = "other"
PUBLISHED = ("open_assistant", "sharegpt", "lmsys_chat_1m", "wildchat")
"""The rows of the paper's table."""

UNIT = "percent of turns"
USER_MESSAGES = """
SELECT cluster, {name} AS name, count(*) AS n FROM messages
WHERE role = 'user' AND has_language GROUP BY ALL
"""

_NAME = f"CASE WHEN language IN {LANGUAGES} THEN language ELSE '{OTHER}' END"


def measure_languages(
    reports: list[Path],
    conversations: list[Path],
    messages: list[Path],
    languages: list[Path],
    table: Path,
    notes: Path,
    n_replicates: int,
    seed: int,
) -> None:
    """Measure the share of each language among the user messages that have a label.

    Texts without a language are among the others.

    Parameters
    ----------
    reports, conversations, messages, languages : list of Path
        See `wildpaper.measure.shards.each_dataset`. Data sets that the paper's table lacks
        give numbers of our own.
    table, notes : Path
        The long table; a JSON object {claim id: explanation}.
    n_replicates, seed : int
        See `wildpaper.measure.bootstrap.ratio_intervals`.
    """
    cells: list[Cell] = []
    explained: dict[str, str] = {}
    labels = {"language": languages}
    for opened in each_dataset(reports, conversations, messages, labels, columns=()):
        found = _cells(opened, n_replicates, seed)
        note = explain_languages(opened)
        explained |= {cell.claim: note for cell in found if note}
        cells += found
    write_long_table(table, cells)
    write_json(notes, explained)


def _cells(opened: OpenedDataset, n_replicates: int, seed: int) -> list[Cell]:
    counts = opened.counts(USER_MESSAGES.format(name=_NAME), [*LANGUAGES, OTHER])
    totals = counts.sum(axis=1, keepdims=True)
    shares = shares_of(counts, totals, n_replicates, seed, f"table-05.{opened.dataset}")
    prefix = "table-05" if opened.dataset in PUBLISHED else "own.table-05-languages"
    row, route = opened.dataset, opened.route("language")
    names = [*map(str.lower, LANGUAGES), OTHER]
    return [
        share.cell(row, name, UNIT, f"{prefix}.{row}.{name}", route)
        for name, share in zip(names, shares, strict=True)
    ]


def explain_languages(opened: OpenedDataset) -> str:
    """Return why shares by language are missing or over a part; empty if they are not."""
    n = opened.one("SELECT count(*) FROM messages WHERE role = 'user'")
    n_labelled = opened.one("SELECT count(*) FROM messages WHERE role = 'user' AND has_language")
    if not n:
        return f"{opened.title}: no user messages"
    if not n_labelled:
        return f"{opened.title}: the files record no language"
    if n_labelled < n:
        return (
            f"{opened.title}: taken over the {n_labelled:,} of {n:,} user messages "
            "for which the files record a language"
        )
    return ""
