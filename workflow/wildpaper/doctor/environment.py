"""Whether Python and its packages are complete; uses nothing beyond the standard library."""

import importlib.metadata
import re
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

OLDEST = (3, 11)
_LOCKED = re.compile(r"^([A-Za-z0-9._-]+)==([^ ;\\]+)(?: ; ([^\\]+))?", re.MULTILINE)
_TORCH = re.compile(r"^TORCH := torch==(\S+)$", re.MULTILINE)
_SETUP = "Run 'make setup'."


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at.

    Attributes
    ----------
    what, found : str
    mend : str
        Empty where there is nothing to mend.
    stops : bool
        Whether no preset can run without it.
    """

    what: str
    found: str
    mend: str = ""
    stops: bool = False


def check_environment(project: Path) -> list[Check]:
    """Compare Python and the installed packages with what the project pins."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    old = sys.version_info[:2] < OLDEST
    mend = "Use Python 3.11 or later: make setup PYTHON=python3.11." if old else ""
    return [Check("Python", version, mend, stops=old), _check_packages(project)]


def _check_packages(project: Path) -> Check:
    wanted = pinned(project)
    missing = [name for name in wanted if _installed(name) is None]
    other = [
        f"{name} {found} for {version}"
        for name, version in wanted.items()
        if (found := _installed(name)) is not None and found.partition("+")[0] != version
    ]
    what = "Python packages"
    if missing:
        return Check(what, f"missing: {_some(missing)}", _SETUP, stops=True)
    if other:
        return Check(what, f"other versions: {_some(other)}", _SETUP)
    return Check(what, f"all {len(wanted)} as in requirements.lock")


def pinned(project: Path) -> dict[str, str]:
    """Return {package: version} that the lock and the Makefile want for this Python."""
    text = (project / "requirements.lock").read_text(encoding="utf-8")
    found = {
        name: version for name, version, marker in _LOCKED.findall(text) if _applies(marker.strip())
    }
    torch = _TORCH.search((project / "Makefile").read_text(encoding="utf-8"))
    return found | ({"torch": torch[1]} if torch else {})


def _applies(marker: str) -> bool:
    """Say whether a marker of the lock holds here; without `packaging`, only if there is none."""
    try:
        from packaging.markers import Marker
    except ImportError:
        return not marker
    return not marker or Marker(marker).evaluate()


@cache
def _installed(name: str) -> str | None:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def _some(names: list[str], most: int = 5) -> str:
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
