"""What a report is about: the files that a run is to make, any of which may be absent."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wildpaper.errors import WildpaperError
from wildpaper.files import read_json


@dataclass(frozen=True, slots=True)
class Run:
    """A run, finished or not, as its configuration plans it.

    Attributes
    ----------
    preset, version : str
        Name of the preset, version of wildpaper.
    claims, manifest, ledger : Path
        The files that describe the whole run.
    tables, figures, notebooks : list of Path
        Long tables (.csv), figures (.png) and executed notebooks (.html).
    acquired : list of Path
        ``acquired.json`` of each data set.
    logs : list of Path
        Folders of logs and provenance records; the first is the run's own.
    datasets : list of str
        Data sets of the run.
    blanks : dict
        {artifact id: why this run does not build it}.
    trouble : str
        Why the configuration could not be read; empty if it could.
    """

    preset: str
    version: str
    claims: Path
    manifest: Path
    ledger: Path
    tables: list[Path]
    figures: list[Path]
    notebooks: list[Path]
    acquired: list[Path]
    logs: list[Path]
    datasets: list[str] = field(default_factory=list)
    blanks: dict[str, str] = field(default_factory=dict)
    trouble: str = ""


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that a report should hold and does not, why, and the artifact's id if it is one."""

    what: str
    why: str
    artifact: str = ""


def read_if_there(path: Path) -> Any:
    """Read a JSON file; None if there is none.

    Raises
    ------
    WildpaperError
        If it is there but is no JSON.
    """
    if not path.is_file():
        return None
    try:
        return read_json(path)
    except ValueError as error:
        raise WildpaperError(
            "This is not JSON", where=str(path), hint="Remove it and run snakemake again."
        ) from error
