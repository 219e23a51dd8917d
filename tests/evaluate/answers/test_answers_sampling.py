"""Sampling: the right distribution, and draws that belong to one answer alone."""

import pytest
import torch

from wildpaper.evaluate.answers.sampling import GumbelNoise, draw_seed
from wildpaper.evaluate.answers.temperature import TEMPERATURES
from wildpaper.evaluate.questions import CATEGORIES

LOGITS = torch.tensor([2.0, 1.0, 0.0, -1.0, -3.0, float("-inf")])


def test_each_category_has_the_temperature_of_mt_bench():
    assert set(TEMPERATURES) == set(CATEGORIES)
    groups = {}
    for category, temperature in TEMPERATURES.items():
        groups.setdefault(temperature, set()).add(category)
    assert groups == {
        0.7: {"writing", "roleplay"},
        0.0: {"extraction", "math", "coding", "reasoning"},
        0.1: {"stem", "humanities"},
    }


@pytest.mark.parametrize("temperature", [0.1, 0.7, 1.5])
def test_choices_are_distributed_as_the_softmax_of_logits(temperature):
    n = 20_000
    noise = GumbelNoise([f"1/{i}/0" for i in range(n)], [temperature] * n)
    chosen = noise(torch.zeros(n, 1, dtype=torch.long), LOGITS.expand(n, -1)).argmax(dim=1)
    counts = torch.bincount(chosen, minlength=len(LOGITS)).double()
    expected = torch.softmax(LOGITS.double() / temperature, dim=0)
    assert counts[-1] == 0
    spread = (n * expected * (1 - expected)).sqrt() + 1e-9
    assert ((counts - n * expected).abs() < 4 * spread + 1).all()


def test_successive_draws_of_one_stream_are_distributed_alike_and_apart():
    n = 20_000
    noise = GumbelNoise(["s"], [1.0])
    chosen = torch.stack(
        [noise(torch.zeros(1, 1 + i, dtype=torch.long), LOGITS[None])[0].argmax() for i in range(n)]
    )
    expected = torch.softmax(LOGITS.double(), dim=0)
    counts = torch.bincount(chosen, minlength=len(LOGITS)).double()
    assert ((counts / n - expected).abs() < 4 * (expected / n).sqrt() + 1e-9).all()
    # the chance that a choice is that of the step before is that of two independent ones
    alike = (chosen[1:] == chosen[:-1]).double().mean()
    assert alike == pytest.approx(float((expected**2).sum()), abs=0.015)


def test_a_draw_depends_on_stream_and_step_alone():
    scores = torch.randn(3, 500, generator=torch.Generator().manual_seed(1))
    ids = torch.zeros(3, 7, dtype=torch.long)
    together = GumbelNoise(["a", "b", "c"], [0.7, 0.0, 0.1])
    first = together(ids, scores)
    second = together(torch.zeros(3, 8, dtype=torch.long), scores)
    assert torch.equal(first[1], scores[1])
    assert not torch.equal(first[0], second[0])
    alone = GumbelNoise(["c"], [0.1])(ids[:1, :2], scores[2:])
    assert torch.equal(alone[0], first[2])
    later = GumbelNoise(["c"], [0.1], n_before=1)(ids[:1], scores[2:])
    assert torch.equal(later[0], second[2])


def test_seeds_are_apart():
    streams = [f"{seed}/{question}/{turn}" for seed in (1, 2) for question in (81, 8)
               for turn in (0, 1)]  # fmt: skip
    seeds = {draw_seed(stream, step) for stream in streams for step in range(100)}
    assert len(seeds) == 800
    assert all(0 <= seed < 2**63 for seed in seeds)
