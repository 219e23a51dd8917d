"""Digests of code: what makes a rule run again when the library behind it is edited.

Snakemake sees an edit to a script but not to a module which that script imports
(DESIGN.md section 5). Each rule therefore carries the digest of the module that it
calls, taken over the module and everything project-local that it imports. Comments,
formatting and docstrings do not count: they change no result.
"""

import ast
import hashlib
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from wildpaper.digest_cache import Facts, FactsOfFiles
from wildpaper.errors import WildpaperError

_PACKAGE_ROOT = Path(__file__).resolve().parent
_PACKAGE = _PACKAGE_ROOT.name


def code_digest(*modules: str) -> str:
    """Return 16 hex digits over the code of modules and of all they import here.

    Parameters
    ----------
    *modules : str
        Dotted names, for example ``"wildpaper.annotate.tokens.count"``.

    Raises
    ------
    ModuleNotFoundError
        If a name is not a module of this package.
    """
    names: set[str] = set()
    todo = list(modules)
    while todo:
        name = todo.pop()
        if name not in names:
            names.add(name)
            todo.extend([*_parents(name), *_local_imports(name)])
    digest = hashlib.sha256()
    for name in sorted(names):
        digest.update(f"{name}\0{_facts(name)[0]}\0".encode())
    return digest.hexdigest()[:16]


def files_digest(files: Iterable[Path]) -> str:
    """Return 16 hex digits over names and contents of small data files that code reads."""
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(f"{path.name}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


def notebook_imports(notebook: Path) -> list[str]:
    """Return the modules of this package that the code cells of a notebook import.

    Raises
    ------
    WildpaperError
        If the file is no notebook, or a cell is no Python.
    """
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        return _imports_of_cells(cells, str(notebook))
    except (OSError, ValueError, LookupError, TypeError, SyntaxError) as error:
        raise WildpaperError(f"Not a notebook in Python: {error}", where=str(notebook)) from error


def _imports_of_cells(cells: list[dict[str, Any]], where: str) -> list[str]:
    found: set[str] = set()
    for cell in cells:
        if cell["cell_type"] == "code":
            lines = "".join(cell["source"]).splitlines()
            if lines and lines[0].startswith("%%"):  # another language, or a magic of its own
                continue
            plain = "\n".join(line for line in lines if not line.startswith(("%", "!")))
            found.update(_imports_of(ast.parse(plain), where))
    return sorted(found)


@cache
def file_of(module: str) -> Path | None:
    """Return the source file of a module of this package, or None."""
    base = _PACKAGE_ROOT.parent.joinpath(*module.split("."))
    for candidate in (base.with_suffix(".py"), base / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def keep_facts(path: Path) -> None:
    """Keep what is found out about source files in a file, for later processes."""
    _FACTS.keep_in(path)


_FACTS = FactsOfFiles()


@cache
def _facts(module: str) -> Facts:
    """Return the digest of a module's code and the names of this package that it imports."""
    path = file_of(module)
    if path is None:
        raise ModuleNotFoundError(f"no module {module!r} in {_PACKAGE_ROOT.parent}")
    source = path.read_bytes()
    checksum = hashlib.sha256(module.encode() + b"\0" + source).hexdigest()
    known = _FACTS.get(checksum)
    if known is not None:
        return known
    tree = _without_docstrings(ast.parse(source))
    digest = hashlib.sha256(ast.dump(tree).encode()).hexdigest()
    return _FACTS.add(checksum, (digest, tuple(sorted(_names_in(tree, module)))))


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            node.body = [statement for statement in node.body if not _is_docstring(statement)]
    return tree


def _is_docstring(statement: ast.stmt) -> bool:
    """Say whether a statement is a bare string: a docstring, of an attribute too."""
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def _local_imports(module: str) -> list[str]:
    return [name for name in _facts(module)[1] if file_of(name)]


def _imports_of(tree: ast.Module, where: str) -> set[str]:
    """Return the modules of this package that a piece of code imports."""
    return {name for name in _names_in(tree, where) if file_of(name)}


def _names_in(tree: ast.Module, where: str) -> set[str]:
    """Return what a piece of code imports from this package: modules and what is in them."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            candidates = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ImportError(f"{where}: relative imports are not digested; write them whole")
            base = node.module or ""
            candidates = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        else:
            continue
        found.update(c for c in candidates if c.split(".")[0] == _PACKAGE)
    return found


def _parents(module: str) -> list[str]:
    """Return the packages around a module: importing it runs their ``__init__`` too."""
    parts = module.split(".")
    return [".".join(parts[:depth]) for depth in range(1, len(parts))]
