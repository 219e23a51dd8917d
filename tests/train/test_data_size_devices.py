"""Two processes that train on one subset after the other find what one process finds."""

import pytest
from test_data_size import brief, files, given, means, tokenizer  # noqa: F401 - a fixture
from training_data import ROOT

from wildpaper.train.data_size.fine_tune import train_data_sizes
from wildpaper.train.launch import across_devices

pytestmark = pytest.mark.e2e


def test_two_processes_find_what_one_finds(tmp_path, tokenizer, monkeypatch):  # noqa: F811
    for name, value in (("PYTHONPATH", str(ROOT / "workflow")), ("CUDA_VISIBLE_DEVICES", ""),
                        ("OMP_NUM_THREADS", "1")):  # fmt: skip
        monkeypatch.setenv(name, value)
    arguments = given(tmp_path / "one", files(tmp_path), brief(tmp_path / "small.yaml"),
                      tokenizer)  # fmt: skip
    train_data_sizes(**arguments)
    two = {name: tmp_path / "two" / arguments[name].name for name in ("losses", "report")}
    across_devices(train_data_sizes, arguments | two, 2)
    assert means(tmp_path / "two") == pytest.approx(means(tmp_path / "one"), abs=0.01)
    assert sorted(path.name for path in (tmp_path / "two").iterdir()) == [
        "losses.parquet", "report.json"]  # fmt: skip
