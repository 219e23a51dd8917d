"""What the paper says of its run: which data it read, and by which route artifacts came."""

from pathlib import Path
from typing import Any

from wildpaper.acquire.sources import Sources, load_sources
from wildpaper.config import DATASETS
from wildpaper.files import read_json, write_text
from wildpaper.long_table import read_long_table
from wildpaper.releases import read_releases, route_of
from wildpaper.tex import escape, number

_MODELS_SHOWN = 5


def write_context(
    acquired: list[Path],
    reports: list[Path],
    sources: Path,
    tables: list[Path],
    measured: list[Path],
    run: Path,
    routes: Path,
    read_table: Path,
    availability: Path,
    preset: str,
    version: str,
    blank_figures: list[str],
    figures: list[str],
) -> None:
    """Write the LaTeX files that describe a run.

    Parameters
    ----------
    acquired, reports : list of Path
        ``acquired.json`` and ingest reports, one a data set.
    sources : Path
        ``data/sources.yaml``.
    tables : list of Path
        Long tables of the present stage.
    measured : list of Path
        Long tables behind figures; a figure without one has the route of the run's data.
    run, routes, read_table, availability : Path
        To write.
    preset, version : str
    blank_figures, figures : list of str
        Ids of the figures that stay blank, and of all.
    """
    releases = read_releases(acquired)
    route = route_of(releases.values())
    write_text(run, _run(preset, version, releases, route == "simulated"))
    found = {path.stem: _route(path) for path in tables}
    found |= {name: "not-run" if name in blank_figures else route for name in figures}
    found |= {path.stem: _route(path) for path in measured}
    write_text(routes, "".join(f"\\wpdefroute{{{name}}}{{{r}}}\n" for name, r in found.items()))
    write_text(read_table, _read_table([read_json(path) for path in reports]))
    write_text(availability, _availability(load_sources(sources), releases))


def _run(preset: str, version: str, releases: dict[str, dict[str, Any]], simulated: bool) -> str:
    titles = [escape(release["title"]) for release in releases.values()]
    return (
        f"\\def\\wpPreset{{{escape(preset)}}}\n"
        f"\\def\\wpVersion{{{escape(version)}}}\n"
        f"\\newif\\ifwpsimulated\\wpsimulated{'true' if simulated else 'false'}\n"
        f"\\def\\wpReleases{{{'; '.join(titles) or 'no data set'}}}\n"
    )


def _route(table: Path) -> str:
    """Return the route of a table: the one that is furthest from computed on real data."""
    routes = {cell.route for cell in read_long_table(table) if cell.value is not None}
    for route in ("simulated", "restored", "replayed", "recorded", "computed"):
        if route in routes:
            return route
    return "not-run"


def _read_table(reports: list[dict[str, Any]]) -> str:
    head = (
        r"Data set and release & Rows & Kept & Quarantined & Duplicates & Hashes verified & Models"
    )
    lines = [
        r"\begin{tabular}{@{}>{\raggedright}p{0.28\linewidth}rrrrr"
        r">{\raggedright\arraybackslash}p{0.2\linewidth}@{}}",
        r"\toprule",
        head + r" \\",
        r"\midrule",
    ]
    for report in reports:
        rows = sum(file["rows"] for file in report["files"])
        cells = [
            escape(report["release"]["title"]),
            number(rows),
            number(report["n_conversations"]),
            _quarantined(report["quarantine"]),
            number(report["n_duplicates"]),
            _hashes(report["checks"]),
            _models(report["models"]),
        ]
        lines.append(" & ".join(cells) + r" \\")
    if not reports:
        lines.append(r"\multicolumn{7}{l}{This run read no data set.} \\")
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"


def _quarantined(reasons: dict[str, int]) -> str:
    if not reasons:
        return "0"
    listed = [f"{number(n)} {escape(reason)}" for reason, n in reasons.items()]
    return r"\begin{tabular}[t]{@{}r@{}}" + r"\\".join(listed) + r"\end{tabular}"


def _hashes(checks: dict[str, dict[str, int]]) -> str:
    check = checks.get("conversation_hash")
    return f"{number(check['verified'])} of {number(check['checked'])}" if check else "--"


def _models(models: dict[str, int]) -> str:
    if not models:
        return "not recorded"
    shown = [escape(name) for name in list(models)[:_MODELS_SHOWN]]
    more = len(models) - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")


def _availability(sources: Sources, releases: dict[str, dict[str, Any]]) -> str:
    lines = [
        r"\begin{tabular}{@{}l>{\raggedright}p{0.27\linewidth}"
        r"l>{\raggedright\arraybackslash}p{0.26\linewidth}@{}}",
        r"\toprule",
        r"Data set & Licence & Access & In this run \\",
        r"\midrule",
    ]
    for name in DATASETS:
        entry = sources.dataset(name)
        gated = entry.versions[entry.default_version].gated
        release = releases.get(name)
        lines.append(
            f"{escape(entry.title)} \\citep{{{entry.citation}}} & {escape(entry.licence)} & "
            f"{'terms to accept' if gated else 'open'} & "
            f"{escape(release['title']) if release else 'not read'} \\\\"
        )
    return "\n".join([*lines, r"\bottomrule", r"\end{tabular}"]) + "\n"
