"""Which releases a run reads, as the acquire stage wrote them down, and what follows from it."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from wildpaper.files import read_json

Release = dict[str, Any]


def read_releases(acquired: list[Path]) -> dict[str, Release]:
    """Return {data set: release} from the ``acquired.json`` of each data set."""
    return {found["dataset"]: found["release"] for found in map(read_json, acquired)}


def route_of(releases: Iterable[Release]) -> str:
    """Return the route of what is computed from releases: one simulated makes it simulated."""
    return "simulated" if any(release["simulated"] for release in releases) else "computed"
