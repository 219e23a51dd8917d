"""The table of coverage names the heavy-tailed means and prints what was measured."""

from pathlib import Path

import pytest

from wildpaper.long_table import read_long_table
from wildpaper.measure.interval_coverage import HEAVY, measure_interval_coverage
from wildpaper.present.interval_coverage import SHARES, render_interval_coverage, title_of

PUBLISHED = Path(__file__).parents[2] / "data" / "published.yaml"


@pytest.fixture(scope="module")
def rendered(tmp_path_factory):
    folder = tmp_path_factory.mktemp("coverage")
    table, csv, tex = (folder / name for name in ("table.csv", "out.csv", "out.tex"))
    measure_interval_coverage(PUBLISHED, table, 4, 250, 50, 1)
    render_interval_coverage(table, csv, tex)
    return table, csv, tex


def test_the_csv_is_the_long_table(rendered):
    table, csv, _ = rendered
    assert csv.read_bytes() == table.read_bytes()


def test_a_line_holds_the_values_of_its_row(rendered):
    table, _, tex = rendered
    found = {(cell.row, cell.column): cell for cell in read_long_table(table)}
    lines = tex.read_text(encoding="utf-8").splitlines()

    def of(title):
        (line,) = [line for line in lines if line.startswith(rf"\quad {title} &")]
        return [part.removesuffix(r"\\").strip() for part in line.split("&")]

    for title, row in (("All means and shares", "pooled"), ("Table 5, languages", "table-05")):
        used, plain = found[row, "coverage"], found[row, "percentile-coverage"]
        parts = of(title)
        assert parts[1:3] == ["", f"{used.value:.1f}"]
        assert parts[3].endswith(f"{used.ci_low:.1f}--{used.ci_high:.1f}")
        assert parts[4] == f"{plain.value:.1f}"
        assert parts[6] == f"{found[row, 'width-ratio'].value:.2f}"


def test_heavy_tailed_means_stand_by_name_as_means_and_as_deviations(rendered):
    table, _, tex = rendered
    text = tex.read_text(encoding="utf-8")
    heavy = {cell.row: cell.value > HEAVY for cell in read_long_table(table)
             if cell.column == "variation"}  # fmt: skip
    assert sum(heavy.values()) == 4 < len(heavy)
    for row, is_heavy in heavy.items():
        assert text.count(rf"\quad {title_of(row)} &") == (2 if is_heavy else 0)
    for title in SHARES.values():
        assert text.count(rf"\quad {title} &") == 1


def test_every_line_has_seven_columns(rendered):
    lines = rendered[2].read_text(encoding="utf-8").splitlines()
    body = [line for line in lines if line.startswith(r"\quad")]
    assert len(body) > 15
    assert {line.count("&") for line in body} == {6}


def test_rendering_repeats(rendered, tmp_path):
    table, _, tex = rendered
    render_interval_coverage(table, tmp_path / "a.csv", tmp_path / "a.tex")
    assert (tmp_path / "a.tex").read_bytes() == tex.read_bytes()
