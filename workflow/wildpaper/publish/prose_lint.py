"""No digit in the prose is typed by hand.

A digit may stand in an argument that is an id, a label, a citation, a file or a length;
in a comment; and in the words of ``paper/digits-allowed.txt``, one per line with a
reason (names of products, mostly). Everything else must be a macro of the run.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from wildpaper.errors import WildpaperError

# Which arguments in braces (counted from 1) hold no prose. Optional arguments of these
# macros hold none either.
_SILENT_ARGUMENTS: dict[str, frozenset[int]] = {
    **dict.fromkeys(
        (
            *("claim", "published", "claimci", "claimwithci", "pubgot", "wpcount"),
            *("verdictof", "unitof", "ifobtained"),
            *("cite", "citep", "citet", "citealp", "citeauthor", "citeyear", "nocite"),
            *("label", "ref", "eqref", "pageref", "autoref", "nameref", "cref", "Cref"),
            *("input", "include", "includegraphics", "url", "usepackage", "RequirePackage"),
            *("documentclass", "bibliography", "bibliographystyle", "graphicspath"),
            *("hspace", "vspace", "begin", "end", "pagestyle", "thispagestyle", "newgeometry"),
            *("papertable", "paperfigure", "wpblank", "href", "hyperref"),
        ),
        frozenset({1}),
    ),
    **dict.fromkeys(("setlength", "addtolength", "setcounter", "rule"), frozenset({1, 2})),
}
_CLAIM_MACROS = (
    *("claim", "published", "claimci", "claimwithci", "pubgot"),
    *("verdictof", "unitof"),
)

_COMMENT = re.compile(r"(?<!\\)((?:\\\\)*)%.*")
_MACRO = re.compile(r"\\([A-Za-z]+)\*?")
_LENGTH = re.compile(r"\\\\\[[^\]\n]*\]")
_NUMBER = re.compile(r"\S*\d\S*")
_CLAIM = re.compile(r"\\(?:" + "|".join(_CLAIM_MACROS) + r")\s*\{([^{}]*)\}")
_EXCEPTION = re.compile(r"^(?P<text>.+?)\s+#\s+(?P<reason>\S.*)$")


@dataclass(frozen=True)
class Finding:
    """One thing to mend in the prose: the file, the line (from 1) and what is wrong."""

    file: Path
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


def lint_prose(files: list[Path], exceptions: Path) -> list[Finding]:
    """Find digits typed by hand, and exceptions that no file uses any more.

    Parameters
    ----------
    files : list of Path
        LaTeX sources: ``paper/main.tex`` and ``paper/sections/*.tex``.
    exceptions : Path
        Lines ``text  # reason``; blank lines and lines that begin with ``#`` are skipped.

    Returns
    -------
    list of Finding
        In the order of the files and their lines; unused exceptions last.
    """
    allowed = read_exceptions(exceptions)
    used: set[str] = set()
    findings: list[Finding] = []
    for file in files:
        text = strip_silent(file.read_text(encoding="utf-8"))
        for number, line in enumerate(text.split("\n"), start=1):
            masked = _mask_allowed(line, allowed, used)
            findings += [
                Finding(file, number, f"the digits in {hit[0]!r} are typed by hand")
                for hit in _NUMBER.finditer(masked)
            ]
    findings += [
        Finding(exceptions, line, f"the exception {text!r} is not used any more")
        for text, line in allowed.items()
        if text not in used
    ]
    return findings


def unknown_claims(files: list[Path], ids: Iterable[str]) -> list[Finding]:
    """Find claim macros of the prose whose id no claim has.

    Our own claims depend on the run; of these the LaTeX build refuses the unknown ones.
    """
    known = set(ids)
    return [
        Finding(file, number, f"there is no claim {hit[1]!r}")
        for file in files
        for number, line in enumerate(_lines_without_comments(file), start=1)
        for hit in _CLAIM.finditer(line)
        if hit[1] not in known and not hit[1].startswith("own.")
    ]


def cited_claims(files: Iterable[Path]) -> list[str]:
    """Return the ids of the claims that the prose prints, each once, in order of appearance."""
    hits = (hit[1] for file in files for line in _lines_without_comments(file)
            for hit in _CLAIM.finditer(line))  # fmt: skip
    return list(dict.fromkeys(hits))


def check_prose(files: list[Path], exceptions: Path, ids: Iterable[str] | None = None) -> None:
    """Raise if a digit is typed by hand, an exception is unused, or a claim is unknown.

    Raises
    ------
    WildpaperError
        Names each file and line.
    """
    findings = lint_prose(files, exceptions)
    if ids is not None:
        findings += unknown_claims(files, ids)
    if findings:
        raise WildpaperError(
            f"The prose has {len(findings)} thing(s) to mend.",
            where="\n         ".join(str(finding) for finding in findings),
            hint=r"Write a number as \claim{id} or \published{id}; list the name of a "
            f"product, with the reason, in {exceptions}.",
        )


def read_exceptions(exceptions: Path) -> dict[str, int]:
    """Return the allowed texts and the line each stands on.

    Raises
    ------
    WildpaperError
        A line has no reason, or a text occurs twice.
    """
    allowed: dict[str, int] = {}
    for number, line in enumerate(exceptions.read_text(encoding="utf-8").splitlines(), start=1):
        if not line.strip() or line.startswith("#"):
            continue
        match = _EXCEPTION.match(line.strip())
        if not match or match["text"] in allowed:
            raise WildpaperError(
                "An exception must be listed once, with a reason.",
                where=f"{exceptions}:{number}",
                hint="Write: GPT-4  # the name of a model",
            )
        allowed[match["text"]] = number
    return allowed


def strip_silent(source: str) -> str:
    """Blank out comments and the arguments that hold no prose; lines keep their numbers."""
    text = "\n".join(_COMMENT.sub(r"\1", line) for line in source.split("\n"))
    text = _LENGTH.sub(" ", text)
    characters = list(text)
    for macro in _MACRO.finditer(text):
        silent = _SILENT_ARGUMENTS.get(macro[1])
        if silent is None:
            continue
        for position, start, end in _arguments(text, macro.end()):
            if position == 0 or position in silent:
                for index in range(start, end):
                    if characters[index] != "\n":
                        characters[index] = " "
    return "".join(characters)


def _arguments(text: str, start: int) -> Iterator[tuple[int, int, int]]:
    """Yield (position, start, end) of a macro's arguments; position 0 is an optional one."""
    position = 0
    while start < len(text) and text[start] in "[{":
        opening, closing = ("[", "]") if text[start] == "[" else ("{", "}")
        depth = 0
        for end in range(start, len(text)):
            escaped = text[end - 1] == "\\"
            depth += (text[end] == opening and not escaped) - (text[end] == closing and not escaped)
            if depth == 0:
                break
        else:
            return
        position += opening == "{"
        yield (position if opening == "{" else 0), start, end + 1
        start = end + 1


def _mask_allowed(line: str, allowed: Iterable[str], used: set[str]) -> str:
    for text in sorted(allowed, key=lambda text: (-len(text), text)):
        pattern = rf"(?<![\w.]){re.escape(text)}(?!\w|[.,]\d)"
        line, hits = re.subn(pattern, " ", line)
        if hits:
            used.add(text)
    return line


def _lines_without_comments(file: Path) -> list[str]:
    return [_COMMENT.sub(r"\1", line) for line in file.read_text(encoding="utf-8").split("\n")]
