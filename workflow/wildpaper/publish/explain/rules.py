"""From a rule to the function it calls, and to the place of that function in the source."""

import ast
import re
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from wildpaper.digest import code_digest

PROJECT = Path(__file__).resolve().parents[4]
_RULE = re.compile(r"\s*(?:rule|checkpoint)(?:\s+(\w+))?\s*:\s*$")
_NAME = re.compile(r'\s*f?"([^"]+)",?\s*$')
_CALL = re.compile(r'\s*call="([\w.]+):(\w+)"')


@dataclass(frozen=True, slots=True)
class Rule:
    """A rule as it stands in the source.

    Attributes
    ----------
    name : str
        As written; one that Snakemake fills in holds ``{…}``.
    file, line : str, int
        Where it stands, by the project.
    module, function : str
        What it calls; empty if it calls nothing.
    function_file, function_line : str, int
        Where that stands; empty and 0 if it was not found.
    """

    name: str
    file: str
    line: int
    module: str = ""
    function: str = ""
    function_file: str = ""
    function_line: int = 0

    def as_json(self) -> dict[str, Any]:
        """Return the fields as JSON."""
        return asdict(self)


@cache
def read_rules(project: Path = PROJECT) -> tuple[Rule, ...]:
    """Return the rules of all rules files, in their order."""
    files = sorted((project / "workflow" / "rules").glob("*.smk"))
    return tuple(rule for file in files for rule in _rules_of(file, project))


def find_rule(name: str, project: Path = PROJECT) -> Rule | None:
    """Return the rule of a name, also where Snakemake filled in a part of it."""
    rules = read_rules(project)
    same = [rule for rule in rules if rule.name == name]
    filled = [rule for rule in rules if _fits(rule.name, name)]
    return next(iter([*same, *filled]), None)


def digest_now(rule: Rule) -> str:
    """Return the digest of the code behind a rule as it is now; empty if it is not there."""
    try:
        return code_digest(rule.module) if rule.module else ""
    except (ModuleNotFoundError, OSError, SyntaxError):
        return ""


def _fits(pattern: str, name: str) -> bool:
    parts = re.split(r"\{.*\}", pattern)
    return len(parts) > 1 and bool(re.fullmatch(".+".join(map(re.escape, parts)), name))


def _rules_of(file: Path, project: Path) -> list[Rule]:
    where = str(file.relative_to(project))
    found: list[Rule] = []
    unnamed = False
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        opening, call = _RULE.match(line), _CALL.match(line)
        if opening:
            found.append(Rule(opening[1] or "", where, number))
            unnamed = not opening[1]
        elif unnamed and (name := _NAME.match(line)):
            found[-1] = Rule(name[1], where, found[-1].line)
            unnamed = False
        elif call and found:
            place, at = _place(call[1], call[2], project)
            found[-1] = Rule(found[-1].name, where, found[-1].line, call[1], call[2], place, at)
    return [rule for rule in found if rule.name]


def _place(module: str, function: str, project: Path) -> tuple[str, int]:
    """Return file and line of a function; one that a module imports is looked for there."""
    file = _file_of(module, project)
    if file is None:
        return "", 0
    for node in ast.parse(file.read_text(encoding="utf-8")).body:
        if isinstance(node, ast.FunctionDef) and node.name == function:
            return str(file.relative_to(project)), node.lineno
        if isinstance(node, ast.ImportFrom) and node.module:
            original = [a.name for a in node.names if (a.asname or a.name) == function]
            if original:
                return _place(node.module, original[0], project)
    return str(file.relative_to(project)), 0


def _file_of(module: str, project: Path) -> Path | None:
    path = project.joinpath("workflow", *module.split("."))
    found = (path.with_suffix(".py"), path / "__init__.py")
    return next((file for file in found if file.is_file()), None)
