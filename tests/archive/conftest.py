"""A made-up run in a folder of its own."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from archives import write_run


@pytest.fixture
def run_files(tmp_path, monkeypatch):
    """Return what the run is for; the working folder holds it."""
    monkeypatch.chdir(tmp_path)
    return write_run()
