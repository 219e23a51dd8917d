"""The typed configuration of a run: what a preset may say, and nothing else.

A preset (``config/<preset>.yaml``) holds only what differs from the defaults below.
Unknown keys are errors. ``config/schema.json`` and ``config/README.md`` are generated
from these models (``python -m wildpaper config --write``).
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from wildpaper.config_annotate import AnnotateConfig
from wildpaper.config_archive import ArchiveConfig
from wildpaper.config_errors import explain
from wildpaper.config_evaluate import EvaluateConfig
from wildpaper.config_ingest import IngestConfig
from wildpaper.config_release import ReleaseConfig
from wildpaper.config_section import DataPath, Section
from wildpaper.errors import WildpaperError

DATASETS = ("wildchat", "lmsys_chat_1m", "sharegpt", "open_assistant", "dolly", "alpaca")


RecordedLabel = Literal["language", "detoxify", "moderation"]


class DatasetConfig(Section):
    """Where one data set comes from."""

    source: Literal["simulate", "rawlogs", "path", "url", "hub", "none"] = "none"
    """`simulate`: invented by this project, with planted truth; WildChat as raw logs that the release stage turns into a release, the others in their native formats (section `simulate`). `rawlogs`, for WildChat only: raw interaction logs of yours in the folder `path` (docs/raw-logs.md), of which the run makes a release (section `release`). `path`: a file or folder of yours. `url`, `hub`: fetched as `data/sources.yaml` says, checksums verified. `none`: left out; what needs it becomes a labelled blank."""  # noqa: E501
    path: DataPath | None = None
    """For `rawlogs`: the folder of the logs. For `path`: the file, or the folder whose files of the native format (`.json`, `.parquet`) are read in the order of their names. `${NAME:-default}` is replaced from the environment. Relative paths start at the folder in which snakemake runs. Any other source leaves the path aside."""  # noqa: E501
    revision: str | None = None
    """For `url` and `hub`: a version named in `data/sources.yaml` (default: its `default_version`)."""  # noqa: E501
    recorded: tuple[RecordedLabel, ...] | None = None
    """Labels to take from the files instead of computing them. Default: those that `data/sources.yaml` lists for the version; for files of yours none."""  # noqa: E501

    @model_validator(mode="after")
    def _consistent(self) -> "DatasetConfig":
        if self.source in ("path", "rawlogs") and not self.path:
            raise ValueError(f"source is {self.source!r} but no path is given")
        if self.path and "source" not in self.model_fields_set:
            raise ValueError("a path is given but no source; did you mean 'source: path'?")
        if self.revision and self.source not in ("url", "hub"):
            raise ValueError("revision applies to the sources 'url' and 'hub' only")
        return self


class DatasetsConfig(Section):
    """The six data sets of Table 1."""

    wildchat: DatasetConfig = DatasetConfig()
    """WildChat, in the parquet schema of its releases."""
    lmsys_chat_1m: DatasetConfig = DatasetConfig()
    """LMSYS-Chat-1M."""
    sharegpt: DatasetConfig = DatasetConfig()
    """ShareGPT."""
    open_assistant: DatasetConfig = DatasetConfig()
    """Open Assistant (OASST1)."""
    dolly: DatasetConfig = DatasetConfig()
    """Dolly."""
    alpaca: DatasetConfig = DatasetConfig()
    """Stanford Alpaca, as one JSON array."""

    @model_validator(mode="after")
    def _raw_logs(self) -> "DatasetsConfig":
        for name in DATASETS[1:]:
            if getattr(self, name).source == "rawlogs":
                raise ValueError(f"{name}: only wildchat can come from raw logs")
        return self


class SimulateConfig(Section):
    """The simulated study: what data sets of source `simulate` consist of."""

    conversations: int = Field(default=3000, ge=200, le=5_000_000)
    """Conversations in the raw logs, about; what the release keeps is a little less."""
    per_dataset: int = Field(default=300, ge=20, le=1_000_000)
    """Conversations in each comparison set, about."""
    labelled: int = Field(default=3000, ge=300, le=100_000)
    """Messages on which the errors of the classifiers are measured; twice as many others train the small Detoxify checkpoint."""  # noqa: E501
    length_scale: float = Field(default=0.25, gt=0, le=1)
    """Message lengths in the raw logs, as a share of the published ones; the comparison sets have the published ones."""  # noqa: E501


class TokenizerConfig(Section):
    """Where the Llama-2 vocabulary comes from; all sources give the same counts."""

    source: Literal["npm", "path", "hub"] = "npm"
    """`npm`: the package llama-tokenizer-js that `make setup` fetches. `path`: Meta's `tokenizer.model`, or a Hugging Face `tokenizer.json`. `hub`: Meta's repository, whose terms you must have accepted (HF_TOKEN)."""  # noqa: E501
    path: DataPath | None = None
    """For `path`: the file."""

    @model_validator(mode="after")
    def _consistent(self) -> "TokenizerConfig":
        if (self.source == "path") != bool(self.path):
            raise ValueError("source 'path' and the key path go together")
        return self


class MeasureConfig(Section):
    """Statistics (docs/definitions.md)."""

    deviation: Literal["population", "sample"] = "population"
    """Divisor of the standard deviation: n or n - 1."""
    minimum_prompts: int = Field(default=100, ge=1)
    """User messages from which on a language counts (paper, section 3)."""
    bootstrap_replicates: int = Field(default=1000, ge=0, le=100_000)
    """Replicates of the Poisson bootstrap behind the 95 % intervals; 0 gives no intervals."""
    neighbours: int = Field(default=10, ge=1)
    """Nearest neighbours that are looked at when the mixing of two data sets is measured."""
    permutations: int = Field(default=200, ge=0, le=100_000)
    """Random relabellings that mixing and coverage are compared with."""
    perplexity: float = Field(default=30.0, gt=1)
    """Of t-SNE (Figure 4)."""
    top_users: tuple[Annotated[float, Field(gt=0, le=100)], ...] = (0.1, 1.0, 10.0)
    """Shares of the users, in percent, whose share of all turns is measured."""
    category_share: Literal["messages", "user-messages", "turns"] = "messages"
    """What Tables 12 and 13 are shares of, as the paper does not say: messages of both roles, user messages, or turns either message of which is flagged."""  # noqa: E501
    newey_west_days: int = Field(default=7, ge=0)
    """Lag up to which daily rates are taken to be correlated (the update of June)."""
    discovery_characters: int = Field(default=200, ge=1)
    """Characters from which on a first user message is long enough to be a prompt that is passed around."""  # noqa: E501
    discovery_users: int = Field(default=3, ge=2)
    """Users who must share it."""


class TrainConfig(Section):
    """Fine-tuning."""

    recipe: str = Field(default="none", pattern=r"^[a-z0-9][a-z0-9_-]*$")
    """`none`, or a recipe in `data/recipes/`: `tiny` (from scratch, on a CPU), `smollm2-135m` (a small pretrained model), `wildllama-7b` (the paper's, on four GPUs), `wildllama-7b-one-gpu`."""  # noqa: E501


class PresentConfig(Section):
    """Notebooks."""

    notebook_timeout_s: int = Field(default=600, ge=10)
    """Seconds a single notebook cell may take."""


class Config(Section):
    """One run of the workflow."""

    preset: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")
    """Name of the run; its results stand in `results/<preset>/`."""
    purpose: str = ""
    """One line on what this preset is for."""
    seed: int = Field(default=20240501, ge=0)
    """Seed of everything random."""
    shards: int = Field(default=2, ge=1, le=4096)
    """Files each data set is cut into. Results do not depend on it."""
    datasets: DatasetsConfig = DatasetsConfig()
    """The data sets."""
    simulate: SimulateConfig = SimulateConfig()
    """The simulator."""
    tokenizer: TokenizerConfig = TokenizerConfig()
    """The tokenizer that counts."""
    ingest: IngestConfig = IngestConfig()
    """Reading."""
    annotate: AnnotateConfig = AnnotateConfig()
    """Labelling."""
    release: ReleaseConfig = ReleaseConfig()
    """Releasing."""
    measure: MeasureConfig = MeasureConfig()
    """Measuring."""
    train: TrainConfig = TrainConfig()
    """Training."""
    evaluate: EvaluateConfig = EvaluateConfig()
    """Evaluating."""
    present: PresentConfig = PresentConfig()
    """Showing."""
    archive: ArchiveConfig = ArchiveConfig()
    """Archiving."""
    restore: DataPath | None = None
    """An archive that `snakemake archive` made (docs/archive.md). What it holds is checked and taken instead of being computed, as far as code, settings and inputs behind it are those of this run; what was made from raw data that this run does not have needs no raw data. `snakemake --config restore=archives/demo.tar`."""  # noqa: E501

    @model_validator(mode="after")
    def _scores(self) -> "Config":
        if self.datasets.wildchat.source == "rawlogs" and not self.annotate.detoxify.checkpoint:
            raise ValueError(
                "raw logs of yours are scored by Detoxify: name its checkpoint under "
                "annotate.detoxify.checkpoint"
            )
        return self

    def dataset(self, name: str) -> DatasetConfig:
        """Return the configuration of one data set."""
        found = getattr(self.datasets, name)
        assert isinstance(found, DatasetConfig)  # noqa: S101 - narrows the type
        return found

    def simulated(self) -> list[str]:
        """Return the data sets that the simulator makes."""
        return [name for name in DATASETS if self.dataset(name).source == "simulate"]

    def present_datasets(self) -> list[str]:
        """Return the data sets that this run has, in the order of Table 1."""
        return [name for name in DATASETS if self.dataset(name).source != "none"]


def load_config(raw: dict[str, Any], files: list[Path] | None = None) -> Config:
    """Validate a configuration.

    Parameters
    ----------
    raw : dict
        What Snakemake merged from its config files and ``--config``.
    files : list of Path, optional
        The files it came from; errors name the file and line of a wrong key.

    Raises
    ------
    WildpaperError
        If a key is unknown or missing or a value does not fit; all faults at once.
    """
    try:
        return Config.model_validate(raw)
    except ValidationError as error:
        what, where = explain(error, Config, files or [])
        raise WildpaperError(
            what,
            where=where,
            hint="Every key, its meaning and default: config/README.md.",
        ) from None
