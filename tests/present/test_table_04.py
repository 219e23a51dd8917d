"""Table 4 as LaTeX: each value in its place, and what the sample was."""

import json

import pytest

from wildpaper.long_table import Cell, read_long_table, write_long_table
from wildpaper.measure.table_04_prompt_categories import CATEGORIES, OTHER
from wildpaper.present.table_04_prompt_categories import render_prompt_categories
from wildpaper.publish.published import load_published

NAMES = (*CATEGORIES, OTHER)
COLUMNS = ("percent", "lowest-fifth", "highest-fifth", "confident")


def cells_of(n=1000, fifths=True):
    """Return cells whose values tell their place: 10.04, 11.04, ... by category and column."""
    cells = []
    for i, name in enumerate(NAMES):
        for j, column in enumerate(COLUMNS):
            value = 10.04 + i + 20 * j
            ends = (value - 1, value + 1) if column in ("percent", "confident") else (None, None)
            claim = f"table-04.{name}" if (name, j) != (OTHER, 0) and j == 0 else f"own.{i}.{j}"
            if fifths or "fifth" not in column:
                cells.append(Cell(name, column, value, *ends, n, "percent", claim, "computed"))
    sizes = {"prompts": n, "english-first-prompts": 54_321, "confident": n - 7}
    return cells + [
        Cell("sample", column, value, None, None, None, "prompts", f"own.s.{column}", "computed")
        for column, value in sizes.items()
    ]


def tex_of(folder, project, cells, release=None):
    write_long_table(folder / "in.csv", cells)
    acquired = []
    if release:
        acquired = [folder / "acquired.json"]
        text = json.dumps({"dataset": "wildchat", "release": release})
        acquired[0].write_text(text, encoding="utf-8")
    render_prompt_categories(
        folder / "in.csv", project / "data/published.yaml", acquired,
        folder / "t.csv", folder / "t.tex", {"wildchat": "Wild & Chat"},
    )  # fmt: skip
    return (folder / "t.tex").read_text(encoding="utf-8")


def rows_of(text):
    body = text.partition("\\midrule")[2].partition("\\bottomrule")[0]
    for style in ("\\color{wpgrey}\\footnotesize ", "\\color{wpgrey}", "\\addlinespace"):
        body = body.replace(style, "")
    return [[part.strip(" \\") for part in line.split("&")] for line in body.split("\n") if line]


def test_each_value_stands_in_its_place(tmp_path, project):
    text = tex_of(tmp_path, project, cells_of())
    printed = {c.id: c for c in load_published(project / "data/published.yaml")[0]}
    rows = rows_of(text)
    titles = ["Assisting or creative writing", "Analysis or decision explanation", "Coding",
              "Factual information", "Math reasoning", "Other"]  # fmt: skip
    assert [row[0] for row in rows] == titles
    for i, (name, row) in enumerate(zip(NAMES, rows, strict=True)):
        published = "" if name == OTHER else f"{printed[f'table-04.{name}'].value:.1f}"
        assert row[1:] == [
            f"{10 + i}.0", f"{9 + i}.0--{11 + i}.0", published, f"{30 + i}.0--{50 + i}.0",
            f"{70 + i}.0",
        ]  # fmt: skip
    assert r"Wild \& Chat & obtained" in text
    assert read_long_table(tmp_path / "t.csv") == cells_of()


@pytest.mark.parametrize(
    ("n", "note"),
    [
        (1000, r"1{,}000 of 54{,}321 first prompts in English, 993 of them confident; fifths of 2"),
        (1001, "fifths of about 200"),
    ],
)
def test_the_note_tells_the_sizes(tmp_path, project, n, note):
    text = tex_of(tmp_path, project, cells_of(n))
    assert note in text.partition("\\bottomrule")[2]
    assert "recalled" not in text


def test_a_simulated_release_is_named_so(tmp_path, project):
    release = {"comparable": False, "simulated": True}
    assert r"Wild \& Chat (simulated)" in tex_of(tmp_path, project, cells_of(), release)


def test_a_sample_without_fifths_or_prompts_leaves_them_open(tmp_path, project):
    rows = rows_of(tex_of(tmp_path, project, cells_of(4, fifths=False)))
    assert [row[4] for row in rows] == [""] * 6
    none = [Cell(name, "percent", None, None, None, 0, "percent", "", "computed") for name in NAMES]
    text = tex_of(tmp_path, project, none)
    assert all(row[1] == "--" and row[5] == "--" for row in rows_of(text))
    assert "first prompts" not in text


def test_the_same_cells_give_the_same_bytes(tmp_path, project):
    assert tex_of(tmp_path, project, cells_of()) == tex_of(tmp_path, project, cells_of())
