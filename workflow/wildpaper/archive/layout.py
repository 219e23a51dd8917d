"""The bytes of an archive: a plain tar whose first two members say what the others must be.

`archive.json` is the index: jobs, members with sizes and checksums. `archive.sha256` holds the
checksum of the index. The members follow in the order of the index. As headers, padding and the
end follow from names and sizes, every byte of the file is known: none can change unseen, and
any `tar` unpacks the file.
"""

import hashlib
import json
import re
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from wildpaper.errors import WildpaperError

BLOCK = 512
END = bytes(2 * BLOCK)
INDEX, CHECKSUM = "archive.json", "archive.sha256"
FORMAT = 1
FOLDERS = ("ingest", "annotate", "release", "train", "evaluate", "restored")
"""Of a run's results, what an archive may write to."""

_NAME = re.compile(rf"({'|'.join(FOLDERS)})(/[A-Za-z0-9_@][A-Za-z0-9_@.+=-]*)+")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MOST_INDEX_BYTES = 1 << 30
_MOST_IN_OCTAL = 8**11


@dataclass(frozen=True, slots=True)
class Member:
    """A file of a run: its path below ``results/<preset>/``, size and checksum."""

    path: str
    n_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Job:
    """One job of the run that was archived, as its record tells.

    Attributes
    ----------
    rule, wildcards, code : str, dict, str
    params : dict
        {name: digest of its value}.
    inputs, outputs : tuple of str
        ``{results}/`` and ``{private}/`` stand for the folders of the run,
        ``{acquired}/<dataset>`` for the record of a data set that was brought in.
    seconds : float
        How long it took.
    """

    rule: str
    wildcards: dict[str, str]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    code: str
    params: dict[str, str]
    seconds: float


@dataclass(frozen=True, slots=True)
class Index:
    """What an archive says of itself.

    Attributes
    ----------
    wildpaper, preset : str
        Version of this project, and what ran.
    datasets : dict
        {data set: its source, and its version where the registry knows it}.
    jobs : list of Job
        All jobs behind the run, also those whose results are not packed.
    sources : dict
        {file of the project that a job read: its size and checksum}.
    members : list of Member
        In the order of the file.
    left_out : list of Member
        Results behind the run that are not packed.
    """

    wildpaper: str
    preset: str
    datasets: dict[str, dict[str, str]]
    jobs: list[Job]
    sources: dict[str, tuple[int, str]]
    members: list[Member]
    left_out: list[Member] = field(default_factory=list)

    def as_bytes(self) -> bytes:
        """Return the index as JSON; the same index gives the same bytes."""
        found = {"format": FORMAT, **asdict(self)}
        return (json.dumps(found, ensure_ascii=False, separators=(",", ":")) + "\n").encode()


def header(name: str, n_bytes: int) -> bytes:
    """Return the header of a member: a regular file of nobody's, of no time."""
    info = tarfile.TarInfo(name)
    info.size = n_bytes
    info.mode = 0o644
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "strict")


def header_size(name: str, n_bytes: int) -> int:
    """Return the size of a header, which is more than a block for long names only."""
    plain = len(name.encode()) <= tarfile.LENGTH_NAME and n_bytes < _MOST_IN_OCTAL
    return BLOCK if plain else len(header(name, n_bytes))


def padding(n_bytes: int) -> int:
    """Return how many zero bytes follow a member's content."""
    return -n_bytes % BLOCK


def front(index: bytes) -> bytes:
    """Return the first two members, the index and its checksum, as they stand in the file."""
    checksum = f"{hashlib.sha256(index).hexdigest()}  {INDEX}\n".encode()
    parts = []
    for name, content in ((INDEX, index), (CHECKSUM, checksum)):
        parts += [header(name, len(content)), content, bytes(padding(len(content)))]
    return b"".join(parts)


@dataclass(frozen=True, slots=True)
class Archive:
    """An archive whose index was read and found undamaged; its members are not read yet.

    Attributes
    ----------
    path : Path
    index : Index
    members : dict
        Members by their paths.
    starts : dict
        {path of a member: where its header starts}.
    n_bytes : int
        What the file must have.
    digest : str
        Checksum of the index, and so of all that it says.
    """

    path: Path
    index: Index
    members: dict[str, Member]
    starts: dict[str, int]
    n_bytes: int
    digest: str

    def open_member(self, handle: IO[bytes], member: Member) -> None:
        """Go to the content of a member; its header must be the one that the index demands.

        Raises
        ------
        WildpaperError
            If the header is another one: damaged, or that of a link, say.
        """
        handle.seek(self.starts[member.path])
        expected = header(member.path, member.n_bytes)
        if handle.read(len(expected)) != expected:
            raise damaged(self.path, f"the header of {member.path} is not that of a plain file")


def open_archive(path: Path) -> Archive:
    """Read and check the index of an archive.

    Raises
    ------
    WildpaperError
        If there is no such file, it is not an archive, its index is damaged or of another
        format, names a path that may not be written, or the file is too short or too long.
    """
    if not path.is_file():
        raise WildpaperError(
            f"No such file: {path}",
            where="config key restore",
            hint="Name an archive that 'snakemake archive' made.",
        )
    with path.open("rb") as handle:
        content = _content_of_index(handle, path)
        size = handle.seek(0, 2)
    index = _parsed(content, path)
    starts, at = {}, len(front(content))
    for member in index.members:
        starts[member.path] = at
        at += header_size(member.path, member.n_bytes) + member.n_bytes
        at += padding(member.n_bytes)
    expected = at + len(END)
    if size != expected:
        raise damaged(path, _wrong_size(size, expected, starts))
    members = {member.path: member for member in index.members}
    return Archive(path, index, members, starts, expected, hashlib.sha256(content).hexdigest())


def damaged(path: Path, what: str) -> WildpaperError:
    """Return the error of an archive that is not what its index says."""
    return WildpaperError(
        f"The archive is damaged: {what}",
        where=str(path),
        hint="Fetch or copy it again; nothing of a damaged archive is used.",
    )


def _content_of_index(handle: IO[bytes], path: Path) -> bytes:
    """Return the index, after comparing the front of the file byte by byte."""
    head = handle.read(BLOCK)
    try:
        info = tarfile.TarInfo.frombuf(head, "utf-8", "strict")
    except tarfile.HeaderError:
        raise damaged(path, "it does not begin with a header of tar, or that is damaged") from None
    if info.name != INDEX or not info.isreg() or not 0 < info.size <= _MOST_INDEX_BYTES:
        raise WildpaperError(
            f"Not an archive of a run: its first member is {info.name!r}, not {INDEX!r}",
            where=str(path),
            hint="Name an archive that 'snakemake archive' made.",
        )
    content = handle.read(info.size)
    expected = front(content)
    handle.seek(0)
    found = handle.read(len(expected))
    if found != expected:
        raise damaged(path, f"{INDEX} and {CHECKSUM} do not agree")
    return content


def _wrong_size(size: int, expected: int, starts: Mapping[str, int]) -> str:
    if size > expected:
        return f"{size - expected:,} bytes follow its end"
    first = next(
        (name for name, at in reversed(list(starts.items())) if at < size), "the first member"
    )
    return f"it is cut short in {first}: {size:,} of {expected:,} bytes"


def _parsed(content: bytes, path: Path) -> Index:
    try:
        found: dict[str, Any] = json.loads(content)
        number = found.pop("format")
        if number != FORMAT:
            raise WildpaperError(
                f"The archive has the format {number}; this version reads format {FORMAT}",
                where=str(path),
                hint=f"It was made by wildpaper {found.get('wildpaper')}; use that version.",
            )
        index = Index(
            found["wildpaper"], found["preset"], found["datasets"],
            [Job(**one | {k: tuple(one[k]) for k in ("inputs", "outputs")})
             for one in found["jobs"]],
            {name: (int(n), str(sha)) for name, (n, sha) in found["sources"].items()},
            list(_members(found["members"], path)),
            list(_members(found["left_out"], path)),
        )  # fmt: skip
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise damaged(path, f"{INDEX} is not what it should be ({error})") from None
    return index


def _members(found: list[dict[str, Any]], path: Path) -> Iterator[Member]:
    """Yield members whose paths may be written; refuse all others."""
    seen: set[str] = set()
    for one in found:
        member = Member(str(one["path"]), int(one["n_bytes"]), str(one["sha256"]))
        allowed = _NAME.fullmatch(member.path) and ".." not in member.path.split("/")
        if not allowed or member.path in seen or not _SHA256.fullmatch(member.sha256):
            raise WildpaperError(
                f"The archive names a file that it may not write, or twice: {member.path!r}",
                where=str(path),
                hint=f"Members stand below {', '.join(FOLDERS)}. Do not use this archive.",
            )
        if member.n_bytes < 0:
            raise ValueError(f"size of {member.path}")
        seen.add(member.path)
        yield member
