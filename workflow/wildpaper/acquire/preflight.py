"""Before a long run: is all there that it will need? Everything missing is said at once.

What is needed is listed by `wildpaper.acquire.preflight_needs`. Nothing is downloaded, and
no token is printed or written.
"""

import logging
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from huggingface_hub import constants

from wildpaper.acquire import hub
from wildpaper.acquire.transfer import Patience, UnsettledError, check_status, retry, send, shown
from wildpaper.errors import WildpaperError
from wildpaper.files import write_json
from wildpaper.train.estimate import plan_training
from wildpaper.train.expected import expected
from wildpaper.train.hardware import existing, kind_of, this_machine, visible_gpus
from wildpaper.train.recipe import Recipe

_LOG = logging.getLogger("wildpaper")
_HASTY = Patience(attempts=2, backoff_s=1.0, timeout_s=10.0)
_GB = 1e9


@dataclass(frozen=True, slots=True)
class Finding:
    """One need, what was found, and how to mend it; met where there is nothing to mend."""

    need: str
    where: str
    found: str
    mend: str = ""


def check_requirements(
    needs: dict[str, Any],
    preflight: Path,
    endpoint: str | None = None,
    *,
    patience: Patience | None = None,
) -> None:
    """Check all that a run needs of network, accounts, GPUs, disk and memory.

    The log begins with the plan of the training, if there is one.

    Parameters
    ----------
    needs : dict
        From `wildpaper.acquire.preflight_needs.needs_of`.
    preflight : Path
        JSON to write: what was needed and found.
    endpoint : str, optional
        Address of the hub; default ``HF_ENDPOINT``, else the public hub.
    patience : Patience, optional
        Attempts, first pause and time-out in seconds.

    Raises
    ------
    WildpaperError
        If anything is missing; one line for each thing, with how to mend it.
    """
    patience = patience or _HASTY
    for line in _training_lines(needs["training"], preflight):
        _LOG.info("%s", line)
    findings = [
        *token_findings(needs, endpoint),
        *network_findings(needs, endpoint, patience),
        *machine_findings(needs),
    ]
    missing = [finding for finding in findings if finding.mend]
    if missing:
        lines = [
            f"  {i}. {one.need}: {one.found}. {one.mend} ({one.where})"
            for i, one in enumerate(missing, start=1)
        ]
        raise WildpaperError(
            f"This run cannot start yet: {len(missing)} of {len(findings)} checks failed.\n"
            + "\n".join(lines),
            hint="Mend all of these, then run again; nothing was downloaded.",
        )
    for finding in findings:
        _LOG.info("%s: %s", finding.need, finding.found)
    write_json(preflight, {"checked": [asdict(finding) for finding in findings]})


def _training_lines(need: dict[str, Any] | None, preflight: Path) -> list[str]:
    """Return the plan of a training on this machine, its data estimated: there is none yet."""
    if not need:
        return []
    recipe = Recipe.model_validate(need["recipe"])
    if not recipe.architecture:
        return []
    machine = this_machine(preflight.parent)
    return plan_training(recipe, expected(recipe), machine, need["n_compared"]).lines()


def token_findings(needs: dict[str, Any], endpoint: str | None = None) -> Iterator[Finding]:
    """Yield whether there is a token, if terms have to be accepted; asks nobody."""
    gated = [need for need in needs["hub"] if need["gated"]]
    if gated:
        yield _token(gated, endpoint, has_token=bool(hub.token_headers()))


def network_findings(
    needs: dict[str, Any], endpoint: str | None = None, patience: Patience = _HASTY
) -> Iterator[Finding]:
    """Yield whether the hub answers and opens each repository, and whether addresses answer."""
    if needs["hub"]:
        headers = hub.token_headers()
        reached = _reach_hub(needs["hub"], endpoint, patience)
        yield reached
        for need in [] if reached.mend else needs["hub"]:
            if headers or not need["gated"]:
                yield _access(need, endpoint, headers, patience)
    for need in needs["addresses"]:
        yield _check_address(need, patience)


def machine_findings(needs: dict[str, Any]) -> Iterator[Finding]:
    """Yield what this machine has of the GPUs, disk and memory that are needed."""
    yield from _check_gpus(needs["gpus"])
    yield from _check_disk(needs["disk"])
    yield from _check_memory(needs["memory_gb"])


def _token(gated: list[dict[str, Any]], endpoint: str | None, has_token: bool) -> Finding:
    pages = ", ".join(dict.fromkeys(_page(need, endpoint) for need in gated))
    if has_token:
        return Finding("a token for the hub", pages, "there is one")
    return Finding(
        "a token for the hub",
        pages,
        "HF_TOKEN is not set and nobody is logged in",
        "Accept the terms on these pages, create a token with read access, and put it in the "
        "environment variable HF_TOKEN.",
    )


def _page(need: dict[str, Any], endpoint: str | None) -> str:
    """Return the page on which the terms of a repository are accepted."""
    folder = "datasets/" if need["repo_type"] == "dataset" else ""
    return shown(f"{hub.endpoint_address(endpoint)}/{folder}{need['repo']}")


def _reach_hub(needs: list[dict[str, Any]], endpoint: str | None, patience: Patience) -> Finding:
    address = hub.endpoint_address(endpoint)
    what = f"the hub, for {', '.join(need['what'] for need in needs)}"
    try:
        hub.refuse_offline(what)
        status = retry(lambda: _status(address, patience), patience, what)
    except WildpaperError as error:
        return Finding(what, error.where or shown(address), error.what, error.hint)
    except UnsettledError as error:
        mend = "Check the network, proxies and HF_ENDPOINT; or bring the files, source: path."
        return Finding(what, shown(address), error.reason, mend)
    return Finding(what, shown(address), f"it answers ({status})")


def _status(address: str, patience: Patience) -> int:
    """Return how a server answers; any answer that is not trouble of its own will do."""
    with send("HEAD", address, timeout_s=patience.timeout_s, follow=False) as response:
        if response.status_code >= 500 or response.status_code == 429:
            check_status(response, address, "the server", with_token=False)
        return response.status_code


def _access(
    need: dict[str, Any], endpoint: str | None, headers: dict[str, str], patience: Patience
) -> Finding:
    """Ask for one file of a repository, without fetching it."""
    repo, revision = need["repo"], need["revision"]
    what = f"access to {repo}, for {need['what']}"
    try:
        path = need["file"]
        if not path:
            revision, paths = hub.list_files(repo, revision, need["glob"], patience, endpoint)
            path = paths[0]
        url = hub.file_address(repo, path, revision, endpoint, need["repo_type"])
        described = hub.describe_file(url, headers, patience, path)
    except WildpaperError as error:
        return Finding(what, error.where, error.what, error.hint)
    return Finding(what, shown(url), f"granted, commit {described.commit or 'not stated'}")


def _check_address(need: dict[str, str], patience: Patience) -> Finding:
    """Ask for a file and hang up before it comes: not every server answers HEAD."""
    what, url = f"the address of {need['what']}", need["url"]

    def ask() -> None:
        with send("GET", url, timeout_s=patience.timeout_s) as response:
            check_status(response, url, need["what"], with_token=False)

    try:
        retry(ask, patience, what)
    except WildpaperError as error:
        return Finding(what, error.where, error.what, error.hint)
    except UnsettledError as error:
        mend = "Check the network and proxies; or bring the file, source: path."
        return Finding(what, shown(url), error.reason, mend)
    return Finding(what, shown(url), "it answers")


def _check_gpus(need: dict[str, Any] | None) -> Iterator[Finding]:
    if not need:
        return
    bf16 = " and bf16" if need["bf16"] else ""
    what = f"{need['n']} GPU(s) with {need['memory_gb']:g} GB each{bf16}, for {need['what']}"
    where = "this machine, CUDA_VISIBLE_DEVICES as it is"
    mend = "Run on a machine that has them, or choose another recipe (config key train.recipe)."
    gpus = visible_gpus()
    fitting = [gpu for gpu in gpus if gpu.memory_bytes >= _GB * need["memory_gb"]]
    if need["bf16"]:
        fitting = [gpu for gpu in fitting if (kind := kind_of(gpu.name)) is None or kind.has_bf16]
    found = ", ".join(f"{gpu.name} with {gpu.memory_bytes / _GB:.0f} GB" for gpu in gpus) or "none"
    yield Finding(what, where, f"found {found}", "" if len(fitting) >= need["n"] else mend)


def _check_disk(needs: list[dict[str, Any]]) -> Iterator[Finding]:
    """Compare what is still to be written with what is free, file system by file system."""
    by_system: dict[int, list[tuple[Path, dict[str, Any]]]] = {}
    for need in needs:
        folder = Path(need["folder"] or constants.HF_HUB_CACHE)
        by_system.setdefault(existing(folder).stat().st_dev, []).append((folder, need))
    for group in by_system.values():
        wanted = sum(max(need["bytes"] - _held(folder), 0) for folder, need in group)
        status = os.statvfs(existing(group[0][0]))
        free = status.f_bavail * status.f_frsize
        parts = "; ".join(
            f"{need['what']} {'about ' if need['estimated'] else ''}{need['bytes'] / _GB:.1f} GB"
            for _, need in group
        )
        yield Finding(
            f"{wanted / _GB:.1f} GB of disk still to be written ({parts})",
            ", ".join(dict.fromkeys(str(existing(folder)) for folder, _ in group)),
            f"{free / _GB:.1f} GB are free",
            "" if free >= wanted else "Make room, or link these folders to a larger disk.",
        )


def _held(folder: Path) -> int:
    """Return the bytes that lie in a folder already; what is linked lies elsewhere."""
    paths = folder.rglob("*") if folder.is_dir() else ()
    return sum(path.lstat().st_size for path in paths if path.is_file() and not path.is_symlink())


def _check_memory(memory_gb: float) -> Iterator[Finding]:
    if not memory_gb:
        return
    n_bytes = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    mend = "" if n_bytes >= _GB * memory_gb else "Run on a machine with more memory."
    yield Finding(
        f"{memory_gb:g} GB of memory", "this machine", f"it has {n_bytes / _GB:.0f} GB", mend
    )
