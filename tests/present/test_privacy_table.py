"""The tables of redaction and linking: each value in its place, and lines that add up."""

import re
import shutil

import pytest

from wildpaper.long_table import Cell, read_long_table, write_long_table
from wildpaper.measure.linking_causes import COLUMNS
from wildpaper.measure.privacy import KINDS
from wildpaper.present.linking_causes import NAMES, render_linking
from wildpaper.present.privacy import MISSES, TITLES, render_privacy
from wildpaper.present.privacy_languages import render_privacy_languages
from wildpaper.publish.latex import compile_pdf


def cell(row, column, value, low=None, high=None):
    return Cell(row, column, value, low, high, 9, "x", f"own.{row}.{column}", "simulated")


def kind_cells(missed=(), absent=()):
    cells = []
    for i, slug in enumerate(KINDS.values()):
        cells += [cell(slug, "planted", 1000 + i), cell(slug, "left", 50 + i)]
        for j, column in enumerate(("recall", "precision")):
            value = None if slug in absent else 90.04 + i - j
            ends = (None, None) if slug in absent else (value - 1, value + 1)
            cells.append(cell(slug, column, value, *ends))
    return cells + [cell("person-english", column, n) for column, n in missed]


def tex_of(render, folder, project, cells):
    write_long_table(folder / "in.csv", cells)
    paths = {"measured": folder / "in.csv", "csv": folder / "out.csv", "tex": folder / "out.tex"}
    render(**paths)
    assert read_long_table(folder / "out.csv") == cells
    return (folder / "out.tex").read_text(encoding="utf-8")


def lines_of(tex):
    """Return {first part: the others} of the lines of a table."""
    bare = re.sub(r"\\color\{wpgrey\}\\footnotesize |\\addlinespace\n", "", tex)
    rows = [line.removesuffix(r" \\").split(" & ") for line in bare.split("\n") if " & " in line]
    return {name: parts for name, *parts in rows}


def test_a_kind_has_a_line_with_recall_precision_and_what_is_left(tmp_path, project):
    lines = lines_of(tex_of(render_privacy, tmp_path, project, kind_cells()))
    assert [name for name in lines if name] == list(TITLES.values())
    assert lines["Name"] == ["1{,}000", "90.0", "89.0--91.0", "89.0", "88.0--90.0", "50"]
    assert lines["Key or password"][0] == "1{,}005"
    assert lines["Key or password"][-1] == "55"


def test_a_kind_without_items_shows_a_dash_and_no_interval(tmp_path, project):
    lines = lines_of(tex_of(render_privacy, tmp_path, project, kind_cells(absent=["secret"])))
    assert lines["Key or password"] == ["1{,}005", "--", "", "--", "", "55"]


def test_causes_of_missed_names_stand_below_where_there_are_any(tmp_path, project):
    missed = [(column, i % 3) for i, column in enumerate(MISSES)]
    tex = tex_of(render_privacy, tmp_path, project, kind_cells(missed))
    shown = {name: parts[0] for name, parts in lines_of(tex).items() if r"\quad" in name}
    titles = [rf"\quad {MISSES[column]}" for column, n in missed if n]
    assert list(shown) == titles
    assert list(shown.values()) == ["1", "2", "1"]
    none = tex_of(render_privacy, tmp_path, project, kind_cells([(m, 0) for m in MISSES]))
    assert "English names missed" not in none


def cause_cells(rows):
    return [
        cell(cause, column, value)
        for cause, values in rows.items()
        for column, value in zip(COLUMNS, values, strict=True)
    ]


ROWS = {
    "address-changed": (30, 30, 0, 0, 0, 0, 0),
    "first-regenerated": (5, 5, 0, 0, 0, 0, 6),
    "later-edited": (7, 1, 0, 6, 0, 0, 0),
    "plain": (1200, 1200, 0, 0, 0, 0, 0),
    "long-pause": (20, 20, 0, 0, 0, 0, 0),
    "unheard-of": (3, 0, 0, 0, 0, 3, 0),
    "total": (1265, 1256, 0, 6, 0, 3, 6),
}


def test_causes_that_matter_have_a_line_and_the_others_share_one(tmp_path, project):
    lines = lines_of(tex_of(render_linking, tmp_path, project, cause_cells(ROWS)))
    names = ["What happened", "Nothing special", NAMES["address-changed"],
             NAMES["first-regenerated"], NAMES["later-edited"], "Unheard of", "All else",
             "Total"]  # fmt: skip
    assert list(lines) == names
    assert lines["What happened"] == [
        "True", "Recovered", "Split", "Cut short", "Discarded", "Extra"]  # fmt: skip
    assert lines[NAMES["later-edited"]] == ["7", "1", "0", "6", "0", "0"]
    counts = [[int(part.replace("{,}", "")) for part in lines[name]] for name in names[1:]]
    assert [sum(column) for column in zip(*counts[:-1], strict=True)] == counts[-1]


def test_mixed_conversations_have_a_column_where_there_are_any(tmp_path, project):
    rows = {"plain": (2, 1, 0, 0, 1, 0, 0), "total": (2, 1, 0, 0, 1, 0, 0)}
    lines = lines_of(tex_of(render_linking, tmp_path, project, cause_cells(rows)))
    assert lines["What happened"][4] == "Mixed"
    assert lines["Total"] == ["2", "1", "0", "0", "1", "0", "0"]
    assert "All else" not in lines


@pytest.mark.skipif(shutil.which("latexmk") is None, reason="needs LaTeX")
def test_both_tables_compile_and_fit_the_page(tmp_path, project):
    missed = [("missed-not-found", 3)]
    (tmp_path / "in").mkdir()
    cells = {render_privacy: kind_cells(missed), render_linking: cause_cells(ROWS)}
    document = [
        r"\documentclass{article}\usepackage{booktabs,xcolor}\usepackage[T1]{fontenc}",
        r"\usepackage[hmargin=2.6cm,a4paper]{geometry}\definecolor{wpgrey}{gray}{0.4}",
        r"\newsavebox{\wpbox}\begin{document}\small",
    ]
    for render, own in cells.items():
        name = f"{render.__name__}.tex"
        (tmp_path / "in" / name).write_text(tex_of(render, tmp_path, project, own))
        document.append(
            rf"\sbox{{\wpbox}}{{\input{{{name}}}}}\ifdim\wd\wpbox>1.1\linewidth"
            rf"\errmessage{{{render.__name__} is \the\wd\wpbox\space wide}}\fi\usebox{{\wpbox}}\par"
        )
    text = "\n".join([*document, r"\end{document}"])
    (tmp_path / "in" / "main.tex").write_text(text, encoding="utf-8")
    compile_pdf(tmp_path / "in", tmp_path / "out.pdf")
    assert (tmp_path / "out.pdf").read_bytes().startswith(b"%PDF")


def test_counts_by_language_stand_above_their_intervals(tmp_path, project):
    cells = [
        Cell("Thai", "url.recall", 75.0, 19.4, 99.4, 4, "", "own.a", "simulated"),
        Cell("others", "secret.precision", 100.0, 29.2, 100.0, 3, "", "own.b", "simulated"),
    ]
    tex = tex_of(render_privacy_languages, tmp_path, project, cells)
    rows = [row for row in tex.splitlines() if "&" in row]
    assert [part.strip() for part in rows[1].rstrip("\\ ").split("&")] == [
        r"\quad Thai", "", "", "", "", "3 of 4", ""]  # fmt: skip
    assert "19.4--99.4" in rows[2]
    assert rows[3].startswith(r"\quad other languages")
    assert "3 of 3" in rows[3]
    assert "29.2--100.0" in rows[4]
    assert len(rows) == 5
