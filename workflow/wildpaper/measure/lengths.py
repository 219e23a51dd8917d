"""Per-conversation sums that the tables are made of, by DuckDB over all shards."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from wildpaper.errors import WildpaperError
from wildpaper.files import read_json
from wildpaper.releases import route_of

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


_LABELLED = """
SELECT m.conversation_id, m.position, CAST(m.role AS VARCHAR) AS role, t.n_tokens, l.language
FROM read_parquet(?) m
JOIN read_parquet(?) t USING (conversation_id, position)
JOIN read_parquet(?) l USING (conversation_id, position)
"""

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
    FROM labelled GROUP BY conversation_id
) s USING (conversation_id)
GROUP BY coalesce('user ' || c."user", 'conversation ' || c.conversation_id)
ORDER BY min(c.conversation_id)
"""


def each_dataset(
    reports: list[Path],
    conversations: list[Path],
    messages: list[Path],
    tokens: list[Path],
    languages: list[Path],
) -> Iterator[tuple[dict[str, Any], str, duckdb.DuckDBPyConnection]]:
    """Yield (ingest report, route, connection) of each data set of a run.

    Parameters
    ----------
    reports : list of Path
        Ingest reports, one a data set.
    conversations, messages, tokens, languages : list of Path
        Shards of all data sets; a data set's shards follow one another in the order of
        `reports`, equally many for each.
    """
    n_shards = len(messages) // max(len(reports), 1)
    for i, path in enumerate(reports):
        report = read_json(path)
        part = slice(i * n_shards, (i + 1) * n_shards)
        route = route_of([report["release"]])
        with open_dataset(
            conversations[part], messages[part], tokens[part], languages[part]
        ) as connection:
            yield report, route, connection


def open_dataset(
    conversations: list[Path], messages: list[Path], tokens: list[Path], languages: list[Path]
) -> duckdb.DuckDBPyConnection:
    """Return a connection with the tables `conversations` and `labelled` (one row a message).

    Parameters
    ----------
    conversations, messages : list of Path
        All shards of ingest.
    tokens, languages : list of Path
        All shards of labels.

    Raises
    ------
    WildpaperError
        If a message lacks a label or has two.
    """
    connection = duckdb.connect()
    connection.execute(
        "CREATE TABLE conversations AS SELECT * FROM read_parquet(?)", [_names(conversations)]
    )
    connection.execute(
        f"CREATE TABLE labelled AS {_LABELLED}",
        [_names(messages), _names(tokens), _names(languages)],
    )
    n_rows = _one(connection, "SELECT count(*) FROM labelled")
    n_labelled = _one(
        connection,
        "SELECT count(*) FROM (SELECT DISTINCT conversation_id, position FROM labelled)",
    )
    n_messages = _one(connection, "SELECT coalesce(sum(n_messages), 0) FROM conversations")
    if n_rows > n_labelled:
        raise WildpaperError(
            f"{n_rows - n_labelled} messages or labels occur twice",
            where=", ".join(_names([*messages, *tokens, *languages])),
            hint="Delete these files and run again; the workflow writes them anew.",
        )
    if n_labelled != n_messages:
        raise WildpaperError(
            f"{n_messages} messages, but {n_labelled} of them with tokens and language",
            where=", ".join(_names([*tokens, *languages])),
            hint="A label file does not belong to this ingest; delete it and run again.",
        )
    return connection


def _names(paths: list[Path]) -> list[str]:
    return [str(path) for path in paths]


def drop_duplicates(connection: duckdb.DuckDBPyConnection) -> None:
    """Remove conversations marked as exact duplicates of an earlier one, with their messages."""
    connection.execute(
        "DELETE FROM labelled WHERE conversation_id IN "
        "(SELECT conversation_id FROM conversations WHERE duplicate)"
    )
    connection.execute("DELETE FROM conversations WHERE duplicate")


def sum_dataset(connection: duckdb.DuckDBPyConnection) -> DatasetSums:
    """Return the sums that Table 1 is made of."""
    columns = connection.execute(_CLUSTERS).fetchnumpy()
    clusters = np.stack([np.asarray(c).astype(np.int64) for c in columns.values()], axis=1)
    n_users = _one(connection, 'SELECT count(DISTINCT "user") FROM conversations')
    languages = connection.execute(
        "SELECT language, count(*) AS n FROM labelled WHERE role = 'user' "
        "GROUP BY language ORDER BY n DESC, language"
    ).fetchall()
    return DatasetSums(
        n_conversations=_one(connection, "SELECT count(*) FROM conversations"),
        n_turns=_one(connection, "SELECT coalesce(sum(n_turns), 0) FROM conversations"),
        n_users=n_users or None,
        n_with_user=_one(connection, 'SELECT count("user") FROM conversations'),
        tokens={name: _moments(connection, role) for name, role in _ROLES.items()},
        languages=[(str(name), int(n)) for name, n in languages],
        clusters=clusters,
    )


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def _moments(connection: duckdb.DuckDBPyConnection, role: str) -> Moments:
    row = connection.execute(
        "SELECT count(*), coalesce(sum(n_tokens), 0), "
        "coalesce(sum(CAST(n_tokens AS HUGEINT) * n_tokens), 0) FROM labelled WHERE role = ?",
        [role],
    ).fetchone()
    n, total, squares = row or (0, 0, 0)
    return Moments(int(n), int(total), int(squares))
