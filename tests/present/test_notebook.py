"""Notebooks run strictly: no parameter unknown, missing or mistyped, none fails unnoticed."""

import json
import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook

import wildpaper
from wildpaper.errors import WildpaperError
from wildpaper.files import write_json
from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.token_lengths import COLUMNS
from wildpaper.present.notebook import check_parameters, declared_parameters, run_notebook
from wildpaper.publish.claims import FIELDS

DECLARED = "results: str = None\nn: int = 1\nshare: float = 0.5\nloud: bool = False"
GOOD = {"results": "x", "n": 2, "share": 1, "loud": True}
REQUIRED = {"results": ("str", True), "n": ("int", False), "share": ("float", False)}


def make(path, parameters, *cells):
    first = new_code_cell(parameters)
    if parameters is not None:
        first.metadata["tags"] = ["parameters"]
    made = new_notebook(cells=[first, *map(new_code_cell, cells)])
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "p", "language": "python"}
    nbformat.write(made, path)
    return path


def run(notebook, folder, parameters, timeout_s=60):
    executed, html = folder / "executed.ipynb", folder / "executed.html"
    run_notebook(notebook, [], executed, html, parameters, timeout_s, str(folder / "failed.ipynb"))
    return executed, html


def outputs(path):
    cells = nbformat.read(path, 4).cells
    return "\n".join(json.dumps(cell.outputs) for cell in cells if cell.cell_type == "code")


def test_declared_parameters_are_read_with_their_types(tmp_path):
    declared = declared_parameters(make(tmp_path / "n.ipynb", DECLARED))
    assert declared == REQUIRED | {"loud": ("bool", False)}
    check_parameters(tmp_path / "n.ipynb", declared, GOOD)
    check_parameters(tmp_path / "n.ipynb", declared, {"results": "x"})


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({"results": "x", "lowd": True}, "unknown 'lowd' (did you mean 'loud'?)"),
        ({"results": "x", "zzzz": 1}, "unknown 'zzzz'"),
        ({}, "'results' is missing"),
        ({"results": 3}, "'results' must be str, not int (3)"),
        ({"results": None}, "'results' must be str, not NoneType (None)"),
        ({"results": "x", "n": True}, "'n' must be int, not bool (True)"),
        ({"results": "x", "n": 1.0}, "'n' must be int, not float (1.0)"),
        ({"results": "x", "share": False}, "'share' must be float, not bool (False)"),
        ({"results": "x", "loud": 1}, "'loud' must be bool, not int (1)"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(tmp_path, given, fault):
    declared = REQUIRED | {"loud": ("bool", False)}
    with pytest.raises(WildpaperError) as caught:
        check_parameters(tmp_path / "n.ipynb", declared, given)
    assert fault in caught.value.what
    assert caught.value.where == str(tmp_path / "n.ipynb")
    assert "results: str, n: int" in caught.value.hint


@pytest.mark.parametrize(
    ("cell", "message"),
    [(None, "no cell tagged 'parameters'"), ("", "no cell tagged"), ("n = 1", "has no type")],
)
def test_a_notebook_without_typed_parameters_is_refused(tmp_path, cell, message):
    made = make(tmp_path / "n.ipynb", cell or "") if cell is not None else tmp_path / "n.ipynb"
    if cell is None:
        nbformat.write(new_notebook(cells=[new_code_cell("n: int = 1")]), made)
    with pytest.raises(WildpaperError, match=message):
        run(made, tmp_path, {})
    assert not (tmp_path / "executed.ipynb").exists()


def test_it_runs_in_this_environment_whatever_kernels_the_user_has(tmp_path, monkeypatch):
    kernel = tmp_path / "user" / "kernels" / "python3" / "kernel.json"
    kernel.parent.mkdir(parents=True)
    spec = {"argv": ["/bin/false"], "display_name": "Broken", "language": "python"}
    kernel.write_text(json.dumps(spec), encoding="utf-8")
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(tmp_path / "user"))
    monkeypatch.setenv("JUPYTER_PREFER_ENV_PATH", "0")
    made = make(tmp_path / "n.ipynb", DECLARED, "import sys", "print(sys.prefix, n + share)")
    executed, _ = run(made, tmp_path, GOOD)
    assert f"{sys.prefix} 3" in outputs(executed)


def test_notebooks_that_run_at_once_do_not_meet(tmp_path):
    """Their kernels start in the same working folder, as those of parallel jobs do."""
    make(tmp_path / "n.ipynb", "n: int = 0", "import time\ntime.sleep(1)", "print(n)")
    program = (
        "import sys; from pathlib import Path; from wildpaper.present.notebook import run_notebook;"
        "n = int(sys.argv[2]); out = Path(sys.argv[1], str(n)); out.mkdir();"
        "run_notebook(Path(sys.argv[1], 'n.ipynb'), [], out / 'e.ipynb', out / 'e.html',"
        " {'n': n}, 60, str(out / 'failed.ipynb'))"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(wildpaper.__file__).parents[1])}
    started = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path), str(n)],
                         cwd=tmp_path, env=environment)
        for n in (101, 102, 103)
    ]  # fmt: skip
    assert [process.wait(timeout=120) for process in started] == [0, 0, 0]
    for n in (101, 102, 103):
        assert f"{n}\\n" in outputs(tmp_path / str(n) / "e.ipynb")
    assert list(tmp_path.glob("kernel*")) == []


def test_a_failing_cell_is_named_and_kept(tmp_path, caplog):
    made = make(tmp_path / "n.ipynb", "n: int = 1", "print('so far')", "1 / 0", "print('never')")
    with pytest.raises(WildpaperError) as caught:
        run(made, tmp_path, {"n": 2})
    assert caught.value.what == "Notebook cell 4 failed: ZeroDivisionError: division by zero"
    assert str(tmp_path / "failed.ipynb") in caught.value.where
    assert "Traceback (most recent call last)" in caplog.text
    assert "\x1b" not in caplog.text
    kept = outputs(tmp_path / "failed.ipynb")
    assert "so far" in kept
    assert "ZeroDivisionError" in kept
    assert "never" not in kept
    assert not (tmp_path / "executed.ipynb").exists()
    assert not (tmp_path / "executed.html").exists()


@pytest.mark.parametrize(
    ("cell", "timeout_s", "fault"),
    [
        ("import time; time.sleep(60)", 2, "Notebook cell 3 took longer than 2 s"),
        ("import os; os._exit(1)", 60, "Notebook cell 3 ended its kernel"),
    ],
)
def test_a_cell_without_end_or_a_dead_kernel_is_named_and_kept(tmp_path, cell, timeout_s, fault):
    made = make(tmp_path / "n.ipynb", "n: int = 1", cell)
    with pytest.raises(WildpaperError) as caught:
        run(made, tmp_path, {"n": 2}, timeout_s)
    assert caught.value.what == fault
    assert (tmp_path / "failed.ipynb").is_file()
    assert not (tmp_path / "executed.ipynb").exists()


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A run of two data sets, as measure and publish write it."""
    folder = tmp_path_factory.mktemp("run")
    columns = ("conversations", "turns-per-conversation", "user-tokens-mean", "chatbot-tokens-mean")
    cells, claims = [], []
    for name in ("alpaca", "wildchat"):
        for i, column in enumerate(columns):
            claim = f"table-01.{name}.{column}"
            ends = (i + 0.5, i + 1.5) if i else (None, None)
            cells.append(Cell(name, column, i + 1, *ends, 9, "unit", claim, "simulated"))
            values = {"published": 2.5, "obtained": i + 1, "tolerance": 0.005}
            words = {"dataset": name, "unit": "unit", "verdict": "deviates", "reason": "made up"}
            bounds = {"ci_low": ends[0], "ci_high": ends[1]}
            claims.append(dict.fromkeys(FIELDS) | {"id": claim} | values | words | bounds)
    claims.append(dict.fromkeys(FIELDS) | {"id": "table-01.dolly.users", "reason": "absent"})
    write_long_table(folder / "measure/table-01-datasets.csv", cells)
    lines = [",".join(COLUMNS)]
    for name in ("alpaca", "wildchat"):
        for role, share in (("user", 0.25), ("chatbot", 0.125)):
            lines += [f"{name},{role},0,1,1,{share},simulated",
                      f"{name},{role},8,16,3,{1 - share},simulated"]  # fmt: skip
    Path(folder / "measure/token-lengths.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    document = {"preset": "made", "release": {"alpaca": "A title"}, "claims": claims}
    write_json(folder / "publish/claims.json", document)
    return folder


class Loads(HTMLParser):
    """Collect what a page loads when it is opened."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        self.found += [
            value
            for name, value in attributes
            if value and (name in ("src", "srcset", "data", "poster") or tag == "link")
        ]


def test_the_real_notebook_runs_alone_for_the_chatbot(tmp_path, project, results):
    notebook = project / "notebooks/01_statistics.ipynb"
    parameters = {"results": str(results), "role": "chatbot"}
    executed, html = run(notebook, tmp_path, parameters)
    shown = outputs(executed)
    assert "87.5%" in shown  # of the chatbot's messages; of the user's it would be 75.0%
    assert "75.0%" not in shown
    assert shown.count("image/png") == 2
    assert "A title" in shown
    text = html.read_text(encoding="utf-8")
    page = Loads()
    page.feed(text)
    elsewhere = [value for value in page.found if re.match(r"\s*(https?:)?//", value)]
    assert elsewhere == []
    assert re.findall(r"(?:import\(|import |url\(|fetch\()\s*[\"']?(?:https?:)?//", text) == []
    assert "cdnjs" not in text


def test_the_real_notebook_refuses_another_role(tmp_path, project, results):
    notebook = project / "notebooks/01_statistics.ipynb"
    with pytest.raises(WildpaperError, match="role is 'bot'; it must be 'user' or 'chatbot'"):
        run(notebook, tmp_path, {"results": str(results), "role": "bot"})


def test_notebooks_in_the_repository_hold_no_outputs(project):
    paths = sorted((project / "notebooks").glob("*.ipynb"))
    assert paths
    for path in paths:
        notebook = nbformat.read(path, 4)
        nbformat.validate(notebook)
        assert "language_info" in notebook.metadata
        for cell in notebook.cells:
            if cell.cell_type == "code":
                assert cell.outputs == [], path
                assert cell.execution_count is None, path
