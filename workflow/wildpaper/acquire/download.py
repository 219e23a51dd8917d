"""Download one file: resumed where it broke off, verified, never half there."""

import errno
import re
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import requests
import urllib3

from wildpaper.acquire.partial import Part
from wildpaper.acquire.transfer import Patience, UnsettledError, check_status, retry, send, shown
from wildpaper.errors import WildpaperError
from wildpaper.files import sha256_file
from wildpaper.progress import Progress

_CHUNK_BYTES = 1 << 18
_CONTENT_RANGE = re.compile(r"^bytes (?P<start>\d+)-(?P<end>\d+)/(?P<total>\d+|\*)$")
_UNSATISFIED = re.compile(r"^bytes \*/(?P<total>\d+)$")


@dataclass(frozen=True)
class Downloaded:
    """A finished download: SHA-256, size in bytes, and what the server said of the version."""

    sha256: str
    n_bytes: int
    etag: str | None
    commit: str | None


def download(
    url: str,
    target: Path,
    *,
    sha256: str | None = None,
    size_bytes: int | None = None,
    headers: dict[str, str] | None = None,
    attempts: int = 5,
    backoff_s: float = 1.0,
    timeout_s: float = 30.0,
    what: str = "",
) -> Downloaded:
    """Download `url` to `target`, which appears only when it is complete and verified.

    Unfinished bytes are kept in ``<target>.part`` and continued with HTTP ranges, in this
    run and in a later one.

    Parameters
    ----------
    url : str
        The address; redirects are followed.
    target : Path
        Where to.
    sha256 : str, optional
        Expected SHA-256. On a mismatch the file is fetched once more from the start.
    size_bytes : int, optional
        Expected size in bytes.
    headers : dict, optional
        Sent to the host of `url` and to no other (``Authorization``).
    attempts : int
        Attempts without progress before giving up.
    backoff_s : float
        Seconds before the second attempt, doubled each time; ``Retry-After`` goes first.
    timeout_s : float
        Seconds to wait for a connection and between two bytes.
    what : str
        The name of the file in progress lines and errors.

    Raises
    ------
    WildpaperError
        If the file cannot be had as it should be; says what to do.
    """
    what = what or target.name
    job = _Job(url, target, sha256, size_bytes, headers or {}, Patience(attempts, backoff_s, timeout_s), what)  # noqa: E501  # fmt: skip
    obtained = ""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        part = Part(target, url, sha256)
        for _ in range(2):
            _fetch(job, part)
            obtained = sha256_file(part.path)
            if sha256 in (None, obtained):
                n_bytes = part.n_bytes
                part.publish()
                return Downloaded(obtained, n_bytes, part.known.etag, part.known.commit)
            part.discard()
    except OSError as error:
        raise _disk_error(error, job) from error
    raise WildpaperError(
        f"{what}: the file is not the registered one, twice: expected SHA-256 {sha256}, "
        f"obtained {obtained}",
        where=shown(url),
        hint="The bytes were thrown away. Either the server has another version (check the "
        "revision, or register the new checksum in data/sources.yaml on purpose), or something "
        "on the way changes files.",
    )


@dataclass(frozen=True)
class _Job:
    url: str
    target: Path
    sha256: str | None
    size_bytes: int | None
    headers: dict[str, str]
    patience: Patience
    what: str

    @property
    def with_token(self) -> bool:
        return any(name.lower() == "authorization" for name in self.headers)


def _fetch(job: _Job, part: Part) -> None:
    """Bring all bytes into the part, in as many attempts as patience allows."""
    try:
        retry(lambda: _attempt(job, part), job.patience, job.what, lambda: part.n_bytes)
    except UnsettledError as error:
        kept = f": the {part.n_bytes} bytes already fetched are kept and will be continued"
        raise WildpaperError(
            f"{job.what}: the download did not succeed in {job.patience.attempts} attempts: "
            f"{error.reason}",
            where=shown(job.url),
            hint=f"Check the network, wait a while, and run again{kept if part.n_bytes else ''}.",
        ) from None


def _attempt(job: _Job, part: Part) -> None:
    """Ask for what is missing and append it to the part."""
    if part.complete:
        return
    if part.n_bytes and not (job.sha256 or part.known.validator):
        part.discard()  # nothing could show that the rest belongs to it
    extra = {}
    if part.n_bytes:
        extra["Range"] = f"bytes={part.n_bytes}-"
        if part.known.validator:
            extra["If-Range"] = part.known.validator
    response = send(
        "GET", job.url, private=job.headers, extra=extra, timeout_s=job.patience.timeout_s
    )
    with response:
        check_status(response, job.url, job.what, with_token=job.with_token)
        if response.status_code == 416:
            _settle_unsatisfied(job, part, response)
        elif response.status_code == 206 and part.n_bytes:
            _continue(job, part, response)
            _stream(job, part, response)
        elif response.status_code == 200:
            _start(job, part, response)
            _stream(job, part, response)
        else:
            part.discard()
            raise UnsettledError(f"the server answered {response.status_code} to a plain request")


def _start(job: _Job, part: Part, response: requests.Response) -> None:
    """Begin at byte 0 (also where the server ignored the range that was asked for)."""
    coding = response.headers.get("Content-Encoding", "identity")
    if coding != "identity":
        raise WildpaperError(
            f"{job.what}: the server sends the file compressed ({coding}) although it was asked "
            "not to",
            where=shown(job.url),
            hint="Fetch the file by other means and use source: path.",
        )
    length = response.headers.get("Content-Length", "")
    n_total = int(length) if length.isdecimal() else job.size_bytes
    _check_announced(job, n_total)
    _check_space(job, n_total or 0)
    part.begin(
        replace(
            part.known,
            etag=response.headers.get("ETag"),
            last_modified=response.headers.get("Last-Modified"),
            n_total=n_total,
            commit=_header(response, "X-Repo-Commit"),
        )
    )


def _continue(job: _Job, part: Part, response: requests.Response) -> None:
    """Check that the answer is the rest of the part."""
    stated = response.headers.get("Content-Range", "")
    match = _CONTENT_RANGE.match(stated)
    n_total = int(match["total"]) if match and match["total"] != "*" else part.known.n_total
    fits = (
        match is not None
        and int(match["start"]) == part.n_bytes
        and part.known.n_total in (None, n_total)
        and response.headers.get("ETag", part.known.etag) in (part.known.etag, None)
    )
    if not fits:
        part.discard()
        raise UnsettledError(f"the server answered with another range ({stated or 'none'})")
    _check_announced(job, n_total)
    _check_space(job, (n_total or 0) - part.n_bytes)
    part.learn(replace(part.known, n_total=n_total))


def _settle_unsatisfied(job: _Job, part: Part, response: requests.Response) -> None:
    """Answer 416: the part is the whole file if size and checksum can say so, else start over."""
    match = _UNSATISFIED.match(response.headers.get("Content-Range", ""))
    if match and int(match["total"]) == part.n_bytes and job.sha256:
        part.learn(replace(part.known, n_total=part.n_bytes))
        return
    n_bytes = part.n_bytes
    part.discard()
    raise UnsettledError(f"the server has no bytes after {n_bytes}, though it announced more")


def _stream(job: _Job, part: Part, response: requests.Response) -> None:
    """Append the body to the part; a short body is an unsettled attempt."""
    n_total = part.known.n_total
    progress = Progress(job.what, n_total, "bytes")
    progress.resume_from(part.n_bytes)
    try:
        with part.append() as handle:
            while chunk := _read(response):
                handle.write(chunk)
                progress.advance(len(chunk))
    except UnsettledError as error:
        whole = "unknown" if n_total is None else n_total
        raise UnsettledError(f"{error.reason} after {part.n_bytes} of {whole} bytes") from None
    if n_total is None:
        part.learn(replace(part.known, n_total=part.n_bytes))
    elif part.n_bytes < n_total:
        raise UnsettledError(f"the connection ended after {part.n_bytes} of {n_total} bytes")
    elif part.n_bytes > n_total:
        n_bytes = part.n_bytes
        part.discard()
        raise UnsettledError(f"the server sent {n_bytes} bytes where it announced {n_total}")


def _read(response: requests.Response) -> bytes:
    try:
        chunk: bytes = response.raw.read1(_CHUNK_BYTES, decode_content=False)
    except (urllib3.exceptions.HTTPError, OSError) as error:
        raise UnsettledError(f"the connection broke ({type(error).__name__})") from None
    return chunk


def _check_announced(job: _Job, n_total: int | None) -> None:
    if job.size_bytes is not None and n_total != job.size_bytes:
        raise WildpaperError(
            f"{job.what}: the server announces {n_total} bytes, registered are "
            f"{job.size_bytes}; nothing was downloaded",
            where=shown(job.url),
            hint="The address leads to another version or to an error page: open it in a "
            "browser, and check revision and size in data/sources.yaml.",
        )


def _check_space(job: _Job, n_missing: int) -> None:
    if shutil.disk_usage(job.target.parent).free < n_missing:
        raise OSError(errno.ENOSPC, "No space left on device")


def _disk_error(error: OSError, job: _Job) -> WildpaperError:
    """Return the error for a disk that does not take the file."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return WildpaperError(
            f"{job.what}: no space left on the disk",
            where=str(job.target.parent),
            hint="Free some space and run again: what was fetched is kept and continued.",
        )
    return WildpaperError(
        f"{job.what}: the file cannot be written ({error.strerror or type(error).__name__})",
        where=str(job.target),
        hint="Check the rights of the folder and that nothing else lies under this name.",
    )


def _header(response: requests.Response, name: str) -> str | None:
    """Return a header of the first answer on the way that carries it."""
    for answer in (*response.history, response):
        if name in answer.headers:
            return answer.headers[name]
    return None
