"""Numbers lead to their row in the appendix, rows to their table, captions to their files."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from paper_inputs import ROOT, make_claim, published_claims, write_claims
from pypdf import PdfReader

from wildpaper.errors import WildpaperError
from wildpaper.publish.claims_tex import write_claims_table
from wildpaper.publish.latex import compile_pdf
from wildpaper.publish.numbers import write_numbers
from wildpaper.publish.prose_lint import cited_claims, lint_prose

MakePaper = Callable[..., Path]
PROSE = sorted((ROOT / "paper").rglob("*.tex"))
needs_latexmk = pytest.mark.skipif(
    not (shutil.which("latexmk") and shutil.which("pdflatex")),
    reason="latexmk with pdflatex is not on PATH",
)


def links(pdf: Path) -> tuple[list[str], list[str], set[str]]:
    """(destinations of links, addresses of links, places that there are)."""
    reader = PdfReader(pdf)
    inside, outside = [], []
    for page in reader.pages:
        for annotation in page.get("/Annots", []):
            action = annotation.get_object().get("/A", {})
            if "/URI" in action:
                outside.append(str(action["/URI"]))
            elif "/D" in action:
                inside.append(str(action["/D"]))
    return inside, outside, set(reader.named_destinations)


def with_own_claims(folder: Path) -> list[str]:
    """Give a laid-out paper every claim that its text cites; return their ids."""
    cited = cited_claims(PROSE)
    own = [
        make_claim(id=name, obtained=3.5, unit="percent", artifact="near-duplicates")
        for name in cited
        if name.startswith("own.")
    ]
    claims = write_claims(folder / "claims.json", [*published_claims(simulated=False), *own])
    generated = folder / "generated"
    write_numbers(claims, generated / "numbers.tex")
    write_claims_table(claims, generated / "claims-table.tex", generated / "not-run.tex", PROSE)
    return cited


def test_every_claim_that_the_prose_cites_has_one_row(make_paper: MakePaper) -> None:
    folder = make_paper("paper", simulated=False)
    cited = with_own_claims(folder)
    table = (folder / "generated/claims-table.tex").read_text(encoding="utf-8")
    assert len([name for name in cited if name.startswith("own.")]) > 50
    for name in cited:
        assert table.count(rf"\wprow{{{name}}}") == 1, name


def test_own_numbers_that_no_prose_cites_have_none(tmp_path: Path) -> None:
    section = tmp_path / "s.tex"
    section.write_text("\\claim{own.a} % \\claim{own.b}\n\\ifobtained{own.c}{x}{}\n", "utf-8")
    claims = write_claims(tmp_path / "c.json", [make_claim(id=f"own.{x}") for x in "abc"])
    write_claims_table(claims, tmp_path / "t.tex", tmp_path / "n.tex", [section])
    table = (tmp_path / "t.tex").read_text(encoding="utf-8")
    assert re.findall(r"\\wprow\{([^}]*)\}", table) == ["own.a"]


@needs_latexmk
def test_in_the_pdf_every_link_arrives(make_paper: MakePaper, tmp_path: Path) -> None:
    folder = make_paper("paper", simulated=False)
    cited = with_own_claims(folder)
    compile_pdf(folder, tmp_path / "paper.pdf")
    inside, outside, places = links(tmp_path / "paper.pdf")
    assert set(inside) <= places
    linked = {name.removeprefix("claim:") for name in inside if name.startswith("claim:")}
    assert len(linked) > 100
    printed = {name for name in cited if f"claim:{name}" in inside}
    assert len(printed) > 0.9 * len(cited)  # the others stand where this run says something else
    back = inside[inside.index("claim:own.contamination.10-first.any") :]  # from the appendix
    assert len({name for name in back if name.startswith(("table.caption", "figure.caption"))}) > 9
    files = {address for address in outside if address.startswith("../../../")}
    assert len(files) > 30
    assert all((ROOT / file.removeprefix("../../../")).is_file() for file in files)
    assert not [address for address in outside if str(tmp_path) in address]


@needs_latexmk
def test_a_claim_without_a_row_is_an_error(make_paper: MakePaper, tmp_path: Path) -> None:
    folder = make_paper("paper")
    table = folder / "generated/claims-table.tex"
    text = table.read_text(encoding="utf-8").replace(r"\wprow{collection.users}", "")
    table.write_text(text, encoding="utf-8")
    with pytest.raises(WildpaperError, match=r"'collection\.users' has no row in the appendix"):
        compile_pdf(folder, tmp_path / "paper.pdf")


@needs_latexmk
def test_a_float_without_an_origin_is_an_error(make_paper: MakePaper, tmp_path: Path) -> None:
    folder = make_paper("paper")
    origins = folder / "generated/origins.tex"
    lines = origins.read_text(encoding="utf-8").splitlines(keepends=True)
    origins.write_text("".join(line for line in lines if "near-duplicates}" not in line), "utf-8")
    with pytest.raises(WildpaperError, match="Nothing says where 'near-duplicates' comes from"):
        compile_pdf(folder, tmp_path / "paper.pdf")


@pytest.mark.parametrize("section", sorted(p.stem for p in (ROOT / "paper/sections").glob("*.tex")))
def test_a_number_changed_by_hand_fails_the_lint(tmp_path: Path, section: str) -> None:
    text = (ROOT / f"paper/sections/{section}.tex").read_text(encoding="utf-8")
    source, allowed = tmp_path / "s.tex", tmp_path / "allowed.txt"
    exceptions = (ROOT / "paper/digits-allowed.txt").read_text(encoding="utf-8")
    allowed.write_text(exceptions, encoding="utf-8")

    def by_hand(prose: str) -> list[str]:
        source.write_text(prose, encoding="utf-8")
        return [f.message for f in lint_prose([source], allowed) if f.file == source]

    macro = re.search(r"\\(?:claim|published|pubgot|wpcount)\{[^}]*\}", text)
    changed = text.replace(macro[0], "1,234.5", 1) if macro else f"{text}\nAbout 1,234.5 of them.\n"
    assert by_hand(text) == []
    (message,) = by_hand(changed)
    assert "typed by hand" in message
