"""A plan in spite of missing files: each is reported, and an empty one takes its place.

So one look finds all that a preset lacks, not only the first, and which claims it would cover.
"""

import copy
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from wildpaper.errors import WildpaperError
from wildpaper.plan import Plan, make_plan
from wildpaper.yaml_text import parse_yaml

_NAMES = ("calls-0.jsonl", "moderation-0.jsonl", "part.json", "part.parquet", "part.jsonl.gz")
_KEY = "config key "
_MOST = 30
_LINKED = ("sources.yaml", "artifacts.yaml", "models.yaml", "detoxify.yaml", "recipes", "mtbench")


@dataclass(slots=True)
class Tried:
    """A preset as far as it can be planned.

    Attributes
    ----------
    plan : Plan or None
        None if it cannot be planned even with stand-ins.
    missing : list of WildpaperError
        What had to be replaced, or what is wrong with the preset.
    """

    plan: Plan | None = None
    missing: list[WildpaperError] = field(default_factory=list)


def try_plan(preset: Path, project: Path, raw_folder: str = "data/raw") -> Tried:
    """Plan a preset; put empty files in place of those that are missing.

    Parameters
    ----------
    preset : Path
        Its file.
    project : Path
        The project's folder.
    raw_folder : str
        Where raw files stand, by the folder of the run.
    """
    tried = Tried()
    try:
        raw = parse_yaml(preset.read_text(encoding="utf-8"))
        if not isinstance(raw, dict):
            raise WildpaperError("Not a preset: it holds no keys", where=str(preset))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        tried.missing.append(WildpaperError(f"Not readable: {error}", where=str(preset)))
        return tried
    except WildpaperError as error:
        tried.missing.append(error)
        return tried
    with tempfile.TemporaryDirectory() as folder:
        _plan_with(copy.deepcopy(raw), preset, project, raw_folder, Path(folder), tried)
    return tried


def _plan_with(
    raw: dict[str, Any], preset: Path, project: Path, raw_folder: str, folder: Path, tried: Tried
) -> None:
    used = project
    for _ in range(_MOST):
        try:
            tried.plan = make_plan(raw, [preset], str(used), raw_folder)
            return
        except WildpaperError as error:
            tried.missing.append(_shown(error, used, project))
            if error.where.startswith(_KEY):
                if not _replace(raw, error.where.removeprefix(_KEY), folder):
                    return
            elif _is_raw(error, used):
                used = _copied(used, project, folder, error)
            else:
                return
        except Exception as error:  # noqa: BLE001 - a doctor does not fall ill
            what = f"Unexpected {type(error).__name__}: {str(error)[:200]}"
            tried.missing.append(WildpaperError(what, where=str(preset)))
            return


def _shown(error: WildpaperError, used: Path, project: Path) -> WildpaperError:
    """Return an error as it is without the copy of the project."""
    where = error.where.replace(str(used), str(project))
    return WildpaperError(error.what.replace(str(used), str(project)), where=where, hint=error.hint)


def _replace(raw: dict[str, Any], key: str, folder: Path) -> bool:
    """Put a stand-in under a key of the configuration; say whether it was not there before."""
    *sections, last = key.split(".")
    part: Any = raw
    for name in sections:
        part = part.setdefault(name, {})
        if not isinstance(part, dict):
            return False
    stand_in = _stand_in(folder, last == "path" or key.endswith("moderation.answers"))
    put: Any = [stand_in] if last == "judgments" else stand_in
    if last in ("recipe", "pairs") or part.get(last) == put:
        return False
    part[last] = put
    return True


def _stand_in(folder: Path, is_folder: bool) -> str:
    files = folder / "files"
    files.mkdir(exist_ok=True)
    for name in _NAMES:
        (files / name).touch()
    return str(files if is_folder else files / _NAMES[0])


def _is_raw(error: WildpaperError, project: Path) -> bool:
    """Say whether an error is about a file that belongs into the project's data/raw."""
    return Path(error.where).is_relative_to(project / "data" / "raw") and ": " in error.what


def _copied(used: Path, project: Path, folder: Path, error: WildpaperError) -> Path:
    """Return a project of links to registries and raw files, with the missing one put there."""
    copied = folder / "project"
    if not copied.is_dir():
        (copied / "data" / "raw").mkdir(parents=True)
        (copied / "pyproject.toml").symlink_to((project / "pyproject.toml").absolute())
        for name in _LINKED:
            (copied / "data" / name).symlink_to((project / "data" / name).absolute())
        for path in (project / "data" / "raw").glob("*/*"):
            there = copied / "data" / "raw" / path.parent.name
            there.mkdir(exist_ok=True)
            (there / path.name).symlink_to(path.absolute())
    missing = copied / Path(error.where).relative_to(used) / error.what.rpartition(": ")[2]
    missing.parent.mkdir(parents=True, exist_ok=True)
    missing.touch()
    return copied
