"""How long a training goes on and in which order, decided before it starts."""

from collections import Counter

import pytest

from wildpaper.train.order import training_order
from wildpaper.train.settings import OptimiserSettings

LENGTHS = [3, 50, 7, 120, 1, 33, 8, 90, 14, 2]


def order(seed=1, name="m", lengths=LENGTHS, **bound):
    settings = OptimiserSettings(learning_rate=1.0, batch=4, micro_batch_tokens=64, **bound)
    return training_order(lengths, settings, seed, name)


def test_passes_see_every_example_as_often():
    found = order(epochs=3)
    assert Counter(found) == dict.fromkeys(range(10), 3)
    passes = [found[i : i + 10] for i in (0, 10, 20)]
    assert all(sorted(once) == list(range(10)) for once in passes)
    assert passes[0] != passes[1] != passes[2]


@pytest.mark.parametrize("n_steps", [1, 2, 3, 17])
def test_steps_are_whole_batches_over_as_many_passes_as_needed(n_steps):
    found = order(max_steps=n_steps)
    assert len(found) == 4 * n_steps
    counts = Counter(found)
    assert max(counts.values()) - min(counts[i] for i in range(10)) <= 1


@pytest.mark.parametrize("budget", [1, 100, 328, 329, 5000])
def test_a_token_budget_ends_with_the_batch_that_reaches_it(budget):
    found = order(max_tokens=budget)
    assert len(found) % 4 == 0
    assert sum(LENGTHS[i] for i in found) >= budget
    assert sum(LENGTHS[i] for i in found[:-4]) < budget


def test_one_example_is_enough():
    assert order(lengths=[5], max_tokens=100) == [0] * 20


def test_seed_and_name_decide():
    assert order(epochs=1) == order(epochs=1)
    assert order(epochs=1) != order(epochs=1, seed=2)
    assert order(epochs=1) != order(epochs=1, name="n")
