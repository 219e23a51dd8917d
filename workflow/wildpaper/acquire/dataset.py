"""Bring one data set in, from a path, an address or the hub, and say what it is.

Each function fills the folder of `acquired` and writes ``acquired.json`` last; its JSON
schema is ``data/schemas/acquired.schema.json``.
"""

import logging
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from wildpaper.acquire import hub
from wildpaper.acquire.download import download
from wildpaper.acquire.local_files import checksum, links_into, replace_links
from wildpaper.acquire.record import Held, local_release, release_block, write_acquired
from wildpaper.acquire.sources import SourceFile, Version, load_sources, match_release
from wildpaper.acquire.transfer import Patience
from wildpaper.errors import WildpaperError
from wildpaper.files import sha256_file

_LOG = logging.getLogger("wildpaper")


def acquire_path(files: Sequence[Path], sources: Path, dataset: str, acquired: Path) -> None:
    """Link the user's own files, checksummed; a registered release is recognised by them.

    Parameters
    ----------
    files : sequence of Path
        The files, not folders.
    sources : Path
        ``data/sources.yaml``.
    dataset : str
        Key of the data set.
    acquired : Path
        ``acquired.json`` in the folder that receives absolute symbolic links.

    Raises
    ------
    WildpaperError
        If a file is missing, empty or unreadable, if two have the same name, or if the
        data set is not registered.
    """
    registry = load_sources(sources)
    entry = registry.dataset(dataset)
    links = links_into(files, acquired.parent)
    sha256_by_name = {link.name: checksum(path) for link, path in links.items()}
    found = match_release(registry, dataset, sha256_by_name)
    verified = "registry" if found else "recorded"
    held = [
        Held(link.name, sha256_by_name[link.name], path.stat().st_size, verified)
        for link, path in links.items()
    ]
    replace_links(links, acquired.parent)
    if found:
        key, version = found
        release = release_block(entry, key, version, version.revision)
    else:
        key, release = "local", local_release(entry, set(sha256_by_name.values()))
    _LOG.info("%s: %d local files, release %s", dataset, len(held), release["name"])
    write_acquired(acquired, dataset, "path", key, release, held)


def acquire_url(
    sources: Path,
    dataset: str,
    version: str | None,
    acquired: Path,
    *,
    patience: Patience | None = None,
) -> None:
    """Download a registered version from its plain addresses, without any token.

    Parameters
    ----------
    sources : Path
        ``data/sources.yaml``.
    dataset : str
        Key of the data set.
    version : str or None
        Key of the version; None means the default version.
    acquired : Path
        ``acquired.json`` in the folder that receives the files.
    patience : Patience, optional
        Attempts, first pause and time-out in seconds.

    Raises
    ------
    WildpaperError
        If the version has no address, or a file cannot be had as registered.
    """
    patience = patience or Patience()
    registry = load_sources(sources)
    key, release = registry.version(dataset, version)
    missing = [file.name for file in release.files if not file.url]
    if missing or not release.files:
        raise WildpaperError(
            f"{dataset} {key} has no address for {', '.join(missing) or 'its files'}",
            where=str(sources),
            hint="Use source: hub." if release.hub_repo else "Bring the file, use source: path.",
        )
    held = []
    for file in release.files:
        what = f"{dataset} {key}: {file.name}"
        held.append(_fetch(file, str(file.url), acquired.parent, patience, what))
    block = release_block(registry.dataset(dataset), key, release, release.revision)
    write_acquired(acquired, dataset, "url", key, block, held)


def acquire_hub(
    sources: Path,
    dataset: str,
    version: str | None,
    acquired: Path,
    endpoint: str | None = None,
    *,
    patience: Patience | None = None,
) -> None:
    """Download a registered version from the hub; all files come from one commit.

    The token is the one huggingface_hub finds (``HF_TOKEN``). A file is checked against
    the registered SHA-256, else against the one that the hub states.

    Parameters
    ----------
    sources : Path
        ``data/sources.yaml``.
    dataset : str
        Key of the data set.
    version : str or None
        Key of the version; None means the default version.
    acquired : Path
        ``acquired.json`` in the folder that receives the files.
    endpoint : str, optional
        Address of the hub; default ``HF_ENDPOINT``, else the public hub.
    patience : Patience, optional
        Attempts, first pause and time-out in seconds.

    Raises
    ------
    WildpaperError
        If the version is not on the hub, access is refused, ``HF_HUB_OFFLINE`` is set, or
        a file cannot be had as registered.
    """
    patience = patience or Patience()
    registry = load_sources(sources)
    key, release = registry.version(dataset, version)
    if not release.hub_repo:
        raise WildpaperError(
            f"{dataset} {key} is not registered as a repository of the hub",
            where=str(sources),
            hint="Use source: url or source: path, or another version.",
        )
    commit, files = release.revision, list(release.files)
    if release.hub_glob:
        hub.refuse_offline(f"{dataset} {key}")
        commit, files = _listed(release, release.hub_glob, release.hub_repo, patience, endpoint)
    held = []
    for file in files:
        what = f"{dataset} {key}: {file.name}"
        one, commit = _fetch_hub(
            file, release.hub_repo, commit, acquired.parent, patience, what, endpoint
        )
        held.append(one)
    block = release_block(registry.dataset(dataset), key, release, commit)
    write_acquired(acquired, dataset, "hub", key, block, held)


def _fetch_hub(
    file: SourceFile,
    repo: str,
    commit: str | None,
    folder: Path,
    patience: Patience,
    what: str,
    endpoint: str | None,
) -> tuple[Held, str | None]:
    """Fetch one file at a commit (or branch); return it with the commit it resolved to."""
    there = _already(file, folder)
    if there:
        return there, commit
    hub.refuse_offline(what)
    headers, path = hub.token_headers(), file.hub_path or file.name
    url = hub.file_address(repo, path, commit, endpoint)
    stated = hub.describe_file(url, headers, patience, what)
    if file.sha256 and stated.sha256 and file.sha256 != stated.sha256:
        raise WildpaperError(
            f"{what}: the hub has another file than the registered one: expected SHA-256 "
            f"{file.sha256}, the hub states {stated.sha256}; nothing was downloaded",
            where=f"{repo} at {stated.commit or commit or 'main'}",
            hint="Pin `revision` in data/sources.yaml to the commit that has the registered "
            "file, or register the new checksum on purpose.",
        )
    resolved = stated.commit or commit
    expected = file.model_copy(
        update={
            "sha256": file.sha256 or stated.sha256,
            "size_bytes": file.size_bytes or stated.size_bytes,
        }
    )
    url = hub.file_address(repo, path, resolved, endpoint)
    held = _fetch(expected, url, folder, patience, what, headers)
    verified = "registry" if file.sha256 else "server" if stated.sha256 else "recorded"
    return Held(held.name, held.sha256, held.n_bytes, verified), resolved


def _fetch(
    file: SourceFile,
    url: str,
    folder: Path,
    patience: Patience,
    what: str,
    headers: dict[str, str] | None = None,
) -> Held:
    """Fetch one file unless it is there already."""
    there = _already(file, folder)
    if there:
        _LOG.info("%s: already there and verified", what)
        return there
    target = folder / file.name
    done = download(
        url, target, sha256=file.sha256, size_bytes=file.size_bytes, headers=headers, what=what,
        attempts=patience.attempts, backoff_s=patience.backoff_s, timeout_s=patience.timeout_s,
    )  # fmt: skip
    return Held(file.name, done.sha256, done.n_bytes, "registry" if file.sha256 else "recorded")


def _already(file: SourceFile, folder: Path) -> Held | None:
    """Return the file if it lies in the folder with the expected checksum."""
    target = folder / file.name
    if file.sha256 and target.is_file() and sha256_file(target) == file.sha256:
        return Held(file.name, file.sha256, target.stat().st_size, "registry")
    return None


def _listed(
    release: Version, pattern: str, repo: str, patience: Patience, endpoint: str | None
) -> tuple[str, list[SourceFile]]:
    commit, paths = hub.list_files(repo, release.revision, pattern, patience, endpoint)
    files = [SourceFile(name=PurePosixPath(path).name, hub_path=path) for path in paths]
    if len({file.name for file in files}) < len(files):
        raise WildpaperError(
            f"Two files of {repo} that match {pattern!r} have the same name",
            where=f"{repo} at {commit}",
            hint="Make hub_glob in data/sources.yaml narrower.",
        )
    return commit, files
