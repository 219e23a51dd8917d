"""Reading a whole archive: each byte is as it has to be, or the place where it is not is named."""

import hashlib
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from wildpaper.archive.layout import END, Archive, Member, damaged, open_archive, padding
from wildpaper.files import write_json
from wildpaper.progress import Progress

_LOG = logging.getLogger("wildpaper")
_CHUNK_BYTES = 1 << 20


def verify_archive(archive: Path, report: Path) -> None:
    """Check all members of an archive against their checksums, and all bytes between them.

    Parameters
    ----------
    archive : Path
    report : Path
        JSON to write: the archive's name, size and checksums.

    Raises
    ------
    WildpaperError
        If a byte is not what it has to be; names the member.
    """
    opened = open_archive(archive)
    progress = Progress(f"verify {archive.name}", opened.n_bytes, "bytes")
    with archive.open("rb") as handle:
        for member in opened.index.members:
            for chunk in content_of(opened, handle, member):
                progress.advance(len(chunk))
            if handle.read(padding(member.n_bytes)).strip(b"\0"):
                raise damaged(archive, f"what follows {member.path} is not empty")
        if handle.read() != END:
            raise damaged(archive, "its end is not empty")
    _LOG.info("%s: %d members, all as they were packed", archive.name, len(opened.index.members))
    write_json(
        report,
        {
            "archive": archive.name,
            "n_bytes": opened.n_bytes,
            "n_members": len(opened.index.members),
            "index_sha256": opened.digest,
        },
    )


def content_of(archive: Archive, handle: IO[bytes], member: Member) -> Iterator[bytes]:
    """Yield the content of a member in chunks; refuse it at the end if its checksum is another.

    Raises
    ------
    WildpaperError
        If the header or the content is not what the index says.
    """
    archive.open_member(handle, member)
    digest = hashlib.sha256()
    for chunk in _chunks(handle, member.n_bytes):
        digest.update(chunk)
        yield chunk
    if digest.hexdigest() != member.sha256:
        raise damaged(archive.path, f"{member.path} is not what was packed")


def _chunks(handle: IO[bytes], n_bytes: int) -> Iterator[bytes]:
    left = n_bytes
    read: Callable[[int], bytes] = handle.read
    while left and (chunk := read(min(left, _CHUNK_BYTES))):
        left -= len(chunk)
        yield chunk
