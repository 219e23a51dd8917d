"""The same bytes whatever the machine: processes, memory, shards and files do not count."""

import errno
import os
import random
import stat

import duckdb
import numpy as np
import pyarrow as pa
import pytest
from adversarial_logs import random_logs
from rawlog_writing import Released, link, release

from wildpaper.errors import WildpaperError
from wildpaper.release.linking import link as linking
from wildpaper.release.linking.link_database import Database
from wildpaper.release.linking.link_seen import SeenHashes

N_CALLS = 1_500


@pytest.fixture(scope="module")
def acquired(tmp_path_factory):
    logs = random_logs(3, N_CALLS)
    logs.n_files, logs.packed = 5, ("", ".gz", ".zst")
    return logs.write(tmp_path_factory.mktemp("log"))


def written(released: Released) -> dict[str, bytes]:
    return {
        str(path.relative_to(released.folder)): path.read_bytes()
        for path in sorted(released.folder.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def usual(acquired, tmp_path_factory):
    released = Released(tmp_path_factory.mktemp("it's [a] folder*"), 1)
    link(acquired, released)
    assert len(released.rows("conversations")) > 100
    return released


@pytest.mark.parametrize("limits", [{}, {"n_workers": 2}, {"memory_mb": 200}])
def test_processes_and_memory_change_no_byte(acquired, usual, tmp_path, limits):
    released = Released(tmp_path, 1)
    link(acquired, released, **limits)
    assert written(released) == written(usual)
    assert len(written(released)) == 6


def test_shards_change_no_row(acquired, usual, tmp_path):
    released = Released(tmp_path, 3)
    link(acquired, released)
    for kind in released.paths:
        assert released.rows(kind) == usual.rows(kind)
    for path in (released.fates_path, released.report_path, released.ledger_path):
        assert path.read_bytes() == (usual.folder / path.relative_to(tmp_path)).read_bytes()


def test_how_lines_are_spread_over_files_changes_nothing_but_their_places(tmp_path):
    """Where no two calls are of the same time."""
    logs = random_logs(5, 300)
    lines = [line for line in logs.calls if isinstance(line, dict)]
    rng = random.Random(5)
    for line in lines:
        line["time"] = line["time"].replace("000000Z", f"{rng.randrange(10**6):06}Z")
    texts = []
    for name, n_files, packed in (("one", 1, False), ("many", 6, (".xz", ""))):
        logs.calls, logs.n_files, logs.packed = list(lines), n_files, packed
        released = release(tmp_path / name, logs)
        texts.append([released.rows(kind) for kind in released.paths] + [released.ledger])
        rng.shuffle(lines)
    assert texts[0] == texts[1]
    assert len(texts[0][0]) > 10


def test_nothing_temporary_is_readable_by_others_or_stays(acquired, tmp_path, monkeypatch):
    modes = []
    found = linking.order_calls

    def look(*given):
        (folder,) = (path for path in (tmp_path / "private").iterdir() if path.is_dir())
        modes.extend(stat.S_IMODE(path.stat().st_mode) for path in (folder, folder.parent))
        assert len(list(folder.glob("calls-*.jsonl"))) == 3
        return found(*given)

    monkeypatch.setattr(linking, "order_calls", look)
    link(acquired, Released(tmp_path, 1))
    assert modes == [0o700, 0o700]
    assert os.listdir(tmp_path / "private") == ["fates.parquet"]


def test_nothing_temporary_stays_after_an_error(acquired, tmp_path, monkeypatch):
    def fail(*given):
        raise WildpaperError("full")

    monkeypatch.setattr(linking, "write_conversations", fail)
    with pytest.raises(WildpaperError, match="full"):
        link(acquired, Released(tmp_path, 1))
    assert os.listdir(tmp_path / "private") == []


@pytest.mark.parametrize(
    "error", [duckdb.OutOfMemoryException("s1"), OSError(errno.ENOSPC, "s1"), pa.ArrowMemoryError()]
)
def test_too_little_memory_or_disk_is_said_plainly(acquired, tmp_path, monkeypatch, error):
    def fail(*given):
        raise error

    monkeypatch.setattr(linking, "write_fates", fail)
    with pytest.raises(WildpaperError, match="memory or room on the disk") as caught:
        link(acquired, Released(tmp_path, 1))
    assert "s1" not in str(caught.value)
    assert os.listdir(tmp_path / "private") == []


def test_an_error_in_another_process_names_the_file(tmp_path):
    logs = random_logs(3, 300)
    logs.n_files, logs.packed = 3, (".gz", "")
    acquired = logs.write(tmp_path)
    path = acquired.parent / "calls-00002.jsonl.gz"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(WildpaperError, match="cannot be read") as caught:
        link(acquired, Released(tmp_path / "out", 1), n_workers=2)
    assert "calls-00002.jsonl.gz, after line" in str(caught.value)
    assert os.listdir(tmp_path / "out" / "private") == []


def test_the_database_goes_to_disk_before_it_takes_more_memory_than_it_may(tmp_path):
    database = Database(tmp_path, 1, 200)
    database.run(
        "CREATE TABLE numbers AS SELECT i, gen_random_uuid() AS u FROM range(6_000_000) t(i)"
    )
    assert database.row("SELECT count(*), count(DISTINCT u) FROM numbers") == (6_000_000,) * 2
    assert sum(path.stat().st_size for path in (tmp_path / "spill").iterdir()) > 10_000_000
    database.close()


def test_seen_hashes_are_a_set(monkeypatch):
    monkeypatch.setattr("wildpaper.release.linking.link_seen._RECENT", 7)
    rng = np.random.default_rng(1)
    seen, truth = SeenHashes(), set()
    for _ in range(2_000):
        digest = bytes(rng.integers(0, 3, 3, "uint8")).rjust(15, b"\0") + bytes(
            rng.integers(0, 9, 1, "uint8")
        )
        assert seen.add(digest) is (digest not in truth)
        truth.add(digest)
    assert len(seen) == len(truth) > 200
