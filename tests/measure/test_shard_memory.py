"""What a data set takes of memory and disk while it is open."""

import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from planting import Planted, random_set, write_set

from wildpaper.errors import WildpaperError
from wildpaper.measure import shard_views
from wildpaper.measure.lengths import sum_dataset
from wildpaper.measure.shard_views import Scratch
from wildpaper.measure.shards import open_dataset
from wildpaper.schema import MESSAGES, write_labels


def opening(paths):
    labels = {"tokens": paths["tokens"], "language": paths["languages"]}
    report, conversations = paths["reports"][0], paths["conversations"]
    return open_dataset(report, conversations, paths["messages"], labels, columns=())


def large_set(folder, ids, positions, n_tokens):
    """Write one shard whose token counts are in another order, so that keys are joined."""
    paths = write_set(folder, Planted(conversations=[("u", [("user", 1, "English")])]))
    one = pq.read_table(paths["conversations"][0])
    begun = ids[positions == 0]
    columns = {name: one[name].take(pa.array(begun * 0)) for name in one.column_names}
    columns |= {"conversation_id": pa.array(begun), "user": pa.array(begun).cast(pa.string())}
    columns |= {"n_messages": pa.array(np.bincount(ids))}
    pq.write_table(pa.table(columns).cast(one.schema), paths["conversations"][0])
    keys = {"conversation_id": ids, "position": positions}
    said = {"turn": None, "role": "user", "text": "", "timestamp": None}
    rows = keys | {name: pa.array([value] * len(ids)) for name, value in said.items()}
    pq.write_table(pa.table(rows).cast(MESSAGES), paths["messages"][0])
    order = np.random.default_rng(1).permutation(len(ids))
    rows = {name: column[order] for name, column in (keys | {"n_tokens": n_tokens}).items()}
    write_labels(paths["tokens"][0], "tokens", pa.table(rows), "planted", "computed")
    rows = {**keys, "language": ["English"] * len(ids), "confidence": [1.0] * len(ids)}
    write_labels(paths["languages"][0], "language", pa.table(rows), "planted", "computed")
    return paths


def test_what_does_not_fit_into_memory_goes_to_the_disk(tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setattr(shard_views, "MEMORY_MB_PER_THREAD", 36)
    ids, positions = np.repeat(np.arange(80_000), 8), np.tile(np.arange(8), 80_000)
    n_tokens = (ids * 7 + positions) % 1000
    paths = large_set(tmp_path, ids, positions, n_tokens)
    with opening(paths) as opened:
        clusters = sum_dataset(opened).clusters
    assert clusters[:, 2].tolist() == n_tokens.reshape(-1, 8).sum(axis=1).tolist()
    # It is more than fits: with nowhere to go it is an error.
    connect = shard_views.duckdb.connect
    monkeypatch.setattr(
        shard_views.duckdb,
        "connect",
        lambda config: connect(config=config | {"temp_directory": ""}),
    )
    with pytest.raises(WildpaperError, match="Out of Memory") as caught:
        opening(paths)
    assert "shards" in caught.value.hint


def test_nothing_stays_on_the_disk(tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(shard_views.tempfile, "tempdir", str(scratch))
    paths = write_set(tmp_path, random_set())
    with opening(paths) as opened:
        (folder,) = scratch.iterdir()
        assert folder.stat().st_mode & 0o777 == 0o700
    assert not list(scratch.iterdir())
    assert opened.n_messages  # held until here: it was not for want of a holder that it went
    whole = paths["messages"][0].read_bytes()
    pq.write_table(pq.read_table(paths["messages"][0]).slice(1), paths["messages"][0])
    with pytest.raises(WildpaperError, match="are there") as missing:
        opening(paths)
    assert not list(scratch.iterdir())
    paths["messages"][0].write_bytes(whole[:200])
    with pytest.raises(WildpaperError, match="cannot be read") as damaged:
        opening(paths)
    assert not list(scratch.iterdir())
    assert missing.value.where != damaged.value.where


def test_what_a_killed_process_left_goes_and_what_is_used_stays(tmp_path, monkeypatch, project):
    monkeypatch.setattr(shard_views.tempfile, "tempdir", str(tmp_path))
    code = (
        f"import sys, tempfile, time; sys.path.insert(0, {str(project / 'workflow')!r})\n"
        f"tempfile.tempdir = {str(tmp_path)!r}\n"
        "from wildpaper.measure.shard_views import Scratch\n"
        "scratch = Scratch(); print(scratch.path, flush=True); time.sleep(60)"
    )
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    theirs = process.stdout.readline().strip()
    mine = Scratch()
    present = {str(path) for path in tmp_path.iterdir()}
    process.kill()
    process.communicate()
    later = Scratch()
    left = {str(path) for path in tmp_path.iterdir()}
    later.close()
    mine.close()
    assert present == {theirs, str(mine.path)}
    assert left == {str(mine.path), str(later.path)}
    assert not list(tmp_path.iterdir())
