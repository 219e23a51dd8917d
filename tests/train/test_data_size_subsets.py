"""Subsets of training examples are what they claim to be."""

import random
from collections import Counter

import numpy as np
import pytest

import wildpaper.train.data_size.subsets as subsets_module
from wildpaper.train.data_size.subsets import (
    STRETCH,
    by_rule,
    distinct_shares,
    plan_subsets,
    random_subset,
)
from wildpaper.train.examples import Examples
from wildpaper.train.settings import DataSizeSettings, OptimiserSettings, QualityRule

OPTIMISER = OptimiserSettings(learning_rate=0.02, batch=4, micro_batch_tokens=512, epochs=1)
ANYTHING = QualityRule(min_reply_tokens=0, min_distinct_share=0, distinct_prompts=False)


def examples_of(rows):
    """Return examples from rows of (conversation, first prompt, prompt tokens, reply tokens)."""
    lengths = [len(asked) + len(reply) for _, _, asked, reply in rows]
    ids = [token for _, _, asked, reply in rows for token in (*asked, *reply)]
    supervised = [is_reply for _, _, asked, reply in rows
                  for is_reply in [False] * len(asked) + [True] * len(reply)]  # fmt: skip
    return Examples(
        np.array([row[0] for row in rows], np.int64), np.ones(len(rows), np.int64),
        np.array([row[1] for row in rows], np.uint64),
        np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64), np.array(ids, np.int32),
        np.array(supervised, np.bool_),
    )  # fmt: skip


@pytest.fixture
def many():
    """Return conversations of one to four examples, of very different lengths."""
    draw = random.Random(5)
    return examples_of([
        (number, number, [1], draw.choices(range(50), k=draw.randint(1, 90)))
        for number in range(300, 420) for _ in range(draw.choice([1, 1, 2, 4]))
    ])  # fmt: skip


def settings(rule=ANYTHING, **changes):
    return DataSizeSettings(optimiser=OPTIMISER, rule=rule, **changes)


def n_tokens(examples, rows):
    return int(examples.lengths[rows].sum())


def test_growing_subsets_take_one_whole_conversation_after_the_other(many):
    found = [[]]
    while len(found[-1]) < len(many):
        rows = list(random_subset(many, n_tokens(many, found[-1]) + 1, seed=3))
        added = set(rows) - set(found[-1])
        assert set(found[-1]) < set(rows)
        (conversation,) = set(many.conversation_ids[sorted(added)])
        assert added == set(np.flatnonzero(many.conversation_ids == conversation))
        assert rows == sorted(rows)
        found.append(rows)
    assert len(found) == 121
    # any number of tokens gives the smallest of these that has as many
    draw = random.Random(1)
    for wanted in draw.sample(range(1, n_tokens(many, found[-1]) + 1), 50):
        enough = next(rows for rows in found if n_tokens(many, rows) >= wanted)
        assert list(random_subset(many, wanted, seed=3)) == enough


def test_more_tokens_than_there_are_give_all(many):
    assert list(random_subset(many, 10**9, seed=3)) == list(range(len(many)))


def order_of(examples, seed, among=None):
    """Return conversations in the order in which a growing subset takes them."""
    found = []
    total = n_tokens(examples, range(len(examples)) if among is None else among)
    for wanted in range(1, total + 1):
        rows = random_subset(examples, wanted, seed, among)
        found += sorted(set(examples.conversation_ids[rows]) - set(found))
    return found


def test_a_conversation_keeps_its_place_where_others_are_left_out():
    few = examples_of([(n, n, [1], [2] * (n % 5 + 1)) for n in range(12)])
    whole = order_of(few, 8)
    assert sorted(whole) == list(range(12)) != whole
    among = np.array([1, 2, 5, 7, 10, 11])
    assert order_of(few, 8, among) == [n for n in whole if n in set(among)]


def test_every_conversation_has_the_same_chance():
    equal = examples_of([(n, n, [1], [2, 2, 2]) for n in range(12)])
    drawn = Counter(n for seed in range(600) for n in random_subset(equal, 12, seed))
    # 3 of 12: 150 times each, standard deviation 10.6
    assert min(drawn.values()) > 105
    assert max(drawn.values()) < 195
    assert len(drawn) == 12


def reply(n, kind):
    return [5] * n if kind == "same" else [10 + i for i in range(n)]


def test_the_rule_says_why_and_an_example_has_one_reason():
    data = examples_of([
        (0, 70, [1], reply(15, "other")), (1, 71, [1], reply(16, "other")),
        (2, 72, [1], reply(20, "same")), (3, 73, [1], reply(3, "same")),
        (4, 71, [1], reply(30, "other")), (5, 72, [1], reply(30, "other")),
        (5, 72, [1], reply(2, "other")), (5, 72, [1], reply(40, "other")),
        (6, 72, [1], reply(40, "other")),
    ])  # fmt: skip
    rule = QualityRule(min_reply_tokens=16, min_distinct_share=0.3, distinct_prompts=True)
    passed = by_rule(data, rule)
    # conversation 2 has the prompt of 5 but does not pass, so 5 stays, with both its long examples
    assert list(passed.rows) == [1, 5, 7]
    assert passed.left_out == {"short-reply": 3, "repetitive": 1, "repeated-prompt": 2}
    open_rule = rule.model_copy(update={"distinct_prompts": False})
    assert list(by_rule(data, open_rule).rows) == [1, 4, 5, 7, 8]
    assert list(by_rule(data, ANYTHING).rows) == list(range(9))


def slow_share(tokens):
    n_whole = max(len(tokens) // STRETCH, 1)
    parts = [tokens[i * STRETCH : (i + 1) * STRETCH] for i in range(n_whole)]
    return sum(len(set(part)) / len(part) for part in parts) / n_whole if tokens else 1.0


@pytest.mark.parametrize("block", [1, 3, 2000])
def test_distinct_shares_against_a_slow_oracle(monkeypatch, block):
    monkeypatch.setattr(subsets_module, "_BLOCK", block)
    draw = random.Random(9)
    replies = [draw.choices(range(draw.choice([2, 30, 32_000])), k=draw.choice([0, 1, 63, 64, 65,
               127, 128, 400])) for _ in range(60)]  # fmt: skip
    data = examples_of([(i, i, [7] * draw.randint(1, 9), one) for i, one in enumerate(replies)])
    assert distinct_shares(data) == pytest.approx([slow_share(one) for one in replies], abs=1e-12)


def test_a_long_reply_is_not_repetitive_for_being_long():
    draw = random.Random(2)
    data = examples_of([(i, i, [1], draw.choices(range(100), k=n))
                        for i, n in enumerate([64] * 40 + [64 * 25] * 40)])  # fmt: skip
    shares = distinct_shares(data)
    assert np.mean(shares[:40]) == pytest.approx(np.mean(shares[40:]), abs=0.02)


def test_the_rule_goes_as_far_as_it_reaches():
    # of 100 tokens, 60 are in replies that pass
    data = examples_of([(n, n, [1], reply(9, "other" if n < 6 else "same")) for n in range(10)])
    rule = ANYTHING.model_copy(update={"min_distinct_share": 0.5})
    plan, passed = plan_subsets(data, settings(rule, shares=(0.2, 0.5, 1.0)), seed=1)
    found = {one.name: n_tokens(data, one.rows) for one in plan}
    assert found == {"random-20": 20, "random-50": 50, "random-100": 100, "rule-20": 20,
                     "rule-50": 50, "rule-all": 60}  # fmt: skip
    assert [one.share for one in plan] == [0.2, 0.5, 1.0, 0.2, 0.5, 0.6]
    rows = {one.name: set(one.rows) for one in plan}
    assert rows["rule-20"] < rows["rule-50"] < rows["rule-all"] == set(range(6))
    assert set(passed.rows) == rows["rule-all"]


def test_fewer_tokens_than_there_are_may_be_all_that_a_share_stands_for():
    data = examples_of([(n, n, [1], reply(9, "other")) for n in range(10)])
    plan, _ = plan_subsets(data, settings(shares=(0.125, 1.0), max_tokens=40), seed=1)
    assert [(one.name, n_tokens(data, one.rows)) for one in plan] == [
        ("random-12-5", 10), ("random-100", 40), ("rule-12-5", 10), ("rule-100", 40)]  # fmt: skip
    # a rule that everything passes changes nothing
    assert [list(one.rows) for one in plan[:2]] == [list(one.rows) for one in plan[2:]]


def test_a_rule_that_nothing_passes_leaves_the_random_subsets():
    data = examples_of([(n, n, [1], reply(9, "same")) for n in range(10)])
    plan, passed = plan_subsets(data, settings(QualityRule()), seed=1)
    assert {one.selection for one in plan} == {"random"}
    assert passed.left_out == {"short-reply": 10, "repetitive": 0, "repeated-prompt": 0}
