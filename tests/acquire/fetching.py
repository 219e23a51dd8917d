"""What the tests of single downloads share."""

from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from loopback_server import Loopback

from wildpaper.acquire.download import Downloaded, download
from wildpaper.errors import WildpaperError


def fetch(server: Loopback, target: Path, **options: Any) -> Downloaded:
    known = {"sha256": sha256(server.content).hexdigest(), "backoff_s": 0.001, "timeout_s": 5.0}
    return download(server.file_url, target, **{**known, **options})


def ranges(server: Loopback) -> list[int | None]:
    return [one.first_byte for one in server.transfers]


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "sources.yaml")


def break_off(server: Loopback, target: Path, n_bytes: int = 700_000, **options: Any) -> int:
    """Leave a part of `n_bytes` behind and return its size."""
    server.script = [{"cut": n_bytes}]
    with pytest.raises(WildpaperError):
        fetch(server, target, attempts=1, **options)
    size = target.with_name("data.bin.part").stat().st_size
    assert 0 < size <= n_bytes
    server.seen.clear()
    return size
