"""Each notebook has its parts: parameters, prose, exercises with checkers, something to change."""

import re

import nbformat
import pytest
from running_notebooks import NAMES, cells_of, tagged

from wildpaper.present.notebook import KERNEL, declared_parameters
from wildpaper.present.teaching.questions import EXERCISES


@pytest.fixture(params=NAMES)
def notebook(request, project):
    return project / f"notebooks/{request.param}.ipynb"


def test_there_are_these_notebooks_and_no_others(project):
    assert sorted(path.stem for path in (project / "notebooks").glob("*.ipynb")) == list(NAMES)


def test_it_holds_no_outputs_and_names_its_kernel(notebook):
    read = nbformat.read(notebook, 4)
    nbformat.validate(read)
    assert read.metadata["kernelspec"]["name"] == KERNEL
    assert read.metadata["language_info"] == {"name": "python"}
    for cell in cells_of(notebook):
        assert (cell["outputs"], cell["execution_count"]) == ([], None)


def test_parameters_come_first_and_the_prose_gives_type_and_range(notebook):
    first = cells_of(notebook)[0]
    assert first["metadata"]["tags"] == ["parameters"]
    assert len(tagged(notebook, "parameters")) == 1
    prose = "\n".join("".join(cell["source"]) for cell in cells_of(notebook, "markdown"))
    rows = dict(re.findall(r"^\| `(\w+)` \| (\w+) \| .+ \| .+ \|$", prose, re.M))
    declared = declared_parameters(notebook)
    assert rows == {name: kind for name, (kind, _) in declared.items()}
    assert "results" in rows
    assert len(rows) >= 2
    setup = "".join(cells_of(notebook)[1]["source"])
    assert all(f"{name}=({name}, " in setup for name in declared)


def test_each_exercise_has_a_question_a_cell_and_a_checker(notebook):
    cells, checks = tagged(notebook, "exercise"), tagged(notebook, "check")
    prose = ["".join(cell["source"]) for cell in cells_of(notebook, "markdown")]
    assert len(cells) >= 2
    assert len(cells) == len(checks)
    for i, (cell, check) in enumerate(zip(cells, checks, strict=True), 1):
        assert cell.startswith(f"answer_{i} = None")
        found = re.fullmatch(rf'check\("([\w.]+)", answer_{i}, run\)', check)
        assert found
        assert found[1] in EXERCISES
        assert any(text.startswith(f"**Exercise {i}.** ") for text in prose)


def test_something_is_to_be_changed_and_run_again(notebook):
    (cell,) = tagged(notebook, "change-this")
    varied = [name for name in declared_parameters(notebook) if name not in ("results", "titles")]
    assert any(re.search(rf"\b{name}\b", cell) for name in varied)
    prose = ["".join(one["source"]) for one in cells_of(notebook, "markdown")]
    assert any(text.startswith("## Change this and run again") for text in prose)


def test_all_exercises_are_in_a_notebook(project):
    used = [
        re.findall(r'"([\w.]+)"', check)[0]
        for name in NAMES
        for check in tagged(project / f"notebooks/{name}.ipynb", "check")
    ]
    assert sorted(used) == sorted(EXERCISES)
