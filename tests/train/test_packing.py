"""Micro-batches without padding compute what each conversation alone would."""

import random

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import LlamaConfig, LlamaForCausalLM

from wildpaper.train.attention import use_packed_attention
from wildpaper.train.loss import return_logits, return_losses, summed_loss, token_losses
from wildpaper.train.packing import IGNORED, micro_batches, pack

SHAPE = {
    **{"vocab_size": 500, "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2},
    **{"num_attention_heads": 4, "num_key_value_heads": 2},
}


def llama(packed):
    torch.manual_seed(0)
    model = LlamaForCausalLM(LlamaConfig(**SHAPE, attn_implementation="sdpa"))
    if packed:
        use_packed_attention(model)
    return model


@pytest.fixture(scope="module")
def net():
    return llama(packed=True)


def conversations(seed=5, n=6):
    draw = random.Random(seed)
    made = []
    for length in draw.choices(range(5, 200), k=n):
        ids = [1] + [draw.randrange(3, 500) for _ in range(length)]
        mask = [False] + [draw.random() < 0.6 for _ in range(length)]
        made.append((np.array(ids), np.array(mask)))
    return made


def alone(model, pair):
    """The loss that transformers itself gives to one conversation, summed."""
    ids, mask = (torch.from_numpy(part)[None] for part in pair)
    labels = torch.where(mask, ids, IGNORED)
    return model(input_ids=ids, labels=labels).loss * int(mask.sum())


def by_conversation(model, pairs):
    losses = token_losses(model, pack(pairs))
    return torch.split(losses, [int(mask.sum()) for _, mask in pairs])


def test_a_pack_gives_each_conversation_its_own_loss(net):
    plain, pairs = llama(packed=False), conversations()
    for losses, pair in zip(by_conversation(net, pairs), pairs, strict=True):
        assert float(losses.sum()) == pytest.approx(float(alone(plain, pair).detach()), rel=1e-5)
        assert torch.allclose(losses, token_losses(net, pack([pair])), atol=1e-4)


@pytest.mark.parametrize("changed", range(6))
def test_a_change_in_one_conversation_changes_no_other_at_all(net, changed):
    pairs = conversations()
    before = by_conversation(net, pairs)
    ids, mask = pairs[changed]
    pairs[changed] = (np.where(ids > 2, 502 - ids, ids), mask)
    for i, (was, now) in enumerate(zip(before, by_conversation(net, pairs), strict=True)):
        assert torch.equal(was, now) == (i != changed)


def test_the_place_in_a_pack_changes_little(net):
    pairs = conversations()
    forth, back = by_conversation(net, pairs), by_conversation(net, pairs[::-1])
    assert all(torch.allclose(a, b, atol=1e-4) for a, b in zip(forth, back[::-1], strict=True))


def test_loss_and_gradients_are_those_of_transformers(net):
    plain, pairs = llama(packed=False), conversations()
    wanted = sum(alone(plain, pair) for pair in pairs)
    gradients = torch.autograd.grad(wanted, list(plain.parameters()))
    loss = summed_loss(net, pack(pairs))
    for ours, theirs in zip(torch.autograd.grad(loss, list(net.parameters())), gradients,
                            strict=True):  # fmt: skip
        assert torch.allclose(ours, theirs, rtol=1e-3, atol=1e-4)


def test_other_kinds_of_models_give_the_same_losses_by_their_logits(net, monkeypatch):
    batch = pack(conversations())
    plain = token_losses(net, batch)
    return_losses(net)
    monkeypatch.setattr("wildpaper.train.loss._PLAIN_HEADS", ())
    try:
        assert torch.allclose(net(per_token=True, **batch), plain, atol=1e-5)
        assert float(net(**batch).detach()) == pytest.approx(float(plain.sum()), rel=1e-5)
    finally:
        return_logits(net)
    assert "logits" in net(input_ids=batch["input_ids"])


def test_what_is_not_supervised_is_context_and_no_target(net):
    ids, mask = conversations(7, 1)[0]
    mask[:] = False
    mask[10] = True
    before = float(summed_loss(net, pack([(ids, mask)])).detach())
    for place, changes in ((11, False), (len(ids) - 1, False), (9, True), (10, True)):
        other = ids.copy()
        other[place] = 3 if ids[place] != 3 else 4
        after = float(summed_loss(net, pack([(other, mask)])).detach())
        assert (abs(after - before) > 1e-6) == changes, place


def test_nothing_to_learn_is_a_loss_of_nought_with_gradients(net):
    ids, mask = conversations(7, 1)[0]
    loss = summed_loss(net, pack([(ids, mask & False)]))
    assert loss.item() == 0
    loss.backward()


def test_the_first_token_of_a_conversation_is_never_a_target():
    batch = pack([(np.array([5, 6]), np.array([True, True]))] * 3)
    assert batch["labels"].tolist() == [[IGNORED, 6] * 3]
    assert batch["position_ids"].tolist() == [[0, 1] * 3]
    assert batch["borders"] == [0, 2, 4, 6]


def test_recomputed_activations_give_the_same_loss_and_gradients():
    found = []
    for recompute in (False, True):
        model = llama(packed=True).train()
        if recompute:
            model.activation_checkpointing_enable({"use_reentrant": False})
        loss = summed_loss(model, pack(conversations()))
        loss.backward()
        found.append((loss.detach(), [part.grad for part in model.parameters()]))
    assert torch.equal(found[0][0], found[1][0])
    assert all(map(torch.equal, found[0][1], found[1][1]))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(1, 64), min_size=1, max_size=60),
    st.integers(1, 20), st.integers(64, 400), st.integers(1, 4), st.randoms(),
)  # fmt: skip
def test_micro_batches_hold_each_example_of_a_step_once(lengths, batch, most, multiple, draw):
    lengths = np.array(lengths)
    order = draw.choices(range(len(lengths)), k=draw.randrange(1, 60))
    steps = micro_batches(lengths, order, batch, most, multiple)
    assert len(steps) == -(-len(order) // batch)
    assert len({len(step) for step in steps}) == 1
    assert len(steps[0]) % multiple == 0
    for i, step in enumerate(steps):
        found = [row for group in step for row in group]
        assert sorted(found) == sorted(order[i * batch : (i + 1) * batch])
        assert all(lengths[group].sum() <= most for group in step if group)


def test_micro_batches_are_even():
    lengths = np.array([100, 10, 10, 10, 10, 60, 50, 50, 50, 50])
    (step,) = micro_batches(lengths, list(range(10)), 10, 200, 1)
    assert sorted(int(lengths[group].sum()) for group in step) == [200, 200]


def test_a_loss_in_16_bits_is_summed_in_32(net):
    batch = pack(conversations(8, 12))
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        total = summed_loss(net, batch)
    assert total.dtype == torch.float32
    exact = float(token_losses(net, batch).double().sum())
    assert float(total) == pytest.approx(exact, rel=1e-3)
