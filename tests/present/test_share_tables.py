"""Tables 2, 3, 5, 6 as LaTeX: each value in its place, published ones beside, marks where due."""

import json
import re
import shutil
from pathlib import Path

import pytest

from wildpaper.config import DATASETS
from wildpaper.long_table import Cell, read_long_table, write_long_table
from wildpaper.measure.table_02_apis import MODELS
from wildpaper.measure.table_03_countries import COUNTRIES
from wildpaper.measure.table_05_languages import LANGUAGES
from wildpaper.present.table_02_apis import render_apis
from wildpaper.present.table_03_countries import render_countries
from wildpaper.present.table_05_languages import render_languages
from wildpaper.present.table_06_toxicity_overlap import render_toxicity_overlap
from wildpaper.present.tabular import DAGGER
from wildpaper.present.tabular import as_printed as as_printed_in
from wildpaper.publish.latex import compile_pdf
from wildpaper.publish.published import load_published

TITLES = {name: f"T & {name.replace('_', ' ')}" for name in DATASETS}
LABEL = r"T \& wildchat"
JUDGMENTS = ("detoxify", "moderation", "either", "both")
SLUGS = [*map(str.lower, LANGUAGES), "other"]
KEYS = {
    render_apis: [(slug, "percent", f"table-02.{slug}") for slug in MODELS.values()]
    + [("other", "percent", "own.other")],
    render_countries: [(slug, "percent", f"table-03.{slug}") for slug in COUNTRIES.values()]
    + [(slug, "percent", f"own.{slug}") for slug in ("chile", "other", "unknown")],
    render_languages: [
        (row, slug, f"table-05.{row}.{slug}") for row in ("sharegpt", "wildchat") for slug in SLUGS
    ],
    render_toxicity_overlap: [
        (role, judgment, f"table-06.{role}.{judgment}")
        for role in ("user", "chatbot")
        for judgment in JUDGMENTS
    ],
}
renderers = pytest.mark.parametrize("render", KEYS, ids=lambda f: f.__name__)


def cells_of(render, value=lambda i: 11.111 + i):
    """Return cells whose values tell their place: 11.111, 12.111, ... each with its interval."""
    cells = []
    for i, (row, column, claim) in enumerate(KEYS[render]):
        v = value(i)
        low, high = (None, None) if v is None else (v - 0.5, v + 0.5)
        cells.append(Cell(row, column, v, low, high, 9, "percent", claim, "computed"))
    return cells


def tex_of(render, folder, project, cells, release=None):
    write_long_table(folder / "in.csv", cells)
    acquired = []
    if release:
        acquired = [folder / "acquired.json"]
        text = json.dumps({"dataset": "wildchat", "release": release})
        acquired[0].write_text(text, encoding="utf-8")
    published = project / "data/published.yaml"
    render(folder / "in.csv", published, acquired, folder / "t.csv", folder / "t.tex", TITLES)
    return (folder / "t.tex").read_text(encoding="utf-8")


def rows_of(text):
    """Return the lines of the body, each as its parts without markup."""
    body = text.partition("\\midrule")[2].partition("\\bottomrule")[0]
    plain = re.sub(r"\\color\{wpgrey\}(\\footnotesize )?", "", body).replace(r"\addlinespace", "")
    lines = [line.strip().removesuffix(r"\\") for line in plain.splitlines() if "&" in line]
    hidden = [line.replace(r"\&", "AND") for line in lines]
    return [[p.strip().replace("AND", r"\&") for p in line.split("&")] for line in hidden]


@pytest.fixture(scope="module")
def printed(project):
    return {claim.id: claim for claim in load_published(project / "data/published.yaml")[0]}


def as_printed(claim):
    return f"{claim.value:.2f}" + ("" if claim.checked else DAGGER)


def test_a_published_value_with_fewer_decimals_keeps_its_point_in_line(printed):
    claim = printed["table-02.4-0314"]
    shown = {n: as_printed_in(claim.model_copy(update={"decimals": n, "checked": True}), 2)
             for n in (0, 1, 2)}  # fmt: skip
    assert shown == {0: r"7\phantom{.00}", 1: r"7.1\phantom{0}", 2: "7.10"}


@renderers
def test_each_value_interval_and_published_value_stands_once(tmp_path, project, printed, render):
    text = tex_of(render, tmp_path, project, cells_of(render))
    parts = [part for row in rows_of(text) for part in row]
    for i, (row, _, claim) in enumerate(KEYS[render]):
        shown = 0 if row == "chile" else 1
        assert parts.count(f"{11.111 + i:.2f}") == shown, claim
        assert parts.count(f"{10.611 + i:.2f}--{11.611 + i:.2f}") == shown, claim
        if claim in printed:
            assert as_printed(printed[claim]) in parts


def test_columns_are_the_models(tmp_path, project, printed):
    text = tex_of(render_apis, tmp_path, project, cells_of(render_apis))
    obtained, intervals, published = rows_of(text)
    assert obtained == [LABEL, *(f"{11.111 + i:.2f}" for i in range(7))]
    assert intervals[0] == r"\quad 95\,\% interval"
    wanted = [as_printed(printed[f"table-02.{slug}"]) for slug in MODELS.values()]
    assert published == [r"\quad published", *wanted, ""]
    heads = text.partition("\\toprule\n")[2].partition("\\midrule")[0].splitlines()
    assert re.findall(r"multicolumn\{3\}\{c\}\{([^}]*)\}", heads[0]) == ["GPT-4", "GPT-3.5-Turbo"]
    versions = heads[1].rpartition("}")[2]
    wanted = [slug.removeprefix("4-").removeprefix("3.5-turbo-") for slug in MODELS.values()]
    assert [part.strip(" \\") for part in versions.split("&")] == ["", *wanted, "other"]


def test_without_other_models_there_is_no_such_column(tmp_path, project):
    cells = cells_of(render_apis, lambda i: 0.0 if i == 6 else 50.0)
    text = tex_of(render_apis, tmp_path, project, cells)
    assert [len(row) for row in rows_of(text)] == [7, 7, 7]
    assert "other" not in text


def test_lines_are_the_countries(tmp_path, project, printed):
    rows = rows_of(tex_of(render_countries, tmp_path, project, cells_of(render_countries)))
    assert [row[0] for row in rows] == [*COUNTRIES, "all others", "unknown"]
    for i, row in enumerate(rows[:9]):
        claim = printed[KEYS[render_countries][i][2]]
        assert row[1:] == [f"{11.111 + i:.2f}", f"{10.611 + i:.2f}--{11.611 + i:.2f}",
                           as_printed(claim)]  # fmt: skip
    assert [row[1] for row in rows[9:]] == ["21.11", "22.11"]


def test_rows_are_the_data_sets_in_the_order_of_the_paper(tmp_path, project, printed):
    rows = rows_of(tex_of(render_languages, tmp_path, project, cells_of(render_languages)))
    names = [row[0] for row in rows if row[0].startswith("T ")]
    order = ("open_assistant", "sharegpt", "lmsys_chat_1m", "wildchat")
    assert names == [TITLES[name].replace("&", r"\&") for name in order]
    absent = [row for row in rows if "not in this run" in row[1]]
    assert [row[0] for row in absent] == [names[0], names[2]]
    published = [row[1:] for row in rows if row[0] == r"\quad published"]
    for name, row in zip(order, published, strict=True):
        assert row == [as_printed(printed[f"table-05.{name}.{slug}"]) for slug in SLUGS]


def test_a_data_set_that_the_paper_lacks_comes_last_without_a_published_line(tmp_path, project):
    own = [Cell("alpaca", slug, 5.5, None, None, 9, "p", f"own.alpaca.{slug}", "computed")
           for slug in SLUGS]  # fmt: skip
    cells = [*own, *cells_of(render_languages)]
    rows = rows_of(tex_of(render_languages, tmp_path, project, cells))
    assert rows[-1] == [r"T \& alpaca", *["5.50"] * 7]


def test_rows_are_the_roles(tmp_path, project, printed):
    rows = rows_of(
        tex_of(render_toxicity_overlap, tmp_path, project, cells_of(render_toxicity_overlap))
    )
    assert rows[0] == ["User", "11.11", "12.11", "13.11", "14.11"]
    assert rows[3] == ["Chatbot", "15.11", "16.11", "17.11", "18.11"]
    for role, row in (("user", rows[2]), ("chatbot", rows[5])):
        claims = [printed[f"table-06.{role}.{judgment}"] for judgment in JUDGMENTS]
        assert row[1:] == [as_printed(claim) for claim in claims]


@renderers
def test_what_is_unknown_is_a_dash_and_has_no_interval(tmp_path, project, render):
    text = tex_of(render, tmp_path, project, cells_of(render, lambda _: None))
    assert "None" not in text
    assert "interval} &" not in text
    assert sum(row.count("--") for row in rows_of(text)) >= 6


@renderers
def test_the_dagger_is_explained_where_it_stands(tmp_path, project, printed, render):
    text = tex_of(render, tmp_path, project, cells_of(render))
    unchecked = [c for _, _, c in KEYS[render] if c in printed and not printed[c].checked]
    assert text.count(DAGGER) == len(unchecked)
    assert ("not seen in print" in text) == bool(unchecked)


@renderers
@pytest.mark.parametrize(
    ("comparable", "simulated", "mark"),
    [
        (True, False, ""),
        (False, False, r"\textsuperscript{\sffamily n}"),
        (False, True, " (simulated)"),
    ],
)
def test_data_other_than_the_papers_are_marked(
    tmp_path, project, render, comparable, simulated, mark
):
    release = {"comparable": comparable, "simulated": simulated}
    text = tex_of(render, tmp_path, project, cells_of(render), release)
    assert f"{LABEL}{mark} & " in text


@renderers
def test_tex_is_well_formed(tmp_path, project, render):
    text = tex_of(render, tmp_path, project, cells_of(render))
    bare = re.sub(r"\\[\\{}&%]", "", text)
    assert bare.count("{") == bare.count("}")
    (columns,) = re.findall(r"\\begin\{tabular\}\{@\{\}(\w+)@\{\}\}", text)
    for row in rows_of(text):
        assert len(row) == (2 if "multicolumn" in row[1] else len(columns))


@renderers
def test_the_csv_keeps_every_digit(tmp_path, project, render):
    cells = cells_of(render, lambda i: (i + 1) / 3)
    tex_of(render, tmp_path, project, cells)
    assert read_long_table(tmp_path / "t.csv") == cells


@pytest.mark.skipif(
    not (shutil.which("latexmk") and shutil.which("pdflatex")), reason="LaTeX is not on PATH"
)
def test_the_tables_compile_and_are_no_wider_than_the_page(tmp_path, project):
    document = [
        r"\documentclass{article}\usepackage{booktabs,xcolor}\usepackage[T1]{fontenc}",
        r"\usepackage[hmargin=2.6cm,a4paper]{geometry}\definecolor{wpgrey}{gray}{0.4}",
        r"\newsavebox{\wpbox}\begin{document}\small",
    ]
    for render in KEYS:
        cells = cells_of(render, lambda i: 90.0 + i / 3)
        if render is render_apis:
            cells = cells[:-1]  # the paper's columns
        text = tex_of(render, tmp_path, project, cells, {"comparable": False, "simulated": True})
        name = f"{render.__name__}.tex"
        Path(tmp_path, name).write_text(text, encoding="utf-8")
        # Too wide by more than a tenth (the paper shrinks such tables) is an error here.
        document.append(
            rf"\sbox{{\wpbox}}{{\input{{{name}}}}}\ifdim\wd\wpbox>1.1\linewidth"
            rf"\errmessage{{{render.__name__} is \the\wd\wpbox\space wide}}\fi\usebox{{\wpbox}}\par"
        )
    (tmp_path / "main.tex").write_text("\n".join([*document, r"\end{document}"]), encoding="utf-8")
    compile_pdf(tmp_path, tmp_path / "tables.pdf")
    assert (tmp_path / "tables.pdf").read_bytes().startswith(b"%PDF")
