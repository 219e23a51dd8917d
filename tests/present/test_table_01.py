"""Table 1 as LaTeX: what was obtained, its intervals, what was printed, each once."""

import json
import re

import pytest

from wildpaper.config import DATASETS
from wildpaper.long_table import Cell, read_long_table, write_long_table
from wildpaper.present.table_01_datasets import datasets_tabular, render_datasets
from wildpaper.publish.published import load_published
from wildpaper.tex import escape

TITLES = {name: f"T & {name}" for name in DATASETS}
LABELS = {name: escape(title) for name, title in TITLES.items()}
ABSENT = "not in this run"
VALUES = {
    "conversations": 1234567,
    "users": 8765,
    "turns-per-conversation": 2.718,
    "user-tokens-mean": 31.416,
    "user-tokens-std": 41.421,
    "chatbot-tokens-mean": 17.325,
    "chatbot-tokens-std": 0.577,
    "languages": 77,
}
MEANS = ("turns-per-conversation", "user-tokens-mean", "chatbot-tokens-mean")


def cells_of(name="wildchat", **changed):
    values = VALUES | {key.replace("_", "-"): value for key, value in changed.items()}
    cells = []
    for column, value in values.items():
        low, high = (value - 1, value + 1) if column in MEANS and value else (None, None)
        claim = f"table-01.{name}.{column}"
        cells.append(Cell(name, column, value, low, high, 1, "u", claim, "computed"))
    return cells


@pytest.fixture(scope="module")
def claims(project):
    return load_published(project / "data/published.yaml")[0]


def rows_of(text):
    """Return the rows of the body, markup of colour and size taken off."""
    body = text.partition("\\midrule\n")[2].partition("\\bottomrule")[0]
    plain = re.sub(r"\\color\{wpgrey\}(\\footnotesize )?", "", body)
    return [line for line in plain.splitlines() if line.endswith(r"\\")]


def test_a_row_holds_each_value_once(claims):
    text = datasets_tabular(cells_of(), claims, LABELS)
    obtained, intervals, published = rows_of(text)[:3]
    assert obtained == (
        r"T \& wildchat & 1{,}234{,}567 & 8{,}765 & 2.72 & 31.42 & $\pm$ & 41.42 & "
        r"17.32 & $\pm$ & 0.58 & 77 \\"
    )
    assert intervals == (
        r"\quad 95\,\% interval &  &  & 1.72--3.72 & \multicolumn{3}{l}{30.42--32.42} & "
        r"\multicolumn{3}{l}{16.32--18.32} &  \\"
    )
    assert published.startswith(r"\quad published & ")
    for shown in ("1{,}234{,}567", "8{,}765", "& 2.72", "31.42 &", "41.42", "17.32 &", "0.58"):
        assert text.count(shown) == 1, shown


def test_published_values_are_printed_as_in_the_paper(claims):
    text = datasets_tabular([], claims, LABELS)
    rows = rows_of(text)
    assert len(rows) == 12
    assert rows[::2] == [
        rf"T \& {name.replace('_', chr(92) + '_')} & \multicolumn{{10}}{{l}}{{{ABSENT}}} \\"
        for name in DATASETS
    ]
    printed = {claim.id: claim.value for claim in claims}
    for name, row in zip(DATASETS, rows[1::2], strict=True):
        cells = [cell.strip() for cell in row.removesuffix(r"\\").split("&")]
        cells = [cell.replace("{,}", "") for cell in cells]
        value = {column: printed.get(f"table-01.{name}.{column}") for column in VALUES}
        assert cells == [
            r"\quad published",
            str(value["conversations"]),
            str(value["users"] or "--"),
            f"{value['turns-per-conversation']:.2f}",
            f"{value['user-tokens-mean']:.2f}",
            r"$\pm$",
            f"{value['user-tokens-std']:.2f}",
            f"{value['chatbot-tokens-mean']:.2f}",
            r"$\pm$",
            f"{value['chatbot-tokens-std']:.2f}",
            str(value["languages"]),
        ]


def test_data_sets_stand_in_the_order_of_the_paper(claims):
    cells = [*cells_of("alpaca"), *cells_of("wildchat")]
    rows = rows_of(datasets_tabular(cells, claims, LABELS))
    firsts = [row.partition(" &")[0] for row in rows if row.startswith("T ")]
    assert firsts[0] == r"T \& wildchat"
    assert firsts[-1] == r"T \& alpaca"
    assert sum(ABSENT in row for row in rows) == 4


def test_what_is_unknown_is_a_dash(claims):
    cells = cells_of(users=None, user_tokens_mean=None, user_tokens_std=None)
    obtained, intervals, _ = rows_of(datasets_tabular(cells, claims, LABELS))[:3]
    assert "& 1{,}234{,}567 & -- & 2.72 & -- &  &  & 17.32" in obtained
    assert r"1.72--3.72 &  &  &  & \multicolumn{3}{l}{16.32" in intervals


def test_tex_is_well_formed(claims):
    text = datasets_tabular(cells_of(), claims, LABELS)
    bare = re.sub(r"\\[\\{}&%]", "", text)
    assert bare.count("{") == bare.count("}")
    (types,) = re.findall(r"\\begin\{tabular\}\{@\{\}(.+)@\{\}\}\n", text)
    n_columns = len(re.sub(r"@\{\\,\}", "", types))
    for row in rows_of(text):
        spanned = sum(int(n) - 1 for n in re.findall(r"\\multicolumn\{(\d+)\}", row))
        assert row.replace(r"\&", "").count("&") + 1 + spanned == n_columns
    assert text.endswith("\\end{tabular}\n")


def test_the_csv_keeps_every_digit(tmp_path, project):
    cells = cells_of(user_tokens_mean=1 / 3, users=None)
    write_long_table(tmp_path / "in.csv", cells)
    render_datasets(tmp_path / "in.csv", project / "data/published.yaml", [],
                    tmp_path / "t.csv", tmp_path / "t.tex", TITLES)  # fmt: skip
    assert (tmp_path / "t.csv").read_bytes() == (tmp_path / "in.csv").read_bytes()
    assert read_long_table(tmp_path / "t.csv") == cells
    assert "0.33 & $" in (tmp_path / "t.tex").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("comparable", "simulated", "mark"),
    [
        (True, False, ""),
        (False, False, r"\textsuperscript{\sffamily n}"),
        (False, True, " (simulated)"),
    ],
)
def test_data_other_than_the_papers_are_marked(tmp_path, project, comparable, simulated, mark):
    release = {"comparable": comparable, "simulated": simulated}
    acquired = tmp_path / "acquired.json"
    acquired.write_text(json.dumps({"dataset": "wildchat", "release": release}), encoding="utf-8")
    write_long_table(tmp_path / "in.csv", cells_of())
    render_datasets(tmp_path / "in.csv", project / "data/published.yaml", [acquired],
                    tmp_path / "t.csv", tmp_path / "t.tex", TITLES)  # fmt: skip
    lines = (tmp_path / "t.tex").read_text(encoding="utf-8").splitlines()
    (row,) = [line for line in lines if line.startswith(LABELS["wildchat"])]
    assert row.startswith(f"{LABELS['wildchat']}{mark} & ")
