"""Fixtures of the tests of the paper."""

from collections.abc import Callable
from pathlib import Path

import pytest
from paper_inputs import build_folder


@pytest.fixture
def make_paper(tmp_path: Path) -> Callable[..., Path]:
    """Return a function that lays out a paper to compile: ``make_paper(name, simulated=…)``."""

    def make(name: str, *, simulated: bool = True, run: bool = True) -> Path:
        return build_folder(tmp_path / name, simulated=simulated, run=run)

    return make
