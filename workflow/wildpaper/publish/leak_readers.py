"""What stands in a file, also inside containers and compressed: all of it, as bytes.

The kind of a file is told by its first bytes, and not by its name.
"""

import io
import json
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.errors import WildpaperError

_CHUNK_BYTES = 1 << 24
_OVERLAP_BYTES = 1 << 13
_BATCH_ROWS = 1 << 14
_TAG = re.compile(rb"<[^<>]{0,2000}>")
_STREAMS = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\x28\xb5\x2f\xfd": "zstd"}
_STREAMS_4 = {b"\x04\x22\x4d\x18": "lz4"}
_XZ = b"\xfd7zXZ\x00"
_PNG = b"\x89PNG\r\n\x1a\n"
_MAGIC_BYTES = 8
_FLOATS = ("F64", "F32", "F16", "BF16")


def contents(path: Path) -> Iterator[bytes]:
    """Yield all that a file holds, raw and unpacked; long contents in pieces that overlap.

    Raises
    ------
    WildpaperError
        If a file cannot be unpacked, since nobody can say then what is in it.
    """
    try:
        with path.open("rb") as handle:
            head = handle.read(_MAGIC_BYTES)
            numbers_only = _header_of_weights(handle, head, path.stat().st_size)
            if numbers_only is not None:
                yield numbers_only
                return
            handle.seek(0)
            yield from _raw(handle)
        yield from _unpacked(path, head)
    except (
        OSError, EOFError, ValueError, KeyError, TypeError, RecursionError, struct.error,
        zlib.error, lzma.LZMAError, zipfile.BadZipFile, NotImplementedError, pa.ArrowException,
    ) as error:  # fmt: skip
        raise _unreadable(path, error) from None


def _header_of_weights(handle: IO[bytes], head: bytes, n_bytes: int) -> bytes | None:
    """Return the header of safetensors if all that follows it are floating-point numbers."""
    n_header = int.from_bytes(head, "little")
    if len(head) < _MAGIC_BYTES or n_header > n_bytes - len(head) or handle.read(1) != b"{":
        return None
    header = b"{" + handle.read(n_header - 1)
    try:
        tensors = {name: one for name, one in json.loads(header).items() if name != "__metadata__"}
        places = sorted((one["data_offsets"], one["dtype"]) for one in tensors.values())
    except (ValueError, TypeError, KeyError, AttributeError):
        return None
    at = 0
    for (start, end), dtype in places:
        if start != at or end < start or dtype not in _FLOATS:
            return None
        at = end
    return header if len(head) + n_header + at == n_bytes else None


def _unreadable(path: Path, error: Exception) -> WildpaperError:
    return WildpaperError(
        f"A file cannot be unpacked, so nothing is known of what it holds ({type(error).__name__})",
        where=str(path),
        hint="Delete it, and let the run make it anew.",
    )


def _raw(handle: IO[bytes]) -> Iterator[bytes]:
    """Yield pieces of a stream, and what UTF-16 they may hold."""
    before = b""
    while data := handle.read(_CHUNK_BYTES):
        piece = before + data
        yield piece
        if b"\0" in piece:
            yield piece.replace(b"\0", b"")
            for codec in ("utf-16-le", "utf-16-be"):
                if _may_be_utf_16(piece):
                    yield piece.decode(codec, "ignore").encode("utf-8", "ignore")
        before = piece[-_OVERLAP_BYTES:]


def _may_be_utf_16(piece: bytes) -> bool:
    return piece[:2] in (b"\xff\xfe", b"\xfe\xff") or piece.count(b"\0", 0, 4096) > 1024


def _unpacked(path: Path, head: bytes) -> Iterator[bytes]:
    packed = _STREAMS.get(head[:2]) or _STREAMS.get(head[:3]) or _STREAMS.get(head[:4])
    packed = packed or _STREAMS_4.get(head[:4])
    if packed:
        with pa.input_stream(str(path), compression=packed) as stream:
            yield from _raw(stream)
    elif head.startswith(_XZ[:_MAGIC_BYTES]):
        with lzma.open(path) as handle:
            yield from _raw(handle)
    elif head.startswith(b"PAR1"):
        yield from _parquet(path)
    elif head.startswith(b"PK\x03\x04"):
        yield from _zip(path)
    elif head.startswith(b"%PDF"):
        yield from _pdf(path)
    elif head.startswith(_PNG):
        yield from _png(path.read_bytes())
    else:
        reader = _BY_NAME.get(path.suffix.lower())
        if reader is not None:
            yield from reader(path)


def _parquet(path: Path) -> Iterator[bytes]:
    with pq.ParquetFile(path) as file:
        schema = file.schema_arrow
        yield repr(schema.to_string(show_field_metadata=True)).encode("utf-8", "replace")
        yield from (part for pair in (schema.metadata or {}).items() for part in pair)
        for batch in file.iter_batches(batch_size=_BATCH_ROWS):
            for column in batch.columns:
                for values in _texts(column):
                    yield from _raw(io.BytesIO(values))


def _texts(column: Any) -> Iterator[bytes]:
    """Yield the strings and bytes of an array, also nested ones, one to a line."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        yield from _texts(column.dictionary)
    elif pa.types.is_struct(kind):
        for part in column.flatten():
            yield from _texts(part)
    elif pa.types.is_map(kind):
        yield from _texts(column.keys)
        yield from _texts(column.items)
    elif (
        pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    ):
        yield from _texts(column.flatten())
    elif _is_text(kind):
        yield b"\n".join(column.drop_null().cast(pa.large_binary()).to_pylist())


def _is_text(kind: pa.DataType) -> bool:
    checks = (
        pa.types.is_string,
        pa.types.is_large_string,
        pa.types.is_binary,
        pa.types.is_large_binary,
        pa.types.is_string_view,
        pa.types.is_binary_view,
        pa.types.is_fixed_size_binary,
    )
    return any(check(kind) for check in checks)


def _zip(path: Path) -> Iterator[bytes]:
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            yield member.filename.encode("utf-8", "replace")
            with archive.open(member) as handle:
                yield from _raw(handle)


def _pdf(path: Path) -> Iterator[bytes]:
    """Yield the text of pages, properties, and all streams as they are after decompression."""
    from pypdf import PdfReader
    from pypdf.errors import PyPdfError
    from pypdf.generic import StreamObject

    try:
        reader = PdfReader(path)
        yield repr(dict(reader.metadata or {})).encode("utf-8", "replace")
        for page in reader.pages:
            yield page.extract_text().encode("utf-8", "ignore")
        trailer: Any = reader.trailer
        for number in range(1, int(trailer["/Size"])):
            found = reader.get_object(number)
            if isinstance(found, StreamObject) and found.get("/Subtype") != "/Image":
                yield _stream(found)
            elif found is not None:
                yield repr(found).encode("utf-8", "replace")
    except PyPdfError as error:
        raise _unreadable(path, error) from None


def _stream(found: Any) -> bytes:
    """Return a stream after decompression, or as it is if its filter is not known."""
    try:
        return bytes(found.get_data())
    except NotImplementedError:
        return bytes(found._data)


def _png(data: bytes) -> Iterator[bytes]:
    """Yield all chunks but the pixels, those with compressed text decompressed."""
    at = len(_PNG)
    while at < len(data):
        (n_bytes,) = struct.unpack_from(">I", data, at)
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + 8 + n_bytes]
        at += 12 + n_bytes
        if kind == b"zTXt":
            yield zlib.decompress(body[body.index(b"\0") + 2 :])
        elif kind == b"iTXt":
            rest = body[body.index(b"\0") + 1 :]
            text = rest[2:].split(b"\0", 2)[2]
            yield zlib.decompress(text) if rest[0] else text
        elif kind != b"IDAT":
            yield body


def _html(path: Path) -> Iterator[bytes]:
    yield _TAG.sub(b"", path.read_bytes())


def _notebook(path: Path) -> Iterator[bytes]:
    """Yield the strings of a notebook; lists of strings, which are lines, in one piece."""
    yield from (text.encode("utf-8", "ignore") for text in _strings(json.loads(path.read_bytes())))


def _strings(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _strings(part)
    elif isinstance(value, list):
        if value and all(isinstance(part, str) for part in value):
            yield "".join(value)
        else:
            for part in value:
                yield from _strings(part)


_BY_NAME: dict[str, Callable[[Path], Iterator[bytes]]] = {
    ".html": _html,
    ".ipynb": _notebook,
}
