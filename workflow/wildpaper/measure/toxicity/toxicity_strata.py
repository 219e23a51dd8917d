"""Share of flagged messages of WildChat by language, model, country, turn and duplication."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from wildpaper.annotate.names import NO_LANGUAGE
from wildpaper.files import read_json, write_json
from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.shards import OpenedDataset
from wildpaper.measure.shares import Share, shares_of, slugs
from wildpaper.measure.toxicity.judged import CLASSIFIERS, ROLES, each_judged, explain_judgments

ARTIFACT = "toxicity-strata"
MOST_FREQUENT = {"language": 8, "model": 6, "country": 10}
"""{dimension: how many of its values have a line}; further ones are one line together."""

OTHER = "other"
TURNS = ("1", "2", "3-5", "6-10", "more than 10")
DUPLICATES = ("all", "without duplicate conversations", "without near-duplicate turns")
DIMENSIONS = (*MOST_FREQUENT, "turn", "duplicates")
JUDGMENTS = ("either", "detoxify")

_UNITS = {
    "either": "percent of messages flagged by either",
    "detoxify": "percent of messages flagged by Detoxify",
}
# A chatbot message belongs to the turn of the user message before it. A turn is repeated if
# its user message is a near-duplicate of an earlier one, in the order of the source.
_STRATA = """
CREATE TABLE strata AS
WITH turned AS (
    SELECT j.*, m.language, c.model, c.country, c.duplicate, m.duplicate_cluster,
           count(*) FILTER (j.role = 'user') OVER (
               PARTITION BY j.conversation_id ORDER BY j.position
           ) AS turn
    FROM judged j
    JOIN messages m ON m.conversation_id = j.conversation_id AND m.position = j.position
    JOIN conversations c ON c.conversation_id = j.conversation_id
), repeated AS (
    SELECT conversation_id, turn FROM turned
    WHERE role = 'user' AND duplicate_cluster IS NOT NULL
    QUALIFY row_number() OVER (
        PARTITION BY duplicate_cluster ORDER BY conversation_id, position
    ) > 1
)
SELECT cluster, role, "either", detoxify, language, model, country, duplicate, r.turn IS NOT NULL
       AS repeated,
       CASE WHEN t.turn < 1 THEN NULL WHEN t.turn < 3 THEN t.turn::VARCHAR
            WHEN t.turn <= 5 THEN '3-5' WHEN t.turn <= 10 THEN '6-10'
            ELSE 'more than 10' END AS turn
FROM turned t LEFT JOIN repeated r ON r.conversation_id = t.conversation_id AND r.turn = t.turn
WHERE "either" IS NOT NULL AND role IN ('user', 'assistant')
"""
_FREQUENT = f"""
SELECT {{dimension}} FROM strata
WHERE {{dimension}} IS NOT NULL AND {{dimension}} NOT IN ('{NO_LANGUAGE}', '{OTHER}')
GROUP BY ALL ORDER BY count(*) DESC, {{dimension}} LIMIT {{most}}
"""  # noqa: S608 - names of ours
_PARTS = dict(zip(DUPLICATES, ("true", "NOT duplicate", "NOT repeated"), strict=True))
_COUNTS = """
SELECT cluster, {value} AS name, count(*) FILTER ({counted}) AS n FROM strata
WHERE role = '{role}' AND {condition} GROUP BY ALL
"""
_MISSING = {
    "language": "a language label",
    "model": "a recorded model",
    "country": "a recorded country",
    "turn": "a user message before them",
}
_N_WITHOUT = "SELECT count(*) FROM strata WHERE {dimension} IS NULL"

Integers = npt.NDArray[np.int64]


def measure_toxicity_strata(
    report: Path,
    conversations: list[Path],
    messages: list[Path],
    detoxify: list[Path],
    moderation: list[Path],
    language: list[Path],
    near_duplicates: list[Path],
    table: Path,
    notes: Path,
    threshold: float,
    trained_languages: list[str],
    n_replicates: int,
    seed: int,
) -> None:
    """Measure which share of messages is flagged, by role and by what is known of a message.

    Messages are those that have both labels. Strata are the most frequent languages (of the
    message), models and countries (of the conversation), each with all further ones
    together; the turn (a chatbot message has that of the user message before it); and
    everything, without conversations that repeat an earlier one, without turns whose user
    message is a near-duplicate of an earlier one. What is unknown of a message leaves it out
    of that dimension.

    Parameters
    ----------
    report : Path
        Ingest report of WildChat.
    conversations, messages, detoxify, moderation, language, near_duplicates : list of Path
        Its shards and labels.
    table, notes : Path
        The long table, with a row ``<dimension>.<stratum>`` and columns
        ``<role>.<judgment>``; a JSON object {claim id: explanation}.
    threshold : float
        Detoxify flags a message whose toxicity is above this.
    trained_languages : list of str
        Languages, as lingua names them, that the model behind the scores was trained on.
    n_replicates, seed : int
        See `wildpaper.measure.bootstrap.share_intervals`.

    Raises
    ------
    WildpaperError
        If a score is not a number.
    """
    own = [read_json(report)["dataset"]]
    files = ([report], conversations, messages, detoxify, moderation)
    others = {"language": language, "near_duplicate": near_duplicates}
    cells: list[Cell] = []
    explained: dict[str, str] = {}
    for opened in each_judged(*files, own, own, threshold, others=others):
        opened.connection.execute(_STRATA)
        why = explain_judgments(opened, "either")
        for dimension in DIMENSIONS:
            strata = _Strata(opened, dimension, n_replicates, seed)
            found = list(strata.cells())
            cells += found
            gap = strata.explain()
            for cell in found:
                parts = filter(None, (why, gap, _explain(cell, trained_languages)))
                if note := "; ".join(parts):
                    explained[cell.claim] = note if why else f"{opened.title}: {note}"
    write_long_table(table, cells)
    write_json(notes, explained)


def is_untrained(row: str, trained_languages: Iterable[str]) -> bool:
    """Say whether a row is of languages that, wholly or in part, a model was not trained on."""
    dimension, _, name = row.partition(".")
    return dimension == "language" and name not in trained_languages


def _explain(cell: Cell, trained_languages: Iterable[str]) -> str:
    if not cell.n:
        return "no message of this kind"
    if is_untrained(cell.row, trained_languages):
        return "the model of the scores was not trained on this language, or not on all of these"
    return ""


@dataclass(frozen=True, slots=True)
class _Strata:
    """The cells of one dimension."""

    opened: OpenedDataset
    dimension: str
    n_replicates: int
    seed: int

    def cells(self) -> Iterator[Cell]:
        """Yield the shares of all strata, by role and judgment."""
        names = self._names()
        slug = slugs((name for name in names if name != OTHER), [OTHER]) | {OTHER: OTHER}
        found = {
            (role, judgment): self._shares(names, role, judgment)
            for role in ROLES
            for judgment in JUDGMENTS
        }
        for i, name in enumerate(names):
            for (role, judgment), shares in found.items():
                row, column = f"{self.dimension}.{name}", f"{role}.{judgment}"
                claim = f"own.{ARTIFACT}.{self.dimension}.{slug[name]}.{role}"
                claim += "" if judgment == "either" else f".{judgment}"
                yield shares[i].cell(row, column, _UNITS[judgment], claim, self._route())

    def explain(self) -> str:
        """Return how many messages are left out of the dimension; empty if none are."""
        if self.dimension == "duplicates":
            return ""
        n = self.opened.one(_N_WITHOUT.format(dimension=self.dimension))
        missing = _MISSING[self.dimension]
        return f"{n:,} messages without {missing} are left out" if n else ""

    def _names(self) -> list[str]:
        if self.dimension == "turn":
            return list(TURNS)
        if self.dimension == "duplicates":
            return list(DUPLICATES)
        query = _FREQUENT.format(dimension=self.dimension, most=MOST_FREQUENT[self.dimension])
        return [name for (name,) in self.opened.connection.execute(query).fetchall()] + [OTHER]

    def _shares(self, names: list[str], role: str, judgment: str) -> list[Share]:
        flagged, total = (self._counts(names, role, c) for c in (f'"{judgment}"', "true"))
        stream = f"{ARTIFACT}.{self.dimension}.{role}"
        return shares_of(flagged, total, self.n_replicates, self.seed, stream)

    def _counts(self, names: list[str], role: str, counted: str) -> Integers:
        """Return messages by cluster and stratum."""
        query = _COUNTS.replace("{role}", ROLES[role]).replace("{counted}", counted)
        if self.dimension == "duplicates":
            parts = (query.format(value=f"'{n}'", condition=_PARTS[n]) for n in names)
            return self.opened.counts(" UNION ALL ".join(parts), names)
        known = f"{self.dimension} IS NOT NULL"
        own = query.format(value=self.dimension, condition=known)
        counts = self.opened.counts(own, names)
        if names[-1] == OTHER:
            everything = self.opened.counts(
                query.format(value=f"'{OTHER}'", condition=known), [OTHER]
            )
            counts[:, -1] = everything[:, 0] - counts[:, :-1].sum(axis=1)
        return counts

    def _route(self) -> str:
        of_label = {"language": ("language",), "duplicates": ("near_duplicate",)}
        further = of_label.get(self.dimension, ())
        return self.opened.route(*CLASSIFIERS, *further, recorded=self.dimension == "country")
