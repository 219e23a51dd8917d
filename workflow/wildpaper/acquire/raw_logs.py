"""Bring raw interaction logs of the user's own in; they are linked, never copied."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from wildpaper.acquire.local_files import checksum, links_into, replace_links
from wildpaper.acquire.record import Held, write_acquired

_LOG = logging.getLogger("wildpaper")

_RELEASE: dict[str, Any] = {
    "name": "own",
    "title": "Raw interaction logs of one's own",
    "comparable": False,
    "why_not": "logs of another service than the paper's",
    "simulated": False,
    "licence": "unknown",
    "gated": False,
    "citation": "zhao2024wildchat",
    "revision": None,
}


def link_raw_logs(files: Sequence[Path], acquired: Path) -> None:
    """Link raw logs and databases of places into one folder, checksummed.

    Parameters
    ----------
    files : sequence of Path
        Files as docs/raw-logs.md describes them.
    acquired : Path
        ``acquired.json`` in the folder that receives absolute symbolic links.

    Raises
    ------
    WildpaperError
        If a file is missing, empty or unreadable, or two have the same name.
    """
    links = links_into(files, acquired.parent)
    held = [
        Held(link.name, checksum(path), path.stat().st_size, "recorded")
        for link, path in links.items()
    ]
    replace_links(links, acquired.parent)
    _LOG.info("raw logs: %d local files", len(held))
    write_acquired(acquired, "rawlogs", "path", "local", _RELEASE, held)
