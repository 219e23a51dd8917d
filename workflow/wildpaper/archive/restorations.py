"""Which files a run takes from an archive, rule by rule, and which of them it can try out."""

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from wildpaper.archive.decide import (
    COMPUTED,
    LEFT_OUT,
    RESTORED,
    UNNEEDED,
    Decisions,
    Group,
    member_of,
)
from wildpaper.archive.draw import draw_jobs
from wildpaper.archive.layout import Archive, Job
from wildpaper.errors import WildpaperError

_TRIED = ("{results}/annotate/", "{results}/evaluate/")


@dataclass(frozen=True, slots=True)
class Restoration:
    """The files that one job takes from an archive.

    Attributes
    ----------
    name : str
        Of the job's rule.
    makers : list of str
        Rules that made the files.
    files, lacking : list of str
        What the archive has, and what it leaves out of the same results.
    unfinished : str
        Folder where files are gathered until all are there.
    archive : str
    """

    name: str
    makers: list[str]
    files: list[str]
    lacking: list[str]
    unfinished: str
    archive: str

    @property
    def refusal(self) -> str:
        """Name of the rule that refuses to give what is left out."""
        return self.name.replace("restore_", "refuse_", 1)

    def refuse(self, wildcards: Any) -> list[str]:
        """Say, as an input function, that this run needs what the archive leaves out."""
        raise WildpaperError(
            f"This run needs what its archive leaves out, one of {len(self.lacking)} files such "
            f"as {self.lacking[0]}",
            where=self.archive,
            hint="Results cannot be restored in part. Pack the archive with archive.texts and "
            "archive.models, or run without the config key restore.",
        )


def restorations(
    decisions: Decisions, archive: Archive, records: Iterable[str], results: str, private: str
) -> list[Restoration]:
    """Return what is taken from an archive: what is needed by stage, the rest by rule.

    Parameters
    ----------
    decisions : Decisions
    archive : Archive
    records : iterable of str
        Copies of files of raw data that the run reads.
    results, private : str
        Folders of the run.
    """
    packed = archive.members.keys()
    chosen: dict[str, tuple[dict[str, None], list[str], list[str]]] = {}
    for group in decisions.groups:
        lacking = {name for name in group.outputs if member_of(name) not in packed}
        if not _is_taken(group, lacking):
            continue
        stages = [name.split("/")[1] for name in group.outputs if name.startswith("{results}/")]
        for name in group.outputs:
            of = stages[0] if name in decisions.needed or name in lacking else group.name
            makers, files, left = chosen.setdefault(of, ({}, [], []))
            makers[group.rule] = None
            (left if name in lacking else files).append(_place(name, results, private))
    found = [
        _restoration(name, list(makers), files, left, archive, results)
        for name, (makers, files, left) in chosen.items()
        if files
    ]
    copies = sorted(records)
    return [
        *found,
        *([_restoration("records", [], copies, [], archive, results)] if copies else []),
    ]


def _restoration(
    name: str, makers: list[str], files: list[str], lacking: list[str], archive: Archive,
    results: str,
) -> Restoration:  # fmt: skip
    name = "restore_" + re.sub(r"\W", "_", name)
    digest = hashlib.sha256()
    for path in files:
        digest.update(archive.members[path.removeprefix(f"{results}/")].sha256.encode())
    unfinished = f"{results}/restored/.{name}-{digest.hexdigest()[:16]}"
    return Restoration(name, makers, files, lacking, unfinished, str(archive.path))


def _place(name: str, results: str, private: str) -> str:
    """Return where an output stands in this run."""
    return name.replace("{results}", results, 1).replace("{private}", private, 1)


def _is_taken(group: Group, lacking: set[str]) -> bool:
    """Say whether results are taken; what nothing needs can be asked for, if it is all there."""
    return group.status == RESTORED or (
        group.status == UNNEEDED and not group.reason and not lacking
    )


def draw_restored(
    decisions: Decisions, lacks: Callable[[Job], str], seed: int, seconds: float
) -> tuple[list[Job], dict[str, str]]:
    """Draw the jobs whose results are computed anew.

    Parameters
    ----------
    decisions : Decisions
    lacks : callable
        Returns why a job cannot be repeated in this run; empty if it can.
    seed : int
    seconds : float
        See `wildpaper.archive.draw.draw_jobs`.

    Returns
    -------
    list of Job
    dict
        {rule: why none of its jobs was drawn}.
    """
    jobs: list[Job] = []
    untried: dict[str, str] = {}
    for group in decisions.having(RESTORED):
        first = group.jobs[0]
        is_tried = all(n.startswith(_TRIED) and n.endswith(".parquet") for n in first.outputs)
        why = lacks(first) if is_tried else "only labels and scores are computed anew"
        if why:
            untried.setdefault(group.rule, why)
        else:
            jobs += group.jobs
    drawn = draw_jobs(jobs, seed, seconds)
    tried = {job.rule for job in drawn}
    untried |= {job.rule: "not drawn" for job in jobs}
    return drawn, {rule: why for rule, why in untried.items() if rule not in tried}


def computed_as_known(decisions: Decisions, archive: Archive, results: str) -> list[str]:
    """Return the tables that a run computes and of which the archive knows the checksums."""
    known = {member.path for member in archive.index.left_out}
    return [
        f"{results}/{member_of(name)}"
        for group in decisions.having(COMPUTED)
        for name in group.outputs
        if member_of(name) in known and name.endswith(".parquet") and not _has_changed(group)
    ]


def _has_changed(group: Group) -> bool:
    """Say whether results are computed for another reason than that the archive lacks them."""
    return not group.reason.startswith(LEFT_OUT)
