"""What the jobs of a run wrote down: who made which file, from what, with which checksum."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wildpaper.files import read_json, sha256_file

_LARGEST_BYTES = 64 * 2**20
"""Up to this size a file that no manifest lists is read for its checksum."""


@dataclass(frozen=True, slots=True)
class Job:
    """One job: its rule, what it read and wrote, how long and how large it was."""

    rule: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    code_digest: str
    seconds: float
    peak_mb: float


@dataclass(slots=True)
class Records:
    """The records of a run, and where its files are.

    Attributes
    ----------
    results : Path
        Folder of the run.
    base : Path
        Folder that its paths start from.
    preset : str
    made_by : dict
        {file: the job that made it}.
    recorded : dict
        {file: SHA-256} from the manifest.
    """

    results: Path
    base: Path
    preset: str
    made_by: dict[str, Job]
    recorded: dict[str, str] = field(default_factory=dict)
    _now: dict[str, str] = field(default_factory=dict)

    def path(self, name: str) -> Path:
        """Return where a file of the records is now."""
        inside = f"results/{self.preset}/"
        if name.startswith(inside):
            return self.results / name.removeprefix(inside)
        return self.base / name

    def checksum(self, name: str) -> str:
        """Return the SHA-256 of a file: as recorded, else as it is now.

        Empty if it is not in the manifest and gone, or too large to be read for this.
        """
        if name in self.recorded:
            return self.recorded[name]
        if name not in self._now:
            path = self.path(name)
            small = path.is_file() and path.stat().st_size <= _LARGEST_BYTES
            self._now[name] = sha256_file(path) if small else ""
        return self._now[name]

    def state(self, name: str, checksum: str) -> str:
        """Return ``gone`` or ``changed`` for a file that has another checksum; else nothing."""
        path = self.path(name)
        if not path.is_file():
            return "gone"
        return "" if sha256_file(path) == checksum else "changed"

    def holds(self, name: str) -> list[dict[str, Any]]:
        """Return the raw files that an ``acquired.json`` vouches for, with their checksums."""
        path = self.path(name)
        if path.name != "acquired.json" or not path.is_file():
            return []
        found: list[dict[str, Any]] = read_json(path)["files"]
        return found

    def release(self, name: str) -> str:
        """Return the title of the release that an ``acquired.json`` stands for."""
        return str(read_json(self.path(name))["release"]["title"])


def read_records(results: Path, preset: str) -> Records:
    """Read the manifest of a run and its provenance records.

    Parameters
    ----------
    results : Path
        Folder of the run, ``…/results/<preset>``.
    preset : str
        What ran.

    Notes
    -----
    A file that the manifest lists has the checksum that stood there when the run ended. Where
    there is no manifest, the records beside the logs say who made what.
    """
    base = results.absolute().parents[1]
    found = Records(results, base, preset, {})
    paths = [path for folder in (results / "logs", base / "data" / "raw")
             for path in folder.rglob("*.provenance.json")]  # fmt: skip
    for path in sorted(paths, key=lambda path: path.stat().st_mtime):
        record = read_json(path)
        found.made_by |= dict.fromkeys(record["outputs"], _job(record, record["outputs"]))
    manifest = results / "publish" / "manifest.json"
    if manifest.is_file():
        _add_manifest(read_json(manifest)["outputs"], found)
    return found


def _add_manifest(outputs: list[dict[str, Any]], found: Records) -> None:
    """Add what the manifest lists, unless a job ran since: then its record tells of newer files."""
    jobs: dict[str, Job] = {}
    for one in outputs:
        newer = found.made_by.get(one["path"])
        if newer and (newer.seconds, newer.code_digest) != (one["seconds"], one["code_digest"]):
            continue
        found.recorded[one["path"]] = one["sha256"]
        if newer is None:
            key = repr((one["rule"], one["wildcards"], one["seconds"]))
            jobs.setdefault(key, _job(one, [one["path"]]))
            found.made_by[one["path"]] = jobs[key]


def _job(record: dict[str, Any], outputs: list[str]) -> Job:
    return Job(
        record["rule"], tuple(record["inputs"]), tuple(outputs), record["code_digest"],
        record["seconds"], record["peak_mb"],
    )  # fmt: skip
