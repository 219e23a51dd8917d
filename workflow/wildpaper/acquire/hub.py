"""What the Hugging Face hub says of a data set's files: commit, checksums, names."""

import fnmatch
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import quote, urljoin

import requests
from huggingface_hub import constants, get_token, hf_hub_url

from wildpaper.acquire.transfer import Patience, UnsettledError, check_status, retry, send, shown
from wildpaper.errors import WildpaperError

_SHA256 = re.compile(r"^[0-9a-f]{64}$")
_MAX_HOPS = 5
_T = TypeVar("_T")


@dataclass(frozen=True)
class HubFile:
    """A file as the hub describes it: resolved commit, SHA-256 (LFS files only), size in bytes."""

    commit: str | None
    sha256: str | None
    size_bytes: int | None


def endpoint_address(endpoint: str | None = None) -> str:
    """Return the address of the hub: `endpoint`, else ``HF_ENDPOINT``, else the public one."""
    chosen: str = endpoint or os.environ.get("HF_ENDPOINT") or constants.ENDPOINT
    return chosen.rstrip("/")


def token_headers() -> dict[str, str]:
    """Return the header that carries the user's token, or nothing if there is none."""
    token = get_token()
    return {"Authorization": f"Bearer {token}"} if token else {}


def file_address(
    repo: str,
    path: str,
    revision: str | None,
    endpoint: str | None = None,
    repo_type: str = "dataset",
) -> str:
    """Return the address of one file of a repository of data (or ``"model"``)."""
    address: str = hf_hub_url(
        repo, path, repo_type=repo_type, revision=revision, endpoint=endpoint_address(endpoint)
    )
    return address


def refuse_offline(what: str) -> None:
    """Raise if ``HF_HUB_OFFLINE`` forbids to ask the hub.

    Raises
    ------
    WildpaperError
        If the variable is set to a true value.
    """
    if os.environ.get("HF_HUB_OFFLINE", "").strip().upper() in {"1", "ON", "YES", "TRUE"}:
        raise WildpaperError(
            f"{what} has to be fetched from the hub, but HF_HUB_OFFLINE is set",
            where="environment variable HF_HUB_OFFLINE",
            hint="Unset HF_HUB_OFFLINE, or bring the files and use source: path.",
        )


def describe_file(url: str, headers: dict[str, str], patience: Patience, what: str) -> HubFile:
    """Ask the hub which commit and which bytes an address of it stands for.

    Parameters
    ----------
    url : str
        From `file_address`.
    headers : dict
        From `token_headers`.
    patience : Patience
        How long to insist.
    what : str
        The file, for errors.

    Raises
    ------
    WildpaperError
        If the hub does not answer, refuses, or has no such file.
    """
    headers_found = _patiently(lambda: _head(url, headers, patience, what), url, patience, what)
    etag = headers_found.get("X-Linked-Etag", "").strip('"')
    size = headers_found.get("X-Linked-Size", "")
    return HubFile(
        commit=headers_found.get("X-Repo-Commit"),
        sha256=etag if _SHA256.match(etag) else None,
        size_bytes=int(size) if size.isdecimal() else None,
    )


def list_files(
    repo: str, revision: str | None, pattern: str, patience: Patience, endpoint: str | None = None
) -> tuple[str, list[str]]:
    """Return (commit, paths) of the files of a data set repository that match a pattern.

    Parameters
    ----------
    repo : str
        ``owner/name``.
    revision : str or None
        Commit, tag or branch; None means ``main``.
    pattern : str
        Shell pattern over whole paths (``data/*.parquet``).
    patience : Patience
        How long to insist.
    endpoint : str, optional
        The hub's address.

    Raises
    ------
    WildpaperError
        If the hub does not answer, refuses, or lists no such file.
    """
    commit = quote(revision or constants.DEFAULT_REVISION, safe="")
    url = f"{endpoint_address(endpoint)}/api/datasets/{repo}/revision/{commit}"
    what = f"file list of {repo}"
    content = _patiently(lambda: _get_json(url, patience, what), url, patience, what)
    try:
        resolved = str(content["sha"])
        paths = [str(entry["rfilename"]) for entry in content["siblings"]]
    except (KeyError, TypeError):
        raise WildpaperError(
            f"{what}: the answer of the hub is not understood", where=shown(url),
            hint="Check HF_ENDPOINT: the address must be that of a Hugging Face hub.",
        ) from None  # fmt: skip
    matching = sorted(path for path in paths if fnmatch.fnmatchcase(path, pattern))
    if not matching:
        raise WildpaperError(
            f"{what}: no file matches {pattern!r} at commit {resolved}", where=shown(url),
            hint="The repository was rearranged: correct hub_glob in data/sources.yaml.",
        )  # fmt: skip
    return resolved, matching


def _patiently(ask: Callable[[], _T], url: str, patience: Patience, what: str) -> _T:
    try:
        return retry(ask, patience, what)
    except UnsettledError as error:
        raise WildpaperError(
            f"{what}: the hub gave no answer in {patience.attempts} attempts: {error.reason}",
            where=shown(url),
            hint="Check the network and HF_ENDPOINT, wait a while, and run again: files already "
            "fetched, and parts of files, are kept.",
        ) from None


def _head(
    url: str, headers: dict[str, str], patience: Patience, what: str
) -> "requests.structures.CaseInsensitiveDict[str]":
    """Return the hub's own headers; do not follow it to where the bytes are stored."""
    for _ in range(_MAX_HOPS):
        response = send(
            "HEAD", url, private=headers, timeout_s=patience.timeout_s, follow=False
        )  # fmt: skip
        check_status(response, url, what, with_token=bool(headers))
        response.close()
        found = response.headers
        if not response.is_redirect or "X-Linked-Etag" in found or "X-Repo-Commit" in found:
            return found
        following = urljoin(url, found["Location"])
        if following.split("/")[:3] != url.split("/")[:3]:
            return found
        url = following
    raise UnsettledError("the hub redirects without end")


def _get_json(url: str, patience: Patience, what: str) -> Any:
    headers = token_headers()
    with send("GET", url, private=headers, timeout_s=patience.timeout_s) as response:
        check_status(response, url, what, with_token=bool(headers))
        try:
            return response.json()
        except requests.JSONDecodeError:
            return None
        except requests.RequestException as error:
            raise UnsettledError(f"the connection broke ({type(error).__name__})") from None
