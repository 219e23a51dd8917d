"""The first reading of call logs: several processes, one Parquet file a log, no texts.

These files hold addresses and sessions. They stand in a folder that only their owner can
enter, and go when the calls are linked.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.config_release import LinkingConfig
from wildpaper.processes import worker_pool
from wildpaper.progress import Progress
from wildpaper.release.linking.call_lines import Line, is_compressed, read_lines
from wildpaper.release.linking.calls import Parsed, digest_of, hash_messages, opening_of, parse_call

_DIGEST = pa.uuid()
RUN = pa.schema(
    {
        "file": pa.int32(),
        "line": pa.int64(),
        "place": pa.int64(),
        "size": pa.int64(),
        "reason": pa.string(),
        "part": pa.string(),
        "time_us": pa.int64(),
        "session": _DIGEST,
        "address": pa.binary(),
        "kind": pa.string(),
        "n_hops": pa.int32(),
        "call_id": pa.binary(),
        "repeats": _DIGEST,
        "current": _DIGEST,
        "previous": _DIGEST,
        "n_exchanges": pa.int32(),
        "opening": pa.int32(),
        "client": _DIGEST,
        "model": pa.binary(),
        "user_agent": pa.binary(),
        "accept_language": pa.binary(),
    }
)
"""One row a line. Texts that may hold what is no UTF-8 stand as bytes; lines with the same
`repeats` are copies of one call; only calls with the same `client` continue each other."""

_BUFFERED_ROWS = 10_000


@dataclass(frozen=True, slots=True)
class Reading:
    """One log to read: its number, where its rows go, and where a copy if compressed."""

    file: int
    path: Path
    run: Path
    spool: Path

    @property
    def second_look(self) -> Path:
        """Where its lines can be read again by place."""
        return self.spool if is_compressed(self.path) else self.path


@dataclass(frozen=True, slots=True)
class Reader:
    """What the reading of all logs shares: settings, and openings to look out for."""

    settings: LinkingConfig
    openings: dict[str, int]

    def read(
        self, reading: Reading, advance: Callable[[int], None] = lambda n_bytes: None
    ) -> Reading:
        """Read one log."""
        with RowFile(reading.run, RUN) as rows:
            for line in read_lines(reading.path, reading.spool, advance):
                rows.add(self._row(reading.file, line))
        return reading

    def _row(self, file: int, line: Line) -> dict[str, Any]:
        parsed = parse_call(line.data, self.settings)
        row: dict[str, Any] = {
            "file": file,
            "line": line.number,
            "place": line.place,
            "size": len(line.data),
            "time_us": parsed.time_us,
            "session": None if parsed.session is None else digest_of(parsed.session),
            "call_id": to_bytes(parsed.call_id),
        }
        if parsed.client is not None:
            row["address"] = to_bytes(parsed.client.address)
            row["kind"], row["n_hops"] = parsed.client.kind, parsed.client.n_hops
        if parsed.refused is not None:
            row["reason"], row["part"] = parsed.refused.reason, parsed.refused.part
            return row
        return row | self._linking_columns(parsed)

    def _linking_columns(self, parsed: Parsed) -> dict[str, Any]:
        client = parsed.client
        assert client is not None  # noqa: S101 - a usable call has a client
        current, previous = hash_messages(parsed.payload)
        device = (client.user_agent or "") + (client.accept_language or "")
        opening = -1
        if self.openings:
            n_characters = self.settings.wildbench_characters
            text = opening_of(parsed.messages[0][1], n_characters)
            opening = self.openings.get(text, -1)
        return {
            "repeats": _repeats(parsed, current),
            "current": current,
            "previous": previous,
            "n_exchanges": len(parsed.messages) // 2,
            "opening": opening,
            "client": digest_of(device, *([parsed.model] if self.settings.same_model else [])),
            "model": to_bytes(parsed.model),
            "user_agent": to_bytes(client.user_agent),
            "accept_language": to_bytes(client.accept_language),
        }


def _repeats(parsed: Parsed, current: bytes) -> bytes:
    """Return what a call has in common with its copies and with no other call."""
    if parsed.call_id is not None:
        return digest_of("id", parsed.call_id)
    return digest_of("call", str(parsed.time_us), str(parsed.session), current.hex())


def to_bytes(text: str | None) -> bytes | None:
    """Return UTF-8, in which lone surrogates stay what they are."""
    return None if text is None else text.encode("utf-8", "surrogatepass")


def to_text(data: bytes) -> str:
    """Return the text that `to_bytes` was given."""
    return data.decode("utf-8", "surrogatepass")


class RowFile:
    """Rows as dictionaries into a Parquet file, some thousands at a time; absent is null."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self._schema = schema
        self._writer = pq.ParquetWriter(path, schema, compression="zstd")
        self._columns: dict[str, list[Any]] = {name: [] for name in schema.names}
        self._n_rows = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            self._flush()
        self._writer.close()

    def add(self, row: dict[str, Any]) -> None:
        """Append a row."""
        for name, column in self._columns.items():
            column.append(row.get(name))
        self._n_rows += 1
        if self._n_rows >= _BUFFERED_ROWS:
            self._flush()

    def _flush(self) -> None:
        arrays = [_array(self._columns[field.name], field.type) for field in self._schema]
        self._writer.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        self._columns = {name: [] for name in self._schema.names}
        self._n_rows = 0


def _array(values: list[Any], kind: pa.DataType) -> pa.Array:
    if kind == _DIGEST:
        return pa.ExtensionArray.from_storage(kind, pa.array(values, pa.binary(16)))
    return pa.array(values, kind)


_READER: list[Reader] = []


def _begin(reader: Reader) -> None:
    _READER[:] = [reader]


def _read(reading: Reading) -> Reading:
    return _READER[0].read(reading)


def read_calls(reader: Reader, readings: list[Reading], n_workers: int) -> None:
    """Read all logs, in this process if `n_workers` is 1, else in as many new ones.

    Raises
    ------
    WildpaperError
        If a log cannot be read to its end, or a process was killed.
    """
    n_bytes = sum(reading.path.stat().st_size for reading in readings)
    progress = Progress("rawlogs: calls read", n_bytes, "bytes")
    n_workers = min(n_workers, len(readings))
    if n_workers <= 1:
        for reading in readings:
            reader.read(reading, progress.advance)
        return
    with worker_pool(n_workers, _begin, (reader,)) as submit:
        for found in [submit(_read, reading) for reading in readings]:
            progress.advance(found.result().path.stat().st_size)
