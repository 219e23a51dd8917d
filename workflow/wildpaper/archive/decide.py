"""What a run takes from an archive, what it computes, and why.

A result is taken if the rule that made it, its code, its settings and what it was made from are
those of this run, back to the raw data. Of raw data only source and version are compared: a run
that restores need not have them.
"""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from wildpaper.archive.layout import Index, Job
from wildpaper.files import sha256_file

BROUGHT_IN = (
    *("link_dataset", "link_raw_logs", "download_dataset", "fetch_dataset"),
    *("fetch_tokenizer", "fetch_detoxify", "check_requirements"),
)
"""Rules that bring raw data in: what they did elsewhere needs not be repeated here."""

RESTORED, COMPUTED, UNNEEDED = "restored", "computed", "left out"
LEFT_OUT = "the archive leaves out"

_PLAIN = re.compile(r"\{results\}/(measure|present|publish)/|\{results\}/ledger\.json")
_HASHED_BYTES = 4_000_000
_SHOWN = 3

Key = tuple[str, tuple[tuple[str, str], ...]]


@dataclass(frozen=True, slots=True)
class Now:
    """What a rule of this run is like, for certain wildcards; compare `layout.Job`."""

    code: str
    params: dict[str, str]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


@dataclass(slots=True)
class Group:
    """Jobs of one rule that differ in their shards only, and what becomes of their results.

    Attributes
    ----------
    rule : str
    jobs : list of Job
    status : str
        `RESTORED`, `COMPUTED` or `UNNEEDED`.
    reason : str
        Why they are not restored; empty if they are.
    """

    rule: str
    jobs: list[Job]
    status: str = RESTORED
    reason: str = ""

    @property
    def name(self) -> str:
        """The rule, and its wildcards but for the shard."""
        of = [value for name, value in self.jobs[0].wildcards.items() if name != "shard"]
        return "_".join([self.rule, *of])

    @property
    def outputs(self) -> list[str]:
        """All files that the jobs made."""
        return [name for job in self.jobs for name in job.outputs]


@dataclass(frozen=True, slots=True)
class Decisions:
    """What becomes of all that an archived run consists of.

    Attributes
    ----------
    groups : list of Group
        Without those that measure, draw and publish, which are computed in any case.
    records : list of str
        ``{acquired}/<dataset>`` and other files of raw data whose archived copies are read.
    needed : set of str
        Outputs that the run reads.
    """

    groups: list[Group]
    records: list[str]
    needed: set[str]

    def having(self, status: str) -> list[Group]:
        """Return the groups of a status."""
        return [group for group in self.groups if group.status == status]

    def status_of(self, rule: str) -> str:
        """Return what becomes of the results of a rule; `COMPUTED` if the archive has none."""
        found = {group.status for group in self.groups if group.rule == rule}
        return next((s for s in (COMPUTED, RESTORED, UNNEEDED) if s in found), COMPUTED)


def decide(
    index: Index,
    now: Callable[[str, dict[str, str]], Now | None],
    datasets: Mapping[str, Mapping[str, str]],
    find_source: Callable[[str], Path],
    targets: Iterable[str] = (),
) -> Decisions:
    """Compare an archived run with this one, from the raw data on.

    Parameters
    ----------
    index : Index
    now : callable
        Takes a rule and wildcards; returns what they are like in this run, or None if it does
        not have them.
    datasets : mapping
        Sources of this run's data sets, as in the index.
    find_source : callable
        Returns where a file of the project stands.
    targets : iterable of str
        What the run is for besides measures, the paper and what they read.
    """
    groups = _grouped(job for job in index.jobs if not _is_plain(job))
    made_by = {name: group for group in groups for name in group.outputs}
    changed = {
        name for name, (n_bytes, sha256) in index.sources.items()
        if _differs(find_source(name), n_bytes, sha256)
    }  # fmt: skip

    def matters(name: str) -> bool:
        """Say whether an input counts: one of the user's that is not here cannot be compared."""
        return name in made_by or find_source(name).exists()

    for group in groups:
        group.reason = _own_reason(group, now, matters, changed, index.datasets, datasets)
    _pass_on(groups, made_by)
    needed = _settle(index, groups, made_by, targets)
    brought = [name for group in groups if not group.reason for name in group.outputs]
    packed = {member.path for member in index.members}
    records = [name for name in brought if record_path(name) in packed]
    return Decisions(groups, records, needed)


def record_path(name: str) -> str:
    """Return the member that holds the copy of a file of raw data; empty if none can."""
    if name.startswith("{acquired}/"):
        return f"restored/{name.removeprefix('{acquired}/')}/acquired.json"
    if name.startswith("data/raw/simulated/"):
        *_, folder, file = name.split("/")
        if file == "acquired.json":
            return f"restored/{folder}/acquired.json"
        return "restored/truth.json" if file == "truth.json" else ""
    return ""


def member_of(name: str) -> str:
    """Return the member that holds an output of the run, as records name it."""
    return name.removeprefix("{results}/")


def _is_plain(job: Job) -> bool:
    """Say whether a job measures, draws or publishes: it is done again in any case."""
    return any(_PLAIN.match(name) for name in job.outputs)


def _grouped(jobs: Iterable[Job]) -> list[Group]:
    groups: dict[Key, Group] = {}
    for job in jobs:
        of = tuple(sorted((n, v) for n, v in job.wildcards.items() if n != "shard"))
        groups.setdefault((job.rule, of), Group(job.rule, [])).jobs.append(job)
    return list(groups.values())


def _differs(path: Path, n_bytes: int, sha256: str) -> bool:
    """Say whether a file is another one; of a large one only the size is looked at."""
    if not path.is_file():
        return False
    size = path.stat().st_size
    return size != n_bytes or (size <= _HASHED_BYTES and sha256_file(path) != sha256)


def _own_reason(
    group: Group,
    now: Callable[[str, dict[str, str]], Now | None],
    matters: Callable[[str], bool],
    changed: set[str],
    archived: Mapping[str, Mapping[str, str]],
    datasets: Mapping[str, Mapping[str, str]],
) -> str:
    """Return what is different here about a rule itself; empty if nothing is."""
    for dataset in (n for o in group.outputs if (n := o.removeprefix("{acquired}/")) != o):
        if not _same_data(archived.get(dataset, {}), datasets.get(dataset, {})):
            return f"{dataset} comes from another source or version"
    if group.rule in BROUGHT_IN:
        return ""
    first = group.jobs[0]
    found = now(first.rule, first.wildcards)
    if found is None:
        return "this run has no such rule"
    reason = _difference(first, found, matters)
    if not reason and any((j.code, j.params) != (first.code, first.params) for j in group.jobs):
        reason = "its shards were made by other code or settings"
    if reason:
        return reason
    edited = sorted(changed.intersection(n for job in group.jobs for n in job.inputs))
    return f"{_listed(edited)} changed" if edited else ""


def _same_data(archived: Mapping[str, str], here: Mapping[str, str]) -> bool:
    """Compare what data sets are; files of the user's are compared where they are at hand."""
    names = ["source", "version", *(["files"] if here.get("files") else [])]
    return all(archived.get(name) == here.get(name) for name in names)


def _difference(job: Job, now: Now, matters: Callable[[str], bool]) -> str:
    if set(job.outputs) != set(now.outputs):
        return "it writes other files in this run"
    if job.code != now.code:
        return "its code changed"
    names = job.params.keys() | now.params.keys()
    other = sorted(name for name in names if job.params.get(name) != now.params.get(name))
    if other:
        return f"its settings changed: {_listed(other)}"
    other = sorted(name for name in set(job.inputs) ^ set(now.inputs) if matters(name))
    return f"it reads other files in this run: {_listed(other)}" if other else ""


def _pass_on(groups: list[Group], made_by: Mapping[str, Group]) -> None:
    """Give groups that were made from changed results a reason, too, however far away."""
    again = True
    while again:
        again = False
        for group in groups:
            if group.reason:
                continue
            for name in (name for job in group.jobs for name in job.inputs):
                behind = made_by.get(name)
                if behind is not None and behind is not group and behind.reason:
                    group.reason = f"it is made from what {behind.rule} gives"
                    again = True
                    break


def _settle(
    index: Index, groups: list[Group], made_by: Mapping[str, Group], targets: Iterable[str]
) -> set[str]:
    """Set the status of each group: follow what is needed back to what the archive holds.

    Returns
    -------
    set of str
        All that is needed.
    """
    packed = {member.path for member in index.members}
    todo = [(name, True) for job in index.jobs if _is_plain(job) for name in job.inputs]
    todo += [(name, True) for name in targets]
    needed: set[tuple[str, bool]] = set()
    computed: set[int] = set()
    while todo:
        name, is_plain = todo.pop()
        group = made_by.get(name)
        if group is None or (name, is_plain) in needed:
            continue
        needed.add((name, is_plain))
        if id(group) in computed or (not group.reason and _held(name, is_plain, group, packed)):
            continue
        group.reason = group.reason or f"{LEFT_OUT} {_lacking(group, packed)}"
        computed.add(id(group))
        todo += [(name, False) for job in group.jobs for name in job.inputs]
    wanted = {name for name, _ in needed}
    for group in groups:
        if id(group) in computed:
            group.status = COMPUTED
        # of raw data the records are enough
        elif group.reason or not any(member_of(n) in packed for n in wanted & {*group.outputs}):
            group.status = UNNEEDED
    return wanted


def _held(name: str, is_plain: bool, group: Group, packed: Collection[str]) -> bool:
    """Say whether the archive has what is needed of a file.

    ``acquired.json`` stands for the files beside it, unless a measure or the paper reads it: they
    look up which release it is.
    """
    if is_plain:
        return member_of(name) in packed or record_path(name) in packed
    if name.endswith("acquired.json") or name.startswith("{acquired}/"):
        return all(member_of(one) in packed for one in group.outputs)
    return member_of(name) in packed


def _lacking(group: Group, packed: Collection[str]) -> str:
    names = [name for name in group.outputs if member_of(name) not in packed]
    return _listed([name.rpartition("/")[2] for name in names])


def _listed(names: list[str]) -> str:
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
