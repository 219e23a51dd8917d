"""Find the results of a run from a notebook, wherever it is opened."""

from pathlib import Path

from wildpaper.errors import WildpaperError


def open_results(results: str) -> Path:
    """Return the folder of a run.

    Parameters
    ----------
    results : str
        For example ``"results/demo"``; a relative path is looked for from the current
        folder upwards, so that it is found from ``notebooks/`` too.

    Raises
    ------
    WildpaperError
        If there is no such folder.
    """
    for base in (Path.cwd(), *Path.cwd().parents):
        if (base / results).is_dir():
            return base / results
    raise WildpaperError(
        f"There are no results in {results!r}",
        where=str(Path.cwd()),
        hint="Run 'snakemake --cores all' first, or change the parameter 'results'.",
    )
