"""The archive for arXiv compiles by itself, to the bytes of the paper, and holds no more."""

import gzip
import io
import re
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from paper_inputs import build_folder

from wildpaper.errors import WildpaperError
from wildpaper.publish import arxiv
from wildpaper.publish.arxiv import bundle_arxiv, lay_flat, strip_comments
from wildpaper.publish.latex import SOURCE_DATE_EPOCH
from wildpaper.publish.paper import build_paper

needs_latexmk = pytest.mark.skipif(
    not (shutil.which("latexmk") and shutil.which("pdflatex")),
    reason="latexmk with pdflatex is not on PATH",
)


def inputs_of(folder: Path) -> dict[str, list[Path]]:
    """The files of a laid-out paper, as the rule passes them."""
    paper = folder.parent / f"{folder.name}-sources" / "paper"
    shutil.copytree(folder, paper, ignore=shutil.ignore_patterns("generated"))
    sources = [path for path in paper.rglob("*") if path.suffix in (".tex", ".sty", ".bib")]
    generated = folder / "generated"
    return {
        "sources": sorted(sources),
        "generated": sorted(generated.glob("*.tex")),
        "tables": sorted((generated / "tables").iterdir()),
        "figures": sorted((generated / "figures").iterdir()),
    }


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict[str, list[Path]]]:
    """(paper.pdf, the archive, what both were made from)."""
    folder = tmp_path_factory.mktemp("arxiv")
    inputs = inputs_of(build_folder(folder / "run", simulated=True))
    left = folder / "left-over.tex"
    left.write_text("never read", encoding="utf-8")
    inputs["generated"].append(left)
    build_paper(**inputs, pdf=folder / "paper.pdf")
    bundle_arxiv(**inputs, pdf=folder / "paper.pdf", bundle=folder / "arxiv.tar.gz")
    return folder / "paper.pdf", folder / "arxiv.tar.gz", inputs


def unpack(bundle: Path, folder: Path) -> Path:
    with tarfile.open(bundle) as archive:
        archive.extractall(folder)  # noqa: S202 - our own
    return folder


@needs_latexmk
def test_it_compiles_elsewhere_with_pdflatex_alone_to_the_same_bytes(bundled, tmp_path) -> None:
    pdf, bundle, _ = bundled
    folder = unpack(bundle, tmp_path / "somewhere else")
    command = ["pdflatex", "-interaction=nonstopmode", "main.tex"]
    for _ in range(4):
        subprocess.run(command, cwd=folder, capture_output=True, check=True)
    assert (folder / "main.pdf").read_bytes() == pdf.read_bytes()


@needs_latexmk
def test_it_is_flat_and_without_comments_and_holds_nothing_unused(bundled, tmp_path) -> None:
    _, bundle, _ = bundled
    folder = unpack(bundle, tmp_path / "flat")
    names = {path.name for path in folder.iterdir()}
    assert all(path.is_file() for path in folder.iterdir())
    assert {"main.tex", "main.bbl", "wildpaper.sty", "sections-ethics.tex"} <= names
    assert not {"references.bib", "generated-left-over.tex", "main.aux"} & names
    for path in folder.glob("*.tex"):
        assert not re.search(r"(?<!\\)%[^\n]", path.read_text(encoding="utf-8")), path.name
    subprocess.run(
        ["pdflatex", "-recorder", "-interaction=batchmode", "main.tex"], cwd=folder,
        capture_output=True, check=True,
    )  # fmt: skip
    read = {line.removeprefix("INPUT ").removeprefix("./")
            for line in (folder / "main.fls").read_text(encoding="utf-8").splitlines()}  # fmt: skip
    assert names <= read


@needs_latexmk
def test_two_archives_have_the_same_bytes(bundled, tmp_path, monkeypatch) -> None:
    pdf, bundle, inputs = bundled
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1")
    backwards = {name: files[::-1] for name, files in inputs.items()}
    bundle_arxiv(**backwards, pdf=pdf, bundle=tmp_path / "again.tar.gz")
    assert (tmp_path / "again.tar.gz").read_bytes() == bundle.read_bytes()
    with gzip.open(bundle) as zipped, tarfile.open(fileobj=io.BytesIO(zipped.read())) as archive:
        members = archive.getmembers()
    assert [m.name for m in members] == sorted(m.name for m in members)
    assert {(m.uid, m.gid, m.uname, m.mtime, m.mode) for m in members} == {
        (0, 0, "", SOURCE_DATE_EPOCH, 0o644)
    }


@needs_latexmk
def test_a_missing_figure_is_named(bundled, tmp_path) -> None:
    pdf, _, inputs = bundled
    gone = next(path for path in inputs["figures"] if path.name == "token-lengths.pdf")
    fewer = inputs | {"figures": [path for path in inputs["figures"] if path != gone]}
    bundle = tmp_path / "arxiv.tar.gz"
    with pytest.raises(WildpaperError, match=r"token-lengths.pdf .* is missing"):
        bundle_arxiv(**fewer, pdf=pdf, bundle=bundle)
    absent = inputs | {"figures": [*fewer["figures"], tmp_path / "token-lengths.pdf"]}
    with pytest.raises(WildpaperError, match="A file of the paper is missing") as caught:
        bundle_arxiv(**absent, pdf=pdf, bundle=bundle)
    assert "token-lengths.pdf" in caught.value.where
    assert not bundle.exists()


@needs_latexmk
def test_an_older_paper_is_told_from_its_archive(bundled, tmp_path) -> None:
    _, _, inputs = bundled
    other = tmp_path / "paper.pdf"
    other.write_bytes(b"%PDF of yesterday")
    with pytest.raises(WildpaperError, match="gives another PDF") as caught:
        bundle_arxiv(**inputs, pdf=other, bundle=tmp_path / "arxiv.tar.gz")
    assert "--forcerun" in caught.value.hint
    assert not (tmp_path / "arxiv.tar.gz").exists()


@needs_latexmk
def test_what_lies_outside_the_folder_cannot_be_read(tmp_path) -> None:
    (tmp_path / "outside.tex").write_text("x", encoding="utf-8")
    folder = tmp_path / "inside"
    folder.mkdir()
    text = r"\documentclass{article}\begin{document}\input{../outside}\end{document}"
    (folder / "main.tex").write_text(text, encoding="utf-8")
    with pytest.raises(WildpaperError, match="does not compile by itself"):
        arxiv.compile_alone(folder)


def test_without_latexmk_it_says_so(tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(arxiv, "find_tex", lambda: ["tectonic"])
    with pytest.raises(WildpaperError, match="needs latexmk"):
        bundle_arxiv([], [], [], [], tmp_path / "a.pdf", tmp_path / "b")


def test_two_files_of_one_name_are_refused(tmp_path) -> None:
    one = tmp_path / "a.tex"
    one.write_text("", encoding="utf-8")
    (tmp_path / "flat").mkdir()
    with pytest.raises(WildpaperError, match=r"called a-b.tex"):
        lay_flat([("a/b.tex", one), ("a-b.tex", one)], tmp_path / "flat")


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a % b\nc", "a %\nc"),
        ("a\n  % b\nc", "a\nc"),
        (r"5\% of % x", r"5\% of %"),
        (r"a\\% x", r"a\\%"),
        ("\\verb|%x| % y", "\\verb|%x| % y"),
        ("", ""),
    ],
)
def test_comments_go_and_nothing_else(text: str, kept: str) -> None:
    assert strip_comments(text) == kept
