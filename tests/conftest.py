"""What all tests share: the library on the path, the project, real files where they are."""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "workflow"))


@pytest.fixture(scope="session")
def project() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def realdata() -> Path:
    folder = Path(os.environ.get("WILDPAPER_REALDATA", ROOT.parent / "shared" / "realdata"))
    if not folder.is_dir():
        pytest.skip(f"no real data: {folder} is absent (set WILDPAPER_REALDATA)")
    return folder
