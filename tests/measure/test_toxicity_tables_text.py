"""The share of sexual content, and recorded scores beside computed ones."""

import math
import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from category_planting import plant
from planting import Chat, Said, random_chats, run_measure
from scipy.stats import rankdata
from sklearn.metrics import cohen_kappa_score

from wildpaper.errors import WildpaperError
from wildpaper.measure.toxicity.recorded_scores import GROUPS, measure_recorded_scores
from wildpaper.measure.toxicity.toxicity_text import measure_toxicity_text
from wildpaper.schema import LABELS, write_labels

SEXUAL, THRESHOLD = "toxicity.sexual-share", "toxicity.detoxify-threshold"


# ------------------------------------------------------------------ the text


@pytest.mark.parametrize(("seed", "gaps"), [(1, False), (2, True), (3, False)])
def test_sexual_share_is_taken_over_the_flagged_user_messages(tmp_path, seed, gaps):
    judged = plant(tmp_path, random_chats(80, seed, gaps=gaps), seed=seed)
    measured = run_measure(measure_toxicity_text, tmp_path, judged.paths)
    flagged = [
        mark["sexual"] or mark["sexual_minors"]
        for _, said, mark in judged.messages()
        if said.role == "user" and said.text != "" and said.flagged
    ]
    cell = measured.claims[SEXUAL]
    assert (cell.value, cell.n) == (100 * sum(flagged) / len(flagged), len(flagged))
    assert 0 < cell.ci_low < cell.value < cell.ci_high
    assert (SEXUAL in measured.notes) == gaps


def test_what_chatbots_say_does_not_count_and_nothing_flagged_is_explained(tmp_path):
    chats = [Chat([Said("user", text=""), Said("assistant", flagged=True)])]
    chats[0].messages[0].flagged = True
    judged = plant(tmp_path, chats)
    measured = run_measure(measure_toxicity_text, tmp_path, judged.paths)
    assert measured.claims[SEXUAL].value is None
    assert "no user message is flagged" in measured.notes[SEXUAL]


@pytest.mark.parametrize("threshold", [0.1, 0.35])
def test_the_threshold_is_that_of_the_run(tmp_path, threshold):
    paths = plant(tmp_path, random_chats(3)).paths
    cell = run_measure(measure_toxicity_text, tmp_path, paths, threshold=threshold).claims[
        THRESHOLD
    ]
    assert (cell.value, cell.unit) == (threshold, "probability")


# ------------------------------------------------------------------ recorded scores


def write_checks(judged, n_shards=1, shift=lambda i, score: score, every=2, cut=5):
    """Write computed scores of every second message; return the rows and the files."""
    rows = []
    for (number, position), mark in judged.marks.items():
        i = len(rows)
        key = {"conversation_id": number, "position": position, "truncated": i % cut == 0}
        if (number + position) % every == 0:
            recorded = mark["toxicity"]
            computed = shift(i, 0.5 if recorded is None else recorded)
            rows.append(dict.fromkeys(LABELS["detoxify_check"].names, 0.5) | key
                        | {"toxicity": computed})  # fmt: skip
    paths = []
    for shard in range(n_shards):
        own = [row for row in rows if row["conversation_id"] % n_shards == shard]
        path = judged.paths["report"].parent / f"check-{shard}.parquet"
        table = pa.Table.from_pylist(own, LABELS["detoxify_check"])
        write_labels(path, "detoxify_check", table, "planted", "computed")
        paths.append(path)
    return rows, paths


def redact(judged, redacted):
    """Say of each conversation whether its release redacted it."""
    for path in judged.paths["conversations"]:
        table = pq.read_table(path)
        place = table.schema.get_field_index("redacted")
        values = [redacted(number) for number in table["conversation_id"].to_pylist()]
        table = table.set_column(place, table.schema.field(place), pa.array(values, pa.bool_()))
        pq.write_table(table, path)


def compare(folder, judged, checks, **options):
    paths = judged.paths | {"checks": checks}
    return run_measure(measure_recorded_scores, folder, paths, **options)


def noisy(i, score):
    return min(max(score + random.Random(i).choice([0.0, 0.07, -0.07, 0.3, 0.01]), 0.0), 1.0)


@pytest.mark.parametrize("gaps", [False, True])
def test_each_measure_is_that_of_the_compared_messages(tmp_path, gaps):
    judged = plant(tmp_path, random_chats(80, gaps=gaps))
    redact(judged, lambda number: number % 3 == 0)
    rows, checks = write_checks(judged, shift=noisy)
    measured = compare(tmp_path, judged, checks)
    wanted = {"all": {0, 1, 2}, "redacted": {0}, "unredacted": {1, 2}}
    for group in GROUPS:
        own = [
            (judged.marks[row["conversation_id"], row["position"]]["toxicity"], row)
            for row in rows
            if row["conversation_id"] % 3 in wanted[group]
        ]
        pairs = [(a, row["toxicity"], row["truncated"]) for a, row in own if a is not None]
        assert (len(pairs) < len(own)) == gaps
        a, b, cut = (np.array(column) for column in zip(*pairs, strict=True))
        a, b = a.astype(np.float32).astype(float), b.astype(np.float32).astype(float)
        cells = {name: measured.cells["wildchat", f"{group}.{name}"] for name in (
            "agreement", "kappa", "mean-difference", "largest-difference", "spearman", "truncated"
        )}  # fmt: skip
        assert {cell.n for cell in cells.values()} == {len(pairs)}
        assert cells["agreement"].value == pytest.approx(100 * ((a > 0.1) == (b > 0.1)).mean())
        assert cells["truncated"].value == pytest.approx(100 * cut.mean())
        assert cells["kappa"].value == pytest.approx(cohen_kappa_score(a > 0.1, b > 0.1))
        assert cells["mean-difference"].value == pytest.approx(np.abs(a - b).mean(), abs=6e-7)
        assert cells["largest-difference"].value == pytest.approx(np.abs(a - b).max(), abs=6e-5)
        rho = np.corrcoef(rankdata(a.round(3)), rankdata(b.round(3)))[0, 1]
        assert cells["spearman"].value == pytest.approx(rho, abs=6e-5)
        assert cells["agreement"].ci_low < cells["agreement"].value < 100
        assert all(cell.claim == f"own.recorded-scores.wildchat.{group}.{name}"
                   for name, cell in cells.items())  # fmt: skip
    assert any("lack one of the scores" in note for note in measured.notes.values()) == gaps


def test_equal_scores_agree_wholly_and_without_redaction_there_is_one_group(tmp_path):
    judged = plant(tmp_path, random_chats(30))
    _, checks = write_checks(judged)
    values = compare(tmp_path, judged, checks).values
    assert values == {
        ("wildchat", "all.agreement"): 100.0,
        ("wildchat", "all.kappa"): 1.0,
        ("wildchat", "all.mean-difference"): 0.0,
        ("wildchat", "all.largest-difference"): 0.0,
        ("wildchat", "all.spearman"): pytest.approx(1.0),
        ("wildchat", "all.truncated"): pytest.approx(values["wildchat", "all.truncated"]),
    }
    assert 15 < values["wildchat", "all.truncated"] < 25


def test_neither_shards_nor_their_order_matter(tmp_path):
    found = []
    for i, (n_shards, shuffle) in enumerate([(1, None), (3, 5)]):
        folder = tmp_path / str(i)
        judged = plant(folder, random_chats(30), n_shards=n_shards, shuffle=shuffle)
        redact(judged, lambda number: number % 2 == 0)
        _, checks = write_checks(judged, n_shards, noisy)
        found.append(compare(folder, judged, checks).bytes)
    assert found[0] == found[1]


@pytest.mark.parametrize("score", [0.02, None])
def test_scores_on_one_side_have_no_kappa_and_a_note(tmp_path, score):
    chats = random_chats(6)
    for chat in chats:
        for said in chat.messages:
            said.toxicity = score
    judged = plant(tmp_path, chats)
    _, checks = write_checks(judged, shift=lambda i, score: 0.01)
    measured = compare(tmp_path, judged, checks)
    assert measured.values["wildchat", "all.kappa"] is None
    assert measured.values["wildchat", "all.spearman"] is None
    agreement = measured.values["wildchat", "all.agreement"]
    assert agreement == (None if score is None else 100.0)
    note = measured.notes["own.recorded-scores.wildchat.all.kappa"]
    assert ("all on one side" in note) == (score is not None)
    assert ("no messages of this kind" in note) == (score is None)


def test_only_recorded_scores_are_compared(tmp_path):
    judged = plant(tmp_path, random_chats(4), route="computed")
    _, checks = write_checks(judged)
    with pytest.raises(WildpaperError, match="only recorded"):
        compare(tmp_path, judged, checks)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (lambda row: row | {"conversation_id": 999}, "1 of .* belong to no message"),
        (lambda row: row | {"toxicity": math.nan}, "1 have a score that is not a number"),
        (None, "occur twice"),
    ],
    ids=["stray", "not a number", "twice"],
)
def test_checks_that_do_not_fit_are_refused_by_name(tmp_path, change, problem):
    judged = plant(tmp_path, random_chats(4))
    rows, (path,) = write_checks(judged)
    rows = [*rows[:-1], change(rows[-1])] if change else [*rows, rows[-1]]
    table = pa.Table.from_pylist(rows, LABELS["detoxify_check"])
    write_labels(path, "detoxify_check", table, "planted", "computed")
    with pytest.raises(WildpaperError, match=problem) as caught:
        compare(tmp_path, judged, [path])
    assert str(path) in caught.value.where
