"""Notebooks run with defaults where there is no run; wrong parameters start no kernel."""

import json

import nbformat
import pytest
from running_notebooks import NAMES, run_here

from wildpaper.errors import WildpaperError
from wildpaper.present.notebook import run_notebook


def path_of(project, name):
    return project / f"notebooks/{name}.ipynb"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.usefixtures("unrendered")
def test_it_runs_with_defaults_where_there_is_no_run(name, project, home, monkeypatch):
    monkeypatch.chdir(home)
    ran = run_here(path_of(project, name))
    assert "Simulated data, not findings" in ran.cells[1]
    assert "small results" in ran.cells[1]
    assert ran.all.count("Not answered yet.") == 3
    assert len(ran.pictures) >= 1


@pytest.mark.parametrize("name", ["02_release", "06_evaluation"])
def test_it_runs_in_a_kernel_of_its_own(name, project, home, tmp_path, monkeypatch):
    """A kernel takes seconds of imports; `test_notebook.py` has `01_statistics`, runs have all."""
    monkeypatch.chdir(home)
    executed, html = tmp_path / "e.ipynb", tmp_path / "e.html"
    failed = str(tmp_path / "failed.ipynb")
    run_notebook(path_of(project, name), [], executed, html, {}, 120, failed)
    cells = [cell for cell in nbformat.read(executed, 4).cells if cell.cell_type == "code"]
    outputs = [json.dumps(cell.outputs) for cell in cells]
    first = next(output for output in outputs if output != "[]")
    assert "Simulated data, not findings" in first
    assert not any('"name": "stderr"' in output for output in outputs)
    assert str(home) not in html.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(
    ("values", "fault"),
    [
        ({"result": "x"}, "unknown 'result' (did you mean 'results'?)"),
        ({"results": None}, "'results' must be str, not NoneType"),
        ({"results": 3}, "'results' must be str, not int (3)"),
    ],
)
def test_an_unknown_missing_or_mistyped_parameter_is_named(name, values, fault, project, tmp_path):
    files = [tmp_path / "e.ipynb", tmp_path / "e.html"]
    with pytest.raises(WildpaperError) as caught:
        run_notebook(path_of(project, name), [], *files, values, 60, str(tmp_path / "failed.ipynb"))
    assert fault in caught.value.what
    assert not files[0].exists()
