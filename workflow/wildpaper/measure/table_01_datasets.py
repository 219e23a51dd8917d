"""Table 1: size, turns, message lengths and languages of the data sets."""

import math
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

from wildpaper.annotate.names import NO_LANGUAGE
from wildpaper.files import write_json
from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.bootstrap import Interval, ratio_intervals
from wildpaper.measure.lengths import (
    DatasetSums,
    Moments,
    drop_duplicates,
    sum_dataset,
)
from wildpaper.measure.shards import OpenedDataset, each_dataset

_TOKENS = "Llama-2 tokens"
_USERS = {
    "open_assistant": "the authors of opening prompts; the published number is of all contributors"
}
"""Who counts as a user, where that is not who the paper counts."""
_LABELS = {_TOKENS: ("tokens",), "languages": ("language",)}


def measure_datasets(
    reports: list[Path],
    conversations: list[Path],
    messages: list[Path],
    tokens: list[Path],
    languages: list[Path],
    table: Path,
    notes: Path,
    deviation: str,
    minimum_prompts: int,
    n_replicates: int,
    seed: int,
) -> None:
    """Measure the rows of Table 1 for all data sets of the run.

    Each value is measured with exact duplicates, as the paper's are, and, as a number of
    our own, without.

    Parameters
    ----------
    reports, conversations, messages, tokens, languages : list of Path
        See `each_dataset`.
    table, notes : Path
        The long table; a JSON object {claim id: explanation} for values that need one.
    deviation : {"population", "sample"}
    minimum_prompts : int
        User messages from which on a language counts.
    n_replicates, seed : int
        See `ratio_intervals`.
    """
    cells: list[Cell] = []
    explained: dict[str, str] = {}
    labels = {"tokens": tokens, "language": languages}
    for opened in each_dataset(reports, conversations, messages, labels, columns=()):
        sums = sum_dataset(opened)
        intervals = dataset_intervals(sums, n_replicates, seed, opened.dataset)
        cells += dataset_cells(opened, sums, intervals, deviation, minimum_prompts)
        explained |= _explain(opened, sums, minimum_prompts)
        drop_duplicates(opened)
        distinct = dataset_cells(opened, sum_dataset(opened), {}, deviation, minimum_prompts)
        cells += [_without_duplicates(cell) for cell in distinct if cell.value is not None]
    write_long_table(table, cells)
    write_json(notes, explained)


def _without_duplicates(cell: Cell) -> Cell:
    """Return a value taken over distinct conversations as a number of our own."""
    column = f"{cell.column}-without-duplicates"
    return replace(cell, column=column, claim=f"own.table-01-datasets.{cell.row}.{column}")


def dataset_intervals(
    sums: DatasetSums, n_replicates: int, seed: int, name: str
) -> dict[str, Interval | None]:
    """Return the 95 % intervals of the three means, by a bootstrap over users or conversations."""
    columns = ("turns-per-conversation", "user-tokens-mean", "chatbot-tokens-mean")
    # clusters: conversations, turns, user tokens, user n, chatbot tokens, chatbot n
    numerators, denominators = sums.clusters[:, [1, 2, 4]], sums.clusters[:, [0, 3, 5]]
    found = ratio_intervals(numerators, denominators, n_replicates, seed, f"table-01.{name}")
    return dict(zip(columns, found, strict=True))


def dataset_cells(
    opened: OpenedDataset,
    sums: DatasetSums,
    intervals: dict[str, Interval | None],
    deviation: str,
    minimum_prompts: int,
) -> list[Cell]:
    """Return the eight values of one row of Table 1."""
    user, chatbot = sums.tokens["user"], sums.tokens["chatbot"]
    n = sums.n_conversations
    n_labelled = sum(count for _, count in sums.languages)
    n_languages = len(counted_languages(sums.languages, minimum_prompts))
    values: list[tuple[str, Any, int | None, str]] = [
        ("conversations", n, n, "conversations"),
        ("users", sums.n_users, sums.n_with_user, "users"),
        ("turns-per-conversation", _ratio(sums.n_turns, n), n, "turns per conversation"),
        ("user-tokens-mean", _ratio(user.total, user.n), user.n, _TOKENS),
        ("user-tokens-std", standard_deviation(user, deviation), user.n, _TOKENS),
        ("chatbot-tokens-mean", _ratio(chatbot.total, chatbot.n), chatbot.n, _TOKENS),
        ("chatbot-tokens-std", standard_deviation(chatbot, deviation), chatbot.n, _TOKENS),
        ("languages", n_languages if n_labelled or not user.n else None, n_labelled, "languages"),
    ]
    cells = []
    for column, value, count, unit in values:
        low, high = intervals.get(column) or (None, None)
        name, route = opened.dataset, opened.route(*_LABELS.get(unit, ()))
        claim = f"table-01.{name}.{column}"
        cells.append(Cell(name, column, value, low, high, count, unit, claim, route))
    return cells


def counted_languages(languages: list[tuple[str, int]], minimum_prompts: int) -> list[str]:
    """Return the languages with at least `minimum_prompts` user messages."""
    return [name for name, n in languages if n >= minimum_prompts and name != NO_LANGUAGE]


def standard_deviation(moments: Moments, deviation: str) -> float | None:
    """Return the standard deviation, exact up to the last rounding; None if undefined."""
    divisor = moments.n if deviation == "population" else moments.n - 1
    if divisor < 1:
        return None
    spread = Fraction(moments.squares * moments.n - moments.total**2, moments.n * divisor)
    return math.sqrt(spread)


def _ratio(numerator: int, denominator: int) -> float | None:
    return numerator / denominator if denominator else None


def _explain(opened: OpenedDataset, sums: DatasetSums, minimum_prompts: int) -> dict[str, str]:
    notes = {}
    prefix, release = f"table-01.{opened.dataset}", opened.title
    users = _explain_users(opened, sums)
    if users:
        notes[f"{prefix}.users"] = f"{release}: {users}"
    for role, moments in sums.tokens.items():
        if not moments.n:
            notes[f"{prefix}.{role}-tokens-mean"] = f"{release}: no {role} messages"
            notes[f"{prefix}.{role}-tokens-std"] = f"{release}: no {role} messages"
    notes[f"{prefix}.languages"] = _explain_languages(opened, sums, minimum_prompts)
    return notes


def _explain_users(opened: OpenedDataset, sums: DatasetSums) -> str:
    if sums.n_users is None:
        return "the files do not tell users apart"
    parts = [_USERS[opened.dataset]] if opened.dataset in _USERS else []
    if sums.n_with_user < sums.n_conversations:
        parts.append(
            f"the user is known for {sums.n_with_user:,} of "
            f"{sums.n_conversations:,} conversations only"
        )
    return "; ".join(parts)


def _explain_languages(opened: OpenedDataset, sums: DatasetSums, minimum_prompts: int) -> str:
    n, n_labelled = sums.tokens["user"].n, sum(count for _, count in sums.languages)
    if n and not n_labelled:
        return f"{opened.title}: the files record no language"
    recorded = opened.routes["language"] == "recorded"
    who = "the release" if recorded else "lingua, choosing among its languages,"
    counted = counted_languages(sums.languages, minimum_prompts)
    leading = [item for item in sums.languages if item[0] != NO_LANGUAGE][: len(counted) + 1]
    listed = ", ".join(f"{language} {count:,}" for language, count in leading)
    part = f" ({n_labelled:,} of {n:,})" if n_labelled < n else ""
    return (
        f"{who} labels the user messages{part}: {listed}; "
        f"{len(counted)} of these reach the {minimum_prompts} messages from which a language counts"
    )
