"""Where each table and figure comes from: the line under its caption, from the registry."""

import json
import re
from pathlib import Path
from typing import Any

from wildpaper.artifacts import Artifact, load_artifacts
from wildpaper.errors import WildpaperError
from wildpaper.files import read_json, write_text
from wildpaper.publish.claims_tex import breakable
from wildpaper.yaml_text import parse_yaml

HERE = "../../../"
"""From ``results/<preset>/publish/``, where the PDF lies, to the folder of the project."""

_RULE = re.compile(r"^\s*(?:rule|checkpoint) (\w+):", re.MULTILINE)
_CALL = re.compile(r'^\s*call=\(?\s*"([\w.]+):\w+"', re.MULTILINE)
_TOUR = "00_"
"""Beginning of the name of a notebook that shows a little of everything."""


def write_origins(
    artifacts: Path,
    rules: list[Path],
    notebooks: list[Path],
    claims: Path,
    citation: Path,
    origins: Path,
) -> None:
    """Write origins.tex: rule, source file, notebook and first claim of each table and figure.

    Parameters
    ----------
    artifacts : Path
        ``data/artifacts.yaml``: which rule measures what.
    rules : list of Path
        ``workflow/rules/*.smk``: which function a rule calls.
    notebooks : list of Path
        ``notebooks/*.ipynb``; the one that names an artifact, or the module that measures it,
        belongs to it.
    claims : Path
        claims.json of the run.
    citation : Path
        CITATION.cff. Files are linked in its ``repository-code``, at the tag of its version;
        while it names none, from where the PDF lies.
    origins : Path
        The LaTeX file to write.

    Raises
    ------
    WildpaperError
        If no rules file has the rule of an artifact.
    """
    calls = calls_of(rules)
    cells = {path.stem: _code_of(path) for path in notebooks}
    first: dict[str, str] = {}
    for claim in read_json(claims)["claims"]:
        if claim["kind"] == "published":
            first.setdefault(claim["artifact"] or "", claim["id"])
    lines = [
        "% Written from data/artifacts.yaml by wildpaper; do not edit.",
        rf"\def\wpSourceBase{{{base_of(citation)}}}",
    ]
    for artifact in load_artifacts(artifacts):
        if artifact.kind != "numbers":
            line = _line(artifact, calls, cells, first.get(artifact.id, ""))
            lines.append(rf"\wpdeforigin{{{artifact.id}}}{{{line}}}")
    write_text(origins, "\n".join(lines) + "\n")


def calls_of(rules: list[Path]) -> dict[str, tuple[str, str]]:
    """Return {rule: (its file, the module it calls)}, as the rules files say."""
    found: dict[str, tuple[str, str]] = {}
    for path in rules:
        text = path.read_text(encoding="utf-8")
        for match in _RULE.finditer(text):
            following = _RULE.search(text, match.end())
            end = following.start() if following else len(text)
            if call := _CALL.search(text, match.end(), end):
                found[match[1]] = (f"workflow/rules/{path.name}", call[1])
    return found


def base_of(citation: Path) -> str:
    """Return what stands before the name of a file of the project in a link."""
    known = parse_yaml(citation.read_text(encoding="utf-8"))
    repository = str(known.get("repository-code", "")).rstrip("/")
    return f"{repository}/blob/v{known['version']}/" if repository else HERE


def _line(
    artifact: Artifact, calls: dict[str, tuple[str, str]], cells: dict[str, str], claim: str
) -> str:
    if not artifact.rule:
        return "no rule builds it"
    if artifact.rule not in calls:
        raise WildpaperError(
            f"No rules file has the rule {artifact.rule} of {artifact.id}, with a call.",
            where="data/artifacts.yaml",
            hint="Mend the name there, or write the rule under workflow/rules/.",
        )
    rules_file, module = calls[artifact.rule]
    source = f"workflow/{module.replace('.', '/')}.py"
    parts = ["rule~" + _file(rules_file, artifact.rule), _file(source, source)]
    if notebook := notebook_of(artifact.id, module, cells):
        parts.append("notebook~" + _file(f"notebooks/{notebook}.ipynb", notebook))
    if claim:
        parts.append(rf"\wpclaimsof{{{claim}}}")
    return r"\wpdot ".join(parts)


def notebook_of(artifact: str, module: str, cells: dict[str, str]) -> str:
    """Return the notebook that names an artifact or its module; empty if none does.

    A tour, which shows a little of everything, counts only where no other does.
    """
    named = re.compile(rf"(?<![\w-]){re.escape(artifact)}(?![\w-])|\b{re.escape(module)}\b")
    found = [name for name, code in cells.items() if named.search(code)]
    return min(found, key=lambda name: (name.startswith(_TOUR), name), default="")


def _file(path: str, shown: str) -> str:
    return rf"\wpfile{{{path}}}{{{breakable(shown)}}}"


def _code_of(notebook: Path) -> str:
    """Return the source of all code cells of a notebook."""
    cells: list[dict[str, Any]] = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    return "\n".join("".join(cell["source"]) for cell in cells if cell["cell_type"] == "code")
