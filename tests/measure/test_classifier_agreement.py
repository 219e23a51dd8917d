"""Agreement of the two classifiers: plain counts, scikit-learn's kappa, planted coverage."""

import random

import numpy as np
import pytest
from planting import Chat, Said, joined, measure_chats, random_chats, run_measure, write_chats
from sklearn.metrics import cohen_kappa_score

from wildpaper.measure.toxicity.classifier_agreement import (
    CONFUSION,
    kappa,
    kappa_interval,
    measure_classifier_agreement,
)
from wildpaper.measure.toxicity.table_06_toxicity_overlap import measure_toxicity_overlap

ROLES = {"user": "user", "chatbot": "assistant"}
BOTH = {"scored": ["wildchat"], "moderated": ["wildchat"]}
COLUMNS = (*CONFUSION, "positive-agreement", "negative-agreement", "kappa", "equal-threshold",
           "equal-kappa")  # fmt: skip


def mixed_chats(seed=1, gaps=False, n=120):
    """Return chats whose scores speak for the flags, but not always."""
    draw = random.Random(seed)
    chats = random_chats(n, seed, gaps=gaps)
    for said in (said for chat in chats for said in chat.messages):
        if said.toxicity is not None:
            high = draw.random() < (0.7 if said.flagged else 0.15)
            said.toxicity = draw.uniform(0.1001, 1) if high else draw.uniform(0, 0.0999)
    return chats


def judged(chats, role, threshold=0.1):
    """Return (Detoxify flags, moderation flags) of the messages that have both labels."""
    said = [s for c in chats for s in c.messages if s.role == role
            if s.toxicity is not None and s.flagged is not None]  # fmt: skip
    scores = [float(np.float32(s.toxicity)) for s in said]
    toxic = [x > threshold and s.text != "" for x, s in zip(scores, said, strict=True)]
    return np.array(toxic), np.array([bool(s.flagged) and s.text != "" for s in said])


def equal_threshold(chats, role, n_flagged):
    """Return the lowest score that no more than `n_flagged` messages exceed."""
    said = [s for c in chats for s in c.messages if s.role == role
            if s.toxicity is not None and s.flagged is not None]  # fmt: skip
    scores = sorted({float(np.float32(s.toxicity)) for s in said if s.text != ""})
    return next(x for x in scores if judged(chats, role, x)[0].sum() <= n_flagged)


def test_kappa_at_equal_shares_takes_the_exact_threshold(tmp_path):
    scores = [0.98472 + 1e-6 * i for i in range(20)]
    chats = [Chat([Said("user", toxicity=x, flagged=i >= 10)]) for i, x in enumerate(scores)]
    found = agreement(tmp_path, chats).values
    assert found["wildchat user", "equal-threshold"] == 0.9847
    assert found["wildchat user", "equal-kappa"] == 1.0


def agreement(folder, chats, **options):
    return measure_chats(measure_classifier_agreement, folder, chats, **(BOTH | options))


@pytest.mark.parametrize("gaps", [False, True])
@pytest.mark.parametrize("seed", [1, 2])
def test_all_columns_are_those_of_a_plain_count(tmp_path, seed, gaps):
    chats = mixed_chats(seed, gaps)
    measured = agreement(tmp_path, chats)
    for name, role in ROLES.items():
        toxic, flagged = judged(chats, role)
        found = {column: measured.values[f"wildchat {name}", column] for column in COLUMNS}
        parts = (toxic & flagged, toxic & ~flagged, ~toxic & flagged, ~toxic & ~flagged)
        assert [found[c] for c in CONFUSION] == [100 * p.sum() / len(toxic) for p in parts]
        a, b, c, d = (int(part.sum()) for part in parts)
        assert found["positive-agreement"] == 100 * 2 * a / (2 * a + b + c)
        assert found["negative-agreement"] == 100 * 2 * d / (2 * d + b + c)
        assert found["kappa"] == pytest.approx(cohen_kappa_score(toxic, flagged), abs=1e-12)
        assert 0.1 < found["kappa"] < 0.9
        equal = equal_threshold(chats, role, int(flagged.sum()))
        assert found["equal-threshold"] == round(equal, 4)
        at_equal, _ = judged(chats, role, equal)
        just_below, _ = judged(chats, role, np.nextafter(equal, 0))
        assert at_equal.sum() <= flagged.sum() < just_below.sum()
        wanted = cohen_kappa_score(at_equal, flagged)
        assert found["equal-kappa"] == pytest.approx(wanted, abs=1e-12)
        for column in COLUMNS:
            cell = measured.cells[f"wildchat {name}", column]
            assert cell.claim == f"own.classifier-agreement.wildchat.{name}.{column}"
            assert (cell.ci_low is None) == (column == "equal-threshold")
            if cell.ci_low is not None:
                assert cell.ci_low < cell.ci_high
    assert bool(measured.notes) == gaps


def test_shares_are_those_of_table_6(tmp_path):
    chats = mixed_chats(4, gaps=True)
    found = agreement(tmp_path / "a", chats).values
    table = measure_chats(measure_toxicity_overlap, tmp_path / "b", chats).values
    for role in ROLES:
        row = f"wildchat {role}"
        assert found[row, "both"] == table[role, "both"]
        either = sum(found[row, column] for column in CONFUSION[:3])
        assert either == pytest.approx(table[role, "either"], abs=1e-9)


@pytest.mark.parametrize("same", [True, False])
def test_classifiers_that_are_one_or_opposites(tmp_path, same):
    chats = mixed_chats(3)
    for said in (said for chat in chats for said in chat.messages):
        said.text, said.toxicity = "x", 0.9 if said.flagged == same else 0.02
    values = agreement(tmp_path, chats).values
    assert values["wildchat user", "positive-agreement"] == (100 if same else 0)
    assert values["wildchat user", "negative-agreement"] == (100 if same else 0)
    assert (values["wildchat user", "kappa"] == 1) == same
    assert same or values["wildchat user", "kappa"] < -0.5


def test_where_nothing_is_flagged_there_is_no_kappa_and_a_note(tmp_path):
    chats = [Chat([Said("user"), Said("assistant")], f"u{i}") for i in range(5)]
    measured = agreement(tmp_path, chats)
    row = "wildchat user"
    assert measured.values[row, "neither"] == measured.values[row, "negative-agreement"] == 100
    for column in ("positive-agreement", "kappa", "equal-threshold", "equal-kappa"):
        cell = measured.cells[row, column]
        assert (cell.value, cell.ci_low) == (None, None)
        assert "user message" in measured.notes[cell.claim]
    assert f"own.classifier-agreement.{row.replace(' ', '.')}.neither" not in measured.notes


def test_sets_without_either_label_have_no_rows(tmp_path):
    chats = {name: mixed_chats(i) for i, name in enumerate(("wildchat", "alpaca", "dolly"))}
    paths = {name: write_chats(tmp_path, some, name) for name, some in chats.items()}
    together = joined(*({k: v for k, v in p.items() if k != "report"} for p in paths.values()))
    together["detoxify"] = paths["wildchat"]["detoxify"] + paths["dolly"]["detoxify"]
    together["moderation"] = paths["alpaca"]["moderation"] + paths["dolly"]["moderation"]
    measured = run_measure(measure_classifier_agreement, tmp_path / "out", together,
                           scored=["wildchat", "dolly"], moderated=["alpaca", "dolly"])  # fmt: skip
    assert {row for row, _ in measured.values} == {"dolly user", "dolly chatbot"}
    toxic, flagged = judged(chats["dolly"], "user")
    assert measured.values["dolly user", "both"] == 100 * (toxic & flagged).mean()


def test_shards_and_the_order_of_rows_change_no_byte(tmp_path):
    chats = mixed_chats(gaps=True)
    one = agreement(tmp_path / "a", chats)
    many = agreement(tmp_path / "b", chats, write={"n_shards": 5, "shuffle": 3})
    assert one.bytes == many.bytes


def planted_users(rng, n_users):
    """Return (counts by user, their totals, kappa of the people that they are drawn from).

    A user sends one or many messages, and he who flags once flags often.
    """
    n = rng.choice([1, 1, 2, 8, 20], n_users)
    rate = rng.choice([0.02, 0.5], n_users, p=[0.7, 0.3])
    truly = rng.binomial(n, rate)
    both = rng.binomial(truly, 0.6)
    first = rng.binomial(n - truly, 0.05)
    counts = np.stack([both, first, truly - both], axis=1)
    mean_rate = 0.02 * 0.7 + 0.5 * 0.3
    shares = 0.6 * mean_rate, 0.05 * (1 - mean_rate), 0.4 * mean_rate
    return counts.astype(np.int64), n[:, None].astype(np.int64), float(kappa(*shares))


def test_intervals_of_kappa_cover_what_was_planted():
    rng = np.random.default_rng(5)
    n_covered, widths = 0, []
    for i in range(100):
        counts, totals, truth = planted_users(rng, 250)
        low, high = kappa_interval(counts, totals, 200, i, "test")
        n_covered += low <= truth <= high
        widths.append(high - low)
    assert 86 <= n_covered <= 99
    assert 0.1 < np.mean(widths) < 0.3


def test_replicates_without_any_flag_are_left_out():
    """One user of forty flags: a third of the replicates draw him not once."""
    totals = np.arange(7, 47)[:, None]
    counts = np.zeros((40, 3), np.int64)
    counts[0] = 3, 1, 0
    low, high = kappa_interval(counts, totals, 300, 1, "test")
    assert 0.8 < low <= high < 0.9
    assert kappa_interval(np.zeros((40, 3), np.int64), totals, 300, 1, "test") is None
