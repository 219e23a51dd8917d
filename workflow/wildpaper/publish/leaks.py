"""The leak scan: nothing personal in what is released, nor in anything else that a run writes."""

import logging
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from wildpaper.errors import WildpaperError
from wildpaper.files import read_json, write_json
from wildpaper.progress import Progress
from wildpaper.publish.leak_forms import spaced, squeezed
from wildpaper.publish.leak_needles import Needles, gather_needles
from wildpaper.publish.leak_readers import contents
from wildpaper.publish.leak_rules import remains_of
from wildpaper.publish.leak_search import Searcher

_LOG = logging.getLogger("wildpaper")
_SHOWN = 20
Leak = dict[str, Any]


def scan_release(
    full: list[Path],
    public: list[Path],
    others: list[Path],
    personal: list[Path],
    rawlogs: list[Path],
    assessment: list[Path],
    frequencies: Path,
    rules: Path,
    report: Path,
    patterns: str = "all",
    name_models: dict[str, str] | None = None,
    secrets: bool = True,
    chunk_characters: int = 100_000,
    withdrawal: str = "address",
    client_address: str = "first",
) -> None:
    """Look through a release for what may not be in it, and run the rules of redaction again.

    Parameters
    ----------
    full, public : list of Path
        Parquet files of the two variants.
    others : list of Path
        What is released beside them: data cards, lists of files.
    personal, rawlogs, assessment : list of Path
        See `scan_results`.
    frequencies, rules, patterns, name_models, secrets, chunk_characters
        As `wildpaper.release.redaction.redact` and `wildpaper.release.redaction.entities` had them.
    report : Path
        JSON to write, counts only, the same for any number of shards and files
        (``data/schemas/leaks.schema.json``).
    withdrawal, client_address : str
        Options of the section `release.linking`.

    Raises
    ------
    WildpaperError
        If anything is found: names the files, the kinds and how many, and no value.
    """
    languages = None if patterns == "all" else list(name_models or {})
    needles = gather_needles(personal, rawlogs, withdrawal, client_address, languages)
    folder = full[0].parent.parent
    leaks, _ = _search(needles, [*full, *public, *others], folder)
    remains = remains_of(full, public, frequencies, rules, secrets, languages, chunk_characters)
    for (path, kind), n in sorted(remains.leaks.items()):
        leaks.append({"file": _name(path, folder), "kind": f"{kind} by the rules", "n": n})
    _refuse(leaks, "the release")
    write_json(
        report,
        {
            "n_needles": needles.counts,
            "n_too_short": needles.n_too_short,
            "n_said": needles.n_said,
            "n_texts": remains.n_texts,
            "leaks": leaks,
            "left_by_rules": dict(sorted(remains.left.items())),
            "left_by_design": _left_by_design(assessment),
        },
    )


def scan_results(
    folder: Path | str,
    personal: list[Path],
    rawlogs: list[Path],
    assessment: list[Path],
    report: Path,
    patterns: str = "all",
    name_models: dict[str, str] | None = None,
    withdrawal: str = "address",
    client_address: str = "first",
    unscanned: list[str] | None = None,
    elsewhere: list[Path] | None = None,
    n_workers: int = 1,
) -> None:
    """Look through all files of a run for what may not be in any of them.

    Parameters
    ----------
    folder : Path or str
        All that lies below is looked through but the report itself.
    personal : list of Path
        ``personal.json`` of the simulated study, if there is one.
    rawlogs : list of Path
        ``acquired.json`` of the raw logs, if there are any.
    assessment : list of Path
        ``redaction-truth.json``, if there is one: counts of what the rules leave by design.
    report : Path
        JSON to write, counts only (``data/schemas/leaks.schema.json``).
    patterns, name_models, withdrawal, client_address
        See `scan_release`.
    unscanned : list of str, optional
        Patterns of paths below `folder` that are left out: files that are still written to
        while the scan runs, as its own log.
    elsewhere : list of Path, optional
        Messages of the data sets that do not come from the raw logs (comparison sets): a
        text that one of them holds too came from there.
    n_workers : int, optional
        Threads. The search itself leaves the others room.

    Raises
    ------
    WildpaperError
        If anything is found: names the files, the kinds and how many, and no value. Also if
        a file cannot be unpacked.

    Notes
    -----
    See `wildpaper.publish.leak_needles.gather_needles` for what is looked for,
    `wildpaper.publish.leak_readers` for what is looked into. Token ids are not turned into
    text, nor pixels.
    """
    folder = Path(folder)
    languages = None if patterns == "all" else list(name_models or {})
    needles = gather_needles(personal, rawlogs, withdrawal, client_address, languages, elsewhere)
    paths = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.absolute() != report.absolute()
        and not any(path.relative_to(folder).match(pattern) for pattern in unscanned or [])
    ]
    leaks, n_bytes = _search(needles, paths, folder, n_workers)
    _refuse(leaks, str(folder))
    write_json(
        report,
        {
            "n_files": len(paths),
            "n_bytes": n_bytes,
            "n_needles": needles.counts,
            "n_too_short": needles.n_too_short,
            "n_said": needles.n_said,
            "leaks": leaks,
            "left_by_design": _left_by_design(assessment),
        },
    )


def _search(
    needles: Needles, paths: list[Path], folder: Path, n_workers: int = 1
) -> tuple[list[Leak], int]:
    """Return what was found, by file and kind, and how many bytes the files have."""
    finder = _Finder(needles)
    leaks: list[Leak] = []
    sizes = {path: path.stat().st_size for path in paths}
    progress = Progress("leak scan", sum(sizes.values()), "bytes")
    names = [_name(path, folder) for path in paths]
    with ThreadPoolExecutor(n_workers) as pool:
        everything = pool.map(finder.values_of_file, paths, names)
        for path, name, found in zip(paths, names, everything, strict=True):
            counts = Counter(needles.kinds[value] for value in found)
            leaks += [{"file": name, "kind": kind, "n": counts[kind]} for kind in sorted(counts)]
            progress.advance(sizes[path])
    _LOG.info("leak scan: %d files, %d values looked for", len(paths), len(needles.kinds))
    return leaks, sum(sizes.values())


def _name(path: Path, folder: Path) -> str:
    return str(path.relative_to(folder)) if path.is_relative_to(folder) else path.name


class _Finder:
    """Tells which values stand in data."""

    def __init__(self, needles: Needles) -> None:
        self._raw = needles.raw
        self._groups = [
            (listed, Searcher([needle.form for needle in listed]))
            for listed in (
                [needle for needle in needles.listed if not needle.in_squeezed],
                [needle for needle in needles.listed if needle.in_squeezed],
            )
        ]

    def values_of_file(self, path: Path, name: str) -> set[int]:
        """Return the numbers of the values that stand in a file or its name."""
        found = self.values_in([name.encode("utf-8", "surrogateescape"), b"\n"])
        return found | self.values_in(contents(path))

    def values_in(self, parts: Iterable[bytes]) -> set[int]:
        """Return the numbers of the values that stand in any of the parts."""
        found: set[int] = set()
        for part in parts:
            found.update(value for raw, value in self._raw.items() if raw in part)
            plain = spaced(part)
            for (listed, searcher), data in zip(
                self._groups, (plain, squeezed(plain)), strict=True
            ):
                found.update(
                    listed[index].value
                    for index, at in searcher.find(data)
                    if listed[index].value not in found and listed[index].stands_in(data, at)
                )
        return found


def _refuse(leaks: list[Leak], where: str) -> None:
    if not leaks:
        return
    lines = [f"{leak['file']}: {leak['kind']} ({leak['n']})" for leak in leaks[:_SHOWN]]
    if len(leaks) > _SHOWN:
        lines.append(f"and {len(leaks) - _SHOWN} more")
    raise WildpaperError(
        f"The leak scan found {len(leaks)} times what may not be there: {'; '.join(lines)}",
        where=where,
        hint="Do not publish these files. Values are not shown here; kinds and files say which "
        "rule wrote what it should not.",
    )


def _left_by_design(assessment: list[Path]) -> dict[str, dict[str, int]]:
    return {
        kind: {reach: counts["n_left"] for reach, counts in found["left_by_design"].items()}
        for path in assessment
        for kind, found in read_json(path)["kinds"].items()
    }
