"""In how many conversations each found value occurs, over all shards."""

from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.errors import WildpaperError
from wildpaper.files import atomic_path, scratch_folder
from wildpaper.progress import Progress
from wildpaper.release.redaction.redaction_rules import frequency_key
from wildpaper.schema import FREQUENCIES, check_table

_BATCH_ROWS = 100_000
_MEMORY = "1GB"


def count_entities(entities: list[Path], frequencies: Path) -> None:
    """Write in how many conversations each value occurs, by kind.

    Parameters
    ----------
    entities : list of Path
        The findings of all shards; a conversation may stand in several of them.
    frequencies : Path
        Where to, schema `FREQUENCIES`, sorted; values as `frequency_key` gives them.

    Raises
    ------
    WildpaperError
        If a file cannot be read.
    """
    frequencies.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # What DuckDB spills holds values: beside the private file, not in the system's folder.
    with (
        scratch_folder(frequencies.parent, "counting") as folder,
        duckdb.connect(f"{folder}/counts.duckdb") as database,
    ):
        database.execute(f"SET memory_limit = '{_MEMORY}'")
        database.execute(f"SET temp_directory = '{folder}'")
        database.execute("CREATE TABLE found (entity TEXT, value TEXT, conversation_id BIGINT)")
        progress = Progress("conversations per value", len(entities), "shards")
        for path in entities:
            _insert(database, path)
            progress.advance(1)
        table = database.sql(
            "SELECT entity, value, count(DISTINCT conversation_id) AS n_conversations FROM found "
            "GROUP BY entity, value ORDER BY entity, value"
        ).to_arrow_table()
    with atomic_path(frequencies) as temporary:
        pq.write_table(check_table(table, FREQUENCIES, frequencies), temporary, compression="zstd")


def _insert(database: duckdb.DuckDBPyConnection, path: Path) -> None:
    columns = ["entity", "value", "conversation_id"]
    try:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_BATCH_ROWS, columns=columns):
                # Lower case by Python, as the rules look values up; DuckDB's differs.
                values = [frequency_key(value) for value in batch.column("value").to_pylist()]
                found = pa.table(
                    {
                        "entity": batch.column("entity"),
                        "value": pa.array(values, pa.string()),
                        "conversation_id": batch.column("conversation_id"),
                    }
                )
                database.register("batch", found)
                database.execute("INSERT INTO found SELECT DISTINCT * FROM batch")
                database.unregister("batch")
    except (OSError, KeyError, pa.ArrowInvalid) as error:
        raise WildpaperError(
            f"Cannot read the findings: {error}",
            where=str(path),
            hint="Delete the file; the workflow writes it anew.",
        ) from error
