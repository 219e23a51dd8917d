"""Tables 7, 12, 13 and recorded scores as LaTeX: each value in its place, others beside."""

import json
import re
import shutil

import pytest

from wildpaper.config import DATASETS
from wildpaper.long_table import Cell, read_long_table, write_long_table
from wildpaper.measure.toxicity.category_shares import UNITS
from wildpaper.measure.toxicity.recorded_scores import GROUPS
from wildpaper.measure.toxicity.table_07_toxicity_datasets import UNITS as JUDGMENTS
from wildpaper.measure.toxicity.table_12_detoxify_categories import HEADS
from wildpaper.measure.toxicity.table_13_moderation_categories import GROUPS as CATEGORIES
from wildpaper.present.recorded_scores import render_recorded_scores
from wildpaper.present.table_07_toxicity_datasets import ORDER, render_toxicity_datasets
from wildpaper.present.table_12_detoxify_categories import render_detoxify_categories
from wildpaper.present.table_13_moderation_categories import render_moderation_categories
from wildpaper.publish.latex import compile_pdf
from wildpaper.publish.published import load_published

TITLES = {name: f"T {name.replace('_', '-')}" for name in DATASETS}
COLUMNS = {
    render_toxicity_datasets: [f"{r}.{j}" for r in ("user", "chatbot") for j in JUDGMENTS],
    render_detoxify_categories: list(HEADS),
    render_moderation_categories: list(CATEGORIES),
}
CATEGORY_TABLES = {render_detoxify_categories: "12", render_moderation_categories: "13"}
by_category = pytest.mark.parametrize("render", CATEGORY_TABLES, ids=lambda f: f.__name__)


def cell(row, column, value, unit="percent"):
    low, high = (None, None) if value is None else (value - 0.5, value + 0.5)
    return Cell(row, column, value, low, high, 9, unit, f"own.{row}.{column}", "computed")


def tex_of(render, folder, project, cells, release=None):
    write_long_table(folder / "in.csv", cells)
    acquired = []
    if release:
        acquired = [folder / f"{name}.json" for name in DATASETS]
        for name, path in zip(DATASETS, acquired, strict=True):
            path.write_text(json.dumps({"dataset": name, "release": release}), encoding="utf-8")
    published = [project / "data/published.yaml"] if render is not render_recorded_scores else []
    paths = (folder / "in.csv", *published, acquired, folder / "t.csv", folder / "t.tex")
    render(*paths, TITLES)
    assert read_long_table(folder / "t.csv") == cells
    return (folder / "t.tex").read_text(encoding="utf-8")


def rows_of(text):
    body = text.partition("\\midrule")[2].partition("\\bottomrule")[0]
    plain = re.sub(r"\\color\{wpgrey\}(\\footnotesize )?|\\addlinespace|\\quad ", "", body)
    lines = [line.strip().removesuffix(r"\\").strip() for line in plain.splitlines()]
    return [[part.strip() for part in line.split("&")] for line in lines if line]


@pytest.fixture(scope="module")
def printed(project):
    return {claim.id: claim for claim in load_published(project / "data/published.yaml")[0]}


def test_table_7_has_a_part_a_role_and_published_values_below_moderation(
    tmp_path, project, printed
):
    values = {
        (row, column): 10 + i + j / 10
        for i, row in enumerate(ORDER)
        for j, column in enumerate(COLUMNS[render_toxicity_datasets])
    }
    cells = [cell(*key, value) for key, value in values.items()]
    rows = rows_of(tex_of(render_toxicity_datasets, tmp_path, project, cells))
    parts = {"user": rows[: len(rows) // 2], "chatbot": rows[len(rows) // 2 :]}
    for role, (heading, *lines) in parts.items():
        assert role.capitalize() in heading[0]
        assert [line[0] for line in lines[::3]] == [TITLES[name] for name in ORDER]
        for name, own, ends, theirs in zip(ORDER, *(lines[i::3] for i in range(3)), strict=True):
            wanted = [values[name, f"{role}.{judgment}"] for judgment in JUDGMENTS]
            assert own[1:] == [f"{value:.2f}" for value in wanted]
            assert ends[1:] == [f"{v - 0.5:.2f}--{v + 0.5:.2f}" for v in wanted]
            claim = printed[f"table-07.{name}.{role}"]
            assert theirs == ["published", f"{claim.value:.2f}", "", "", ""]


def category_cells(columns, configured, absent=(), others=True):
    cells = []
    for i, name in enumerate(ORDER):
        for j, column in enumerate(columns):
            for k, units in enumerate((configured, *(u for u in UNITS if u != configured))):
                value = None if name in absent else 20 + i + j / 10 + k / 100
                if k and not others:
                    continue
                cells.append(
                    cell(name, column if not k else f"{column}.{units}", value, UNITS[units])
                )
    return cells


@by_category
@pytest.mark.parametrize("configured", UNITS)
def test_the_configured_shares_stand_above_the_others_and_the_published(
    tmp_path, project, printed, render, configured
):
    columns = COLUMNS[render]
    text = tex_of(render, tmp_path, project, category_cells(columns, configured))
    words = configured.replace("-", " ")
    assert rf"Data set, \% of {words} &" in text.partition(r"\midrule")[0]
    rows = rows_of(text)
    others = [f"of {units.replace('-', ' ')}" for units in UNITS if units != configured]
    for i, name in enumerate(ORDER):
        n = 4 if name == "lmsys_chat_1m" else 5
        own, ends, first, second, *theirs = rows[:n]
        rows = rows[n:]
        values = [20 + i + j / 10 for j in range(len(columns))]
        assert own == [TITLES[name], *(f"{v:.2f}" for v in values)]
        assert ends[1] == f"{values[0] - 0.5:.2f}--{values[0] + 0.5:.2f}"
        assert first == [others[0], *(f"{v + 0.01:.2f}" for v in values)]
        assert second == [others[1], *(f"{v + 0.02:.2f}" for v in values)]
        claims = [printed.get(f"table-{CATEGORY_TABLES[render]}.{name}.{c}") for c in columns]
        if theirs:
            assert theirs[0] == ["published", *(f"{claim.value:.2f}" for claim in claims)]
        else:
            assert claims == [None] * len(columns)
    assert rows == []


@by_category
def test_sets_without_labels_and_sets_not_in_the_run_are_told_apart(tmp_path, project, render):
    cells = category_cells(COLUMNS[render], "messages", absent=("dolly", "lmsys_chat_1m"))
    cells = [one for one in cells if one.row in ("dolly", "wildchat", "lmsys_chat_1m")]
    rows = rows_of(tex_of(render, tmp_path, project, cells))
    titles = [row[0] for row in rows if row[0].startswith("T ")]
    assert titles == [TITLES[name] for name in ORDER]
    lines = {row[0]: row[1:] for row in rows}
    for name in ORDER:
        found = lines[TITLES[name]]
        if name in ("dolly", "lmsys_chat_1m"):
            assert found == ["--"] * len(COLUMNS[render])
        else:
            assert ("not in this run" in found[0]) == (name != "wildchat")
    assert sum(row[0] == "of turns" for row in rows) == 1
    assert "None" not in str(rows)


SCORES = {
    "agreement": 99.25, "kappa": 0.9512, "spearman": 0.98765, "mean-difference": 0.00314,
    "largest-difference": 2.4e-7, "truncated": 1.5,
}  # fmt: skip


def score_cells(groups=GROUPS, name="wildchat", values=SCORES):
    cells = []
    for group in groups:
        for column, value in values.items():
            ends = column in ("agreement", "truncated") and value is not None
            low, high = (value - 0.5, value + 0.5) if ends else (None, None)
            claim = f"own.recorded-scores.{name}.{group}.{column}"
            cells.append(
                Cell(name, f"{group}.{column}", value, low, high, 1234, "", claim, "recorded")
            )
    return cells


def test_a_group_of_messages_has_a_line(tmp_path, project):
    cells = [*score_cells(), *score_cells(["all"], "open_assistant")]
    rows = rows_of(tex_of(render_recorded_scores, tmp_path, project, cells))
    wanted = ["1{,}234", "99.25", "98.75--99.75", "0.951", "0.988", "0.0031",
              r"$2.4\times10^{-7}$", "1.50"]  # fmt: skip
    names = [row[0] for row in rows if len(row) > 1]
    assert names == ["all messages", "unredacted", "redacted", "all messages"]
    assert all(row[1:] == wanted for row in rows if len(row) > 1)
    titles = [row[0] for row in rows if len(row) == 1]
    assert [TITLES[name] in title
            for name, title in zip(("wildchat", "open_assistant"), titles, strict=True)] == [
        True, True]  # fmt: skip


def test_without_scores_to_compare_a_blank_says_so(tmp_path, project):
    for cells in ([], score_cells(["all"], values=dict.fromkeys(SCORES))):
        text = tex_of(render_recorded_scores, tmp_path, project, cells)
        assert text.startswith(r"\wpblank{recorded-scores}")


@pytest.mark.skipif(shutil.which("latexmk") is None, reason="needs LaTeX")
def test_the_tables_compile_and_are_no_wider_than_the_page(tmp_path, project):
    rendered = {
        render_toxicity_datasets: [
            cell(row, column, 30.123) for row in ORDER for column in COLUMNS[
                render_toxicity_datasets]
        ],
        render_recorded_scores: score_cells(),
        **{f: category_cells(COLUMNS[f], "user-messages") for f in CATEGORY_TABLES},
    }  # fmt: skip
    document = [
        r"\documentclass{article}\usepackage{booktabs,xcolor}\usepackage[T1]{fontenc}",
        r"\usepackage[hmargin=2.6cm,a4paper]{geometry}\definecolor{wpgrey}{gray}{0.4}",
        r"\newsavebox{\wpbox}\begin{document}\small",
    ]
    (tmp_path / "in").mkdir()
    for render, cells in rendered.items():
        name = f"{render.__name__}.tex"
        release = {"comparable": False, "simulated": True}
        text = tex_of(render, tmp_path, project, cells, release)
        (tmp_path / "in" / name).write_text(text, encoding="utf-8")
        document.append(
            rf"\sbox{{\wpbox}}{{\input{{{name}}}}}\ifdim\wd\wpbox>1.1\linewidth"
            rf"\errmessage{{{render.__name__} is \the\wd\wpbox\space wide}}\fi\usebox{{\wpbox}}\par"
        )
    text = "\n".join([*document, r"\end{document}"])
    (tmp_path / "in" / "main.tex").write_text(text, encoding="utf-8")
    compile_pdf(tmp_path / "in", tmp_path / "out.pdf")
    assert (tmp_path / "out.pdf").read_bytes().startswith(b"%PDF")
