"""Labels that the authors recorded in a release, taken over beside the text."""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.annotate.recorded.columns import OtherShapeError, extract
from wildpaper.annotate.recorded.objects import extract_objects
from wildpaper.errors import WildpaperError
from wildpaper.files import atomic_path, read_json
from wildpaper.ingest import lmsys, wildchat
from wildpaper.ingest.native import Kept, numbered_records
from wildpaper.ingest.options import reading_options
from wildpaper.ingest.records import Reject
from wildpaper.schema import LABELS, check_table, label_metadata

_LOG = logging.getLogger("wildpaper")
_LAYOUTS = {"wildchat-parquet": wildchat.LAYOUT, "lmsys-parquet": lmsys.LAYOUT}
_BUFFERED_ROWS = 100_000
_TOGETHER = 1000
"""Conversations of JSON that are read together."""


def keep_recorded(
    acquired: Path,
    labels: list[Path],
    names: list[str],
    dataset: str,
    native_format: str,
    route: str = "recorded",
    options: dict[str, Any] | None = None,
) -> None:
    """Write the labels that a release carries for its messages, numbered as ingest numbers.

    The raw files are read once, in bounded memory. A message whose label is null or not
    recorded has no row; nor has one of JSON whose label is malformed, which is counted and
    warned of. Languages have confidence 1 and names in title case. Releases do not say
    whether Detoxify saw a whole text: `truncated` is False everywhere. A moderation
    category that a release lacks is False, with score 0.

    Parameters
    ----------
    acquired : Path
        ``acquired.json`` of the release; the files lie beside it.
    labels : list of Path
        Shards to write, ``annotate/<name>@recorded/<dataset>-<shard>.parquet``: all
        shards of the first name, then all of the next.
    names : list of str
        Of language, detoxify, moderation.
    dataset, native_format : str
        As in ``data/sources.yaml``. WildChat records all three, LMSYS-Chat-1M moderation,
        Open Assistant Detoxify.
    route : str
        Written into the files.
    options : dict, optional
        The section `ingest` of the configuration, the same that ingest has.

    Raises
    ------
    WildpaperError
        If a file cannot be read, does not record a label, or records it in another form.
    """
    if not names or len(labels) % len(names):
        raise ValueError("as many label files for each name")
    n_shards = len(labels) // len(names)
    release = read_json(acquired)["release"]["name"]
    release = release if release.startswith(dataset) else f"{dataset}-{release}"
    metadata = label_metadata(f"{release} release", route)
    counts: Counter[str] = Counter()
    faults: dict[str, Counter[str]] = {"unmatched": Counter(), "malformed": Counter()}
    with ExitStack() as stack:
        shards = [
            _Shard(path, names[i // n_shards], metadata, _BUFFERED_ROWS // len(labels), stack)
            for i, path in enumerate(labels)
        ]
        reading = reading_options(options)
        found = numbered_records(acquired, dataset, native_format, reading, tuple(names))
        for kept in _together(found, counts):
            for i, name in enumerate(names):
                if native_format in _LAYOUTS:
                    column = _LAYOUTS[native_format].labels[name].partition(".")[0]
                    table, n = _extract(name, column, kept, acquired.parent)
                    faults["unmatched"][name] += n
                else:
                    table, n = extract_objects(name, kept)
                    faults["malformed"][name] += n
                counts[name] += len(table)
                _spread(table, shards[i * n_shards : (i + 1) * n_shards])
        for shard in shards:
            shard.flush()
    _log_summary(dataset, names, counts, faults)


class _Shard:
    """One label file, written a row group at a time; in the format of `write_labels`."""

    def __init__(
        self, path: Path, label: str, metadata: dict[bytes, bytes], max_rows: int, stack: ExitStack
    ) -> None:
        self._path, self._schema = path, LABELS[label].with_metadata(metadata)
        self._max_rows, self._n_rows = max(max_rows, 1), 0
        self._tables: list[pa.Table] = []
        temporary = stack.enter_context(atomic_path(path))
        writer = pq.ParquetWriter(temporary, self._schema, compression="zstd")
        self._writer = stack.enter_context(writer)

    def add(self, table: pa.Table) -> None:
        self._tables.append(table)
        self._n_rows += len(table)
        if self._n_rows >= self._max_rows:
            self.flush()

    def flush(self) -> None:
        if self._n_rows:
            table = pa.concat_tables(self._tables)
            checked = check_table(table, self._schema, self._path)
            self._writer.write_table(checked.cast(self._schema))
        self._tables, self._n_rows = [], 0


def _together(records: Iterable[Kept | Reject], counts: Counter[str]) -> Iterator[list[Kept]]:
    """Yield the conversations kept, those of one record batch (or some of JSON) at a time."""
    kept: list[Kept] = []
    for record in records:
        if isinstance(record, Reject):
            continue
        counts["messages"] += len(record.clean.messages)
        if kept and (_batch_of(record) is not _batch_of(kept[0]) or len(kept) >= _TOGETHER):
            yield kept
            kept = []
        kept.append(record)
    if kept:
        yield kept


def _batch_of(one: Kept) -> Any:
    return one.conversation.labelled[0] if one.conversation.labelled else None


def _extract(label: str, column: str, kept: list[Kept], folder: Path) -> tuple[pa.Table, int]:
    """Return the labels of conversations of one batch, and what `extract` says beside them."""
    batch = _batch_of(kept[0])
    places = [one.conversation.labelled[1] for one in kept if one.conversation.labelled]
    rows = batch.select(list({column, "conversation"})).take(pa.array(places, pa.int64()))
    numbers = [one.number for one in kept]
    try:
        table, n = extract(label, rows[column], rows["conversation"], numbers)
    except (OtherShapeError, pa.ArrowException) as error:
        file = kept[0].conversation.file
        first, last = kept[0].conversation.row, kept[-1].conversation.row
        raise WildpaperError(
            f"The column {column} does not hold {label} labels as releases do: {error}",
            where=f"{folder / file}, rows {first} to {last} (counting from 0)",
            hint=f"Take {label!r} out of the config key datasets.<name>.recorded.",
        ) from error
    if any(one.clean.places is not None for one in kept):
        return _renumbered(table, kept), n
    return table, n


def _renumbered(table: pa.Table, kept: list[Kept]) -> pa.Table:
    """Return the labels of the messages that were kept, under their positions among these."""
    positions = {
        (one.number, place): position
        for one in kept
        for position, place in enumerate(one.clean.places or range(len(one.clean.messages)))
    }
    keys = zip(*(table[name].to_pylist() for name in ("conversation_id", "position")), strict=True)
    column = pa.array([positions.get(key) for key in keys], pa.int32())
    i = table.schema.get_field_index("position")
    return table.set_column(i, table.schema.field(i), column).filter(column.is_valid())


def _spread(table: pa.Table, shards: list[_Shard]) -> None:
    """Hand each row to the shard of its conversation."""
    if len(shards) == 1:
        shards[0].add(table)
        return
    owner = table["conversation_id"].to_numpy() % len(shards)
    for i, shard in enumerate(shards):
        shard.add(table.filter(pa.array(owner == i)))


def _log_summary(
    dataset: str, names: list[str], counts: Counter[str], faults: dict[str, Counter[str]]
) -> None:
    for name in names:
        _LOG.info("%s: %d of %d messages have a recorded label %s", dataset, counts[name],
                  counts["messages"], name)  # fmt: skip
        if n := faults["unmatched"][name]:
            _LOG.warning("%s: %d conversations have another number of %s labels than messages; "
                         "these labels are left out", dataset, n, name)  # fmt: skip
        if n := faults["malformed"][name]:
            _LOG.warning("%s: %d messages have a label %s that is no object of scores from 0 to "
                         "1; these labels are left out", dataset, n, name)  # fmt: skip
