"""Two processes that train together get where one gets alone."""

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from test_resume import RECIPE, arguments, data  # noqa: F401 - a fixture
from training_data import ROOT, tiny_recipe, write_call

from wildpaper.errors import WildpaperError
from wildpaper.train.fine_tune import train_model
from wildpaper.train.launch import across_devices


@pytest.fixture
def environment(monkeypatch):
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "workflow"))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")


def test_two_processes_follow_the_loss_of_one(tmp_path, data, environment):  # noqa: F811
    recipe = tiny_recipe(tmp_path / "small.yaml", **RECIPE)
    train_model(**arguments(tmp_path / "one", data, recipe))
    across_devices(train_model, arguments(tmp_path / "two", data, recipe), 2)
    one, two = (json.loads((tmp_path / n / "losses.json").read_text()) for n in ("one", "two"))
    for share in ("training", "held_out"):
        assert [p["step"] for p in one[share]] == [p["step"] for p in two[share]]
        assert [p["loss_nats"] for p in one[share]] == pytest.approx(
            [p["loss_nats"] for p in two[share]], abs=1e-3
        )
    assert json.loads((tmp_path / "two/speed.json").read_text())["n_devices"] == 2
    assert not list((tmp_path / "two").glob("checkpoints-*"))


def test_an_error_in_a_process_is_told_in_its_own_words(tmp_path, data, environment):  # noqa: F811
    given = arguments(tmp_path / "out", data, tiny_recipe(tmp_path / "small.yaml", **RECIPE))
    with pytest.raises(WildpaperError, match="no model 'nobody'"):
        across_devices(train_model, given | {"model_name": "nobody"}, 2)


def test_a_killed_launcher_leaves_no_process(tmp_path, data, environment):  # noqa: F811
    given = arguments(tmp_path / "out", data, tiny_recipe(
        tmp_path / "small.yaml", **(RECIPE | {"optimiser__max_steps": 5_000})))  # fmt: skip
    call = write_call(tmp_path / "call.json", given)
    code = (
        "import json, sys; from wildpaper.train.launch import across_devices, revived;"
        "from wildpaper.train.fine_tune import train_model;"
        "given = json.load(open(sys.argv[1]))['arguments'];"
        "across_devices(train_model, {k: revived(v) for k, v in given.items()}, 2)"
    )
    launcher = subprocess.Popen([sys.executable, "-c", code, str(call)], stderr=subprocess.DEVNULL,
                                env=os.environ)  # fmt: skip
    deadline = time.monotonic() + 60
    while not list((tmp_path / "out").glob("checkpoints-*/checkpoint-*")):
        assert time.monotonic() < deadline
        assert launcher.poll() is None
        time.sleep(0.05)
    children = psutil.Process(launcher.pid).children(recursive=True)
    assert len(children) >= 3
    launcher.send_signal(signal.SIGKILL)
    launcher.wait()
    _, alive = psutil.wait_procs(children, timeout=20)
    assert alive == []
