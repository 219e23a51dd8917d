"""From a measured table back to the raw files: rule by rule, files of a kind in one line."""

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from wildpaper.config import DATASETS
from wildpaper.publish.explain.records import Job, Records

_SETS = (*DATASETS, "rawlogs")
_SET = re.compile(rf"(?<![a-z0-9_])({'|'.join(_SETS)})(?![a-z0-9_])")
_SHARD = re.compile(r"-\d+(?:-of-\d+)?(?=\.\w+$)")
_SHORT = 12


@dataclass(slots=True)
class Files:
    """Files of one kind: they differ in shard, data set or model only."""

    pattern: str
    names: list[str]
    held: dict[str, list[dict[str, Any]]] = field(default_factory=dict)


@dataclass(slots=True)
class Step:
    """One rule on the way back, with the files that it made for the step above.

    Attributes
    ----------
    rule : str
        Empty for files that nothing in the run made.
    jobs : int
        How many of its jobs stand behind.
    files : list of Files
        What they made of what the step above read.
    seconds, peak_mb : float
        Of all these jobs together; of the largest.
    behind : list of Step
        What they read; empty where `above` says that it is told already.
    above : bool
    """

    rule: str
    jobs: int
    files: list[Files]
    seconds: float = 0.0
    peak_mb: float = 0.0
    behind: list["Step"] = field(default_factory=list)
    above: bool = False


def trace(name: str, records: Records, datasets: Iterable[str] = ()) -> tuple[Step, list[str]]:
    """Return how a file came to be, and the data sets that its rule read besides.

    Parameters
    ----------
    name : str
        Of the file, as records name it.
    records : Records
    datasets : iterable of str
        Follow only these from the first rule on; all if empty.

    Returns
    -------
    Step
        Its `behind` leads to raw files.
    list of str
        Data sets that the first rule read and that are not followed.
    """
    wanted, told = set(datasets), dict[str, set[int]]()
    job = records.made_by.get(name)
    if job is None:
        return _step("", [name], [], records), []
    read, left = _followed(job.inputs, wanted)
    top = _step(job.rule, [name], [job], records)
    told[job.rule] = {id(job)}
    top.behind = _behind(read, records, told)
    return top, left


def _followed(names: tuple[str, ...], wanted: set[str]) -> tuple[list[str], list[str]]:
    """Return the inputs to follow, and the data sets of those that are left."""
    kept: list[str] = []
    left: set[str] = set()
    for name in names:
        about = set(_SET.findall(name)[-1:])
        if wanted and about and not about & wanted:
            left |= about
        else:
            kept.append(name)
    return kept, [one for one in _SETS if one in left]


def _behind(names: list[str], records: Records, told: dict[str, set[int]]) -> list[Step]:
    """Return the steps that made some files, those without a maker last."""
    by_rule: dict[str, list[str]] = {}
    for name in dict.fromkeys(names):
        job = records.made_by.get(name)
        by_rule.setdefault(job.rule if job else "", []).append(name)
    steps = []
    for rule in sorted(by_rule, key=lambda rule: not rule):
        made = by_rule[rule]
        jobs = list({id(job): job for name in made if (job := records.made_by.get(name))}.values())
        step = _step(rule, made, jobs, records)
        new = [job for job in jobs if id(job) not in told.get(rule, set())]
        told.setdefault(rule, set()).update(id(job) for job in jobs)
        step.above = bool(jobs) and not new
        step.behind = _behind([name for job in new for name in job.inputs], records, told)
        steps.append(step)
    return steps


def _step(rule: str, names: list[str], jobs: list[Job], records: Records) -> Step:
    seconds = round(sum(job.seconds for job in jobs), 1)
    peak = max((job.peak_mb for job in jobs), default=0.0)
    return Step(rule, len(jobs), _fold(names, records), seconds, peak)


def _fold(names: list[str], records: Records) -> list[Files]:
    """Return files in groups that differ in shard or data set only."""
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(_SHARD.sub("-*", _SET.sub("*", name)), []).append(name)
    return [
        Files(
            _pattern(group),
            group,
            {name: held for name in group if (held := records.holds(name))},
        )
        for group in groups.values()
    ]


def _pattern(names: list[str]) -> str:
    """Return a name with a star for each part in which the names differ."""
    if len(names) == 1:
        return names[0]
    for fewer in (_SHARD.sub("-*", names[0]), _SET.sub("*", names[0])):
        if all(re.fullmatch(re.escape(fewer).replace(r"\*", r"[\w-]+"), name) for name in names):
            return fewer
    return _SHARD.sub("-*", _SET.sub("*", names[0]))


def digest_of(names: list[str], records: Records) -> str:
    """Return the SHA-256 of one file, or of the list of checksums and names of several.

    The latter is what ``sha256sum <files> | sha256sum`` gives with the names of the records.
    """
    sums = [records.checksum(name) for name in names]
    if "" in sums or len(sums) == 1:
        return sums[0] if len(sums) == 1 else ""
    return digest_of_list(list(zip(sums, names, strict=True)))


def digest_of_list(files: list[tuple[str, str]]) -> str:
    """Return the SHA-256 of (checksum, name) of several files, in the form of ``sha256sum``."""
    lines = "".join(f"{checksum}  {name}\n" for checksum, name in files)
    return hashlib.sha256(lines.encode()).hexdigest()


def changed(step: Step, records: Records) -> list[dict[str, str]]:
    """Return the files behind a step that are not as the run recorded them; reads all of them.

    Returns
    -------
    list of dict
        ``path``, and what was ``found``: ``gone`` or ``changed``. Files that only their own
        checksum now is known of are not among them.
    """
    wanted: dict[str, str] = {}
    todo = [step]
    while todo:
        one = todo.pop()
        todo += one.behind
        for files in one.files:
            wanted |= {n: records.recorded[n] for n in files.names if n in records.recorded}
            for name, held in files.held.items():
                folder = name.rpartition("/")[0]
                wanted |= {f"{folder}/{raw['name']}": raw["sha256"] for raw in held}
    states = ((name, records.state(name, checksum)) for name, checksum in sorted(wanted.items()))
    return [{"path": name, "found": found} for name, found in states if found]


def short(checksum: str) -> str:
    """Return the beginning of a checksum, as a terminal has room for it."""
    return checksum[:_SHORT]


def as_json(step: Step, records: Records) -> dict[str, Any]:
    """Return a step and all behind it as JSON, each file with its checksum."""
    return {
        "rule": step.rule or None,
        "jobs": step.jobs,
        "seconds": step.seconds,
        "peak_mb": step.peak_mb,
        "told_above": step.above,
        "files": [
            {"path": name, "sha256": records.checksum(name) or None}
            | ({"vouches_for": files.held[name]} if name in files.held else {})
            for files in step.files
            for name in files.names
        ],
        "behind": [as_json(one, records) for one in step.behind],
    }
