"""Figure 2b: user messages in every language, down to the rarest."""

from pathlib import Path

from wildpaper.files import write_json
from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.shards import OpenedDataset, open_dataset
from wildpaper.measure.shares import shares_of, slugs
from wildpaper.measure.table_05_languages import UNIT, USER_MESSAGES, explain_languages

MINIMUM = "languages.minimum-prompts"
_OWN = "own.figure-02b-languages"


def measure_language_tail(
    report: Path,
    conversations: list[Path],
    messages: list[Path],
    languages: list[Path],
    table: Path,
    notes: Path,
    minimum_prompts: int,
    n_replicates: int,
    seed: int,
) -> None:
    """Count the user messages of WildChat by language, the most frequent first.

    Parameters
    ----------
    report : Path
        Ingest report of WildChat.
    conversations, messages, languages : list of Path
        Its shards and labels.
    table, notes : Path
        The long table: first the minimum from which a language counts, then two lines a
        language, `messages` (a count; its row is the language's English name) and
        `percent`; a JSON object {claim id: explanation}.
    minimum_prompts : int
        User messages from which on a language counts.
    n_replicates, seed : int
        See `wildpaper.measure.bootstrap.ratio_intervals`.
    """
    with open_dataset(report, conversations, messages, {"language": languages}) as opened:
        unit = "user prompts for a language to count"
        route = opened.route()
        setting = Cell(
            "minimum", "setting", minimum_prompts, None, None, None, unit, MINIMUM, route
        )
        write_long_table(table, [setting, *_cells(opened, n_replicates, seed)])
        note = explain_languages(opened)
    write_json(notes, {"figure-02b-languages": note} if note else {})


def _cells(opened: OpenedDataset, n_replicates: int, seed: int) -> list[Cell]:
    names = [
        name
        for name, _ in opened.connection.execute(
            "SELECT language, count(*) AS n FROM messages WHERE role = 'user' AND has_language "
            "GROUP BY language ORDER BY n DESC, language"
        ).fetchall()
    ]
    counts = opened.counts(USER_MESSAGES.format(name="language"), names)
    totals = counts.sum(axis=1, keepdims=True)
    shares = shares_of(counts, totals, n_replicates, seed, "figure-02b")
    slug_of, route = slugs(names), opened.route("language")
    cells = []
    for name, share in zip(names, shares, strict=True):
        count = (share.n, None, None, share.total, "user messages", "", route)
        cells.append(Cell(name, "messages", *count))
        cells.append(share.cell(name, "percent", UNIT, f"{_OWN}.{slug_of[name]}", route))
    return cells
