"""Small results, made once for all workers by a notebook's own call, without a finished run."""

import fcntl
import os
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

from wildpaper.present.teaching.run import AUTO, Run, open_run


@pytest.fixture(scope="session")
def home(tmp_path_factory) -> Path:
    """Return a folder with a Snakefile, as the project's, and small results beside it."""
    shared = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        shared = shared.parent
    folder, before = shared / "small-project", Path.cwd()
    folder.mkdir(exist_ok=True)
    (folder / "Snakefile").touch()
    with (shared / "small-project.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        os.chdir(folder)
        try:
            open_run(AUTO)
        finally:
            os.chdir(before)
    return folder


@pytest.fixture(scope="session")
def small(home) -> Run:
    return Run(home / "results/small-5", small=True)


@pytest.fixture
def unrendered(monkeypatch):
    """Leave figures drawn but not rendered, which takes most of the time; they show as a dot."""
    monkeypatch.setattr("wildpaper.present.teaching.show.png_of", _dot_of)


def _dot_of(figure) -> bytes:
    plt.close(figure)
    return b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01"
