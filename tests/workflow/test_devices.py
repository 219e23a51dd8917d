"""GPUs are handed out to one job at a time, also when holders are killed: real processes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from wildpaper import devices
from wildpaper.errors import WildpaperError
from wildpaper.train.hardware import Gpu

LIBRARY = Path(devices.__file__).parents[1]
HOLDER = """
import sys, time
from pathlib import Path
from wildpaper import devices
from wildpaper.train.hardware import Gpu
folder, n_gpus, n, times, seconds = Path(sys.argv[1]), *map(float, sys.argv[2:])
devices.visible_gpus = lambda: tuple(Gpu(i, "fake", 1) for i in range(int(n_gpus)))
for _ in range(int(times)):
    with devices.hold(int(n), wait_s=0.005) as held:
        for index in held:  # a second holder of the same GPU fails here
            (folder / f"held-{index}").mkdir()
        (folder / "log").open("a").write(f"{len(held)}\\n")
        time.sleep(seconds)
        for index in held:
            (folder / f"held-{index}").rmdir()
"""


def holder(folder, n_gpus, n, times=1, seconds=0.01):
    settings = map(str, (n_gpus, n, times, seconds))
    surroundings = os.environ | {"TMPDIR": str(folder), "PYTHONPATH": str(LIBRARY)}
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder), *settings], env=surroundings
    )


@pytest.fixture
def three(monkeypatch, tmp_path):
    monkeypatch.setattr(devices.tempfile, "gettempdir", lambda: str(tmp_path))
    found = tuple(Gpu(index, "fake", 1) for index in (0, 4, 7))
    monkeypatch.setattr(devices, "visible_gpus", lambda: found)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0,4,7")


def test_four_processes_never_hold_the_same_gpu(tmp_path):
    running = [holder(tmp_path, 2, n, times=15) for n in (1, 1, 2, 2)]
    assert [process.wait(timeout=60) for process in running] == [0, 0, 0, 0]
    log = (tmp_path / "log").read_text().split()
    assert log.count("1") == 30
    assert log.count("2") == 30


def test_a_holder_that_is_killed_frees_its_gpu(tmp_path, monkeypatch):
    first = holder(tmp_path, 1, 1, seconds=60)
    try:
        limit = time.monotonic() + 30
        while not (tmp_path / "held-0").exists():
            assert time.monotonic() < limit
            time.sleep(0.01)
        second = holder(tmp_path, 1, 1)
        time.sleep(0.5)
        assert second.poll() is None, "it waits"
        (tmp_path / "held-0").rmdir()  # the second makes it anew as soon as the first is gone
    finally:
        first.send_signal(signal.SIGKILL)
        first.wait()
    assert second.wait(timeout=30) == 0


def test_a_job_sees_its_own_gpus_and_afterwards_what_it_saw_before(three, monkeypatch):
    monkeypatch.delenv("CUDA_DEVICE_ORDER", raising=False)
    with devices.hold(2) as held:
        assert held == [0, 4]
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "0,4"
        assert os.environ["CUDA_DEVICE_ORDER"] == "PCI_BUS_ID"
        with devices.hold(1) as other:
            assert other == [7]
        assert os.environ["CUDA_VISIBLE_DEVICES"] == "0,4"
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "0,4,7"
    assert "CUDA_DEVICE_ORDER" not in os.environ
    with devices.hold(3) as held:
        assert held == [0, 4, 7], "all are free again"


def test_a_job_without_gpus_sees_none_and_asks_nobody(three, monkeypatch):
    monkeypatch.setattr(devices, "visible_gpus", lambda: pytest.fail("asked"))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES")
    with devices.hold(0) as held:
        assert held == []
        assert os.environ["CUDA_VISIBLE_DEVICES"] == ""
    assert "CUDA_VISIBLE_DEVICES" not in os.environ
    assert not devices.lock_folder().exists()


def test_locks_are_given_back_after_an_error(three):
    with pytest.raises(KeyError), devices.hold(3):
        raise KeyError
    with devices.hold(3) as held:
        assert len(held) == 3


def test_more_than_there_are_is_refused(three):
    with pytest.raises(WildpaperError, match="needs 4 GPUs, 3 are visible"), devices.hold(4):
        pytest.fail("held")


def test_a_folder_that_is_not_one_of_ours_is_an_error_with_a_hint(three):
    devices.lock_folder().write_text("a file")
    with pytest.raises(WildpaperError, match="cannot be written"), devices.hold(1):
        pytest.fail("held")


def test_waiting_is_said_once(three, caplog, monkeypatch):
    waited = []

    def sleep(seconds):
        waited.append(seconds)
        if len(waited) == 3:
            others.close()

    monkeypatch.setattr(devices.time, "sleep", sleep)
    caplog.set_level("INFO", "wildpaper")
    others = devices.ExitStack()
    devices._take([0, 4], 2, others, 1.0)
    with devices.hold(2, wait_s=1.0) as held:
        assert len(held) == 2
    assert waited == [1.0] * 3
    assert caplog.text.count("waiting for 2 free GPU(s) of 3") == 1
