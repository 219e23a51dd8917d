"""Two processes that train together get where one gets alone."""

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
import two_processes
from test_resume import RECIPE, arguments, data  # noqa: F401 - a fixture
from training_data import ROOT, tiny_recipe

from wildpaper.errors import WildpaperError
from wildpaper.train.launch import across_devices

pytestmark = pytest.mark.e2e


@pytest.fixture
def environment(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", f"{ROOT / 'workflow'}:{ROOT / 'tests/train'}")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def losses(out):
    recorded = json.loads((out / "losses.json").read_text())
    return [point["loss_nats"] for share in recorded.values() if share != "wildllama"
            for point in share]  # fmt: skip


def test_two_processes_follow_one_though_the_second_runs_out_of_memory(
    tmp_path, data, environment, capfd  # noqa: F811 - the fixture
):  # fmt: skip
    # the last step has few examples: some of its micro-batches are empty
    changes = RECIPE | {"optimiser__max_steps": None, "optimiser__epochs": 1}
    changes |= {"optimiser__batch": 16, "optimiser__max_grad_norm": 1e9}
    found = []
    for name, tokens in (("one", 300), ("two", 900)):
        recipe = tiny_recipe(tmp_path / f"{name}.yaml", **changes,
                             optimiser__micro_batch_tokens=tokens)  # fmt: skip
        given, norms = arguments(tmp_path / name, data, recipe), tmp_path / f"{name}.json"
        if name == "one":
            two_processes.noting_gradients(norms, given)
        else:
            across_devices(two_processes.without_memory, given | {"most": 500, "norms": norms}, 2)
        found.append((losses(tmp_path / name), json.loads(norms.read_text())))
    assert found[0][0] == pytest.approx(found[1][0], abs=1e-4)
    assert found[0][1] == pytest.approx(found[1][1], rel=1e-4)
    assert json.loads((tmp_path / "two/speed.json").read_text())["n_devices"] == 2
    assert not list((tmp_path / "two").glob("checkpoints-*"))
    said = capfd.readouterr().err
    assert "ChildFailedError" not in said
    assert "Traceback" not in said


def test_an_error_in_a_process_is_told_in_its_own_words(environment, capfd):
    with pytest.raises(WildpaperError, match="No such thing") as caught:
        across_devices(two_processes.fail, {"words": "No such thing"}, 2)
    assert str(caught.value) == "No such thing\n  Where: Nowhere\n  Hint:  None."
    assert capfd.readouterr().err == ""


def test_a_killed_launcher_leaves_no_process(environment):
    code = (
        "import two_processes; from wildpaper.train.launch import across_devices;"
        "across_devices(two_processes.wait, {}, 2)"
    )
    launcher = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL,
                                env=os.environ)  # fmt: skip
    deadline = time.monotonic() + 60
    while len(children := psutil.Process(launcher.pid).children(recursive=True)) < 3:
        assert time.monotonic() < deadline
        assert launcher.poll() is None
        time.sleep(0.05)
    time.sleep(1)  # they ask the system to end with their parent
    launcher.send_signal(signal.SIGKILL)
    launcher.wait()
    _, alive = psutil.wait_procs(children, timeout=20)
    assert alive == []
