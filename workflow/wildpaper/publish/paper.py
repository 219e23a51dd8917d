"""Put the paper's sources and what the run generated into one folder, and compile it."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from wildpaper.errors import WildpaperError
from wildpaper.publish.latex import compile_pdf


def build_paper(
    sources: list[Path],
    generated: list[Path],
    tables: list[Path],
    figures: list[Path],
    pdf: Path,
) -> None:
    """Compile the paper.

    Parameters
    ----------
    sources : list of Path
        Files of ``paper/``; those of ``paper/sections/`` keep that folder.
    generated, tables, figures : list of Path
        What the run made: macros and fragments, ``.tex`` tables, ``.pdf`` figures.
    pdf : Path
        To write.

    Raises
    ------
    WildpaperError
        If a file is missing, or LaTeX fails; see `compile_pdf`.
    """
    with tempfile.TemporaryDirectory(prefix="wildpaper-paper-") as scratch:
        folder = Path(scratch)
        for inside, path in parts_of(sources, generated, tables, figures):
            target = folder / inside
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
        compile_pdf(folder, pdf)


def parts_of(
    sources: list[Path], generated: list[Path], tables: list[Path], figures: list[Path]
) -> Iterator[tuple[str, Path]]:
    """Yield each file of the paper with its place in the folder that is compiled.

    Raises
    ------
    WildpaperError
        If a file is missing.
    """
    for path in sources:
        folder = "" if path.parent.name == "paper" else f"{path.parent.name}/"
        yield folder + path.name, _present(path)
    for folder, paths in (("", generated), ("tables/", tables), ("figures/", figures)):
        for path in paths:
            yield f"generated/{folder}{path.name}", _present(path)


def _present(path: Path) -> Path:
    if path.is_file():
        return path
    raise WildpaperError(
        "A file of the paper is missing.",
        where=str(path),
        hint=f"Build it: snakemake --cores all {path}",
    )
