"""Long first prompts that many users share: candidates for jailbreaks, with no list of names."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from wildpaper.annotate.jailbreaks.patterns import read_families
from wildpaper.files import write_json
from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.shards import OpenedDataset, open_dataset
from wildpaper.measure.shares import Share, shares_of
from wildpaper.measure.toxicity.judged import judge

MOST_LISTED = 15
"""Clusters that are listed, by users and by flag rate each."""

BY_FLAG_RATE = "flagged-"
"""What the rows of the list by flag rate begin with; those of the list by users are ranks."""

_ID = "own.jailbreak-discovery"
_LABELS = ("detoxify", "moderation", "jailbreak", "near_duplicate")
_FLAGGED = "percent of replies flagged by either classifier"

# First user messages that are long enough, with whether their reply is flagged.
_FIRSTS = """
CREATE TABLE firsts AS
WITH first AS (
    SELECT conversation_id, min(position) AS position
    FROM messages WHERE role = 'user' GROUP BY conversation_id
)
SELECT m.duplicate_cluster AS prompt, m.conversation_id, m.cluster, c.has_user, m.family,
       m.n_characters, date_trunc('month', c.timestamp) AS month, r."either" AS flagged
FROM messages m
JOIN first USING (conversation_id, position)
JOIN conversations c ON c.conversation_id = m.conversation_id
LEFT JOIN judged r
  ON r.conversation_id = m.conversation_id AND r.position = m.position + 1
 AND r.role = 'assistant'
WHERE m.duplicate_cluster IS NOT NULL AND m.n_characters >= {least_characters:d}
"""
_PROMPTS = """
WITH named AS (
    SELECT prompt, family, count(*) AS n FROM firsts WHERE family IS NOT NULL GROUP BY ALL
), most AS (
    SELECT prompt, first(family ORDER BY n DESC, family) AS family, max(n) AS n_family
    FROM named GROUP BY prompt
)
SELECT prompt, count(*) AS n, count(DISTINCT cluster) FILTER (has_user) AS n_users,
       count(DISTINCT month) AS n_months, quantile_disc(n_characters, 0.5) AS n_characters,
       count(*) FILTER (flagged) AS n_flagged, count(flagged) AS n_judged,
       any_value(most.family) AS family, coalesce(any_value(n_family), 0) AS n_family,
       min(conversation_id) AS first
FROM firsts LEFT JOIN most USING (prompt)
GROUP BY prompt HAVING n_users >= {least_users:d}
"""
_REPLIES = """
SELECT cluster, count(*) FILTER (flagged) AS flagged, count(flagged) AS judged
FROM firsts WHERE prompt = ? GROUP BY cluster ORDER BY cluster
"""


@dataclass(frozen=True, slots=True)
class Prompt:
    """A cluster of first user messages that are almost the same.

    Attributes
    ----------
    cluster : int
        Of the near-duplicates.
    n, n_users, n_months : int
        Messages; distinct users; months in which one of its conversations ended.
    n_characters : int
        Of the message of median length.
    n_flagged, n_judged : int
        Replies flagged by either classifier, of those that both judged.
    family : str or None
        The family of Table 8 that most of its messages name, of those that any names.
    n_family : int
        How many do.
    first : int
        Number of its first conversation.
    """

    cluster: int
    n: int
    n_users: int
    n_months: int
    n_characters: int
    n_flagged: int
    n_judged: int
    family: str | None
    n_family: int
    first: int

    @property
    def flag_rate(self) -> float:
        """Share of the judged replies that are flagged; -1 where none is judged."""
        return self.n_flagged / self.n_judged if self.n_judged else -1.0

    @property
    def is_of_family(self) -> bool:
        """Whether more than half of its messages name one family."""
        return 2 * self.n_family > self.n


def measure_discovery(
    report: Path,
    conversations: list[Path],
    messages: list[Path],
    detoxify: list[Path],
    moderation: list[Path],
    jailbreak: list[Path],
    near_duplicate: list[Path],
    patterns: Path,
    table: Path,
    notes: Path,
    threshold: float,
    least_characters: int,
    least_users: int,
    n_replicates: int,
    seed: int,
) -> None:
    """Find the prompts that users pass around, and how many of them the list of families has.

    A prompt is a cluster of near-duplicates among the first user messages of conversations
    that are long enough, if enough users sent one. The list of families plays no part in
    finding and ranking them; it only names what was found. No text is written.

    Parameters
    ----------
    report : Path
        Ingest report of WildChat.
    conversations, messages, detoxify, moderation, jailbreak, near_duplicate : list of Path
        Its shards and labels.
    patterns : Path
        ``data/jailbreaks.yaml``, which lists the families.
    table, notes : Path
        The long table; a JSON object {claim id: explanation}.
    threshold : float
        Detoxify flags a message whose toxicity is above this.
    least_characters : int
        Length of a message, in characters, from which on it counts.
    least_users : int
        Distinct users whose messages a cluster must hold.
    n_replicates, seed : int
        See `wildpaper.measure.shares.shares_of`; the interval of a flag rate draws users.

    Raises
    ------
    WildpaperError
        If a file cannot be used.

    Notes
    -----
    Rows 1, 2, ... are by users, then flag rate; rows `flagged-1`, ... by flag rate, then
    users. What is still equal stands by first conversation.
    """
    families = read_families(patterns)
    paths = dict(zip(_LABELS, (detoxify, moderation, jailbreak, near_duplicate), strict=True))
    with open_dataset(
        report, conversations, messages, paths, True, ("timestamp",), with_length=True
    ) as opened:
        judge(opened, threshold, ", ".join(map(str, detoxify)))
        opened.connection.execute(_FIRSTS.format(least_characters=least_characters))
        found = opened.connection.execute(_PROMPTS.format(least_users=least_users)).fetchall()
        prompts = [Prompt(*row) for row in found]
        cells = list(_totals(opened, prompts, list(families)))
        for row, prompt, other in _ranked(prompts):
            flagged = _flagged(opened, prompt, n_replicates, seed)
            cells += _listed(row, prompt, other, flagged, opened.route(*_LABELS))
        explained = _explain(opened, prompts, least_characters, least_users)
    write_long_table(table, cells)
    write_json(notes, explained)


def _totals(opened: OpenedDataset, prompts: list[Prompt], families: list[str]) -> Iterator[Cell]:
    """Yield how many first messages, prompts and families there are."""
    n_firsts = opened.one("SELECT count(*) FROM conversations")
    n_known = len({prompt.family for prompt in prompts if prompt.is_of_family} & {*families})
    route = opened.route(*_LABELS)
    for column, value, n, unit in (
        ("clusters", len(prompts), n_firsts, "clusters of near-duplicate first messages"),
        ("messages", sum(p.n for p in prompts), n_firsts, "first messages in these clusters"),
        ("families", n_known, len(families), "families that most messages of a cluster name"),
    ):
        yield Cell("all", column, value, None, None, n, unit, f"{_ID}.{column}", route)


def _ranked(prompts: list[Prompt]) -> Iterator[tuple[str, Prompt, int]]:
    """Yield the row of each prompt in either list, and its rank in the other."""
    by_users = sorted(prompts, key=lambda p: (-p.n_users, -p.flag_rate, p.first))
    by_rate = sorted(prompts, key=lambda p: (-p.flag_rate, -p.n_users, p.first))
    for begins, order, other in (("", by_users, by_rate), (BY_FLAG_RATE, by_rate, by_users)):
        rank = {prompt.cluster: i for i, prompt in enumerate(other, 1)}
        for i, prompt in enumerate(order[:MOST_LISTED], 1):
            yield f"{begins}{i}", prompt, rank[prompt.cluster]


def _flagged(opened: OpenedDataset, prompt: Prompt, n_replicates: int, seed: int) -> Share:
    """Return the share of flagged replies, with an interval over the users of the prompt."""
    counted = opened.connection.execute(_REPLIES, [prompt.cluster]).fetchnumpy()
    flagged, judged = (np.asarray(counted[n], np.int64)[:, None] for n in ("flagged", "judged"))
    name = f"{_ID}.{prompt.first}"
    (share,) = shares_of(flagged, judged, n_replicates, seed, name)
    return share


def _listed(row: str, prompt: Prompt, other: int, flagged: Share, route: str) -> Iterator[Cell]:
    """Yield the cells of one prompt."""
    other_rank = "user-rank" if row.startswith(BY_FLAG_RATE) else "flag-rank"
    named = 100 * prompt.n_family / prompt.n
    for column, value, n, unit in (
        ("users", prompt.n_users, prompt.n, "users"),
        ("messages", prompt.n, None, "first messages"),
        ("months", prompt.n_months, prompt.n, "months"),
        ("characters", prompt.n_characters, prompt.n, "characters, median"),
        ("family", prompt.family or "none", prompt.n, "family of Table 8"),
        ("named", named, prompt.n, "percent of messages that name the family"),
        (other_rank, other, None, "rank"),
    ):
        yield Cell(row, column, value, None, None, n, unit, _claim(row, column), route)
    yield flagged.cell(row, "flagged", _FLAGGED, _claim(row, "flagged"), route)


def _claim(row: str, column: str) -> str:
    return f"{_ID}.{row}.{column}"


def _explain(
    opened: OpenedDataset, prompts: list[Prompt], least_characters: int, least_users: int
) -> dict[str, str]:
    """Return why nothing is found, or a rate is missing."""
    notes = {}
    if not prompts:
        knows_users = opened.one("SELECT count(*) FROM conversations WHERE has_user")
        notes[f"{_ID}.clusters"] = (
            f"{opened.title}: no first message of {least_characters} characters or more is shared "
            f"by {least_users} users"
            if knows_users
            else f"{opened.title}: the files do not tell users apart"
        )
    for row, prompt, _ in _ranked(prompts):
        if not prompt.n_judged:
            notes[_claim(row, "flagged")] = (
                f"{opened.title}: no reply to this prompt that both classifiers judged"
            )
    return notes
