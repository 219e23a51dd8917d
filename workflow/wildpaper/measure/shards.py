"""The shards of a data set as tables of DuckDB, with the labels that a measure asks for."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from wildpaper.errors import WildpaperError
from wildpaper.files import read_json
from wildpaper.measure.shard_checks import (
    check_label,
    check_messages,
    listed,
    one,
    route_of_files,
)
from wildpaper.measure.shard_views import ShardViews, count_rows
from wildpaper.progress import Progress

COLUMNS: dict[str, tuple[str, ...]] = {
    "tokens": ("n_tokens",),
    "language": ("language",),
    "detoxify": ("toxicity",),
    "moderation": ("flagged",),
    "jailbreak": ("family",),
    "category": ("category", "probability"),
    "near_duplicate": ("cluster AS duplicate_cluster",),
}
"""What is read of each label."""

SAMPLED = ("category",)
"""Labels that a run gives to a sample of the messages."""

_FURTHEST_FIRST = ("simulated", "restored", "replayed", "recorded", "computed")


@dataclass(frozen=True, slots=True)
class OpenedDataset:
    """A data set as tables of DuckDB; a context manager that closes the connection.

    Attributes
    ----------
    views : ShardViews
        A table `conversations`, with the columns of ingest, `has_user`, and `cluster`, which
        numbers the users (or conversations, where the user is not known) from 0 in the order
        of their first conversation; and, if asked for, `messages`, one row a message: the keys,
        cluster, role, timestamp, columns of labels (null where there is no label),
        `has_<label>`, and, if asked for, `empty` and `n_characters`. `messages` reads a file
        and cannot be changed, but for `leave_out`.
    dataset, title : str
        Name of the data set, title of its release.
    simulated : bool
        Whether the release is.
    n_messages : int or None
        None if no messages were asked for.
    routes, n_labelled : dict
        {label: route that its files state}, {label: number of labelled messages}.
    """

    views: ShardViews
    dataset: str
    title: str
    simulated: bool
    n_messages: int | None
    routes: dict[str, str]
    n_labelled: dict[str, int]

    def __enter__(self) -> "OpenedDataset":
        return self

    def __exit__(self, *error: object) -> None:
        self.views.close()

    @property
    def connection(self) -> duckdb.DuckDBPyConnection:
        """The connection that has the tables, for queries and further tables."""
        return self.views.connection

    def leave_out(self, condition: str) -> None:
        """Take the conversations that meet a condition out, with their messages.

        Parameters
        ----------
        condition : str
            SQL over the columns of `conversations`.
        """
        self.views.leave_out(condition)

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
        return one(self.connection, query)

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
    columns: Sequence[str] | None = None,
    owners: Mapping[str, Sequence[str]] | None = None,
    with_empty: bool = False,
    reads: Mapping[str, tuple[str, ...]] | None = None,
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
    columns, with_empty, reads
        See `open_dataset`.
    owners : mapping, optional
        {label: names of the data sets that have it, in the order of `reports`}; labels that
        are not in it all data sets have.
    """
    n_shards = len(messages) // max(len(reports), 1)
    progress = Progress("measure", len(reports), "data sets")
    for i, path in enumerate(reports):
        part = slice(i * n_shards, (i + 1) * n_shards)
        own = {}
        for label, paths in labels.items():
            place: int | None = i
            if owners and label in owners:
                name = read_json(path)["dataset"]
                place = owners[label].index(name) if name in owners[label] else None
            if place is not None:
                own[label] = paths[place * n_shards : (place + 1) * n_shards]
        with open_dataset(
            path, conversations[part], messages[part], own, with_empty, columns, reads
        ) as opened:
            yield opened
        progress.advance(1)


def open_dataset(
    report: Path,
    conversations: list[Path],
    messages: list[Path] | None = None,
    labels: Mapping[str, list[Path]] | None = None,
    with_empty: bool = False,
    columns: Sequence[str] | None = None,
    reads: Mapping[str, tuple[str, ...]] | None = None,
    with_length: bool = False,
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
    columns : sequence of str, optional
        Columns of conversations and messages that are read besides keys, counts and roles;
        default all, which takes longer.
    reads : mapping, optional
        {label: its columns that are read}, where other ones than `COLUMNS` says.
    with_length : bool
        Whether messages get `n_characters`, which reads the text.

    Raises
    ------
    WildpaperError
        If a conversation occurs twice; if a message is missing, occurs twice or belongs to no
        conversation; if a label belongs to no message, occurs twice, or is missing although
        it does not come from a release.
    """
    ingested = read_json(report)
    release = ingested["release"]
    labels = labels or {}
    files = [*conversations, *(messages or ()), *(p for shards in labels.values() for p in shards)]
    counted: tuple[int | None, dict[str, int]] = None, {}
    views = ShardViews()
    try:
        routes = {label: route_of_files(shards) for label, shards in labels.items()}
        views.read_conversations(conversations, columns)
        if messages is not None:
            further = ["m.timestamp"] if columns is None or "timestamp" in columns else []
            further += ["m.text = '' AS empty"] if with_empty else []
            further += ["length(m.text) AS n_characters"] if with_length else []
            counted = _read(views, messages, labels, routes, further, COLUMNS | dict(reads or {}))
    except (duckdb.Error, pa.ArrowException, OSError) as error:
        views.close()
        raise _unreadable(files, error) from error
    except BaseException:
        views.close()
        raise
    return OpenedDataset(
        views, ingested["dataset"], release["title"], release["simulated"], counted[0],
        routes, counted[1],
    )  # fmt: skip


def _unreadable(files: list[Path], error: Exception) -> WildpaperError:
    hint = "Delete a damaged file and run again; the workflow writes it anew."
    if isinstance(error, duckdb.OutOfMemoryException):
        hint = "With more shards (config key shards) each takes less memory to read."
    what = str(error).partition("\n")[0]
    if "No space left" in what:
        hint = "Some 20 bytes a message are written for a while: set TMPDIR to where there is room."
    return WildpaperError(f"The shards cannot be read: {what}", where=listed(files), hint=hint)


def _read(
    views: ShardViews,
    messages: list[Path],
    labels: Mapping[str, list[Path]],
    routes: Mapping[str, str],
    columns: list[str],
    reads: Mapping[str, tuple[str, ...]],
) -> tuple[int, dict[str, int]]:
    """Join messages and labels; return the number of messages, and of those with each label."""
    views.join_messages(
        messages, {label: (paths, reads[label]) for label, paths in labels.items()}, columns
    )
    files = [*messages, *(path for paths in labels.values() for path in paths)]
    n_messages = check_messages(views.connection, files, count_rows(messages))
    n_labelled = {
        label: check_label(
            views.connection, label, paths, n_messages,
            partly=routes[label] == "recorded" or label in SAMPLED,
        )
        for label, paths in labels.items()
    }  # fmt: skip
    return n_messages, n_labelled
