"""Scoring that is killed goes on where it was: nothing is scored twice, nothing differs."""

import logging
import os
import random
import signal
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from detoxify_forms import write_form
from labelled_corpus import lexicon

from wildpaper.__main__ import main
from wildpaper.annotate.detoxify import score_files

N_FILES, N_TEXTS = 10, 2_000
KILLED = -signal.SIGKILL


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_form("multilingual", tmp_path_factory.mktemp("model"))


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    """20,000 messages in ten files."""
    rng, words = random.Random(8), lexicon("English")
    folder = tmp_path_factory.mktemp("corpus")
    for i in range(N_FILES):
        texts = [" ".join(rng.choices(words, k=rng.randint(0, 6))) for _ in range(N_TEXTS)]
        pq.write_table(pa.table({"text": texts}), folder / f"part-{i}.parquet")
    return sorted(folder.glob("*.parquet"))


class _Killer(score_files.Progress):
    """Ends the process, without a word, after so many rows."""

    after = 0

    def advance(self, n):
        super().advance(n)
        if self.done >= self.after:
            os.kill(os.getpid(), signal.SIGKILL)


def run(checkpoint, files, out, kill_after=None):
    """Score the files in a process of its own; return its exit status and the files it scored."""
    log = out.parent / f"{out.name}.log"
    child = os.fork()
    if child == 0:
        status = 70
        try:
            sys.stdout = sys.stderr = log.open("w", buffering=1)
            logging.root.handlers.clear()
            torch.set_num_threads(1)
            if kill_after is not None:
                _Killer.after = kill_after
                score_files.Progress = _Killer
            status = main(["score-toxicity", "--checkpoint", str(checkpoint), "--out", str(out),
                           *map(str, files)])  # fmt: skip
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return status, [line.split()[1][:-1] for line in log.read_text().splitlines()
                    if line.endswith(": scored")]  # fmt: skip


def content(out):
    return {path.name: path.read_bytes() for path in out.iterdir()}


@pytest.fixture(scope="module")
def uninterrupted(checkpoint, corpus, tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "scores"
    torch.set_num_threads(1)
    status, scored = run(checkpoint, corpus, out)
    assert (status, len(scored)) == (0, N_FILES)
    return content(out)


def test_killed_at_three_random_points(checkpoint, corpus, uninterrupted, tmp_path):
    out = tmp_path / "scores"
    rng = random.Random(1)
    all_scored, finished = [], {}
    for _ in range(3):
        left = (N_FILES - len(finished)) * N_TEXTS
        status, scored = run(checkpoint, corpus, out, rng.randint(1, left // 2))
        assert status == KILLED
        all_scored += scored
        for name, (stamp, bytes_) in finished.items():
            assert ((out / name).stat().st_mtime_ns, (out / name).read_bytes()) == (stamp, bytes_)
        finished = {
            path.name: (path.stat().st_mtime_ns, path.read_bytes())
            for path in out.glob("*.parquet")
        }
        assert len(finished) == len(all_scored) < N_FILES
    status, scored = run(checkpoint, corpus, out)
    all_scored += scored
    assert status == 0
    assert sorted(all_scored) == [path.name for path in corpus]
    assert content(out) == uninterrupted


@pytest.mark.parametrize("moment", ["before", "after"])
def test_killed_while_a_file_gets_its_name(
    checkpoint, corpus, uninterrupted, tmp_path, moment, monkeypatch
):
    out = tmp_path / "scores"
    write = score_files._write

    def killed(target, table, made_by):
        if target.name.startswith("part-1"):
            if moment == "before":
                target.with_name(f".{target.name}.tmp-{os.getpid()}").write_bytes(b"PAR1")
            else:
                write(target, table, made_by)
            os.kill(os.getpid(), signal.SIGKILL)
        write(target, table, made_by)

    monkeypatch.setattr(score_files, "_write", killed)
    status, _ = run(checkpoint, corpus[:3], out)
    assert status == KILLED
    monkeypatch.undo()
    status, scored = run(checkpoint, corpus[:3], out)
    assert status == 0
    assert scored == [path.name for path in corpus[2 if moment == "after" else 1 : 3]]
    assert content(out) == {f"{p.name}.parquet": uninterrupted[f"{p.name}.parquet"]
                            for p in corpus[:3]}  # fmt: skip
