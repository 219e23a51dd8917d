"""Compile the paper: the same sources give the same bytes, in any folder, at any time."""

import os
import re
import shutil
import subprocess  # nosec B404: fixed programs, argument lists, no shell
import tempfile
from pathlib import Path

from wildpaper.errors import WildpaperError
from wildpaper.files import atomic_path

SOURCE_DATE_EPOCH = 1714780800
"""The time that TeX takes for now: 2024-05-04 00:00 UTC, soon after the paper appeared.

It only makes the PDF independent of the clock; nothing in the report prints it.
"""

TIME = {"SOURCE_DATE_EPOCH": str(SOURCE_DATE_EPOCH), "FORCE_SOURCE_DATE": "1", "TZ": "UTC"}
"""The same, as variables of the environment."""
MAIN, PDF = "main.tex", "main.pdf"
_TIMEOUT_SECONDS = 900
_MOST_NAMED = 5
_APT = (
    "apt-get install --no-install-recommends texlive-latex-base texlive-latex-recommended "
    "texlive-latex-extra texlive-science texlive-fonts-recommended lmodern latexmk "
    "latex-cjk-common latex-cjk-chinese latex-cjk-chinese-arphic-gbsn00lp"
)
_LOCATED = re.compile(r"^(?P<file>[^\s:][^:\n]*):(?P<line>\d+): (?P<error>.+)$")
_UNDEFINED = re.compile(
    r"^(?:LaTeX|Package natbib|Package hyperref) Warning: "
    r"(?P<what>(?:Reference|Citation|Hyper reference) [`'](?P<key>[^']+)'.*undefined.*)$",
    re.MULTILINE,
)
_NO_TARGET = re.compile(
    r"^pdfTeX warning \(dest\): name\{claim:(?P<id>[^}]+)\} has been referenced", re.MULTILINE
)
_DUPLICATE = re.compile(r"^LaTeX Warning: (?P<what>Label [`'].+' multiply defined)\.", re.MULTILINE)


def compile_pdf(source_dir: Path, pdf: Path) -> None:
    """Compile ``main.tex`` of a folder and move the PDF into place.

    The folder is copied to a fresh build folder first, so nothing is left beside the
    sources and nothing of an earlier build is used. TeX runs without shell escape, at
    the fixed time `SOURCE_DATE_EPOCH`.

    Parameters
    ----------
    source_dir : Path
        Holds ``main.tex``, ``wildpaper.sty``, ``sections/``, ``references.bib`` and
        ``generated/``.
    pdf : Path
        Where the PDF goes, atomically.

    Raises
    ------
    WildpaperError
        No TeX was found; LaTeX stopped (file, line and the first error are named); a
        reference, a citation or the row of a claim is undefined, or a label is defined twice.
    """
    if not (source_dir / MAIN).is_file():
        raise WildpaperError(
            f"There is no {MAIN} to compile.", where=str(source_dir), hint="Copy paper/ there."
        )
    with tempfile.TemporaryDirectory(prefix="wildpaper-tex-") as scratch:
        build = Path(scratch) / "build"
        shutil.copytree(source_dir, build)
        compile_in(build, find_tex(), source_dir)
        with atomic_path(pdf) as temporary:
            shutil.copyfile(build / PDF, temporary)


def compile_in(build: Path, command: list[str], shown: Path) -> None:
    """Compile ``main.tex`` where it lies, and leave ``main.pdf`` and what TeX wrote beside it.

    Parameters
    ----------
    build : Path
        A folder that may be written to.
    command : list of str
        See `find_tex`.
    shown : Path
        The folder that errors name.

    Raises
    ------
    WildpaperError
        As `compile_pdf`.
    """
    outcome = run_tex(command, build, TIME)
    log = _read_log(build / "main.log")
    if outcome.returncode != 0 or not (build / PDF).is_file():
        raise _latex_error(log, outcome.stdout, shown)
    _check_references(log, shown)


def find_tex() -> list[str]:
    """Return the command that compiles ``main.tex``: latexmk, else tectonic.

    Raises
    ------
    WildpaperError
        Neither is on PATH; the hint holds the command that installs TeX.
    """
    if shutil.which("latexmk") and shutil.which("pdflatex"):
        engine = "pdflatex -no-shell-escape -file-line-error %O %S"
        return [
            *("latexmk", "-norc", "-pdf", "-bibtex", "-g", f"-pdflatex={engine}"),
            *("-interaction=nonstopmode", "-halt-on-error", MAIN),
        ]
    if shutil.which("tectonic"):
        return ["tectonic", "--untrusted", "--keep-logs", "-Z", "deterministic-mode", MAIN]
    raise WildpaperError(
        "The paper needs TeX, and neither latexmk with pdflatex nor tectonic is on PATH.",
        hint=f"{_APT}\n         or install TeX Live or tectonic in another way.",
    )


def run_tex(
    command: list[str], build: Path, variables: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run a program of TeX in a folder, with some variables of the environment; return its output.

    Raises
    ------
    WildpaperError
        If it does not come to an end.
    """
    # Long lines keep an error message in one piece.
    environment = os.environ | variables | {"max_print_line": "10000"}
    try:
        return subprocess.run(  # nosec B603
            command,
            cwd=build,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            check=False,
            timeout=_TIMEOUT_SECONDS,
        )
    except subprocess.TimeoutExpired as error:
        raise WildpaperError(
            f"{command[0]} did not finish within {_TIMEOUT_SECONDS} seconds.",
            where=MAIN,
            hint="Look for a loop in the TeX that was changed last.",
        ) from error


def _read_log(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def first_error(log: str) -> tuple[str, str]:
    """Return where the first LaTeX error of a log is (``file:line``) and what it says.

    Lines that LaTeX packages add to their message (``(wildpaper)  Hint: …``) belong to
    it. Both are empty where the log holds no error.
    """
    lines = log.splitlines()
    for position, line in enumerate(lines):
        located = _LOCATED.match(line)
        if located or line.startswith("! "):
            where = f"{located['file'].removeprefix('./')}:{located['line']}" if located else ""
            said = [located["error"] if located else line[2:]]
            for follower in lines[position + 1 :]:
                more = re.match(r"^\(\w+\)\s+(.*)$", follower)
                if not more:
                    break
                said.append(more[1].strip())
            return where or _line_number(lines[position:]), "\n         ".join(said)
    return "", ""


def _line_number(lines: list[str]) -> str:
    for line in lines[:12]:
        if match := re.match(r"^l\.(\d+)", line):
            return f"line {match[1]}"
    return ""


def _latex_error(log: str, output: str, source_dir: Path) -> WildpaperError:
    where, said = first_error(log)
    if not said:
        tail = "\n".join(output.strip().splitlines()[-12:])
        said = f"LaTeX stopped without naming an error; its last lines were:\n{tail}"
    return WildpaperError(
        f"The paper does not compile: {said}",
        where=f"{where} (under {source_dir})" if where else str(source_dir),
        hint="Mend that line, or the rule that writes it if it lies under generated/.",
    )


def _check_references(log: str, source_dir: Path) -> None:
    found = [*_UNDEFINED.finditer(log), *_DUPLICATE.finditer(log)]
    problems = list(dict.fromkeys(match["what"].rstrip(".") for match in found))
    rows = list(dict.fromkeys(match["id"] for match in _NO_TARGET.finditer(log)))
    problems += [f"the claim {name!r} has no row in the appendix" for name in rows[:_MOST_NAMED]]
    if len(rows) > _MOST_NAMED:
        problems.append(f"nor have {len(rows) - _MOST_NAMED} others")
    if problems:
        raise WildpaperError(
            "The paper refers to what is not there: " + "; ".join(problems) + ".",
            where=f"{source_dir}: main.tex, sections/ or references.bib",
            hint="Add the label or the entry of the bibliography, or mend its name; rows of claims "
            "are written by the rule write_claims_table from the same sources.",
        )
