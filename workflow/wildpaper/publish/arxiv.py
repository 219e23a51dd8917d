r"""The paper as arXiv wants it: one flat archive that compiles by itself, without a network.

Folders become part of names, comments are taken out, the bibliography comes as the
``main.bbl`` that BibTeX made of it, and what the paper does not read stays out. The archive
is unpacked and compiled once more before it is handed over: it must give the bytes of
``paper.pdf``.
"""

import gzip
import io
import logging
import re
import shutil
import subprocess  # nosec B404: fixed programs, argument lists, no shell
import tarfile
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from wildpaper.errors import WildpaperError
from wildpaper.files import atomic_path, sha256_file
from wildpaper.publish.latex import MAIN, PDF, SOURCE_DATE_EPOCH, compile_in, find_tex, run_tex
from wildpaper.publish.paper import parts_of

_LOG = logging.getLogger("wildpaper")
_TEX = (".tex", ".sty")
_FOLDERS = re.compile(r"(?<=\{)(?:sections/|generated/(?:tables/|figures/)?)(?=[\w#-])")
_COMMENT = re.compile(r"(?<!\\)((?:\\\\)*)%.*")
_LITERAL = re.compile(r"\\verb\b|\\begin\{(?:verbatim|lstlisting|comment)\}|\\catcode")
_READ = re.compile(r"^INPUT (?:\./)?([^/\n]+)$", re.MULTILINE)
_MOST_PASSES = 6
_CLOSED = {"openin_any": "p", "openout_any": "p", "TEXINPUTS": "", "BSTINPUTS": "", "BIBINPUTS": ""}
"""TeX reads its own files and those of the folder, and nothing beside or above it."""
_ALONE = ("unshare", "--map-root-user", "--net")


def bundle_arxiv(
    sources: list[Path],
    generated: list[Path],
    tables: list[Path],
    figures: list[Path],
    pdf: Path,
    bundle: Path,
) -> None:
    """Write the archive, and prove that it compiles to the paper.

    Parameters
    ----------
    sources, generated, tables, figures : list of Path
        As `wildpaper.publish.paper.build_paper` takes them.
    pdf : Path
        The paper that was built from them.
    bundle : Path
        To write, a ``.tar.gz``. Its bytes depend on those of the inputs only.

    Raises
    ------
    WildpaperError
        If a file is missing, two have one name, there is no pdfLaTeX with latexmk, LaTeX
        fails, or the archive gives another PDF.
    """
    command = find_tex()
    if command[0] != "latexmk":
        raise WildpaperError(
            "The archive for arXiv needs latexmk with pdflatex, which are not on PATH.",
            hint="Install TeX Live; arXiv does not run tectonic.",
        )
    with tempfile.TemporaryDirectory(prefix="wildpaper-arxiv-") as scratch:
        flat = Path(scratch) / "flat"
        flat.mkdir()
        lay_flat(parts_of(sources, generated, tables, figures), flat)
        laid = {path.name for path in flat.iterdir()} | {"main.bbl"}
        compile_in(flat, command, flat)
        members = sorted(laid & used_files(flat / "main.fls"))
        packed = _pack({name: (flat / name).read_bytes() for name in members})
        _verify(packed, pdf, Path(scratch) / "unpacked")
        with atomic_path(bundle) as temporary:
            temporary.write_bytes(packed)


def lay_flat(parts: Iterable[tuple[str, Path]], flat: Path) -> None:
    """Copy the files of the paper into one folder, TeX without comments and without folders.

    ``sections/ethics.tex`` becomes ``sections-ethics.tex``.

    Raises
    ------
    WildpaperError
        If two files would have one name.
    """
    for inside, path in parts:
        target = flat / _flat(inside)
        if target.exists():
            raise WildpaperError(
                f"Two files of the paper are called {target.name}.",
                where=str(path),
                hint="Rename one: arXiv wants all files in one folder.",
            )
        if path.suffix in _TEX:
            text = path.read_text(encoding="utf-8")
            text = _FOLDERS.sub(lambda match: _flat(match[0]), text)
            target.write_text(strip_comments(text), encoding="utf-8")
        else:
            shutil.copyfile(path, target)


def _flat(path: str) -> str:
    return path.replace("/", "-")


def strip_comments(text: str) -> str:
    r"""Return TeX without its comments; it means the same.

    A line that is only a comment goes. Behind other text the per cent sign stays, since it
    also keeps the end of the line from being a space. A text with ``\verb`` and the like, in
    which the sign may mean itself, stays as it is.
    """
    if _LITERAL.search(text):
        return text
    kept = (line for line in text.split("\n") if not line.lstrip().startswith("%"))
    return "\n".join(_COMMENT.sub(r"\1%", line) for line in kept)


def used_files(record: Path) -> set[str]:
    """Return the files of its own folder that TeX read, by the record it kept (``main.fls``)."""
    return set(_READ.findall(record.read_text(encoding="utf-8", errors="replace")))


def _pack(members: dict[str, bytes]) -> bytes:
    """Return a .tar.gz: sorted, all of one time, owned by nobody in particular."""
    packed = io.BytesIO()
    with (
        gzip.GzipFile("", "wb", 9, packed, mtime=SOURCE_DATE_EPOCH) as zipped,
        tarfile.open(fileobj=zipped, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        for name in sorted(members):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mtime, entry.mode = len(members[name]), SOURCE_DATE_EPOCH, 0o644
            archive.addfile(entry, io.BytesIO(members[name]))
    return packed.getvalue()


def _verify(packed: bytes, pdf: Path, folder: Path) -> None:
    """Unpack, compile by itself, compare with the paper."""
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        # Python before 3.11.4 knows no filters; this archive is our own
        safely: dict[str, Any] = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}
        archive.extractall(folder, **safely)  # noqa: S202
    compile_alone(folder)
    found, wanted = sha256_file(folder / PDF), sha256_file(pdf)
    if found != wanted:
        raise WildpaperError(
            f"The archive for arXiv gives another PDF (sha256 {found[:12]}…) than the paper "
            f"({wanted[:12]}…).",
            where=str(pdf),
            hint=f"Build the paper again if it is older than its sources (snakemake --cores all "
            f"--forcerun {pdf}); else look for TeX that says the name of a file or the time.",
        )


def compile_alone(folder: Path) -> None:
    """Compile an unpacked archive as arXiv does: pdfLaTeX only, until nothing changes.

    The network is off where the system allows that, TeX can read nothing outside the folder
    but its own files, and the time is not set.

    Raises
    ------
    WildpaperError
        If pdfLaTeX fails or does not settle.
    """
    alone = _alone()
    _LOG.info("compile the archive, the network %s", "off" if alone else "as it is: no unshare")
    command = [*alone, "pdflatex", "-no-shell-escape", "-file-line-error"]
    command += ["-interaction=nonstopmode", "-halt-on-error", MAIN]
    before: list[bytes] = []
    for _ in range(_MOST_PASSES):
        outcome = run_tex(command, folder, _CLOSED)
        if outcome.returncode != 0:
            last = "\n".join(outcome.stdout.strip().splitlines()[-8:])
            raise WildpaperError(
                f"The archive for arXiv does not compile by itself; its last lines were:\n{last}",
                where=MAIN,
                hint="Something that the paper reads is not in the archive, or only by a folder.",
            )
        written = [path.read_bytes() for path in sorted(folder.glob("main.[ao]u[xt]"))]
        if written == before:
            return
        before = written
    raise WildpaperError(
        f"The archive for arXiv has not settled after {_MOST_PASSES} passes of pdflatex.",
        where=MAIN,
        hint="Look for a page number or a reference that goes back and forth.",
    )


def _alone() -> tuple[str, ...]:
    """Return what turns the network off for a program, if this system allows it."""
    try:
        tried = subprocess.run([*_ALONE, "true"], capture_output=True, check=False)  # nosec B603
    except OSError:
        return ()
    return _ALONE if tried.returncode == 0 else ()
