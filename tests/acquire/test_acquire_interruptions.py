"""A download that is killed, or whose disk is full; and what it logs meanwhile."""

import errno
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from fetching import break_off, fetch, leftovers, ranges
from loopback_server import Loopback

from wildpaper.acquire.partial import Part
from wildpaper.errors import WildpaperError

WORKFLOW = Path(__file__).parents[2] / "workflow"


def test_full_disk_while_writing(server: Loopback, target: Path, monkeypatch: Any) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    monkeypatch.setattr(Part, "append", lambda _: Path("/dev/full").open("wb"))  # noqa: SIM115
    with pytest.raises(WildpaperError, match="no space left") as caught:
        fetch(server, target)
    assert "Free some space" in caught.value.hint
    assert not target.exists()


def test_full_disk_is_seen_before_writing(server: Loopback, target: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_499_999))
    with pytest.raises(WildpaperError, match="no space left"):
        fetch(server, target)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=1_500_000))
    fetch(server, target)


def test_target_that_cannot_be_written(server: Loopback, target: Path) -> None:
    target.mkdir()
    with pytest.raises(WildpaperError, match="cannot be written"):
        fetch(server, target)


def test_other_trouble_with_the_disk_is_told(
    server: Loopback, target: Path, monkeypatch: Any
) -> None:
    def refuse(_: Part) -> None:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(Part, "append", refuse)
    with pytest.raises(WildpaperError, match="Read-only file system"):
        fetch(server, target)


def test_progress_is_logged_with_rate(
    server: Loopback, target: Path, monkeypatch: Any, caplog: Any
) -> None:
    caplog.set_level(logging.INFO, logger="wildpaper")
    break_off(server, target)
    caplog.clear()
    clock = iter(range(0, 10_000, 10))
    monkeypatch.setattr("wildpaper.progress.time", SimpleNamespace(monotonic=lambda: next(clock)))
    fetch(server, target, what="alpaca: data.bin")
    lines = [record.getMessage() for record in caplog.records]
    assert "of 1,500,000 bytes" in lines[0]
    assert "bytes/s" in lines[0]
    assert lines[0].startswith("alpaca: data.bin: ")
    assert all(int(line.split(": ")[2].split()[0].replace(",", "")) > 700_000 for line in lines)


def test_killed_in_mid_download(server: Loopback, target: Path) -> None:
    server.script = [{"stall": 800_000}]
    code = (
        "import sys; from pathlib import Path; from wildpaper.acquire.download import download; "
        "download(sys.argv[1], Path(sys.argv[2]), sha256=sys.argv[3], timeout_s=60)"
    )
    part = target.with_name("data.bin.part")
    digest = sha256(server.content).hexdigest()
    child = subprocess.Popen(
        [sys.executable, "-c", code, server.file_url, str(target), digest],
        env={**os.environ, "PYTHONPATH": str(WORKFLOW)},
    )
    try:
        deadline = time.monotonic() + 15
        while not (part.exists() and part.stat().st_size > 500_000):
            assert child.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert not target.exists()
    finally:
        child.send_signal(signal.SIGKILL)
        child.wait()
    size = part.stat().st_size
    assert leftovers(target.parent) == ["data.bin.part", "data.bin.part.json"]
    fetch(server, target)
    assert target.read_bytes() == server.content
    assert ranges(server) == [None, size]
    assert leftovers(target.parent) == ["data.bin"]
