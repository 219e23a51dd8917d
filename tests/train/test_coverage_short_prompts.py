"""Why a cell of the coverage matrix can exceed a uniform guess: ends that were learnt."""

import math

import numpy as np
import pytest
import torch
from training_data import tiny_recipe
from transformers import LlamaConfig, LlamaForCausalLM

from wildpaper.train.examples import Examples
from wildpaper.train.fit import fit
from wildpaper.train.how import how_of
from wildpaper.train.model import quieten
from wildpaper.train.order import training_order
from wildpaper.train.recipe import load_recipe

N_PIECES, SHORT, LONG, END = 64, 8, 200, 2


def random_prompts(n, length, with_end, seed):
    """Return prompts of tokens that nothing foretells, but for the end."""
    draw = np.random.default_rng(seed)
    rows = [[1, *draw.integers(3, N_PIECES, length), *([END] if with_end else [])]
            for _ in range(n)]  # fmt: skip
    ids = np.array(rows, np.int32)
    supervised = np.ones(ids.shape, np.bool_)
    supervised[:, 0] = False
    starts = np.arange(n + 1) * ids.shape[1]
    numbers = np.arange(n)
    return Examples(numbers, numbers, numbers.astype(np.uint64), starts, ids.ravel(),
                    supervised.ravel())  # fmt: skip


def log_probabilities_of_long_prompts(with_end, folder):
    """Train on short prompts; return log p of each next token of long ones, and these tokens."""
    quieten()
    recipe = load_recipe(tiny_recipe(
        folder / "short.yaml", checkpoint_steps=10_000, held_out__points=1,
        coverage__optimiser__max_tokens=50_000, coverage__optimiser__batch=64,
        coverage__optimiser__learning_rate=0.01,
    ))  # fmt: skip
    optimiser = recipe.coverage.optimiser
    config = LlamaConfig(vocab_size=N_PIECES, hidden_size=32, intermediate_size=64,
                         num_hidden_layers=2, num_attention_heads=2, eos_token_id=END,
                         tie_word_embeddings=False)  # fmt: skip
    data = random_prompts(2000, SHORT, with_end, seed=1)
    order = training_order(data.lengths.tolist(), optimiser, 1, "short")
    fitted = fit(lambda: LlamaForCausalLM(config), data, random_prompts(4, SHORT, with_end, 2),
                 order, how_of(recipe, optimiser), "short", 1, folder)  # fmt: skip
    test = random_prompts(20, LONG, with_end=True, seed=3)
    ids = torch.from_numpy(test.input_ids.reshape(20, -1).astype(np.int64))
    with torch.no_grad():
        logits = fitted.model.eval()(input_ids=ids).logits[:, :-1]
    return torch.log_softmax(logits.float(), -1), ids[:, 1:]


def loss(log_p, wanted, positions):
    nats = -log_p.gather(2, wanted[..., None])[..., 0]
    return float(nats[:, positions].mean())


def test_long_prompts_cost_more_than_a_guess_where_ends_of_short_ones_were_learnt(tmp_path):
    guess = math.log(N_PIECES)
    log_p, wanted = log_probabilities_of_long_prompts(True, tmp_path)
    everything, text, beginning = slice(None), slice(0, LONG), slice(0, SHORT)
    # with the end token or without: all tokens beyond the usual end are starved
    assert loss(log_p, wanted, everything) > 1.5 * guess
    assert loss(log_p, wanted, text) > 1.5 * guess
    # lengths matched, it is gone; and so it is where the end is known not to come
    assert loss(log_p, wanted, beginning) == pytest.approx(guess, abs=0.1)
    no_end = log_p.clone()
    no_end[..., END] = -math.inf
    renormalised = torch.log_softmax(no_end, -1)
    assert loss(renormalised, wanted, text) == pytest.approx(guess, abs=0.2)


def test_without_ends_in_the_training_long_prompts_cost_what_a_guess_does(tmp_path):
    log_p, wanted = log_probabilities_of_long_prompts(False, tmp_path)
    assert loss(log_p, wanted, slice(0, LONG)) == pytest.approx(math.log(N_PIECES), abs=0.1)
