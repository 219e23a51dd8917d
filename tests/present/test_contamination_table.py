"""The table on contamination: each value in its place, and it fits the page."""

import shutil

import pytest

from wildpaper.long_table import Cell, read_long_table, write_long_table
from wildpaper.present.contamination import render_contamination
from wildpaper.publish.latex import compile_pdf


def cell(row, column, value, ends=(None, None), n=80):
    return Cell(row, column, value, *ends, n, "x", f"own.contamination.{row}.{column}", "computed")


def turn_cells(row, counts, shares):
    cells = [
        cell(row, column, value)
        for column, value in zip(("turns", "too-short", "too-short-found"), counts, strict=True)
    ]
    for column, value in zip(("any", "clean", "dirty", "covered"), shares, strict=True):
        ends = (None, None) if value is None else (max(value - 2.04, 0), min(value + 2.04, 100))
        cells.append(cell(row, column, value, ends))
    return cells


CELLS = [
    *turn_cells("8-first", (80, 0, 0), (41.25, 71.06, 12.5, 23.456)),
    *turn_cells("8-second", (80, 4, 3), (10.0, 95.0, 0.0, 2.0)),
    *turn_cells("13-first", (80, 0, 0), (1.25, 98.75, 0.0, 0.5)),
    *turn_cells("13-second", (2, 2, 0), (None, None, None, None)),
    cell("training-data", "tokens", 123456789, n=None),
]


@pytest.fixture
def rendered(tmp_path):
    measured, csv, tex = (tmp_path / name for name in ("in.csv", "out.csv", "out.tex"))
    write_long_table(measured, CELLS)
    render_contamination(measured, csv, tex)
    return read_long_table(csv), tex.read_text(encoding="utf-8")


def test_a_line_a_turn_with_intervals_below(rendered):
    cells, tex = rendered
    assert cells == CELLS
    lines = [row.removesuffix(r" \\") for row in tex.splitlines() if " & " in row]
    rows = {name: parts for name, *parts in (row.split(" & ") for row in lines)}
    assert rows["8 tokens, first turn"] == ["80", "0", "41.2", "71.1", "12.5", "23.5"]
    assert rows["8 tokens, second turn"] == ["80", "4 (3 found)", "10.0", "95.0", "0.0", "2.0"]
    assert rows["13 tokens, second turn"] == ["2", "2 (0 found)", "--", "--", "--", "--"]
    after = lines[[row.startswith("8 tokens, first") for row in lines].index(True) + 1]
    assert [part.split(" ")[-1] for part in after.split(" & ")][3:] == [
        "39.2--43.3", "69.0--73.1", "10.5--14.5", "21.4--25.5"]  # fmt: skip
    assert len(lines) == 1 + 4 + 3
    assert tex.count(r"\addlinespace") == 1
    assert "123{,}456{,}789 training tokens" in tex


@pytest.mark.skipif(shutil.which("latexmk") is None, reason="needs LaTeX")
def test_it_compiles_and_fits_the_page(tmp_path, rendered):
    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "table.tex").write_text(rendered[1], encoding="utf-8")
    text = r"""\documentclass{article}\usepackage{booktabs,xcolor}\usepackage[T1]{fontenc}
\usepackage[hmargin=2.6cm,a4paper]{geometry}\definecolor{wpgrey}{gray}{0.4}
\newsavebox{\wpbox}\begin{document}\small\sbox{\wpbox}{\input{table}}%
\ifdim\wd\wpbox>\linewidth\errmessage{\the\wd\wpbox\space wide}\fi\usebox{\wpbox}
\end{document}"""
    (folder / "main.tex").write_text(text, encoding="utf-8")
    compile_pdf(folder, tmp_path / "out.pdf")
    assert (tmp_path / "out.pdf").read_bytes().startswith(b"%PDF")
