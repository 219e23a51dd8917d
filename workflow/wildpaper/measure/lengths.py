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
SELECT c.n_conversations, c.n_turns,
       coalesce(m.user_tokens, 0)::BIGINT AS user_tokens,
       coalesce(m.user_n, 0) AS user_n,
       coalesce(m.chatbot_tokens, 0)::BIGINT AS chatbot_tokens,
       coalesce(m.chatbot_n, 0) AS chatbot_n
FROM (
    SELECT cluster, count(*) AS n_conversations, sum(n_turns)::BIGINT AS n_turns
    FROM conversations GROUP BY cluster
) c
LEFT JOIN (
    SELECT cluster,
           sum(n_tokens) FILTER (role = 'user') AS user_tokens,
           count(*) FILTER (role = 'user') AS user_n,
           sum(n_tokens) FILTER (role = 'assistant') AS chatbot_tokens,
           count(*) FILTER (role = 'assistant') AS chatbot_n
    FROM messages GROUP BY cluster
) m USING (cluster)
ORDER BY cluster
"""
_TOTALS = """
SELECT count(*), coalesce(sum(n_turns), 0),
       count(DISTINCT cluster) FILTER (has_user), count(*) FILTER (has_user)
FROM conversations
"""
_LANGUAGES = """
SELECT language, count(*) AS n FROM messages WHERE role = 'user' AND has_language
GROUP BY language ORDER BY n DESC, language
"""
_MOMENTS = """
SELECT role, count(*), sum(n_tokens), sum(CAST(n_tokens AS BIGINT) * n_tokens)
FROM messages GROUP BY role
"""


def drop_duplicates(opened: OpenedDataset) -> None:
    """Remove conversations marked as exact duplicates of an earlier one, with their messages."""
    opened.leave_out("duplicate")


def sum_dataset(opened: OpenedDataset) -> DatasetSums:
    """Return the sums that Table 1 is made of; messages without a language are left out of it."""
    query = opened.connection.execute
    columns = query(_CLUSTERS).fetchnumpy()
    clusters = np.stack([np.asarray(c, np.int64) for c in columns.values()], axis=1)
    n_conversations, n_turns, n_users, n_with_user = query(_TOTALS).fetchone() or (0, 0, 0, 0)
    moments = {role: Moments(*map(int, sums)) for role, *sums in query(_MOMENTS).fetchall()}
    return DatasetSums(
        n_conversations=int(n_conversations),
        n_turns=int(n_turns),
        n_users=int(n_users) or None,
        n_with_user=int(n_with_user),
        tokens={name: moments.get(role, Moments(0, 0, 0)) for name, role in _ROLES.items()},
        languages=[(str(name), int(n)) for name, n in query(_LANGUAGES).fetchall()],
        clusters=clusters,
    )
