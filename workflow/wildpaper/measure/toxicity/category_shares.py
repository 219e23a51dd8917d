"""Shares of messages or turns by category of toxicity: what Tables 12 and 13 have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wildpaper.errors import WildpaperError
from wildpaper.long_table import Cell
from wildpaper.measure.shards import OpenedDataset
from wildpaper.measure.shares import Share, shares_of
from wildpaper.measure.toxicity.judged import explain_judgments

PUBLISHED = ("alpaca", "dolly", "open_assistant", "sharegpt", "wildchat")
"""The rows of the paper's tables."""

MESSAGES, USER_MESSAGES, TURNS = "messages", "user-messages", "turns"
UNITS = {
    MESSAGES: "percent of messages",
    USER_MESSAGES: "percent of user messages",
    TURNS: "percent of turns",
}
"""{what shares may be of: their unit}."""

# The turn is the number of user messages up to a message: 0 before the first one.
_VERDICTS = """
CREATE OR REPLACE TABLE verdicts AS
SELECT conversation_id, cluster, role, {verdicts},
       count(*) FILTER (role = 'user') OVER (PARTITION BY conversation_id ORDER BY position) AS turn
FROM messages WHERE role IN ('user', 'assistant')
"""
_VERDICT = 'CASE WHEN ({flagged}) IS NOT NULL THEN ({flagged}) AND NOT empty END AS "{name}"'
_OF_TURN = 'CASE WHEN count("{name}") = count(*) THEN bool_or("{name}") END AS "{name}"'
_COUNTS = """
FROM (SELECT cluster, {counts} FROM ({units}) GROUP BY cluster) UNPIVOT (n FOR name IN ({names}))
SELECT cluster, name, n
"""

Counts = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Categories:
    """A table by category.

    Attributes
    ----------
    artifact, prefix : str
        Its id, and that of its published values.
    label : str
        The label that flags messages.
    flagged : mapping
        {category: SQL over `messages` that says whether it is flagged, null if unknown}.
    """

    artifact: str
    prefix: str
    label: str
    flagged: Mapping[str, str]

    def claim(self, dataset: str, category: str, units: str, category_share: str) -> str:
        """Return the id of a share; published ones are those of the configured units."""
        if dataset in PUBLISHED and units == category_share:
            return f"{self.prefix}.{dataset}.{category}"
        return f"own.{self.artifact}.{dataset}.{category}.{units}"


def category_cells(
    opened: OpenedDataset,
    categories: Categories,
    category_share: str,
    n_replicates: int,
    seed: int,
) -> tuple[list[Cell], dict[str, str]]:
    """Return the shares of a data set over each of `UNITS`, and {claim: explanation}.

    A message is one of a user or chatbot that has the label; without text it is in no
    category. A turn is a user message with what follows it up to the next one; it is in a
    category if any of its messages is, and left out if one of them lacks the label.

    Parameters
    ----------
    opened : OpenedDataset
        With the emptiness of texts, and the label if the data set has it.
    categories : Categories
    category_share : str
        The key of `UNITS` whose shares answer the published values. Their column is the
        category, that of the others ``<category>.<units>``.
    n_replicates, seed : int
        See `wildpaper.measure.bootstrap.share_intervals`.
    """
    cells, notes = [], {}
    covered = explain_judgments(opened, categories.label)
    there = categories.label in opened.routes
    route = opened.route(categories.label) if there else opened.route()
    if there:
        _make_verdicts(opened, categories.flagged)
    for units in (category_share, *(name for name in UNITS if name != category_share)):
        stream = f"{categories.prefix}.{opened.dataset}.{units}"
        names = list(categories.flagged)
        shares = [Share(0, 0, None)] * len(names)
        if there:
            counts = count_verdicts(opened, _units(units, names), names)
            shares = shares_of(*counts, n_replicates, seed, stream)
        for name, share in zip(names, shares, strict=True):
            column = name if units == category_share else f"{name}.{units}"
            claim = categories.claim(opened.dataset, name, units, category_share)
            cells.append(share.cell(opened.dataset, column, UNITS[units], claim, route))
            if note := _note(opened, share, covered, claim, units):
                notes[claim] = note
    return cells, notes


def count_verdicts(
    opened: OpenedDataset, units: str, names: Sequence[str]
) -> tuple[Counts, Counts]:
    """Count flagged units, and units with a verdict, by cluster.

    Parameters
    ----------
    opened : OpenedDataset
    units : str
        A query that gives `cluster` and a boolean column of each name, null without a verdict.
    names : sequence of str

    Returns
    -------
    flagged, judged : ndarray of int64, shape (n_clusters, len(names))
    """
    quoted = ", ".join(f'"{name}"' for name in names)
    counts = ('count(*) FILTER ("{name}") AS "{name}"', 'count("{name}") AS "{name}"')
    flagged, judged = (
        opened.counts(
            _COUNTS.format(
                counts=", ".join(count.format(name=name) for name in names),
                units=units,
                names=quoted,
            ),
            list(names),
        )
        for count in counts
    )
    return flagged, judged


def check_numbers(opened: OpenedDataset, columns: Sequence[str]) -> None:
    """Refuse scores that are not a number, which would be above any threshold.

    Raises
    ------
    WildpaperError
        If there are any; names the data set.
    """
    broken = " OR ".join(f'isnan("{column}")' for column in columns)
    n_broken = opened.one(f"SELECT count(*) FILTER ({broken}) FROM messages")  # noqa: S608
    if n_broken:
        raise WildpaperError(
            f"The Detoxify scores of {n_broken} messages of {opened.title} are not a number",
            where=f"labels detoxify of {opened.dataset}",
            hint="Delete these files and score again, with another checkpoint if need be.",
        )


def _make_verdicts(opened: OpenedDataset, flagged: Mapping[str, str]) -> None:
    verdicts = [_VERDICT.format(flagged=sql, name=name) for name, sql in flagged.items()]
    opened.connection.execute(_VERDICTS.format(verdicts=", ".join(verdicts)))


def _units(units: str, names: Sequence[str]) -> str:
    """Return a query that gives a row a message or turn."""
    if units == TURNS:
        columns = ", ".join(_OF_TURN.format(name=name) for name in names)
        return (
            f"SELECT cluster, {columns} FROM verdicts WHERE turn > 0 "  # noqa: S608
            "GROUP BY conversation_id, turn, cluster"
        )
    return "FROM verdicts" + (" WHERE role = 'user'" if units == USER_MESSAGES else "")


def _note(opened: OpenedDataset, share: Share, covered: str, claim: str, units: str) -> str:
    if not share.total:
        return covered or f"{opened.title}: no {units.replace('-', ' ')} with a label of this kind"
    if claim.startswith("own."):
        return covered
    words = UNITS[units].removeprefix("percent of ")
    unsaid = f"the paper does not say what its percentages are of; these are of {words}"
    return f"{covered}; {unsaid}" if covered else unsaid
