"""Write report.html: one file that shows a whole run, or as much of it as there is."""

import os
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from wildpaper.artifacts import Artifact, load_artifacts
from wildpaper.errors import WildpaperError
from wildpaper.files import write_text
from wildpaper.publish.report.claims import claim_rows, reasons, tallies, tally
from wildpaper.publish.report.execution import costs_by_rule, data_sources
from wildpaper.publish.report.figures import origin_of, read_picture
from wildpaper.publish.report.flow import draw_lanes
from wildpaper.publish.report.jobs import Job, hide_folders, read_jobs, unfinished_jobs
from wildpaper.publish.report.missing import left_out, missing_parts
from wildpaper.publish.report.notebooks import read_notebooks
from wildpaper.publish.report.render import render_page
from wildpaper.publish.report.run import Missing, Run, read_if_there
from wildpaper.publish.report.tables import read_grid
from wildpaper.releases import Release, read_releases, route_of


def write_report(
    claims: Path,
    manifest: Path,
    ledger: Path,
    tables: list[Path],
    figures: list[Path],
    notebooks: list[Path],
    acquired: list[Path],
    artifacts: Path,
    sources: Path,
    report: Path,
    logs: list[str],
    preset: str,
    version: str,
    datasets: list[str],
    blanks: dict[str, str],
    trouble: str = "",
) -> None:
    """Write a page that needs no network, from whatever of a run is there.

    Parameters
    ----------
    claims, manifest, ledger : Path
        ``claims.json``, ``manifest.json`` and ``ledger.json``.
    tables, figures, notebooks : list of Path
        Long tables, figures and executed notebooks; of them the files .csv, .png and .html.
    acquired : list of Path
        ``acquired.json`` of each data set of the run.
    artifacts, sources : Path
        ``data/artifacts.yaml`` and ``data/sources.yaml``; these two must be there.
    report : Path
        To write.
    logs : list of str
        Folders of logs and provenance records; the first is the run's own.
    preset, version : str
        What ran.
    datasets : list of str
        Data sets of the run.
    blanks : dict
        {artifact id: why this run does not build it}.
    trouble : str
        Why the configuration could not be read; empty if it could.

    Raises
    ------
    WildpaperError
        If a file that is there cannot be read; names it.
    """
    run = Run(
        preset, version, claims, manifest, ledger,
        [path for path in tables if path.suffix == ".csv"],
        [path for path in figures if path.suffix == ".png"],
        [path for path in notebooks if path.suffix == ".html"],
        acquired, [Path(folder) for folder in logs], datasets, blanks, hide_folders(trouble),
    )  # fmt: skip
    write_text(report, render_page(gather(run, load_artifacts(artifacts), sources)))


def gather(run: Run, artifacts: list[Artifact], sources: Path) -> dict[str, Any]:
    """Return all that the page shows."""
    manifest = read_if_there(run.manifest)
    jobs = read_jobs(manifest, run.logs)
    unfinished = unfinished_jobs(run.logs[0])
    missing = missing_parts(run, artifacts, jobs, unfinished)
    found = read_if_there(run.claims)
    listed = found["claims"] if found else []
    releases = read_releases([path for path in run.acquired if path.is_file()])
    route = route_of(releases.values()) if releases else ""
    pictures = _figures(run, artifacts, jobs, manifest, route)
    grids = _tables(run, artifacts, {claim["id"]: claim for claim in listed}, jobs, manifest)
    changed = [one for one in pictures + grids if one["origin"] and one["origin"].changed]
    if changed:
        n = len(changed)
        noun = "table or figure has" if n == 1 else "tables or figures have"
        why = f"it is of an earlier run: {n} {noun} changed since"
        missing.append(Missing("The manifest of this run", why))
    data = data_sources(sources, releases, run.datasets)
    titles = {source.name: source.title for source in data}
    return {
        "run": run,
        "date": _date(),
        "releases": found["release"] if found else _titles(releases),
        "simulated": route == "simulated" or any(c["route"] == "simulated" for c in listed),
        "missing": missing,
        "left_out": left_out(run, artifacts),
        "unfinished": [job for job in unfinished if job.said or missing],
        "rows": claim_rows(listed, artifacts),
        "tallies": tallies(listed, artifacts),
        "total": tally([claim for claim in listed if claim["kind"] == "published"]),
        "truths": tally(listed)[1],
        "reasons": reasons(listed),
        "artifacts": artifacts,
        "figures": pictures,
        "tables": grids,
        "ledger": read_if_there(run.ledger),
        "lanes": draw_lanes(read_if_there(run.ledger) or [], titles),
        "titles": titles,
        "costs": costs_by_rule(jobs),
        "manifest": manifest,
        "sources": data,
        "notebooks": read_notebooks(run.notebooks),
    }


def _figures(
    run: Run, artifacts: list[Artifact], jobs: list[Job], manifest: dict[str, Any] | None,
    route: str,
) -> list[dict[str, Any]]:  # fmt: skip
    """Return the figures in the order of the registry, those that are not there too."""
    return [
        {
            "artifact": artifact,
            "blank": run.blanks.get(artifact.id, ""),
            "picture": read_picture(path) if path.is_file() else None,
            "origin": origin_of(path, jobs, manifest, route) if path.is_file() else None,
        }
        for artifact, path in _placed(run.figures, artifacts, "figure")
    ]


def _tables(
    run: Run, artifacts: list[Artifact], claims: dict[str, dict[str, Any]], jobs: list[Job],
    manifest: dict[str, Any] | None,
) -> list[dict[str, Any]]:  # fmt: skip
    return [
        {
            "artifact": artifact,
            "blank": run.blanks.get(artifact.id, ""),
            "there": path.is_file(),
            "grid": read_grid(path, claims) if path.is_file() else None,
            "origin": origin_of(path, jobs, manifest) if path.is_file() else None,
        }
        for artifact, path in _placed(run.tables, artifacts, "table")
    ]


def _placed(
    files: Iterable[Path], artifacts: list[Artifact], kind: str
) -> list[tuple[Artifact, Path]]:
    """Return the artifacts of a kind that the run lists, in the order of the registry."""
    of_id = {path.stem: path for path in files}
    return [(a, of_id[a.id]) for a in artifacts if a.kind == kind and a.id in of_id]


def _titles(releases: dict[str, Release]) -> dict[str, str]:
    return {name: release["title"] for name, release in releases.items()}


def _date() -> str:
    """Return the day of SOURCE_DATE_EPOCH; empty if it is not set.

    Raises
    ------
    WildpaperError
        If it is no number of seconds.
    """
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if not epoch:
        return ""
    try:
        return datetime.fromtimestamp(int(epoch), UTC).date().isoformat()
    except (ValueError, OverflowError, OSError) as error:
        raise WildpaperError(
            f"SOURCE_DATE_EPOCH is no number of seconds: {epoch!r}",
            hint="Set it to whole seconds since 1970, or not at all.",
        ) from error
