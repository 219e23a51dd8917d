"""Digests of code: what makes a rule run again when the library behind it is edited.

Snakemake sees an edit to a script but not to a module which that script imports
(DESIGN.md section 5). Each rule therefore carries the digest of the module that it
calls, taken over the module and everything project-local that it imports. Comments,
formatting and docstrings do not count: they change no result.
"""

import ast
import hashlib
from functools import lru_cache
from pathlib import Path

_PACKAGE_ROOT = Path(__file__).resolve().parent
_PACKAGE = _PACKAGE_ROOT.name


def code_digest(*modules: str) -> str:
    """Return 16 hex digits over the code of modules and of all they import here.

    Parameters
    ----------
    *modules : str
        Dotted names, for example ``"wildpaper.annotate.tokens"``.

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
            todo.extend(_local_imports(name))
    digest = hashlib.sha256()
    for name in sorted(names):
        digest.update(f"{name}\0{_normalised(name)}\0".encode())
    return digest.hexdigest()[:16]


def file_of(module: str) -> Path | None:
    """Return the source file of a module of this package, or None."""
    base = _PACKAGE_ROOT.parent.joinpath(*module.split("."))
    for candidate in (base.with_suffix(".py"), base / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


@lru_cache(maxsize=None)
def _tree(module: str) -> ast.Module:
    path = file_of(module)
    if path is None:
        raise ModuleNotFoundError(f"no module {module!r} in {_PACKAGE_ROOT.parent}")
    return ast.parse(path.read_text(encoding="utf-8"))


@lru_cache(maxsize=None)
def _normalised(module: str) -> str:
    tree = ast.parse(ast.unparse(_tree(module)))
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                node.body = node.body[1:]
    return ast.dump(tree)


@lru_cache(maxsize=None)
def _local_imports(module: str) -> tuple[str, ...]:
    found: set[str] = set()
    for node in ast.walk(_tree(module)):
        if isinstance(node, ast.Import):
            candidates = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            if node.level:
                raise ImportError(f"{module}: relative imports are not digested; write them whole")
            base = node.module or ""
            candidates = [base, *(f"{base}.{alias.name}" for alias in node.names)]
        else:
            continue
        found.update(c for c in candidates if c.split(".")[0] == _PACKAGE and file_of(c))
    return tuple(sorted(found))
