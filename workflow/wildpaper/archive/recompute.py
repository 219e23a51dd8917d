"""Whether an archive is true: some of its results are computed anew and compared."""

import importlib
import inspect
import logging
from pathlib import Path
from typing import Any

from wildpaper.archive.layout import open_archive
from wildpaper.archive.same import difference
from wildpaper.errors import WildpaperError
from wildpaper.files import read_json, scratch_folder, sha256_file, write_json
from wildpaper.progress import Progress

_LOG = logging.getLogger("wildpaper")

Drawn = dict[str, Any]
"""A job to repeat: rule, call, inputs, outputs and params, by name, as the bridge passes them."""


def check_restored(
    archive: Path,
    verified: Path,
    computed: list[Path],
    report: Path,
    drawn: list[Drawn],
    untried: dict[str, str],
    statuses: list[dict[str, str]],
    folder: str,
    n_workers: int,
) -> None:
    """Compute some results of an archive anew, and compare.

    Parameters
    ----------
    archive : Path
        Whose index also has the checksums of what it leaves out.
    verified : Path
        Report of `wildpaper.archive.verify.verify_archive`.
    computed : list of Path
        What the archive leaves out and this run computed: it must be the same, as restored
        labels belong to it.
    report : Path
        JSON to write: what was restored, computed or left out, what was computed anew, and
        what could not be.
    drawn : list of dict
        Jobs to repeat.
    untried : dict
        {rule: why its results were not computed anew}.
    statuses : list of dict
        What became of each rule's results, and why.
    folder : str
        ``results/<preset>``.
    n_workers : int

    Raises
    ------
    WildpaperError
        If a result differs; names the file.
    """
    _compare_computed(archive, computed, Path(folder))
    progress = Progress("results computed anew", len(drawn), "jobs")
    checked = []
    for job in drawn:
        checked += _repeat(job, archive, Path(folder), n_workers)
        progress.advance(1)
    write_json(
        report,
        read_json(verified)
        | {
            "results": statuses,
            "computed_anew": checked,
            "not_computed_anew": untried,
            "computed_as_archived": [str(path) for path in computed],
        },
    )
    same = sum(one["identical"] for one in checked)
    _LOG.info("%d files computed anew, %d of them the same byte by byte", len(checked), same)


def _compare_computed(archive: Path, computed: list[Path], folder: Path) -> None:
    """Compare what this run computed with what the archive knows of it."""
    known = {folder / member.path: member for member in open_archive(archive).index.left_out}
    for path in computed:
        if sha256_file(path) != known[path].sha256:
            hint = "Is the raw data the same? Restored labels do not belong to these texts."
            raise _other(archive, str(path), "its checksum", hint)


def _repeat(job: Drawn, archive: Path, folder: Path, n_workers: int) -> list[dict[str, Any]]:
    """Run a job's function on what the run has, its outputs going to a scratch folder."""
    module, _, name = job["call"].partition(":")
    function = getattr(importlib.import_module(module), name)
    checked = []
    with scratch_folder(folder / "restored", "anew") as scratch:
        outputs = {key: _moved(value, scratch) for key, value in job["outputs"].items()}
        inputs = {key: _paths(value) for key, value in job["inputs"].items()}
        arguments = inputs | outputs | job["params"]
        if "n_workers" in inspect.signature(function).parameters:
            arguments["n_workers"] = n_workers
        function(**arguments)
        for kept, anew in zip(_all(job["outputs"]), _all(outputs), strict=True):
            if Path(kept).suffix != ".parquet":
                continue
            furthest, what = difference(Path(kept), anew)
            if what:
                hint = f"{job['rule']} gives something else here. Do not use this archive."
                raise _other(archive, kept, what, hint)
            identical = sha256_file(Path(kept)) == sha256_file(anew)
            checked.append(
                {"file": kept, "rule": job["rule"], "identical": identical, "furthest": furthest}
            )
    return checked


def _other(archive: Path, file: str, what: str, hint: str) -> WildpaperError:
    return WildpaperError(
        f"Computed anew, a result is not the archived one: {file} differs in {what}",
        where=str(archive),
        hint=hint,
    )


def _moved(value: str | list[str], scratch: Path) -> Path | list[Path]:
    """Return paths below the scratch folder; what was in a folder together stays together."""
    if isinstance(value, list):
        return [scratch / one for one in value]
    return scratch / value


def _paths(value: str | list[str]) -> Path | list[Path]:
    return [Path(one) for one in value] if isinstance(value, list) else Path(value)


def _all(named: dict[str, Any]) -> list[Any]:
    """Return all files of named outputs in one list."""
    found: list[Any] = []
    for value in named.values():
        found += value if isinstance(value, list) else [value]
    return found
