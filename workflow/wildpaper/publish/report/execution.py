"""How a run went: time and memory by rule, where its data come from."""

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wildpaper.acquire.sources import load_sources
from wildpaper.config import DATASETS
from wildpaper.publish.report.jobs import Job


@dataclass(frozen=True, slots=True)
class RuleCost:
    """What all jobs of a rule took: seconds together and the longest, MB at most."""

    rule: str
    n_jobs: int
    seconds: float
    longest: float
    peak_mb: float


@dataclass(frozen=True, slots=True)
class Source:
    """A data set: its licence, where it is to be had, and what this run read of it."""

    name: str
    title: str
    licence: str
    home: str
    access: str
    read: str
    note: str


def costs_by_rule(jobs: list[Job]) -> list[RuleCost]:
    """Return what each rule took, the longest first."""
    of_rule: dict[str, list[Job]] = defaultdict(list)
    for job in jobs:
        of_rule[job.rule].append(job)
    costs = [
        RuleCost(
            rule,
            len(own),
            sum(job.seconds for job in own),
            max(job.seconds for job in own),
            max(job.peak_mb for job in own),
        )
        for rule, own in of_rule.items()
    ]
    return sorted(costs, key=lambda cost: (-cost.seconds, cost.rule))


def data_sources(
    registry: Path, releases: dict[str, dict[str, Any]], datasets: list[str]
) -> list[Source]:
    """Return all six data sets, with the release that the run read or that it read none."""
    sources = load_sources(registry)
    found = []
    for name in DATASETS:
        entry = sources.dataset(name)
        gated = entry.versions[entry.default_version].gated
        release = releases.get(name)
        unread = "not read yet" if name in datasets else "not in this run (source: none)"
        found.append(
            Source(
                name=name,
                title=entry.title,
                licence=entry.licence,
                home=entry.home,
                access="terms to accept" if gated else "open",
                read=release["title"] if release else unread,
                note=release.get("why_not", "") if release else "",
            )
        )
    return found
