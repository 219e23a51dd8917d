"""Files appear whole or not at all, and what killed processes left does not stay."""

import os
import stat
import subprocess
import sys

import pytest

from wildpaper.files import atomic_path, scratch_folder, write_text


def dead_process():
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    return done.pid


def test_a_block_that_raises_leaves_nothing(tmp_path):
    def fail():
        with atomic_path(tmp_path / "a.txt") as temporary:
            temporary.write_text("half", encoding="utf-8")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_left_of_the_same_file_goes(tmp_path):
    path = tmp_path / "a[1].txt"
    left = tmp_path / f".a[1].txt.tmp-{dead_process()}"
    running = tmp_path / f".a[1].txt.tmp-{os.getppid()}"
    other = tmp_path / f".b.txt.tmp-{dead_process()}"
    for file in (left, running, other):
        file.write_text("half", encoding="utf-8")
    write_text(path, "whole")
    assert path.read_text(encoding="utf-8") == "whole"
    assert sorted(tmp_path.iterdir()) == sorted([path, running, other])


def test_scratch_is_for_its_owner_alone_and_vanishes(tmp_path):
    left = tmp_path / "place" / ".work-x"
    left.mkdir(parents=True)
    (left / "half").write_text("half", encoding="utf-8")
    with scratch_folder(tmp_path / "place", "work") as folder:
        assert not left.exists()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        (folder / "a").write_text("a", encoding="utf-8")
    with pytest.raises(RuntimeError), scratch_folder(tmp_path / "place", "work") as folder:
        raise RuntimeError
    assert list((tmp_path / "place").iterdir()) == []
