"""What a machine has, asked of a stand-in for nvidia-smi; torch is not imported for it."""

import subprocess
import sys
import time

import pytest
from training_data import ROOT

from wildpaper.train import hardware
from wildpaper.train.hardware import Gpu, kind_of, parse_gpus, resolve, this_machine, visible_gpus

LISTED = """0, NVIDIA A100-SXM4-80GB, 81920, GPU-aa11
1, NVIDIA A100-SXM4-80GB, 81920, GPU-aa22
2, NVIDIA H200, 143771, GPU-bb33
"""


@pytest.fixture
def three(monkeypatch):
    monkeypatch.setattr(hardware, "_all_gpus", lambda: parse_gpus(LISTED))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)


def test_lines_of_nvidia_smi_are_read_and_others_skipped():
    text = "NVIDIA-SMI has failed\n" + LISTED + "3, [N/A], [N/A], [N/A]\n\n"
    assert [gpu.index for gpu in parse_gpus(text)] == [0, 1, 2]
    assert parse_gpus(LISTED)[2] == Gpu(2, "NVIDIA H200", 143771 * 2**20, "GPU-bb33")
    assert parse_gpus("") == ()


@pytest.mark.parametrize(
    ("shown", "seen"),
    [(None, [0, 1, 2]), ("", []), ("-1", []), ("2,0", [2, 0]), ("1", [1]), ("0,7,1", [0]),
     (" 1 , 2", [1, 2]), ("GPU-bb33,0", [2, 0]), ("GPU-aa", []), ("GPU-aa2", [1]), ("0,0", [0]),
     ("MIG-1", [])],
)  # fmt: skip
def test_only_what_the_environment_shows_is_seen(three, monkeypatch, shown, seen):
    if shown is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", shown)
    assert [gpu.index for gpu in visible_gpus()] == seen
    assert resolve("auto") == ("cuda" if seen else "cpu")
    assert resolve("cuda") == "cuda"
    assert resolve("cpu") == "cpu"


@pytest.fixture
def asked(monkeypatch, tmp_path):
    """Count the commands that are run; the machine has signs of a GPU."""
    (tmp_path / "sign").touch()
    monkeypatch.setattr(hardware, "_SIGNS", (str(tmp_path / "none"), str(tmp_path / "sign")))
    commands = []
    hardware._all_gpus.cache_clear()
    yield commands
    hardware._all_gpus.cache_clear()


def test_torch_is_asked_in_a_process_of_its_own_where_nvidia_smi_is_not(asked, monkeypatch):
    def run(command, **given):
        asked.append(command[0])
        if command[0] == "nvidia-smi":
            raise FileNotFoundError
        assert "CUDA_VISIBLE_DEVICES" not in given["env"]
        return subprocess.CompletedProcess(command, 0, stdout=LISTED)

    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "1")
    monkeypatch.setattr(hardware.subprocess, "run", run)
    assert [gpu.index for gpu in visible_gpus()] == [1]
    assert [gpu.index for gpu in visible_gpus()] == [1]
    assert asked == ["nvidia-smi", sys.executable], "asked once, then remembered"


def test_a_driver_that_does_not_answer_is_no_gpu(asked, monkeypatch):
    def run(command, **given):
        raise subprocess.TimeoutExpired(command, given["timeout"])

    monkeypatch.setattr(hardware.subprocess, "run", run)
    assert visible_gpus() == ()


def test_nobody_is_asked_on_a_machine_without_signs_of_a_gpu(asked, monkeypatch, tmp_path):
    monkeypatch.setattr(hardware, "_SIGNS", (str(tmp_path / "none"),))
    monkeypatch.setattr(hardware.subprocess, "run", lambda *a, **k: pytest.fail("asked"))
    started = time.monotonic()
    assert resolve("auto") == "cpu"
    assert time.monotonic() - started < 0.05


def test_planning_does_not_import_torch():
    code = "import sys, wildpaper.acquire.preflight_needs; print('torch' in sys.modules)"
    said = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "workflow", capture_output=True, text=True,
        check=True,
    )  # fmt: skip
    assert said.stdout.strip() == "False"


@pytest.mark.parametrize(
    ("name", "tflops"),
    [("NVIDIA A100-SXM4-80GB", 312), ("NVIDIA A100 80GB PCIe", 312), ("NVIDIA A10G", None),
     ("NVIDIA A10", 125), ("NVIDIA H100 80GB HBM3", 989), ("NVIDIA H100 PCIe", 756),
     ("NVIDIA H200", 989), ("NVIDIA L40S", 362), ("NVIDIA GeForce RTX 4090", 165),
     ("Tesla V100-SXM2-32GB", 125), ("Tesla T4", 65), ("NVIDIA L4", 121), ("CPU, one core", None)],
)  # fmt: skip
def test_the_peak_of_a_gpu_is_known_by_its_name(name, tflops):
    kind = kind_of(name)
    assert (kind.peak_flops / 1e12 if kind else None) == tflops


def test_the_disk_is_that_of_a_folder_that_is_still_to_be_made(tmp_path):
    found = this_machine(tmp_path / "a/b/c")
    assert found.free_disk_bytes > 0
    assert found.memory_bytes > 10**8
