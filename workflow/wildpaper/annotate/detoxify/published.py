"""The models that Detoxify publishes, by name: where they lie, and how they are fetched.

They are registered in ``data/detoxify.yaml``. Nothing that is fetched is opened here; it
is read by `wildpaper.annotate.detoxify.checkpoint.load_detoxify`, without pickled code.
"""

import re
from pathlib import Path, PurePosixPath
from typing import Annotated, Any
from urllib.parse import urlsplit

import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from wildpaper.acquire import hub
from wildpaper.acquire.download import download
from wildpaper.acquire.transfer import Patience, shown
from wildpaper.annotate.names import PUBLISHED_DETOXIFY
from wildpaper.errors import WildpaperError
from wildpaper.files import sha256_file, write_json
from wildpaper.yaml_text import parse_yaml

BASE_FILES = ("config.json", "tokenizer.json", "tokenizer_config.json")
"""Files of the architecture, in the folder that the checkpoint names."""

_Text = Annotated[str, Field(min_length=1)]


class Published(BaseModel):
    """One model: the address of its checkpoint, and the repository of its architecture."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    url: Annotated[str, Field(pattern=r"^https?://[^\s@?]+$")]
    sha256_start: Annotated[str, Field(pattern=r"^[0-9a-f]{8,64}$")]
    n_bytes: Annotated[int, Field(gt=0)]
    base: Annotated[str, Field(pattern=r"^[\w-][\w.-]*$")]
    repo: Annotated[str, Field(pattern=r"^[\w.-]+/[\w.-]+$")]
    revision: _Text | None = None

    @model_validator(mode="after")
    def _name_states_checksum(self) -> "Published":
        if not re.search(rf"-{self.sha256_start}\.", self.file):
            raise ValueError(f"the name {self.file!r} does not state {self.sha256_start}")
        return self

    @property
    def file(self) -> str:
        """The name of the checkpoint."""
        return PurePosixPath(urlsplit(self.url).path).name


_REGISTRY = TypeAdapter(dict[str, Published])


def read_published(registry: Path) -> dict[str, Published]:
    """Read ``data/detoxify.yaml``.

    Returns
    -------
    dict
        The models by their names, all of `PUBLISHED_DETOXIFY`.

    Raises
    ------
    WildpaperError
        If the file cannot be read or says something else.
    """
    try:
        found = _REGISTRY.validate_python(parse_yaml(registry.read_text(encoding="utf-8")))
    except (OSError, ValueError, yaml.YAMLError, ValidationError) as error:
        raise WildpaperError(
            f"Cannot read the registry of Detoxify's models: {error}",
            where=str(registry),
            hint="Restore the file from the repository, or mend the entry.",
        ) from error
    if set(found) != set(PUBLISHED_DETOXIFY):
        raise WildpaperError(
            f"The registry of Detoxify's models must have {', '.join(PUBLISHED_DETOXIFY)}",
            where=str(registry),
            hint="Restore the file from the repository.",
        )
    return found


def published_paths(registry: Path, name: str) -> dict[str, Any]:
    """Return where the files of a model stand below the folder it is fetched to.

    Returns
    -------
    dict
        ``checkpoint``, a path; ``base``, the paths of `BASE_FILES`; as strings.
    """
    model = read_published(registry)[name]
    return {"checkpoint": model.file, "base": [f"{model.base}/{file}" for file in BASE_FILES]}


def fetch_detoxify(
    registry: Path,
    checkpoint: Path,
    base: list[Path],
    acquired: Path,
    name: str,
    endpoint: str | None = None,
    patience: Patience | None = None,
) -> None:
    """Fetch a published model: its checkpoint, and its architecture from the hub.

    Parameters
    ----------
    registry : Path
        ``data/detoxify.yaml``.
    checkpoint : Path
        To write. What was fetched before a stop is kept beside it and continued.
    base : list of Path
        To write, in the order of `BASE_FILES`.
    acquired : Path
        JSON to write: which bytes were brought in, from where, at which commit.
    name : str
        One of `PUBLISHED_DETOXIFY`.
    endpoint : str, optional
        Address of the hub; default ``HF_ENDPOINT``, else the public hub.
    patience : Patience, optional
        Attempts, first pause and time-out in seconds.

    Raises
    ------
    WildpaperError
        If a file cannot be had, the checkpoint is not the registered one, or
        ``HF_HUB_OFFLINE`` is set.
    """
    patience = patience or Patience()
    model = read_published(registry)[name]
    hub.refuse_offline(f"Detoxify's {name} model")
    held = [_fetch_base(model, path, endpoint, patience) for path in base]
    held.append(_fetch_checkpoint(model, checkpoint, patience))
    write_json(acquired, {"model": name, "files": held})


def _fetch_base(
    model: Published, path: Path, endpoint: str | None, patience: Patience
) -> dict[str, Any]:
    """Bring one file of the architecture, at the commit that the hub resolves."""
    what = f"{model.repo}, {path.name}"
    headers = hub.token_headers()
    url = hub.file_address(model.repo, path.name, model.revision, endpoint, "model")
    stated = hub.describe_file(url, headers, patience, what)
    commit = stated.commit or model.revision
    pinned = hub.file_address(model.repo, path.name, commit, endpoint, "model")
    got = download(
        pinned, path, sha256=stated.sha256, size_bytes=stated.size_bytes, headers=headers,
        what=what, **vars(patience),
    )  # fmt: skip
    return {"file": path.name, "from": model.repo, "commit": commit, "sha256": got.sha256}


def _fetch_checkpoint(model: Published, checkpoint: Path, patience: Patience) -> dict[str, Any]:
    """Bring the checkpoint; it gets its name once the digits of its checksum are right."""
    unverified = checkpoint.with_name(f"{checkpoint.name}.unverified")
    if not unverified.exists():
        download(model.url, unverified, what=model.file, **vars(patience))
    obtained = sha256_file(unverified)
    if not obtained.startswith(model.sha256_start):
        unverified.unlink()
        raise WildpaperError(
            f"{model.file}: the file is not the registered one: its SHA-256 should begin with "
            f"{model.sha256_start} and is {obtained}",
            where=shown(model.url),
            hint="The bytes were thrown away. Fetch it again; if that does not help, something "
            "on the way changes files.",
        )
    unverified.replace(checkpoint)
    return {"file": model.file, "from": shown(model.url), "commit": None, "sha256": obtained}
