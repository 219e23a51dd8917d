"""The table of shared prompts: each value in its column, the second list only where it adds."""

import re

import pytest

from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.toxicity.jailbreak_discovery import BY_FLAG_RATE, MOST_LISTED
from wildpaper.present.jailbreak_discovery import discovery_tabular, render_discovery

NAMES = {"a-family": "A & B", "other": "Other"}
COLUMNS = {"users": 71, "messages": 1072, "months": 3, "characters": 74, "named": 75.4}


def cells_of(n, family="a-family", flagged=76.26):
    """Return the cells that a measure writes for n clusters."""
    cells = [Cell("all", "clusters", n, None, None, 9, "clusters", "own.c", "computed")]
    for begins in ("", BY_FLAG_RATE):
        for i in range(1, min(n, MOST_LISTED) + 1):
            row = f"{begins}{i}"
            values = COLUMNS | {"family": family, "user-rank": 1, "flag-rank": 1}
            cells += [
                Cell(row, c, v, None, None, 9, "u", "", "computed") for c, v in values.items()
            ]
            ends = (None, None) if flagged is None else (flagged - 5, flagged + 5)
            cells.append(Cell(row, "flagged", flagged, *ends, 9, "percent", "", "computed"))
    return cells


def rows_of(text):
    return [
        [part.strip() for part in line.removesuffix(r"\\").split(" & ")]
        for line in text.splitlines()
        if re.match(r"\d+ & ", line)
    ]


def test_each_value_stands_in_its_column():
    text = discovery_tabular(cells_of(2), "T", NAMES)
    ends = r"\color{wpgrey}\footnotesize 71.3--81.3"
    rest = ["71", "1{,}072", "3", "74", "76.3", ends, r"A \& B (75)"]
    assert rows_of(text) == [["1", *rest], ["2", *rest]]
    assert "2 prompts in all" in text


@pytest.mark.parametrize(("n", "n_rows"), [(1, 1), (15, 15), (16, 25), (400, 25)])
def test_the_list_by_flag_rate_is_there_only_if_it_adds_something(n, n_rows):
    text = discovery_tabular(cells_of(n), "T", NAMES)
    assert len(rows_of(text)) == n_rows
    assert ("T, by flag rate" in text) == (n > MOST_LISTED)


def test_what_is_not_known_is_a_dash():
    (row,) = rows_of(discovery_tabular(cells_of(1, "none", None), "T", NAMES))
    assert row[5:] == ["--", "", "--"]


def test_nothing_shared_is_said(tmp_path, project):
    text = discovery_tabular(cells_of(0), "T", NAMES)
    assert "no prompt" in text
    assert not rows_of(text)
    write_long_table(tmp_path / "in.csv", cells_of(0))
    render_discovery(
        tmp_path / "in.csv", [], project / "data/jailbreaks.yaml", tmp_path / "out.csv",
        tmp_path / "out.tex", {"wildchat": "A_B"},
    )  # fmt: skip
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "in.csv").read_bytes()
    assert r"A\_B: no prompt" in (tmp_path / "out.tex").read_text("utf-8")
