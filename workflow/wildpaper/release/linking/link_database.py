"""The database in which calls are linked: in bounded memory, the rest on disk while it runs."""

import errno
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa

from wildpaper.errors import WildpaperError
from wildpaper.files import scratch_folder

_PYTHON_MB, _LEAST_MB = 500, 100
_BATCH_ROWS = 20_000
_FULL = (errno.ENOSPC, errno.EDQUOT)


@contextmanager
def private_folder(beside: Path) -> Iterator[Path]:
    """Yield a new folder beside a file, which only its owner can enter and which vanishes.

    The folder around both is closed to others too, for good: what is linked stands there.

    Raises
    ------
    WildpaperError
        If memory or disk do not suffice for what is done in it.
    """
    beside.parent.mkdir(parents=True, exist_ok=True)
    beside.parent.chmod(0o700)
    try:
        with scratch_folder(beside.parent, beside.stem) as folder:
            yield folder
    except (duckdb.OutOfMemoryException, duckdb.IOException, MemoryError, OSError) as error:
        if isinstance(error, OSError) and error.errno not in _FULL:
            raise
        raise WildpaperError(
            f"Not enough memory or room on the disk ({type(error).__name__})",
            where=str(beside.parent),
            hint="Make room: logs that are compressed need as much as when they are plain. Or "
            "give the rule more memory.",
        ) from None


class Database:
    """A DuckDB database, which gets what Python leaves of the memory, and a least amount.

    Parameters
    ----------
    folder : Path
        Where what does not fit in memory goes.
    n_workers : int
        Threads.
    memory_mb : int
        Memory of this process, in MB.
    """

    def __init__(self, folder: Path, n_workers: int, memory_mb: int) -> None:
        settings: dict[str, Any] = {
            "threads": max(n_workers, 1),
            "memory_limit": f"{max(memory_mb - _PYTHON_MB, _LEAST_MB)}MB",
            "temp_directory": str(folder / "spill"),
            "preserve_insertion_order": False,
            "autoinstall_known_extensions": False,
        }
        self._connection: Any = duckdb.connect(":memory:", config=settings)

    def close(self) -> None:
        """Forget everything."""
        self._connection.close()

    def run(self, statement: str, **values: Any) -> None:
        """Run a statement; ``$name`` in it stands for a value."""
        self._connection.execute(statement, values or None)

    def run_in_order(self, statement: str) -> None:
        """Run a statement that makes a table in the order of its query; takes more memory."""
        self.run("SET preserve_insertion_order = true")
        self.run(statement)
        self.run("SET preserve_insertion_order = false")

    def drop(self, *tables: str) -> None:
        """Forget tables that are needed no more."""
        for table in tables:
            self.run(f"DROP TABLE {table}")

    def row(self, query: str, **values: Any) -> tuple[int, ...]:
        """Return the one row of a query for counts; what is null counts as 0."""
        (found,) = self.rows(query, **values)
        return tuple(int(value or 0) for value in found)

    def rows(self, query: str, **values: Any) -> list[tuple[Any, ...]]:
        """Return all rows of a query that has few."""
        return list(self._connection.execute(query, values or None).fetchall())

    def batches(self, query: str) -> Iterator[pa.RecordBatch]:
        """Yield the result of a query piece by piece; other queries may run meanwhile."""
        with self._connection.cursor() as cursor:
            yield from cursor.sql(query).to_arrow_reader(_BATCH_ROWS)

    def view_files(self, name: str, paths: list[Path]) -> None:
        """Give Parquet files of one kind the name of a table."""
        listed = ", ".join(map(_quoted, paths))
        statement = f"CREATE VIEW {name} AS SELECT * FROM read_parquet([{listed}])"  # noqa: S608
        self._connection.execute(statement)


def _quoted(path: Path) -> str:
    """Return a path as SQL has it; what would be a wild card stands for itself."""
    literal = re.sub(r"[*?\[]", r"[\g<0>]", str(path))
    return "'" + literal.replace("'", "''") + "'"


def n_threads(n_workers: int) -> int:
    """Return how many of the workers asked for there are processors for."""
    return max(min(n_workers, os.cpu_count() or 1), 1)
