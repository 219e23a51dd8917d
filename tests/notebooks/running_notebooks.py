"""Read notebooks, and run them in this process."""

import base64
import json
import re
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output

from wildpaper.present.notebook import check_parameters, declared_parameters

NAMES = (
    *("00_tour", "01_statistics", "02_release", "03_toxicity"),
    *("04_embeddings", "05_training", "06_evaluation"),
)
_PICTURE = re.compile(r"data:image/png;base64,([A-Za-z0-9+/=]+)")


@dataclass
class Ran:
    """What a notebook showed, cell by cell: texts and HTML."""

    cells: list[str] = field(default_factory=list)

    @property
    def all(self) -> str:
        return "\n".join(self.cells)

    @property
    def pictures(self) -> list[bytes]:
        return [base64.b64decode(one) for one in _PICTURE.findall(self.all)]


def cells_of(path: Path, kind: str = "code") -> list[dict[str, Any]]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [cell for cell in cells if cell["cell_type"] == kind]


def tagged(path: Path, tag: str) -> list[str]:
    """Return the sources of the code cells with a tag."""
    cells = [cell for cell in cells_of(path) if tag in cell["metadata"].get("tags", [])]
    return ["".join(cell["source"]) for cell in cells]


def run_here(notebook: Path, answers: dict[int, Any] | None = None, **parameters: Any) -> Ran:
    """Run the cells of a notebook one after the other, as papermill would, without a kernel.

    Parameters are checked, and set behind the tagged cell; a cell that fails raises. `answers`
    are written into the cells of the exercises, by their number from 1.
    """
    check_parameters(notebook, declared_parameters(notebook), parameters)
    main = sys.modules["__main__"]
    try:
        return _run_cells(notebook, answers or {}, parameters)
    finally:  # IPython puts its own module there, from which no process can be spawned
        sys.modules["__main__"] = main


def _run_cells(notebook: Path, answers: dict[int, Any], parameters: dict[str, Any]) -> Ran:
    shell, ran, n_exercises = InteractiveShell.instance(), Ran(), 0
    for name in set(shell.user_ns) - set(shell.user_ns_hidden):
        if not name.startswith("__"):
            del shell.user_ns[name]
    for cell in cells_of(notebook):
        code, tags = "".join(cell["source"]), cell["metadata"].get("tags", [])
        if "exercise" in tags:
            n_exercises += 1
            code = f"answer_{n_exercises} = {answers.get(n_exercises)!r}"
        if "parameters" in tags:
            code += "".join(f"\n{name} = {value!r}" for name, value in parameters.items())
        with capture_output() as captured:
            done = shell.run_cell(code, store_history=False)
        done.raise_error()
        shown = [text for one in captured.outputs for text in one.data.values()]
        ran.cells.append("\n".join([captured.stdout, *map(str, shown)]))
    return ran
