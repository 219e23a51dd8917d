"""What is not run has a price, reckoned from recipes; nothing in it is timed."""

import re
from pathlib import Path

import pytest
from paper_inputs import ROOT, cost_inputs

from wildpaper.errors import WildpaperError
from wildpaper.publish.costs import read_measured, write_costs
from wildpaper.train.expected import expected
from wildpaper.train.recipe import load_recipe

TABLE = "# Speed: x_y\n\nA CPU & more\n\n| a b | n |\n| :-- | --: |\n| 50 % | 1,234 |\n"


def costs(tmp_path: Path, **changed: list[Path]) -> tuple[str, str]:
    paths = {"costs": tmp_path / "costs.tex", "measured": tmp_path / "measured.tex"}
    write_costs(**cost_inputs() | changed, **paths)
    return paths["costs"].read_text("utf-8"), paths["measured"].read_text("utf-8")


def test_the_hours_of_the_papers_recipe_are_those_of_its_operations(tmp_path: Path) -> None:
    text, _ = costs(tmp_path, recipes=[ROOT / "data/recipes/wildllama-7b.yaml"])
    data = expected(load_recipe(ROOT / "data/recipes/wildllama-7b.yaml"))
    assert data is not None
    # 8 operations a parameter and token with recomputation, 40 % of an A100's 312 TFLOP/s
    hours = 3 * data.n_tokens * 8 * 6_738_415_616 / (0.4 * 312e12) / 3600
    row = next(line for line in text.splitlines() if "the models of section 5" in line)
    assert row.endswith(rf"& {hours:.0f} \\")
    parts = re.findall(r"& ([\d.,{}]+) \\\\$", text, re.MULTILINE)
    *each, total = (float(part.replace("{,}", "")) for part in parts)
    assert sum(each) == pytest.approx(total, abs=1.5)


def test_what_it_assumes_is_said(tmp_path: Path) -> None:
    text, _ = costs(tmp_path)
    assert r"assumed: 40 \% of 312 TFLOP/s each" in text
    assert "there is no such GPU here" not in text
    assert "800 grades for the 5 models" in text
    assert "960 comparisons for the 3 pairs" in text


def test_recipes_for_a_cpu_cost_nothing_here(tmp_path: Path) -> None:
    text, _ = costs(tmp_path, recipes=[ROOT / "data/recipes/micro.yaml"])
    assert "No recipe needs a GPU" in text


def test_measured_speeds_are_the_committed_ones(tmp_path: Path) -> None:
    _, text = costs(tmp_path)
    for path in (ROOT / "benchmarks/results").glob("*.md"):
        rows = [line for line in path.read_text("utf-8").splitlines() if line.startswith("|")]
        for cell in rows[-1].strip("|").split("|"):
            assert cell.strip().replace("%", r"\%").replace("–", "--") in text


def test_specials_are_escaped_and_columns_aligned(tmp_path: Path) -> None:
    path = tmp_path / "x.md"
    path.write_text(TABLE, encoding="utf-8")
    _, text = costs(tmp_path, benchmarks=[path])
    assert r"\paragraph{Speed: x\_y.} A CPU \& more" in text
    assert r"50 \% & 1,234 \\" in text
    assert r"p{0.24\linewidth}r@{}" in text


def test_without_measurements_it_says_so(tmp_path: Path) -> None:
    assert costs(tmp_path, benchmarks=[])[1] == "None yet.\n"


def test_several_tables_of_a_file_are_all_read(tmp_path: Path) -> None:
    path = tmp_path / "x.md"
    path.write_text(TABLE + "\nMore\n\n| c |\n| --: |\n| 2 |\n\n- yes: checked\n", "utf-8")
    assert [len(table) for table in read_measured(path).tables] == [3, 3]


@pytest.mark.parametrize(
    "text",
    ["", "no title\n\nx\n\n| a |\n| - |\n| 1 |\n", "# t\n\nx\n", TABLE + "| one more |\n"],
)
def test_a_file_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "x.md"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(WildpaperError, match="no file of measured speeds"):
        read_measured(path)
