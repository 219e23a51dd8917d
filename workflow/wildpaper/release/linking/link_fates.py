"""What became of each line of the call logs."""

from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.files import atomic_path
from wildpaper.ingest.normalise import remove_surrogates
from wildpaper.release.linking.call_runs import to_text
from wildpaper.release.linking.link_database import Database
from wildpaper.release.linking.link_order import BEFORE_START, DUPLICATE
from wildpaper.schema import FATES, check_table


def write_fates(database: Database, names: list[str], path: Path) -> Counter[str]:
    """Write the fate of each line; return how many lines have which.

    Parameters
    ----------
    database : Database
        Knows ``runs``, ``ordered``, ``firsts``, ``calls``, ``members`` and ``chains``.
    names : list of str
        Names of the call logs, by their numbers.
    path : Path
        Parquet file of the schema `FATES`, sorted by file and line. A call that stands in
        several chains has a row for each, a kept one first; of its rows the first counts.
    """
    _gather_fates(database)
    counts: Counter[str] = Counter()
    last = (-1, -1)
    with (
        atomic_path(path) as temporary,
        pq.ParquetWriter(temporary, FATES, compression="zstd") as writer,
    ):
        for batch in database.batches(
            "SELECT r.file, r.line, r.call_id, coalesce(r.reason, f.fate) AS fate,"
            " f.chain, f.turn, f.conversation FROM runs r"
            " LEFT JOIN fates f ON f.file = r.file AND f.line = r.line"
            " ORDER BY r.file, r.line, f.conversation IS NULL, f.chain"
        ):
            table = _named(pa.Table.from_batches([batch]), names)
            writer.write_table(check_table(table, FATES, path))
            last = _count(batch, last, counts)
    return counts


def _gather_fates(database: Database) -> None:
    database.run(
        "CREATE TABLE fates AS"
        " SELECT file, line, $duplicate AS fate, NULL::BIGINT AS chain, NULL::INTEGER AS turn,"
        " NULL::BIGINT AS conversation FROM ordered o ANTI JOIN firsts f ON f.n = o.n"
        " UNION ALL SELECT o.file, o.line, $early, NULL, NULL, NULL FROM ordered o"
        " SEMI JOIN firsts f ON f.n = o.n ANTI JOIN calls c ON c.n = o.n"
        " UNION ALL SELECT c.file, c.line, h.fate, h.chain, h.n_calls - 1 - m.back,"
        " h.conversation FROM members m JOIN chains h ON h.leaf = m.leaf"
        " JOIN calls c ON c.n = m.n WHERE h.chain IS NOT NULL"
        " UNION ALL SELECT DISTINCT c.file, c.line, h.fate, NULL, NULL, NULL"
        " FROM members m JOIN chains h ON h.leaf = m.leaf JOIN calls c ON c.n = m.n"
        " WHERE h.chain IS NULL",
        duplicate=DUPLICATE, early=BEFORE_START,
    )  # fmt: skip


def _named(table: pa.Table, names: list[str]) -> pa.Table:
    ids = [
        None if value is None else remove_surrogates(to_text(value))[0]
        for value in table["call_id"].to_pylist()
    ]
    columns = {
        "file": pa.array([names[file] for file in table["file"].to_pylist()], pa.string()),
        "line": table["line"],
        "call_id": pa.array(ids, pa.string()),
        "fate": table["fate"],
        "chain": table["chain"],
        "turn": table["turn"],
        "conversation_id": table["conversation"],
    }
    return pa.table(columns)


def _count(batch: pa.RecordBatch, last: tuple[int, int], counts: Counter[str]) -> tuple[int, int]:
    """Count the first row of each line; return the last line of the batch."""
    for file, line, fate in zip(
        batch["file"].to_pylist(), batch["line"].to_pylist(), batch["fate"].to_pylist(),
        strict=True,
    ):  # fmt: skip
        counts[fate] += (file, line) != last
        last = (file, line)
    return last
