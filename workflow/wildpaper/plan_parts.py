"""What a plan consists of: data sets, the simulated study, raw logs."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DatasetPlan:
    """One data set of the run.

    Attributes
    ----------
    name, source, native_format : str
        As in the configuration and in ``data/sources.yaml``.
    recorded : list of str
        Labels that are taken from the files.
    version : str
        Folder below ``data/raw/<name>/``.
    files : list of str
        For source ``path``: the user's files.
    registry : str
        Digest of what ``data/sources.yaml`` says of the data set, and of sizes and times
        of the user's files: one that is replaced by an older one has changed, too.
    acquired : str
        What the acquire stage writes last: the raw files are complete.
    """

    name: str
    source: str
    native_format: str
    version: str
    files: list[str]
    registry: str
    acquired: str
    recorded: list[str]


@dataclass(frozen=True, slots=True)
class Simulation:
    """Where the simulated study stands: raw logs, comparison sets, and what was planted.

    Attributes
    ----------
    folder : str
        Named after the parameters, so that two presets with the same ones share it.
    datasets : list of str
        Comparison sets that it holds.
    """

    folder: str
    datasets: list[str]

    def file(self, name: str) -> str:
        """Return a file of the study, for example ``truth.json``."""
        return f"{self.folder}/{name}"


@dataclass(frozen=True, slots=True)
class RawLogs:
    """The raw logs of the run.

    Attributes
    ----------
    acquired : str
        ``acquired.json`` beside the logs.
    files : list of str
        The user's own files; none where the logs are simulated.
    state : str
        Digest of their sizes and times.
    """

    acquired: str
    files: list[str]
    state: str


@dataclass(frozen=True, slots=True)
class DetoxifyDownload:
    """A checkpoint that Detoxify publishes, and the architecture that it needs.

    Attributes
    ----------
    name, title : str
        Its name in the configuration; what it is.
    folder, checkpoint : str
        Where it is fetched to.
    base : list of str
        Files of the architecture, below the folder.
    url, repo : str
        Where the checkpoint and the architecture are.
    revision : str or None
        Commit of the repository.
    n_bytes : int
        Of the checkpoint, about.
    """

    name: str
    title: str
    folder: str
    checkpoint: str
    base: list[str]
    url: str
    repo: str
    revision: str | None
    n_bytes: int
