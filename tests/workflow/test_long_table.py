"""A long table reads back as it was written."""

import numpy as np
import pytest

from wildpaper.errors import WildpaperError
from wildpaper.long_table import COLUMNS, Cell, read_long_table, write_long_table


def cell(value, low=None, high=None, n=None):
    return Cell("row, with comma", 'a "column"', value, low, high, n, "unit", "a.b", "computed")


def test_values_come_back_exactly(tmp_path):
    values = [0, 52002, -1, 0.1 + 0.2, 1e-300, 2.0e-05, 1.0, "2023-04-09", "two\nlines", None]
    cells = [cell(value, 1 / 3, 2 / 3, 7) for value in values]
    write_long_table(tmp_path / "t.csv", cells)
    back = read_long_table(tmp_path / "t.csv")
    assert back == cells
    assert [type(item.value) for item in back] == [type(value) for value in values]


def test_numbers_of_numpy_are_written_as_numbers(tmp_path):
    write_long_table(tmp_path / "t.csv", [cell(np.float64(1.5), n=np.int64(3))])
    (found,) = read_long_table(tmp_path / "t.csv")
    assert (found.value, found.n) == (1.5, 3)


def test_an_empty_table_has_its_header(tmp_path):
    write_long_table(tmp_path / "t.csv", [])
    assert (tmp_path / "t.csv").read_text(encoding="utf-8") == ",".join(COLUMNS) + "\n"
    assert read_long_table(tmp_path / "t.csv") == []


def test_another_csv_is_refused_by_name(tmp_path):
    (tmp_path / "t.csv").write_text("row,value\na,1\n", encoding="utf-8")
    with pytest.raises(WildpaperError) as caught:
        read_long_table(tmp_path / "t.csv")
    assert caught.value.where == str(tmp_path / "t.csv")
    assert "ci_low" in caught.value.hint
