"""Put the paper's sources and what the run generated into one folder, and compile it."""

import shutil
import tempfile
from pathlib import Path

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
        If LaTeX fails; see `compile_pdf`.
    """
    with tempfile.TemporaryDirectory(prefix="wildpaper-paper-") as scratch:
        folder = Path(scratch)
        for path in sources:
            inside = path.name if path.parent.name == "paper" else f"{path.parent.name}/{path.name}"
            _copy(path, folder / inside)
        for kind, paths in (("", generated), ("tables", tables), ("figures", figures)):
            for path in paths:
                _copy(path, folder / "generated" / kind / path.name)
        compile_pdf(folder, pdf)


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(source, target)
