"""What all tests share: the library on the path, the project, real files where they are."""

import os
import sys
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow"))

SHARE_A_RUN = ("test_archived_run.py", "test_simulated_run.py")


@pytest.fixture(scope="session")
def project() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def realdata() -> Path:
    folder = Path(os.environ.get("WILDPAPER_REALDATA", ROOT.parent / "shared" / "realdata"))
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} is absent (set WILDPAPER_REALDATA)")
    return folder


class _Files(LoadFileScheduling):
    """A file is tested by one process, and so are the files that look at the same whole run."""

    def _split_scope(self, nodeid: str) -> str:
        file = super()._split_scope(nodeid)
        return "the run of micro" if Path(file).name in SHARE_A_RUN else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> _Files | None:
    return _Files(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put tests of Snakemake's runs first: they take longest, and the others fill up the rest."""
    items.sort(key=lambda item: item.path.parent.name != "e2e")
