"""Grades, pairs and robustness against judges whose nature is known."""

import json

import numpy as np
import pytest
from planted_judge import TURN_STEP, expected_pair, row, rows_of, write

from wildpaper.files import write_json
from wildpaper.long_table import read_long_table
from wildpaper.measure.mtbench.categories import measure_categories
from wildpaper.measure.mtbench.pairs import OUTCOMES, measure_pairs
from wildpaper.measure.mtbench.robustness import measure_robustness
from wildpaper.measure.mtbench.scores import COLUMNS, measure_scores

STRENGTHS = {"weak": 4.0, "middle": 5.0, "strong": 6.2}
PAIRS = (("weak", "strong"), ("middle", "strong"))
SEEDS = 40


def measured(folder, rows, measure=measure_scores, n_replicates=300, published_as=None, **options):
    path = write(folder / "judgments.parquet", rows)
    table, notes = folder / "table.csv", folder / "notes.json"
    if measure in (measure_scores, measure_pairs):
        options |= {"notes": notes, "published_as": published_as or {}, "published_notes": {}}
    options.setdefault("reports", [])
    options.setdefault("trained", [])
    measure(judgments=path, table=table, models=list(STRENGTHS), n_replicates=n_replicates,
            seed=5, **options)  # fmt: skip
    return {(c.row, c.column): c for c in read_long_table(table) if c.value is not None}


def test_the_intervals_cover_what_was_planted(tmp_path):
    """Pooled over all grades, pairs and biases of 40 judges."""
    inside = []
    truths = {
        (model, column): strength - step * TURN_STEP
        for model, strength in STRENGTHS.items()
        for column, step in zip(COLUMNS, (0, 1, 0.5), strict=True)
    }
    pairs = {(f"{a}-vs-{b}", name): v for a, b in PAIRS for name, v in expected_pair().items()}
    for seed in range(SEEDS):
        rows = rows_of(seed, STRENGTHS, PAIRS)
        scores = measured(tmp_path, rows)
        inside += [c.ci_low <= v <= c.ci_high for k, v in truths.items() if (c := scores[k])]
        found = measured(tmp_path, rows, measure_pairs)
        inside += [c.ci_low <= v <= c.ci_high for k, v in pairs.items() if (c := found[k])]
    assert len(inside) == SEEDS * (9 + 18)
    assert 0.92 <= np.mean(inside) <= 0.98


def test_no_interval_leaves_the_scale(tmp_path):
    """Ten questions of a kind, nine of them with the highest grade."""
    rows = [row("single", q, t, "weak", grade=10.0 if q > 1 else 6.0)
            for q in range(1, 11) for t in (1, 2)]  # fmt: skip
    cell = measured(tmp_path, rows)["weak", "average"]
    assert 1 <= cell.ci_low < cell.value < cell.ci_high <= 10


def test_bias_and_ties_are_told_apart(tmp_path):
    """A judge who only sees positions has no opinion; one without bias is always consistent."""
    blind = measured(tmp_path, rows_of(1, {}, [("weak", "strong")], bias=1.0), measure_pairs)
    assert blind["weak-vs-strong", "position-bias"].value == 100
    assert blind["weak-vs-strong", "games-tie"].value == 100
    assert blind["weak-vs-strong", "win"].value == blind["weak-vs-strong", "loss"].value == 50
    fair = measured(tmp_path, rows_of(1, {}, [("weak", "strong")], bias=0.0), measure_pairs)
    assert fair["weak-vs-strong", "position-bias"].value == 0
    assert fair["weak-vs-strong", "consistent"].value == 100
    for outcome in OUTCOMES:
        single = fair["weak-vs-strong", outcome].value
        assert fair["weak-vs-strong", f"games-{outcome}"].value == single


def test_a_pair_turned_round_wins_what_it_lost(tmp_path):
    rows = rows_of(2, {}, [("weak", "strong")])
    turn = {"first": "second", "second": "first", "tie": "tie"}
    other = [one | {"first": one["second"], "second": one["first"], "winner": turn[one["winner"]],
                    "swapped": not one["swapped"]} for one in rows]  # fmt: skip
    there = measured(tmp_path, rows, measure_pairs)
    back = measured(tmp_path, other, measure_pairs)
    for name, mirrored in (("win", "loss"), ("games-win", "games-loss"), ("tie", "tie")):
        assert there["weak-vs-strong", name].value == back["strong-vs-weak", mirrored].value
    for name in ("position-bias", "consistent"):
        assert there["weak-vs-strong", name].value == back["strong-vs-weak", name].value


def test_what_has_no_grade_is_counted_and_no_zero(tmp_path):
    rows = [row("single", q, t, "weak", grade=8.0) for q in range(1, 21) for t in (1, 2)]
    rows[0] |= {"grade": None, "outcome": "two-verdicts"}
    rows[1] |= {"grade": None, "outcome": "no-answer"}
    found = measured(tmp_path, rows)
    assert found["weak", "average"].value == 8.0
    assert found["weak", "average"].n == 38
    assert found["weak", "unparsed"].value == found["weak", "missing"].value == 1


def test_a_game_that_lacks_an_order_is_reported_and_not_imputed(tmp_path):
    rows = rows_of(3, {}, [("weak", "strong")], n_questions=10, bias=0)
    rows[0] |= {"winner": None, "outcome": "two-verdicts"}
    del rows[5]
    found = measured(tmp_path, rows, measure_pairs)
    assert found["weak-vs-strong", "unparsed"].value == 1
    assert found["weak-vs-strong", "incomplete"].value == 2
    assert found["weak-vs-strong", "win"].n == 38
    assert found["weak-vs-strong", "games-win"].n == 18


def test_a_stand_in_answers_no_published_claim(tmp_path):
    rows = rows_of(4, STRENGTHS, route="likelihood")
    as_published = {"strong": "wildllama_7b"}
    found = measured(tmp_path, rows, published_as=as_published)
    assert not [c for c in found.values() if not c.claim.startswith("own.")]
    assert {found["strong", c].unit for c in COLUMNS} == {"likelihood stand-in, 1 to 10"}
    notes = json.loads((tmp_path / "notes.json").read_text("utf-8"))
    assert len(notes) == 15
    assert all("stand-in" in note for note in notes.values())
    asked = measured(tmp_path, rows_of(4, STRENGTHS), published_as=as_published)
    assert asked["strong", "average"].claim == "table-09.wildllama_7b.average"
    assert asked["strong", "average"].value == found["strong", "average"].value


def test_every_published_claim_has_a_line(tmp_path):
    rows = rows_of(5, STRENGTHS, PAIRS, n_questions=8)
    for measure, prefix, n in ((measure_scores, "table-09.", 15), (measure_pairs, "table-10.", 9)):
        measured(tmp_path, rows, measure, published_as={"weak": "vicuna_7b"})
        cells = read_long_table(tmp_path / "table.csv")
        claims = [cell.claim for cell in cells if cell.claim.startswith(prefix)]
        assert len(claims) == len(set(claims)) == n


def test_a_model_trained_on_simulated_data_has_simulated_grades(tmp_path):
    report = tmp_path / "report.json"
    write_json(report, {"release": {"simulated": True}})
    rows = rows_of(6, STRENGTHS, PAIRS, n_questions=8, route="replayed")
    found = measured(tmp_path, rows, reports=[report], trained=["weak"])
    assert found["weak", "average"].route == "simulated"
    assert found["strong", "average"].route == "replayed"
    pair = measured(tmp_path, rows, measure_pairs, reports=[report], trained=["weak"])
    assert pair["weak-vs-strong", "win"].route == "simulated"


def test_categories_are_means_of_their_own_questions(tmp_path):
    rows = [
        row("single", q, t, "weak", grade=float(1 + q % 8)) for q in range(1, 81) for t in (1, 2)
    ]
    found = measured(tmp_path, rows, measure_categories)
    assert len(found) == 8
    for one in rows[:16]:
        cell = found["weak", one["category"]]
        assert (cell.value, cell.n) == (one["grade"], 20)


@pytest.mark.parametrize("variant", ["quoted-verdict", "instructed", "padded", "repeated"])
def test_what_a_variant_does_to_the_grade_is_recovered(tmp_path, variant):
    rows = rows_of(7, STRENGTHS)
    plain = [one for one in rows if one["turn"] == 1 and one["question_id"] <= 20]
    raised = [one | {"variant": variant, "grade": one["grade"] + (i % 2)}
              for i, one in enumerate(plain)]  # fmt: skip
    raised[0] |= {"grade": None, "outcome": "two-verdicts"}
    found = measured(tmp_path, rows + raised, measure_robustness)
    n = len(plain) - 1
    assert found[variant, "change"].n == n
    assert found[variant, "change"].value == pytest.approx(len(plain) / 2 / n)
    assert found[variant, "changed"].value == pytest.approx(100 * len(plain) / 2 / n)
    assert found[variant, "no-grade"].value == 1
    grades = measured(tmp_path, rows), measured(tmp_path, rows + raised)
    assert grades[0]["weak", "average"] == grades[1]["weak", "average"]


def test_a_judge_who_likes_length_is_found_out(tmp_path):
    rows = rows_of(8, {"weak": 5.0})
    none = measured(tmp_path, rows, measure_robustness)["length", "correlation"]
    assert none.ci_low < 0 < none.ci_high
    rows = [one | {"n_answer_characters": int(100 * one["grade"])} for one in rows]
    assert measured(tmp_path, rows, measure_robustness)["length", "correlation"].value == (
        pytest.approx(1)
    )


def test_unknown_lengths_and_pairs_give_no_rows(tmp_path):
    rows = [one | {"n_answer_characters": None} for one in rows_of(9, {"weak": 5.0})]
    assert measured(tmp_path, rows, measure_robustness) == {}
