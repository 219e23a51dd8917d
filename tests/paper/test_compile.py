"""The real paper, compiled from synthetic inputs."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from wildpaper.errors import WildpaperError
from wildpaper.publish import latex
from wildpaper.publish.latex import compile_pdf, first_error

MakePaper = Callable[..., Path]

needs_tex = pytest.mark.skipif(
    not (shutil.which("latexmk") and shutil.which("pdflatex")) and not shutil.which("tectonic"),
    reason="neither latexmk with pdflatex nor tectonic is on PATH",
)
needs_poppler = pytest.mark.skipif(
    shutil.which("pdftotext") is None, reason="pdftotext (poppler-utils) is not on PATH"
)


def _pages(pdf: Path) -> list[str]:
    run = ["pdftotext", "-layout", str(pdf), "-"]
    text = subprocess.run(run, capture_output=True, text=True, check=True).stdout
    return text.split("\f")[:-1]


def _append(folder: Path, section: str, text: str) -> None:
    path = folder / "sections" / f"{section}.tex"
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


@needs_tex
@needs_poppler
def test_a_simulated_paper_says_so_on_every_page(make_paper: MakePaper, tmp_path: Path) -> None:
    compile_pdf(make_paper("paper"), tmp_path / "paper.pdf")
    pages = _pages(tmp_path / "paper.pdf")
    assert len(pages) > 10
    for number, page in enumerate(pages, start=1):
        assert "SIMULATED DATA – not findings (preset demo)" in page, number
    assert sorted(path.name for path in tmp_path.iterdir()) == ["paper", "paper.pdf"]


@needs_tex
@needs_poppler
def test_a_paper_of_real_data_does_not(make_paper: MakePaper, tmp_path: Path) -> None:
    compile_pdf(make_paper("paper", simulated=False), tmp_path / "paper.pdf")
    pages = "\n".join(_pages(tmp_path / "paper.pdf"))
    assert "SIMULATED" not in pages
    assert "1,039,785" in pages


@needs_tex
def test_the_bytes_do_not_depend_on_folder_or_time(
    make_paper: MakePaper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    compile_pdf(make_paper("one"), tmp_path / "1.pdf")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    compile_pdf(make_paper("another folder/two"), tmp_path / "2.pdf")
    assert (tmp_path / "1.pdf").read_bytes() == (tmp_path / "2.pdf").read_bytes()


@needs_tex
@needs_poppler
def test_a_paper_with_nothing_run_still_reads(make_paper: MakePaper, tmp_path: Path) -> None:
    compile_pdf(make_paper("paper", run=False), tmp_path / "paper.pdf")
    text = "\n".join(_pages(tmp_path / "paper.pdf"))
    assert "table-03-countries" in text
    assert "no data set was given to this run" in text
    assert re.search(r"published 204,736, obtained \[not\s+run\]", text)


@needs_tex
@pytest.mark.parametrize(
    ("planted", "said"),
    [
        (r"\claim{table-01.no-such}", "Unknown claim 'table-01.no-such'"),
        (r"\caption{\published{no-such}}", "Unknown claim 'no-such'"),
        (r"\papertable{table-99-x}{A table.}", "Unknown table or figure 'table-99-x'"),
        (r"\wpcount{no-such}", "Unknown count 'no-such'"),
        (r"\nosuchmacro", "Undefined control sequence"),
    ],
)
def test_what_is_unknown_stops_the_build_at_its_line(
    make_paper: MakePaper, tmp_path: Path, planted: str, said: str
) -> None:
    folder = make_paper("paper")
    line = len((folder / "sections/ethics.tex").read_text(encoding="utf-8").splitlines()) + 2
    if planted.startswith(r"\caption"):
        planted = rf"\begin{{figure}}{planted}\end{{figure}}"
    _append(folder, "ethics", f"\n{planted}\n")
    with pytest.raises(WildpaperError) as error:
        compile_pdf(folder, tmp_path / "paper.pdf")
    assert said in str(error.value)
    assert f"sections/ethics.tex:{line}" in str(error.value)
    if said.startswith("Unknown"):
        assert "Hint: " in error.value.what
    assert not (tmp_path / "paper.pdf").exists()


@needs_tex
@pytest.mark.parametrize(
    ("planted", "said"),
    [
        (r"See \ref{nowhere}.", "Reference `nowhere'"),
        (r"See \cref{nowhere}.", "Reference `nowhere'"),
        (r"See \citep{nobody}.", "Citation `nobody'"),
        (r"\label{ethics}", "Label `ethics' multiply defined"),
    ],
)
def test_references_to_nothing_are_errors(
    make_paper: MakePaper, tmp_path: Path, planted: str, said: str
) -> None:
    folder = make_paper("paper")
    _append(folder, "ethics", f"\n{planted}\n")
    with pytest.raises(WildpaperError, match="refers to what is not there") as error:
        compile_pdf(folder, tmp_path / "paper.pdf")
    assert said in error.value.what


@needs_tex
def test_a_file_missing_for_a_built_artifact_is_named(
    make_paper: MakePaper, tmp_path: Path
) -> None:
    folder = make_paper("paper")
    (folder / "generated/tables/table-03-countries.tex").unlink()
    with pytest.raises(WildpaperError, match=r"table-03-countries.tex .* is missing"):
        compile_pdf(folder, tmp_path / "paper.pdf")


@needs_tex
@needs_poppler
def test_claims_may_stand_in_titles_and_captions(make_paper: MakePaper, tmp_path: Path) -> None:
    folder = make_paper("paper", simulated=False)
    _append(
        folder,
        "ethics",
        "\n\\section{Of \\published{training.learning-rate} and \\claim{collection.users}}\n"
        "\\paperfigure{flow-ledger-again}{Caption \\claimwithci{collection.users}.}\n",
    )
    routes = folder / "generated/routes.tex"
    routes.write_text(
        routes.read_text(encoding="utf-8") + "\\wpdefroute{flow-ledger-again}{not-run}\n", "utf-8"
    )
    origins = folder / "generated/origins.tex"
    origins.write_text(
        origins.read_text(encoding="utf-8") + "\\wpdeforigin{flow-ledger-again}{rule x}\n", "utf-8"
    )
    main = folder / "main.tex"
    # A bookmark that holds something it cannot show is only a warning: make it an error.
    strict = (
        "\\makeatletter\\def\\HyPsd@Warning#1{\\PackageError{bookmark}{#1}{}}\\makeatother\n"
        "\\begin{document}"
    )
    main.write_text(
        main.read_text(encoding="utf-8").replace("\\begin{document}", strict), encoding="utf-8"
    )
    compile_pdf(folder, tmp_path / "paper.pdf")
    text = re.sub(r"\s+", " ", "\n".join(_pages(tmp_path / "paper.pdf")))
    assert "and 204,736" in text
    assert "not built in this run" in text


def test_without_tex_the_error_holds_the_command(
    make_paper: MakePaper, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(latex.shutil, "which", lambda name: None)
    with pytest.raises(WildpaperError, match="neither latexmk") as error:
        compile_pdf(make_paper("paper"), tmp_path / "paper.pdf")
    assert "apt-get install" in error.value.hint


def test_tectonic_is_taken_where_there_is_no_latexmk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        latex.shutil, "which", lambda name: "tectonic" if name == "tectonic" else None
    )
    assert latex.find_tex()[0] == "tectonic"


def test_a_folder_without_a_paper_is_named(tmp_path: Path) -> None:
    with pytest.raises(WildpaperError, match=r"no main\.tex"):
        compile_pdf(tmp_path, tmp_path / "paper.pdf")


def test_the_first_error_is_read_with_its_hint() -> None:
    log = (
        "(./main.tex\n./sections/a.tex:7: Package wildpaper Error: Unknown claim 'x'.\n"
        "(wildpaper)                Hint: use an id.\n\nSee the documentation.\n"
    )
    where, said = first_error(log)
    assert where == "sections/a.tex:7"
    assert said.split("\n")[1].strip() == "Hint: use an id."
    assert first_error("! Emergency stop.\nl.12 x\n") == ("line 12", "Emergency stop.")
    assert first_error("all went well") == ("", "")
