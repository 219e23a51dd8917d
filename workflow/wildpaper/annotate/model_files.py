"""Models by name: a folder, or a repository of the hub at a commit; safetensors only."""

import hashlib
import logging
from pathlib import Path

from wildpaper.errors import WildpaperError
from wildpaper.files import sha256_file

_LOG = logging.getLogger("wildpaper")

FETCHED = ("*.json", "*.safetensors", "*.model", "*.txt")
"""Files of a repository that are fetched: none that holds code or pickled objects."""


def find_model(name: str, revision: str | None, key: str) -> tuple[Path, str]:
    """Return the folder of a model and its versioned name.

    Parameters
    ----------
    name : str
        A folder, or a repository of the hub (``owner/name``).
    revision : str or None
        Commit, branch or tag of the repository; None means the newest.
    key : str
        The config key that names the model, for errors.

    Returns
    -------
    folder : Path
        Holds ``config.json`` and weights as safetensors.
    title : str
        Repository and commit, or the folder's name and a checksum of the model's files.

    Raises
    ------
    WildpaperError
        If there is no such folder, the repository cannot be fetched, or there are no weights
        that can be loaded without running code from the file.
    """
    if name and Path(name).is_dir():
        return Path(name), folder_title(Path(name), key)
    if name.startswith((".", "/", "~")) or name.count("/") != 1:
        raise WildpaperError(
            f"There is no folder {name!r}",
            where=f"config key {key}",
            hint="Name a folder in Hugging Face's format, or a repository as owner/name.",
        )
    folder = _fetched(name, revision, key)
    _weights(folder, key)
    return folder, f"{name}@{folder.name}"


def folder_title(folder: Path, key: str) -> str:
    """Return the name of a folder with a checksum of the model's files in it."""
    _weights(folder, key)
    digest = hashlib.sha256()
    for path in sorted({path for pattern in FETCHED for path in folder.rglob(pattern)}):
        digest.update(f"{path.relative_to(folder).as_posix()}\0{sha256_file(path)}\n".encode())
    return f"{folder.resolve().name}-{digest.hexdigest()[:8]}"


def _weights(folder: Path, key: str) -> list[Path]:
    found = sorted(folder.glob("*.safetensors"))
    if not found or not (folder / "config.json").is_file():
        raise WildpaperError(
            f"The model {folder.name!r} has no config.json with weights as safetensors",
            where=f"config key {key}",
            hint="Other formats may run code when they are loaded: convert the model, or take "
            "another one.",
        )
    return found


def _fetched(name: str, revision: str | None, key: str) -> Path:
    """Return the folder of a repository's files, whose name is the commit."""
    from huggingface_hub import snapshot_download

    try:
        folder = Path(snapshot_download(name, revision=revision, allow_patterns=list(FETCHED)))
    except Exception as error:  # the network, the hub and the disk fail in many ways
        problem = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise WildpaperError(
            f"Cannot fetch the model {name!r} from the hub: {problem}",
            where=f"config key {key}",
            hint="Check name, revision, network and HF_TOKEN; HF_HUB_OFFLINE must not be set, "
            "unless the model was fetched before. Or bring the files and name their folder.",
        ) from error
    _LOG.info("Model %s at commit %s", name, folder.name)
    return folder
