"""The privacy report and the table of linking say what the assessments counted."""

import json

import pytest

from wildpaper.files import read_json
from wildpaper.long_table import read_long_table
from wildpaper.measure.linking_causes import measure_linking
from wildpaper.measure.privacy import KINDS, measure_privacy
from wildpaper.measure.privacy_languages import (
    MOST_LANGUAGES,
    OTHERS,
    measure_privacy_languages,
)
from wildpaper.release.redaction.redaction_truth import MISSES, rate

CAUSES = {
    "edit": {"n": 4, "recovered": 1, "split": 0, "cut_short": 2, "mixed": 0, "discarded": 1,
             "n_extra": 3},
    "plain": {"n": 9, "recovered": 9, "split": 0, "cut_short": 0, "mixed": 0, "discarded": 0,
              "n_extra": 0},
}  # fmt: skip


def part(recall, precision, misses=None):
    causes = dict.fromkeys(MISSES, 0) | (misses or {})
    return {"recall": rate(*recall), "precision": rate(*precision), "misses": causes}


def kind(recall=(0, 0), precision=(0, 0), left=None, **languages):
    reaches = {name: {"n": n, "n_left": n_left} for name, (n, n_left) in (left or {}).items()}
    return part(recall, precision) | {"by_language": languages, "left_by_design": reaches}


def measured(folder, kinds, **fields):
    found = {name: kind() for name in KINDS} | kinds
    (folder / "in.json").write_text(json.dumps({"kinds": found, "confidence": 0.95}))
    measure_privacy(folder / "in.json", folder / "out.csv", folder / "notes.json", **fields)
    cells = read_long_table(folder / "out.csv")
    assert len({cell.claim for cell in cells}) == len(cells)
    return {(cell.row, cell.column): cell for cell in cells}, read_json(folder / "notes.json")


def test_rates_are_percent_with_their_interval_and_base(tmp_path):
    cells, _ = measured(tmp_path, {"URL": kind((19, 20), (19, 25))})
    recall, precision = cells["url", "recall"], cells["url", "precision"]
    assert (recall.value, recall.n, cells["url", "planted"].value) == (95, 20, 20)
    assert recall.ci_low == 100 * rate(19, 20)["low"] < 95 < recall.ci_high < 100
    assert (precision.value, precision.n) == (76, 25)
    assert recall.claim == "own.privacy-report.url.recall"
    assert {cell.route for cell in cells.values()} == {"simulated"}


def test_what_is_left_by_design_is_summed_and_told_by_reason(tmp_path):
    left = {"frequent": (12, 12), "stop-pattern": (5, 4)}
    cells, _ = measured(tmp_path, {"EMAIL_ADDRESS": kind((3, 3), (3, 3), left)})
    values = {column: cell.value for (row, column), cell in cells.items() if row == "email-address"}
    assert values["left"] == 16
    assert cells["email-address", "left"].n == 17
    assert (values["left-frequent"], values["left-stop-pattern"]) == (12, 4)
    assert cells["url", "left"].value == 0


def test_english_names_have_a_row_with_the_causes_of_misses(tmp_path):
    english = part((6, 10), (6, 7), {"not-found": 3, "refused": 1})
    cells, _ = measured(tmp_path, {"PERSON": kind((6, 10), (6, 9), English=english)})
    assert cells["person", "precision"].value == pytest.approx(100 * 6 / 9)
    assert cells["person-english", "precision"].value == pytest.approx(100 * 6 / 7)
    assert cells["person-english", "missed-not-found"].value == 3
    missed = [cell.value for (_, column), cell in cells.items() if column.startswith("missed-")]
    assert sum(missed) == 10 - 6


def test_what_was_not_planted_has_no_value_and_a_reason(tmp_path):
    cells, notes = measured(tmp_path, {"URL": kind((1, 1), (1, 1))})
    assert cells["secret", "recall"].value is None
    assert cells["secret", "recall"].ci_low is None
    without = {cell.claim for cell in cells.values() if cell.value is None}
    assert without == set(notes)
    assert "own.privacy-report.url.recall" not in notes


def test_the_leak_scan_says_how_much_it_looked_for(tmp_path):
    (tmp_path / "leaks.json").write_text(
        json.dumps({"n_needles": {"SALT": 1, "TEXT": 30}, "leaks": []})
    )
    cells, _ = measured(tmp_path, {}, leaks=[tmp_path / "leaks.json"])
    assert (cells["leak-scan", "values"].value, cells["leak-scan", "found"].value) == (31, 0)


def test_linking_has_a_row_a_cause_and_a_total(tmp_path):
    total = {key: sum(counts[key] for counts in CAUSES.values()) for key in CAUSES["edit"]}
    (tmp_path / "in.json").write_text(json.dumps({"causes": CAUSES, "total": total}))
    measure_linking(tmp_path / "in.json", tmp_path / "out.csv", tmp_path / "notes.json")
    cells = {(cell.row, cell.column): cell for cell in read_long_table(tmp_path / "out.csv")}
    assert {row for row, _ in cells} == {"edit", "plain", "total"}
    assert cells["edit", "cut-short"].value == 2
    assert cells["edit", "cut-short"].claim == "own.linking-causes.edit.cut-short"
    assert cells["edit", "extra"].value == 3 == cells["total", "extra"].value
    for row in ("edit", "plain", "total"):
        outcomes = ("recovered", "split", "cut-short", "mixed", "discarded")
        assert sum(cells[row, name].value for name in outcomes) == cells[row, "n"].value
    assert read_json(tmp_path / "notes.json") == {}


def by_language(folder, kinds):
    found = {name: kind() for name in KINDS} | kinds
    (folder / "in.json").write_text(json.dumps({"kinds": found, "confidence": 0.95}))
    measure_privacy_languages(folder / "in.json", folder / "out.csv", folder / "notes.json")
    cells = read_long_table(folder / "out.csv")
    assert len({cell.claim for cell in cells}) == len(cells)
    return {(cell.row, cell.column): cell for cell in cells}


def test_languages_beyond_the_most_frequent_are_pooled_and_nothing_is_lost(tmp_path):
    own = {f"Language{n}": part((n, n + 1), (n, n)) for n in range(1, MOST_LANGUAGES + 4)}
    cells = by_language(tmp_path, {"URL": kind((0, 0), (0, 0), None, **own)})
    rows = dict.fromkeys(row for row, _ in cells)
    top = [f"Language{n}" for n in range(MOST_LANGUAGES + 3, 3, -1)]
    assert list(rows) == [*top, OTHERS]
    assert cells[OTHERS, "url.recall"].n == 2 + 3 + 4
    assert cells[OTHERS, "url.recall"].value == pytest.approx(100 * 6 / 9)
    assert cells[OTHERS, "url.recall"].ci_high == 100 * rate(6, 9)["high"]
    planted = sum(cell.n for (_, column), cell in cells.items() if column == "url.recall")
    assert planted == sum(found["recall"]["n"] for found in own.values())


def test_a_language_without_items_of_a_kind_has_no_cell_for_it(tmp_path):
    cells = by_language(tmp_path, {"URL": kind(Thai=part((1, 2), (0, 0)))})
    assert set(cells) == {("Thai", "url.recall")}
    assert cells["Thai", "url.recall"].claim == "own.privacy-languages.thai.url.recall"
