"""Run a notebook with papermill, strictly: a fixed kernel, no unknown or mistyped parameter."""

import difflib
import json
import logging
import os
import re
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from wildpaper.errors import WildpaperError
from wildpaper.files import atomic_path, write_text

_LOG = logging.getLogger("wildpaper")
KERNEL = "python3"
_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "list": (list,),
    "dict": (dict,),
}


def run_notebook(
    notebook: Path,
    needs: list[Path],
    executed: Path,
    html: Path,
    parameters: dict[str, Any],
    timeout_s: int,
    failed: str,
) -> None:
    """Execute a notebook and write it, executed, as .ipynb and .html.

    Parameters
    ----------
    notebook : Path
        With one cell tagged ``parameters`` in which each parameter has a type and a
        default; a default of None marks one that must be given.
    needs : list of Path
        Results that it reads; they are there when it starts.
    executed, html : Path
        To write.
    parameters : dict
        Plain values.
    timeout_s : int
        Seconds that one cell may take.
    failed : str
        Where a notebook that failed is kept, up to the cell that failed.

    Raises
    ------
    WildpaperError
        If a parameter is unknown, missing or of another type than declared, or a cell
        fails; names the cell.
    """
    _skip_slow_grammar()
    import papermill
    from nbclient.exceptions import CellTimeoutError, DeadKernelError
    from papermill.exceptions import PapermillExecutionError

    check_parameters(notebook, declared_parameters(notebook), parameters)
    _use_this_environment()
    # A short path: the kernel's sockets lie in it, and their names may not be long.
    with tempfile.TemporaryDirectory(prefix="wp-") as folder:
        result = Path(folder, notebook.name)
        os.environ["JUPYTER_RUNTIME_DIR"] = folder
        try:
            papermill.execute_notebook(
                str(notebook), str(result), parameters=parameters, kernel_name=KERNEL,
                progress_bar=False, execution_timeout=timeout_s, cwd=str(Path.cwd()),
                config=_sockets_in(folder),
            )  # fmt: skip
        except (CellTimeoutError, DeadKernelError, PapermillExecutionError) as error:
            _keep(result, Path(failed))
            what, hint = _explain(error, result, timeout_s)
            where = f"{notebook}; as far as it came: {failed}"
            raise WildpaperError(what, where=where, hint=hint) from None
        _name_paths(result, notebook, executed)
        write_html(result, html)
        with atomic_path(executed) as temporary:
            shutil.copyfile(result, temporary)


def _skip_slow_grammar() -> None:
    """Keep jsonschema from an optional check of addresses, whose grammar takes a second to load."""
    sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]


def _sockets_in(folder: str) -> Any:
    """Return a configuration in which the kernel is spoken to through sockets in a folder.

    It then needs no network, not even loopback. Without a folder of its own, two kernels
    that start in the same working folder would take each other's sockets.
    """
    from traitlets.config import Config

    return Config({"KernelManager": {"transport": "ipc", "ip": f"{folder}/kernel"}})


def _explain(error: Exception, result: Path, timeout_s: int) -> tuple[str, str]:
    """Return (what happened, what to do) of a notebook that failed."""
    from nbclient.exceptions import CellTimeoutError
    from papermill.exceptions import PapermillExecutionError

    if isinstance(error, PapermillExecutionError):
        _LOG.error("%s", _COLOURS.sub("", "\n".join(error.traceback)))
        what = f"Notebook cell {error.exec_count} failed: {error.ename}: {error.evalue}"
        return what, "Open the failed copy in JupyterLab, or read the traceback in the log."
    slow = isinstance(error, CellTimeoutError)
    happened = f"took longer than {timeout_s} s" if slow else "ended its kernel"
    what = f"Notebook cell {_last_started(result)} {happened}"
    return what, "Raise the config key present.notebook_timeout_s, or give it more memory."


def _name_paths(result: Path, notebook: Path, executed: Path) -> None:
    """Replace the folders of this machine in what papermill noted by bare names."""
    content = json.loads(result.read_text(encoding="utf-8"))
    noted = content["metadata"].get("papermill", {})
    noted |= {"input_path": notebook.name, "output_path": executed.name}
    result.write_text(json.dumps(content, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _keep(result: Path, failed: Path) -> None:
    failed.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(result, failed)


def _last_started(notebook: Path) -> int:
    """Return the number, among code cells from 1 on, of the last cell that was started."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    code = [cell["metadata"].get("papermill", {}) for cell in cells if cell["cell_type"] == "code"]
    return max((i for i, state in enumerate(code, 1) if state.get("start_time")), default=0)


def declared_parameters(notebook: Path) -> dict[str, tuple[str, bool]]:
    """Return {name: (type, required)} of a notebook's parameters cell.

    Raises
    ------
    WildpaperError
        If there is no such cell, or a parameter has no type that is known here.
    """
    from papermill import inspect_notebook

    found = inspect_notebook(str(notebook))
    if not found:
        raise WildpaperError(
            "The notebook has no cell tagged 'parameters', or it is empty", where=str(notebook)
        )
    declared = {}
    for name, item in found.items():
        kind = item["inferred_type_name"].partition("|")[0].partition("[")[0].strip()
        if kind not in _TYPES:
            raise WildpaperError(
                f"Parameter {name!r} has no type that can be checked ({kind or 'none'})",
                where=str(notebook),
                hint=f"Write it as 'name: type = default' with one of {', '.join(_TYPES)}.",
            )
        declared[name] = (kind, item["default"].strip() == "None")
    return declared


def check_parameters(
    notebook: Path, declared: dict[str, tuple[str, bool]], given: dict[str, Any]
) -> None:
    """Compare given parameters with declared ones; papermill itself only warns."""
    faults = []
    for name, value in given.items():
        if name not in declared:
            near = difflib.get_close_matches(name, declared, n=1)
            faults.append(f"unknown {name!r}" + (f" (did you mean {near[0]!r}?)" if near else ""))
            continue
        kind = declared[name][0]
        fits = isinstance(value, _TYPES[kind]) and (kind == "bool" or not isinstance(value, bool))
        if not fits:
            faults.append(f"{name!r} must be {kind}, not {type(value).__name__} ({value!r})")
    faults += [f"{n!r} is missing" for n, (_, must) in declared.items() if must and n not in given]
    if faults:
        raise WildpaperError(
            f"Notebook parameters do not fit: {'; '.join(faults)}",
            where=str(notebook),
            hint=f"It declares: {', '.join(f'{n}: {kind}' for n, (kind, _) in declared.items())}.",
        )


def write_html(executed: Path, html: Path) -> None:
    """Write an executed notebook as one HTML file that loads nothing from elsewhere."""
    from nbconvert import HTMLExporter

    nothing = dict.fromkeys(
        ("mathjax_url", "require_js_url", "jquery_url", "mermaid_js_url",
         "mermaid_layout_elk_js_url", "jupyter_widgets_base_url", "widget_renderer_url"), ""
    )  # fmt: skip
    exporter = HTMLExporter(embed_images=True, **nothing)
    text, _ = exporter.from_filename(str(executed))
    write_text(html, text)


def _use_this_environment() -> None:
    """Make Jupyter prefer the kernel of this interpreter, and the kernel this library."""
    kernels = Path(sys.prefix, "share", "jupyter", "kernels", KERNEL, "kernel.json")
    package = str(Path(__file__).resolve().parents[2])
    paths = [package, *filter(None, [os.environ.get("PYTHONPATH")])]
    os.environ["PYTHONPATH"] = os.pathsep.join(paths)
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    os.environ["PYDEVD_DISABLE_FILE_VALIDATION"] = "1"
    if kernels.is_file() and json.loads(kernels.read_text())["language"] != "python":
        raise WildpaperError("The kernel python3 is not Python", where=str(kernels))
