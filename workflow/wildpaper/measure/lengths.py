"""Sums over conversations and messages that Table 1 is made of."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from wildpaper.measure.shards import OpenedDataset

_ROLES = {"user": "user", "chatbot": "assistant"}


@dataclass(frozen=True, slots=True)
class Moments:
    """Count, sum and sum of squares of token counts: exact integers."""

    n: int
    total: int
    squares: int


@dataclass(frozen=True, slots=True)
class DatasetSums:
    """What Table 1 needs of one data set.

    Attributes
    ----------
    n_conversations, n_turns : int
    n_users : int or None
        None where the release does not tell users apart.
    n_with_user : int
        Conversations whose user is known.
    tokens : dict of Moments
        Per role (``user``, ``chatbot``), in Llama-2 tokens over messages.
    languages : list of (str, int)
        Language and number of user messages, most frequent first.
    clusters : ndarray of int64, shape (n_clusters, 6)
        conversations, turns, user tokens, user messages, chatbot tokens, chatbot
        messages, per user or else per conversation, in order of first appearance.
    """

    n_conversations: int
    n_turns: int
    n_users: int | None
    n_with_user: int
    tokens: dict[str, Moments]
    languages: list[tuple[str, int]]
    clusters: npt.NDArray[np.int64]


_CLUSTERS = """
SELECT count(*) AS n_conversations,
       sum(c.n_turns) AS n_turns,
       sum(coalesce(s.user_tokens, 0)) AS user_tokens,
       sum(coalesce(s.user_n, 0)) AS user_n,
       sum(coalesce(s.chatbot_tokens, 0)) AS chatbot_tokens,
       sum(coalesce(s.chatbot_n, 0)) AS chatbot_n
FROM conversations c
LEFT JOIN (
    SELECT conversation_id,
           sum(n_tokens) FILTER (role = 'user') AS user_tokens,
           count(*) FILTER (role = 'user') AS user_n,
           sum(n_tokens) FILTER (role = 'assistant') AS chatbot_tokens,
           count(*) FILTER (role = 'assistant') AS chatbot_n
    FROM messages GROUP BY conversation_id
) s USING (conversation_id)
GROUP BY c.cluster
ORDER BY c.cluster
"""


def drop_duplicates(opened: OpenedDataset) -> None:
    """Remove conversations marked as exact duplicates of an earlier one, with their messages."""
    opened.connection.execute(
        "DELETE FROM messages WHERE conversation_id IN "
        "(SELECT conversation_id FROM conversations WHERE duplicate)"
    )
    opened.connection.execute("DELETE FROM conversations WHERE duplicate")


def sum_dataset(opened: OpenedDataset) -> DatasetSums:
    """Return the sums that Table 1 is made of; messages without a language are left out of it."""
    columns = opened.connection.execute(_CLUSTERS).fetchnumpy()
    clusters = np.stack([np.asarray(c).astype(np.int64) for c in columns.values()], axis=1)
    languages = opened.connection.execute(
        "SELECT language, count(*) AS n FROM messages WHERE role = 'user' AND has_language "
        "GROUP BY language ORDER BY n DESC, language"
    ).fetchall()
    return DatasetSums(
        n_conversations=opened.one("SELECT count(*) FROM conversations"),
        n_turns=opened.one("SELECT coalesce(sum(n_turns), 0) FROM conversations"),
        n_users=opened.one('SELECT count(DISTINCT "user") FROM conversations') or None,
        n_with_user=opened.one('SELECT count("user") FROM conversations'),
        tokens={name: _moments(opened, role) for name, role in _ROLES.items()},
        languages=[(str(name), int(n)) for name, n in languages],
        clusters=clusters,
    )


def _moments(opened: OpenedDataset, role: str) -> Moments:
    row = opened.connection.execute(
        "SELECT count(*), coalesce(sum(n_tokens), 0), "
        "coalesce(sum(CAST(n_tokens AS HUGEINT) * n_tokens), 0) FROM messages WHERE role = ?",
        [role],
    ).fetchone()
    n, total, squares = row or (0, 0, 0)
    return Moments(int(n), int(total), int(squares))
