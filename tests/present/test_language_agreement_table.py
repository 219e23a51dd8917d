"""The table on the agreement on languages: each value in its place, disagreements beside."""

import json
import re
import shutil
from pathlib import Path

import pytest

from wildpaper.config import DATASETS
from wildpaper.long_table import Cell, read_long_table, write_long_table
from wildpaper.measure.language_agreement import MESSAGE_GROUPS
from wildpaper.present.language_agreement import NAMES, render_language_agreement
from wildpaper.publish.latex import compile_pdf

TITLES = {name: f"T & {name.replace('_', ' ')}" for name in DATASETS}
PAIRS = [("English", f"Lang_{i}") for i in range(10)]


def group(dataset, name, value=90.04, kappa=0.8765, n=1234):
    row, low = f"{dataset}.{name}", None if value is None else value - 1
    high = None if value is None else value + 1
    return [
        Cell(row, "agreement", value, low, high, n, "p", f"own.{row}.agreement", "recorded"),
        Cell(row, "kappa", kappa, None, None, n, "k", f"own.{row}.kappa", "recorded"),
    ]


def confusions(dataset, n):
    return [
        Cell(f"{dataset}.confusion", f"{a} > {b}", 2000 - i, None, None, 9, "m", f"own.c{i}", "r")
        for i, (a, b) in enumerate(PAIRS[:n])
    ]


def all_cells():
    cells = []
    for i, name in enumerate(NAMES):
        cells += group("wildchat", name, 90.04 - i, 0.9 - i / 100, 1000 + i)
    cells += confusions("wildchat", 10)
    cells += [
        Cell("wildchat.mixed", "share", 3.3, 3, 4, 99, "p", "own.share", "recorded"),
        Cell("wildchat.conversations", "unmapped", 77, None, None, 99, "c", "own.u", "recorded"),
    ]
    cells += group("sharegpt", "conversations", None, None, 0)
    return cells + group("lmsys_chat_1m", "conversations") + confusions("lmsys_chat_1m", 10)


def tex_of(folder, cells, release=None):
    write_long_table(folder / "in.csv", cells)
    acquired = []
    if release:
        acquired = [folder / "acquired.json"]
        text = json.dumps({"dataset": "wildchat", "release": release})
        acquired[0].write_text(text, encoding="utf-8")
    paths = folder / "in.csv", acquired, folder / "out.csv", folder / "out.tex"
    render_language_agreement(*paths, TITLES)
    assert read_long_table(folder / "out.csv") == cells
    return (folder / "out.tex").read_text(encoding="utf-8")


def rows_of(tex):
    """Return the lines of the body, each as its parts without markup."""
    body = tex.partition("\\midrule")[2].partition("\\bottomrule")[0]
    bare = re.sub(r"\\color\{wpgrey\}\\footnotesize |\\addlinespace|\\quad|\\\\$", "", body,
                  flags=re.MULTILINE)  # fmt: skip
    lines = [line.replace(r"\&", "AND") for line in bare.splitlines() if "&" in line]
    return [[part.strip().replace("AND", r"\&") for part in line.split("&")] for line in lines]


def title(name):
    return rf"\multicolumn{{2}}{{@{{}}l}}{{T \& {name}}}"


def test_a_group_has_a_line_with_number_agreement_interval_and_kappa(tmp_path):
    rows = rows_of(tex_of(tmp_path, all_cells()))
    assert rows[0][:4] == [title("wildchat"), "", "", ""]
    for i, (row, name) in enumerate(zip(rows[1:], NAMES.values(), strict=False)):
        value = 90.04 - i
        assert row[:5] == [name, f"1{{,}}{i:03d}", f"{value:.1f}",
                           f"{value - 1:.1f}--{value + 1:.1f}", f"{0.9 - i / 100:.3f}"]  # fmt: skip


def test_every_group_that_is_measured_has_a_name():
    assert list(NAMES) == [*MESSAGE_GROUPS, "conversations"]


def test_disagreements_stand_beside_at_least_four_of_them(tmp_path):
    rows = rows_of(tex_of(tmp_path, all_cells()))
    starts = [i for i, row in enumerate(rows) if "multicolumn" in row[0]]
    assert [rows[i][0] for i in starts] == [title("wildchat"), title("lmsys chat 1m")]
    for first, last, n in ((starts[0], starts[1], 10), (starts[1], len(rows), 4)):
        shown = [row[-2:] for row in rows[first:last] if row[-1]]
        assert shown == [
            [rf"English $\to$ Lang\_{i}", number]
            for i, number in enumerate(
                ("2{,}000", *(f"1{{,}}{2000 - i - 1000}" for i in range(1, n)))
            )
        ]
    assert len(rows) - starts[1] == 4
    alone = rows_of(tex_of(tmp_path, group("lmsys_chat_1m", "conversations")))
    assert [len(row) for row in alone] == [6, 7]
    assert {tuple(row[-2:]) for row in alone} == {("", "")}


def test_groups_without_messages_and_kappas_without_value(tmp_path):
    cells = [*group("wildchat", "all", kappa=None), *group("wildchat", "short", None, None, 0)]
    rows = rows_of(tex_of(tmp_path, cells))
    assert [row[0] for row in rows] == [title("wildchat"), "all messages"]
    assert rows[1][4] == "--"


def test_without_intervals_there_is_no_dash(tmp_path):
    cell = Cell("wildchat.all", "agreement", 50.0, None, None, 4, "p", "own.x", "recorded")
    assert rows_of(tex_of(tmp_path, [cell]))[1][:5] == ["all messages", "4", "50.0", "", "--"]


@pytest.mark.parametrize("cells", [[], group("sharegpt", "conversations", None, None, 0)])
def test_where_nothing_is_recorded_there_is_a_blank_that_says_so(tmp_path, cells):
    tex = tex_of(tmp_path, cells)
    reason = "no data set of this run records languages"
    assert tex == f"\\wpblank{{language-agreement}}{{{reason}}}%\n"


@pytest.mark.parametrize(
    ("simulated", "mark"), [(False, r"\textsuperscript{\sffamily n}"), (True, " (simulated)")]
)
def test_data_other_than_the_papers_are_marked(tmp_path, simulated, mark):
    tex = tex_of(tmp_path, all_cells(), {"comparable": False, "simulated": simulated})
    assert f"{{T \\& wildchat{mark}}}" in tex


@pytest.mark.skipif(shutil.which("latexmk") is None, reason="needs LaTeX")
def test_the_table_compiles_and_fits_the_page(tmp_path):
    long = {name: f"{title} (simulated)" for name, title in TITLES.items()}
    names = [("Azerbaijani", "Belarusian"), ("Indonesian", "Macedonian"), ("Nynorsk", "Bokmal")]
    cells = [cell for name in NAMES for cell in group("wildchat", name, n=837_989)]
    cells += [
        Cell("wildchat.confusion", f"{a} > {b}", 12_345, None, None, 9, "m", "own.c", "recorded")
        for a, b in names
    ]
    (tmp_path / "in").mkdir()
    write_long_table(tmp_path / "in.csv", cells)
    tex = tmp_path / "in" / "table.tex"
    render_language_agreement(tmp_path / "in.csv", [], tmp_path / "out.csv", tex, long)
    document = [
        r"\documentclass{article}\usepackage{booktabs,xcolor}\usepackage[T1]{fontenc}",
        r"\usepackage[hmargin=2.6cm,a4paper]{geometry}\definecolor{wpgrey}{gray}{0.4}",
        r"\newsavebox{\wpbox}\begin{document}\small\sbox{\wpbox}{\input{table.tex}}",
        r"\ifdim\wd\wpbox>\linewidth\errmessage{table is \the\wd\wpbox\space wide}\fi",
        r"\usebox{\wpbox}\end{document}",
    ]
    Path(tmp_path, "in", "main.tex").write_text("\n".join(document), encoding="utf-8")
    compile_pdf(tmp_path / "in", tmp_path / "out.pdf")
    assert (tmp_path / "out.pdf").read_bytes().startswith(b"%PDF")
