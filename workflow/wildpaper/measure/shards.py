"""The shards of a data set as tables of DuckDB, with the labels that a measure asks for."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq

from wildpaper.errors import WildpaperError
from wildpaper.files import read_json

COLUMNS: dict[str, tuple[str, ...]] = {
    "tokens": ("n_tokens",),
    "language": ("language",),
    "detoxify": ("toxicity",),
    "moderation": ("flagged",),
    "jailbreak": ("family",),
}
"""What is read of each label."""

_FURTHEST_FIRST = ("simulated", "restored", "replayed", "recorded", "computed")

_CONVERSATIONS = """
CREATE TABLE conversations AS
SELECT *, dense_rank() OVER (ORDER BY first_of_user) - 1 AS cluster FROM (
    SELECT *, min(conversation_id) OVER (
        PARTITION BY coalesce('user ' || "user", 'conversation ' || conversation_id)
    ) AS first_of_user
    FROM read_parquet(?)
)
"""


@dataclass(frozen=True, slots=True)
class OpenedDataset:
    """A data set as tables of DuckDB; a context manager that closes the connection.

    Attributes
    ----------
    connection : duckdb.DuckDBPyConnection
        Tables `conversations`, with the columns of ingest and `cluster`, which numbers the
        users (or conversations, where the user is not known) from 0 in the order of their
        first conversation; and, if asked for, `messages`, one row a message: the keys, cluster,
        role, timestamp, columns of labels (null where there is no label), `has_<label>`, and
        `empty` if asked for.
    dataset, title : str
        Name of the data set, title of its release.
    simulated : bool
        Whether the release is.
    n_messages : int or None
        None if no messages were asked for.
    routes, n_labelled : dict
        {label: route that its files state}, {label: number of labelled messages}.
    """

    connection: duckdb.DuckDBPyConnection
    dataset: str
    title: str
    simulated: bool
    n_messages: int | None
    routes: dict[str, str]
    n_labelled: dict[str, int]

    def __enter__(self) -> "OpenedDataset":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.connection.close()

    def route(self, *labels: str, recorded: bool = False) -> str:
        """Return the route of what is taken from labels: the one furthest from computed.

        Parameters
        ----------
        *labels : str
            Labels that a value depends on.
        recorded : bool
            Whether it also depends on something that only the release can know.
        """
        found = {self.routes[label] for label in labels} | {"recorded" if recorded else "computed"}
        if self.simulated:
            return "simulated"
        return next(route for route in _FURTHEST_FIRST if route in found)

    def one(self, query: str) -> int:
        """Return the one number that a query gives."""
        return _one(self.connection, query)

    @property
    def n_clusters(self) -> int:
        """Number of users, or conversations where the user is not known."""
        return self.one("SELECT coalesce(max(cluster) + 1, 0) FROM conversations")

    def counts(self, query: str, names: list[str]) -> npt.NDArray[np.int64]:
        """Count by cluster and category.

        Parameters
        ----------
        query : str
            Gives the columns `cluster`, `name` and `n`; rows of other names are left out.
        names : list of str
            Distinct.

        Returns
        -------
        ndarray of int64, shape (n_clusters, len(names))
        """
        matrix = np.zeros((self.n_clusters, len(names)), np.int64)
        numbered = (
            f"SELECT cluster, list_position(?::VARCHAR[], name) - 1 AS i, n FROM ({query}) "  # noqa: S608
            "WHERE list_contains(?::VARCHAR[], name)"
        )
        listed = self.connection.execute(numbered, [names, names]).fetchnumpy()
        cluster, i, n = (np.asarray(listed[key], np.int64) for key in ("cluster", "i", "n"))
        np.add.at(matrix, (cluster, i), n)
        return matrix


def each_dataset(
    reports: list[Path],
    conversations: list[Path],
    messages: list[Path],
    labels: Mapping[str, list[Path]],
) -> Iterator[OpenedDataset]:
    """Yield each data set of a run; it is closed when the next one is asked for.

    Parameters
    ----------
    reports : list of Path
        Ingest reports, one a data set.
    conversations, messages : list of Path
        Shards of all data sets; a data set's shards follow one another in the order of
        `reports`, equally many for each.
    labels : mapping
        {label: shards}, in the same order.
    """
    n_shards = len(messages) // max(len(reports), 1)
    for i, path in enumerate(reports):
        part = slice(i * n_shards, (i + 1) * n_shards)
        own = {label: paths[part] for label, paths in labels.items()}
        with open_dataset(path, conversations[part], messages[part], own) as opened:
            yield opened


def open_dataset(
    report: Path,
    conversations: list[Path],
    messages: list[Path] | None = None,
    labels: Mapping[str, list[Path]] | None = None,
    with_empty: bool = False,
) -> OpenedDataset:
    """Open one data set.

    Parameters
    ----------
    report : Path
        Its ingest report.
    conversations, messages : list of Path
        All shards of ingest; without messages only conversations are opened.
    labels : mapping, optional
        {key of `COLUMNS`: all its shards}.
    with_empty : bool
        Whether to say of each message if its text is empty, which reads the text.

    Raises
    ------
    WildpaperError
        If a message is missing or occurs twice; if a label belongs to no message, occurs
        twice, or is missing although it does not come from a release.
    """
    ingested = read_json(report)
    release = ingested["release"]
    connection = duckdb.connect()
    connection.execute(_CONVERSATIONS, [_names(conversations)])
    labels = labels or {}
    routes = {label: _route_of_files(paths) for label, paths in labels.items()}
    n_messages: int | None = None
    n_labelled: dict[str, int] = {}
    if messages is not None:
        _join(connection, messages, labels, with_empty)
        paths = [*messages, *(path for shards in labels.values() for path in shards)]
        n_messages = _check_messages(connection, paths)
        for label, shards in labels.items():
            n_labelled[label] = _check_label(connection, label, shards, routes[label], n_messages)
    return OpenedDataset(
        connection, ingested["dataset"], release["title"], release["simulated"], n_messages,
        routes, n_labelled,
    )  # fmt: skip


def _names(paths: list[Path]) -> list[str]:
    return [str(path) for path in paths]


def _one(connection: duckdb.DuckDBPyConnection, query: str, values: list[Any] | None = None) -> int:
    row = connection.execute(query, values).fetchone()
    return int(row[0]) if row else 0


def _route_of_files(paths: list[Path]) -> str:
    """Return the route that label files state in their metadata."""
    found: dict[str, Path] = {}
    for path in paths:
        metadata = pq.read_schema(path).metadata or {}
        found[metadata.get(b"route", b"").decode()] = path
    if len(found) != 1 or "" in found:
        raise WildpaperError(
            f"Labels of one data set state the routes {sorted(found)}, and must state one",
            where=", ".join(_names(list(found.values()))),
            hint="Delete these files and run again; the workflow writes them anew.",
        )
    (route,) = found
    return route


def _join(
    connection: duckdb.DuckDBPyConnection,
    messages: list[Path],
    labels: Mapping[str, list[Path]],
    with_empty: bool,
) -> None:
    columns = ["m.conversation_id", "m.position", "c.cluster", "m.timestamp"]
    columns.append("CAST(m.role AS VARCHAR) AS role")
    if with_empty:
        columns.append("m.text = '' AS empty")
    tables = [
        "read_parquet(?) m LEFT JOIN conversations c ON c.conversation_id = m.conversation_id"
    ]
    for label in labels:
        columns += [f"{label}.{name}" for name in COLUMNS[label]]
        columns.append(f"{label}.position IS NOT NULL AS has_{label}")
        tables.append(
            f"LEFT JOIN read_parquet(?) {label} ON {label}.conversation_id = m.conversation_id "
            f"AND {label}.position = m.position"
        )
    query = f"SELECT {', '.join(columns)} FROM {' '.join(tables)}"  # noqa: S608 - names of ours
    connection.execute(
        f"CREATE TABLE messages AS {query}",
        [_names(paths) for paths in (messages, *labels.values())],
    )


def _check_messages(connection: duckdb.DuckDBPyConnection, paths: list[Path]) -> int:
    """Return the number of messages, each there once, as many as the conversations have."""
    n_rows = _one(connection, "SELECT count(*) FROM messages")
    keys = "SELECT count(*) FROM (SELECT DISTINCT conversation_id, position FROM messages)"
    n_keys = _one(connection, keys)
    n_listed = _one(connection, "SELECT coalesce(sum(n_messages), 0) FROM conversations")
    if n_rows > n_keys:
        raise WildpaperError(
            f"{n_rows - n_keys} messages or labels occur twice",
            where=", ".join(_names(paths)),
            hint="Delete these files and run again; the workflow writes them anew.",
        )
    if n_keys != n_listed:
        raise WildpaperError(
            f"The conversations have {n_listed} messages, but {n_keys} of them are there",
            where=", ".join(_names(paths)),
            hint="Delete these files and run again; the workflow writes them anew.",
        )
    return n_keys


def _check_label(
    connection: duckdb.DuckDBPyConnection,
    label: str,
    paths: list[Path],
    route: str,
    n_messages: int,
) -> int:
    """Return how many messages have a label; only a release may leave some without."""
    n_labels = _one(connection, "SELECT count(*) FROM read_parquet(?)", [_names(paths)])
    n_labelled = _one(connection, f"SELECT count(*) FILTER (has_{label}) FROM messages")  # noqa: S608
    if n_labels == n_labelled == n_messages or (n_labels == n_labelled and route == "recorded"):
        return n_labelled
    raise WildpaperError(
        f"{n_messages} messages, {n_labels} labels, but {n_labelled} messages with {label}",
        where=", ".join(_names(paths)),
        hint="A label file does not belong to this ingest; delete it and run again.",
    )
