"""The results of a run as notebooks read them."""

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from wildpaper.acquire.sources import load_sources
from wildpaper.config import DATASETS
from wildpaper.errors import WildpaperError
from wildpaper.files import read_json
from wildpaper.long_table import COLUMNS, Cell, read_long_table
from wildpaper.present.results import open_results
from wildpaper.publish.published import Value

AUTO = "auto"
_CLAIMS = "publish/claims.json"
_FINISHED = "results/demo"
_DATA = Path(__file__).resolve().parents[4] / "data"
_DETOXIFY_THRESHOLD = 0.1

Floats = npt.NDArray[np.float64]
Found = dict[tuple[str, str], Cell]


@dataclass(frozen=True)
class Run:
    """A finished run, or the small one made for notebooks.

    Attributes
    ----------
    folder : Path
        Such as ``results/demo``.
    small : bool
        Whether it was made for notebooks.
    """

    folder: Path
    small: bool = False

    @cached_property
    def _document(self) -> dict[str, Any]:
        found: dict[str, Any] = read_json(self.folder / _CLAIMS)
        return found

    @property
    def preset(self) -> str:
        """Name of the run's preset."""
        return str(self._document["preset"])

    @property
    def releases(self) -> dict[str, str]:
        """{data set: title of its release}, of the data sets of the run."""
        return dict(self._document["release"])

    @property
    def claims(self) -> list[dict[str, Any]]:
        """All rows of ``claims.json``."""
        return list(self._document["claims"])

    @cached_property
    def published(self) -> dict[str, Value]:
        """{claim id: value that the paper prints}."""
        return {c["id"]: c["published"] for c in self.claims if c["published"] is not None}

    @cached_property
    def ledger(self) -> list[dict[str, Any]]:
        """Rows of ``ledger.json``; none if there is none."""
        path = self.folder / "ledger.json"
        return list(read_json(path)) if path.is_file() else []

    @cached_property
    def simulated(self) -> bool:
        """Whether any of the numbers comes from simulated data."""
        measured = self.table("table-01-datasets")
        routes = {claim["route"] for claim in self.claims}
        return "simulated" in routes | set(measured.get("route", []))

    @cached_property
    def titles(self) -> dict[str, str]:
        """{data set: title} of all six data sets."""
        sources = load_sources(_DATA / "sources.yaml")
        return {name: sources.dataset(name).title for name in DATASETS}

    @cached_property
    def models(self) -> dict[str, str]:
        """{model: title} of the models that the run trained."""
        losses = self.table("loss-curve")
        return {} if losses.empty else dict(zip(losses["model"], losses["title"], strict=True))

    @property
    def threshold(self) -> float:
        """Toxicity above which Detoxify flags a message in the run's tables."""
        cell = self.found("toxicity-text").get(("toxicity", "detoxify-threshold"))
        return float(cell.value) if cell and cell.value is not None else _DETOXIFY_THRESHOLD

    def has(self, artifact: str) -> bool:
        """Say whether the run measured an artifact."""
        if artifact == "flow-ledger":
            return bool(self.ledger)
        return self._measured(artifact).is_file()

    def cells(self, artifact: str) -> list[Cell]:
        """Return the cells of an artifact's long table; none if the run has none."""
        return read_long_table(self._measured(artifact)) if self.has(artifact) else []

    def found(self, artifact: str) -> Found:
        """Return {(row, column): cell} of an artifact, without the cells that have no value."""
        cells = self.cells(artifact)
        return {(cell.row, cell.column): cell for cell in cells if cell.value is not None}

    def table(self, artifact: str) -> pd.DataFrame:
        """Return the table of an artifact as it was measured; empty if the run has none."""
        return pd.read_csv(self._measured(artifact)) if self.has(artifact) else pd.DataFrame()

    def data(self, artifact: str) -> Any:
        """Return what the function that draws an artifact takes: cells, a table or the ledger."""
        if artifact == "flow-ledger":
            return self.ledger
        cells = self._measured(artifact)
        with cells.open(encoding="utf-8") as handle:
            is_long = tuple(handle.readline().strip().split(",")) == COLUMNS
        return self.cells(artifact) if is_long else self.table(artifact)

    def printed(self, prefix: str, names: Sequence[str]) -> Floats:
        """Return a matrix that the paper prints, rows and columns in the order of `names`."""
        rows = [[self.published[f"{prefix}.{a}.{b}"] for b in names] for a in names]
        return np.array(rows, np.float64)

    def why_not(self, artifact: str) -> str:
        """Return why the run lacks an artifact, as far as its claims say."""
        rows = [claim for claim in self.claims if claim.get("artifact") == artifact]
        reasons = dict.fromkeys(claim["reason"] for claim in rows if claim["reason"])
        return next(iter(reasons), "its data, labels or models are not in this run")

    def _measured(self, artifact: str) -> Path:
        return self.folder / f"measure/{artifact}.csv"


def open_run(results: str, seed: int = 5) -> Run:
    """Open a finished run, or make small results where there is none.

    Parameters
    ----------
    results : str
        A folder as `open_results` takes it, or `AUTO`: ``results/demo`` if it is finished,
        else small results from the bundled simulator. They are made once, in some ten
        seconds, and kept in ``results/small-<seed>``.
    seed : int
        Of the small results.

    Raises
    ------
    WildpaperError
        If a folder is named that is absent or holds no finished run.
    """
    if results == AUTO:
        return _finished() or _small(seed)
    folder = open_results(results)
    if not (folder / _CLAIMS).is_file():
        raise WildpaperError(
            f"The run in {results!r} is not finished: it has no {_CLAIMS}",
            where=str(folder),
            hint=f"Run 'snakemake --cores all' to its end, or set results = {AUTO!r}.",
        )
    return Run(folder)


def _finished() -> Run | None:
    for base in (Path.cwd(), *Path.cwd().parents):
        if (base / _FINISHED / _CLAIMS).is_file():
            return Run(base / _FINISHED)
    return None


def _small(seed: int) -> Run:
    folder = _home() / f"small-{seed}"
    if not (folder / _CLAIMS).is_file():
        # Imported by name: a run never comes here, and shall not rerun notebooks for this code.
        import_module("wildpaper.present.teaching.small_run").make_small_results(folder, seed)
    return Run(folder, small=True)


def _home() -> Path:
    """Return where small results are kept: among the results of the project, if this is in one."""
    for base in (Path.cwd(), *Path.cwd().parents):
        if (base / "Snakefile").is_file():
            return base / "results"
    return Path(tempfile.gettempdir()) / "wildpaper-notebooks"
