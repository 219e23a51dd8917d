"""Whether the shards of a data set and its labels belong together, and nothing is missing."""

from collections.abc import Iterable
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from wildpaper.errors import WildpaperError
from wildpaper.measure.shard_views import count_rows

_AGAIN = "Delete these files and run again; the workflow writes them anew."

# A message either is the first of its conversation or follows the one before it: then keys
# are distinct if no conversation begins twice. The order of files is such, and this needs no
# memory; in any other order keys are compared.
_IN_ORDER = """
SELECT count(*), count(*) FILTER (position = 0), count(*) FILTER (
    NOT coalesce(position = 0 OR (conversation_id = before AND position = last + 1), false)
)
FROM (
    SELECT conversation_id, position,
           lag(conversation_id) OVER () AS before, lag(position) OVER () AS last
    FROM messages
)
"""
_BEGUN = "SELECT count(DISTINCT conversation_id) FROM messages WHERE position = 0"
_KEYS = """
SELECT count(*) FROM (SELECT DISTINCT conversation_id, position FROM messages)
"""


def route_of_files(paths: list[Path]) -> str:
    """Return the route that label files state in their metadata.

    Raises
    ------
    WildpaperError
        If they state none, or several.
    """
    found: dict[str, Path] = {}
    for path in paths:
        metadata = pq.read_schema(path).metadata or {}
        found[metadata.get(b"route", b"").decode()] = path
    if len(found) != 1 or "" in found:
        raise WildpaperError(
            f"Labels of one data set state the routes {sorted(found)}, and must state one",
            where=listed(found.values()),
            hint=_AGAIN,
        )
    (route,) = found
    return route


def check_messages(connection: duckdb.DuckDBPyConnection, files: list[Path], n_files: int) -> int:
    """Return the number of messages, each there once, as many as the conversations have.

    Parameters
    ----------
    connection : duckdb.DuckDBPyConnection
        With `conversations` and `messages`.
    files : list of Path
        What messages and labels were read from.
    n_files : int
        Messages in the files.

    Raises
    ------
    WildpaperError
        If a message is missing, occurs twice or belongs to no conversation.
    """
    n_rows, n_keys = _count_keys(connection)
    n_listed = one(connection, "SELECT coalesce(sum(n_messages), 0) FROM conversations")
    if n_rows > n_keys:
        problem = f"{n_rows - n_keys} messages or labels occur twice"
    elif n_keys != n_listed:
        problem = f"The conversations have {n_listed} messages, but {n_keys} of them are there"
    elif n_keys != n_files:
        problem = f"{n_files - n_keys} messages belong to no conversation"
    else:
        return n_keys
    raise WildpaperError(problem, where=listed(files), hint=_AGAIN)


def _count_keys(connection: duckdb.DuckDBPyConnection) -> tuple[int, int]:
    """Return the numbers of messages and of distinct keys."""
    n_rows, n_first, n_breaks = connection.execute(_IN_ORDER).fetchone() or (0, 0, 0)
    if n_breaks == 0 and n_first == one(connection, _BEGUN):
        return n_rows, n_rows
    return n_rows, one(connection, _KEYS)


def check_label(
    connection: duckdb.DuckDBPyConnection,
    label: str,
    paths: list[Path],
    n_messages: int,
    partly: bool,
) -> int:
    """Return how many messages have a label; all, unless it is given to some only.

    Raises
    ------
    WildpaperError
        If a message has none although it should, or a label belongs to no message.
    """
    n_labels = count_rows(paths)
    n_labelled = one(connection, f"SELECT count(*) FILTER (has_{label}) FROM messages")  # noqa: S608
    if n_labels == n_labelled == n_messages or (n_labels == n_labelled and partly):
        return n_labelled
    raise WildpaperError(
        f"{n_messages} messages, {n_labels} labels, but {n_labelled} messages with {label}",
        where=listed(paths),
        hint="A label file does not belong to this ingest; delete it and run again.",
    )


def one(connection: duckdb.DuckDBPyConnection, query: str) -> int:
    """Return the one number that a query gives."""
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


def listed(paths: Iterable[Path]) -> str:
    """Return the names of files."""
    return ", ".join(map(str, paths))
