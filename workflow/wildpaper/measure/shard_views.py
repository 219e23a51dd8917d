"""Shards as a table and a view of DuckDB, in little memory however many messages there are.

Conversations are held in memory, as many of their columns as are asked for. Messages and labels
are joined once, into a file of a scratch folder that each query reads again. What is needed
beyond the limit of memory goes to that folder as well.
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from wildpaper.errors import WildpaperError

MEMORY_MB_PER_THREAD = 512
"""What DuckDB may hold; more goes to the disk. A thread that reads texts holds those of some
100,000 messages."""

Labels = tuple[list[Path], tuple[str, ...]]
"""Shards of a label, and what is read of it."""

_PREFIX = "wildpaper-measure-"
_FORMAT = (
    "FORMAT parquet, PARQUET_VERSION v2, COMPRESSION uncompressed, ROW_GROUP_SIZE 24576, "
    "DICTIONARY_SIZE_LIMIT 1000"
)

# A user is known by the first conversation; one without a user is a cluster of its own.
_CONVERSATIONS = """
CREATE TABLE conversations AS
WITH c AS NOT MATERIALIZED (SELECT * FROM {files}),
     clusters AS (
         SELECT "user", first, row_number() OVER (ORDER BY first) - 1 AS cluster FROM (
             SELECT "user", min(conversation_id) AS first
             FROM c WHERE "user" IS NOT NULL GROUP BY "user"
             UNION ALL SELECT NULL, conversation_id FROM c WHERE "user" IS NULL
         )
     )
SELECT {columns}, true AS has_user, k.cluster FROM c JOIN clusters k ON k."user" = c."user"
UNION ALL
SELECT {columns}, false, k.cluster FROM c JOIN clusters k ON k.first = c.conversation_id
WHERE c."user" IS NULL
"""
_SAME_KEY = "{label}.conversation_id = m.conversation_id AND {label}.position = m.position"
_ALWAYS = ("conversation_id", "n_turns", "n_messages", "duplicate")


class Scratch:
    """A folder for temporary files that only its owner can enter and that vanishes.

    What killed processes left goes first: they no longer hold the lock in their folder.
    """

    def __init__(self) -> None:
        parent = Path(tempfile.gettempdir())
        _remove_abandoned(parent)
        self._folder = tempfile.TemporaryDirectory(
            prefix=_PREFIX, dir=parent, ignore_cleanup_errors=True
        )
        self.path = Path(self._folder.name)
        self._lock = (self.path / "locking").open("wb")
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        (self.path / "locking").rename(self.path / "lock")

    def close(self) -> None:
        """Remove the folder."""
        self._folder.cleanup()
        self._lock.close()


def _remove_abandoned(parent: Path) -> None:
    for path in parent.glob(f"{_PREFIX}*/lock"):
        try:
            with path.open("rb") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(path.parent, ignore_errors=True)
        except OSError:  # somebody works there, or it has just gone
            continue


class ShardViews:
    """A connection with the table `conversations` and, if asked for, the view `messages`.

    Attributes
    ----------
    connection : duckdb.DuckDBPyConnection
        Its memory is bounded, and it has as many threads as the job.
    """

    def __init__(self) -> None:
        self._scratch = Scratch()
        self._joined = self._scratch.path / "messages.parquet"
        n_threads = _threads_of_job()
        self.connection = duckdb.connect(
            config={
                "memory_limit": f"{MEMORY_MB_PER_THREAD * n_threads}MB",
                "temp_directory": str(self._scratch.path / "spilled"),
                "threads": n_threads,
                "enable_external_file_cache": "false",
            }
        )

    def close(self) -> None:
        """Close the connection; remove what it has on the disk."""
        self.connection.close()
        self._scratch.close()

    def read_conversations(self, paths: list[Path], columns: Sequence[str] | None) -> None:
        """Make the table `conversations`, with all columns, or some besides `_ALWAYS`.

        Raises
        ------
        WildpaperError
            If a conversation occurs twice.
        """
        names = "c.*" if columns is None else ", ".join(f'c."{n}"' for n in (*_ALWAYS, *columns))
        self.connection.execute(_CONVERSATIONS.format(files=_read(paths), columns=names))
        twice = "SELECT count(*) - count(DISTINCT conversation_id) FROM conversations"
        (n_twice,) = self.connection.execute(twice).fetchone() or (0,)
        if n_twice:
            raise WildpaperError(
                f"{n_twice} conversations occur twice",
                where=", ".join(map(str, paths)),
                hint="Delete these files and run again; the workflow writes them anew.",
            )

    def join_messages(
        self, messages: list[Path], labels: Mapping[str, Labels], columns: Sequence[str]
    ) -> None:
        """Make the view `messages`, see `wildpaper.measure.shards.OpenedDataset`.

        Messages of no conversation are left out; what else may be wrong is not looked at.

        Parameters
        ----------
        messages : list of Path
        labels : mapping
            {label: its shards, and what is read of them}.
        columns : sequence of str
            What is read of messages, as SQL, besides their keys and roles.
        """
        n_messages = count_rows(messages)
        aligned = {label for label, (paths, _) in labels.items() if count_rows(paths) == n_messages}
        self._join(messages, labels, columns, aligned)
        elsewhere = {label for label in aligned if self._lacks(label)}
        if elsewhere:
            self._join(messages, labels, columns, aligned - elsewhere)

    def _join(
        self,
        messages: list[Path],
        labels: Mapping[str, Labels],
        columns: Sequence[str],
        aligned: Collection[str],
    ) -> None:
        """Join those of the labels by position whose rows are in the order of the messages."""
        joins = [f"{_read(messages)} m"]
        joins += [f"POSITIONAL JOIN {_read(labels[label][0])} {label}" for label in aligned]
        joins.append("JOIN conversations c ON c.conversation_id = m.conversation_id")
        chosen = ["m.conversation_id", "m.position", "c.cluster", *columns]
        chosen.append("CAST(m.role AS VARCHAR) AS role")
        for label, (paths, names) in labels.items():
            same = _SAME_KEY.format(label=label)
            if label not in aligned:
                joins.append(f"LEFT JOIN {_read(paths)} {label} ON {same}")
            chosen += [f"{label}.{name}" for name in names]
            chosen.append(f"coalesce({same}, false) AS has_{label}")
        # In the order written: of what is joined by position no size is known.
        self.connection.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")
        self.connection.execute(
            f"COPY (SELECT {', '.join(chosen)} FROM {' '.join(joins)}) "  # noqa: S608 - names of ours
            f"TO {_quoted(self._joined)} ({_FORMAT})"
        )
        self.connection.execute("RESET disabled_optimizers")
        self.connection.execute(f"CREATE OR REPLACE VIEW messages AS FROM {_read([self._joined])}")

    def _lacks(self, label: str) -> bool:
        """Say whether a message has no label."""
        found = self.connection.execute(
            f"SELECT count(*) > 0 FROM messages WHERE NOT has_{label}"  # noqa: S608
        ).fetchone()
        return bool(found and found[0])

    def leave_out(self, condition: str) -> None:
        """Take the conversations that meet a condition out, with their messages."""
        out = f"SELECT conversation_id FROM conversations WHERE {condition}"  # noqa: S608
        self.connection.execute(f"CREATE TABLE IF NOT EXISTS left_out AS {out} LIMIT 0")
        self.connection.execute(f"INSERT INTO left_out {out}")
        self.connection.execute(
            "DELETE FROM conversations WHERE conversation_id IN (FROM left_out)"
        )
        if self._joined.exists():
            self.connection.execute(
                f"CREATE OR REPLACE VIEW messages AS FROM {_read([self._joined])} "
                "ANTI JOIN left_out USING (conversation_id)"
            )


def _threads_of_job() -> int:
    stated = os.environ.get("OMP_NUM_THREADS", "")
    return max(1, int(stated)) if stated.isdigit() else len(os.sched_getaffinity(0))


def count_rows(paths: list[Path]) -> int:
    """Return the number of rows of files, as they state it."""
    return sum(int(pq.read_metadata(path).num_rows) for path in paths)


def _read(paths: list[Path]) -> str:
    """Return SQL that reads parquet files; a view can hold no parameters."""
    return f"read_parquet([{', '.join(_quoted(path) for path in paths)}])"


def _quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"
