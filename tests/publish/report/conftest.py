"""A browser and axe for tests of the report; without them these tests are skipped."""

import os
import tarfile
from pathlib import Path

import pytest
from headless import Chromium, find_chromium
from report_folder import BLANK, make_run, report_of

AXE = Path("data", "raw", "axe-core", "axe.min.js")


@pytest.fixture(scope="session")
def browser(tmp_path_factory):
    if find_chromium() is None:
        pytest.skip("no Chromium on PATH (make browser, or apt-get install chromium)")
    chromium = Chromium(tmp_path_factory.mktemp("chromium"))
    yield chromium
    chromium.close()


@pytest.fixture(scope="session")
def axe(project):
    path = Path(os.environ.get("WILDPAPER_AXE", project / AXE))
    if not path.is_file():
        pytest.skip(f"no axe-core: {path} is absent (make browser)")
    if path.suffix == ".tgz":
        with tarfile.open(path) as archive:
            return archive.extractfile("package/axe.min.js").read().decode()
    return path.read_text(encoding="utf-8")


@pytest.fixture(scope="session")
def whole_page(tmp_path_factory, project):
    folder = make_run(tmp_path_factory.mktemp("whole"), whole=True)
    return report_of(folder, project, blanks={"loss-curve": BLANK})


@pytest.fixture(scope="session")
def stopped_page(tmp_path_factory, project):
    folder = make_run(tmp_path_factory.mktemp("stopped"), whole=False)
    return report_of(folder, project, datasets=["wildchat"])


@pytest.fixture(params=["whole", "stopped"])
def either_page(request):
    return request.getfixturevalue(f"{request.param}_page")
