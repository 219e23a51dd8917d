"""Many replies at a time are those that come one by one."""

import pytest
import torch
from answering import random_model
from transformers import GPT2Config, GPT2LMHeadModel, MistralConfig, MistralForCausalLM

from wildpaper.errors import WildpaperError
from wildpaper.evaluate.answers.generation import Generator, Prompt, Reply

END, ROOM = 1, 40
LENGTHS = (5, 70, 17, 64, 9, 33, 2, 50)


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def model():
    return random_model(n_vocabulary=60, seed=4)


@pytest.fixture(scope="module")
def prompts():
    draw = torch.Generator().manual_seed(2)
    return [torch.randint(3, 60, (n,), generator=draw).tolist() for n in LENGTHS]


@pytest.fixture(scope="module")
def one_by_one(model, prompts):
    """What `generate` gives without a batch, without padding, without anything of ours."""
    found = []
    for ids in prompts:
        given = torch.tensor([ids])
        made = model.generate(
            given, attention_mask=torch.ones_like(given), do_sample=False, max_new_tokens=ROOM
        )[0, len(ids) :].tolist()
        cut = made.index(END) if END in made else len(made)
        found.append(Reply(made[:cut], "end" if END in made else "length"))
    return found


def asked(prompts, temperature=0.0, rooms=None):
    rooms = rooms or [ROOM] * len(prompts)
    return [Prompt(ids, room, temperature, f"1/{len(ids)}/0")
            for ids, room in zip(prompts, rooms, strict=True)]  # fmt: skip


def test_the_likeliest_tokens_are_those_of_generate(model, prompts, one_by_one):
    ends = {reply.finish for reply in one_by_one}
    assert ends == {"end", "length"}
    assert len({len(reply.ids) for reply in one_by_one}) > 2
    generator = Generator(model, [END])
    assert generator.replies(asked(prompts)) == one_by_one
    assert generator.n_tokens == sum(len(reply.ids) for reply in one_by_one)


@pytest.mark.parametrize("temperature", [0.1, 0.7])
def test_sampled_replies_do_not_depend_on_the_batch(temperature, model, prompts, one_by_one):
    generator = Generator(model, [END])
    warm = asked(prompts, temperature)
    together = generator.replies(warm)
    assert [generator.replies([prompt])[0] for prompt in warm] == together
    assert generator.replies(warm[::-1]) == together[::-1]
    assert generator.replies(warm[2:5]) == together[2:5]
    assert together != one_by_one


def test_a_reply_has_no_more_tokens_than_its_room(model, prompts, one_by_one):
    rooms = [ROOM, 3, ROOM, 0, 7, 3, 1, ROOM]
    found = Generator(model, [END]).replies(asked(prompts, rooms=rooms))
    for reply, whole, room in zip(found, one_by_one, rooms, strict=True):
        assert reply.ids == whole.ids[:room]
        assert reply.finish == ("end" if len(whole.ids) < room else "length") or whole == reply


@pytest.mark.parametrize("n_fit", [1, 3])
def test_where_memory_runs_out_there_are_half_as_many(n_fit, model, prompts, monkeypatch, caplog):
    warm = asked(prompts, 0.7)
    expected = Generator(model, [END]).replies(warm)
    real, sizes = model.generate, []

    def short_of_memory(ids, **given):
        sizes.append(len(ids))
        if len(ids) > n_fit:
            raise torch.OutOfMemoryError
        return real(ids, **given)

    monkeypatch.setattr(model, "generate", short_of_memory)
    generator = Generator(model, [END])
    assert generator.replies(warm) == expected
    assert sizes[:2] == [8, 4]
    assert "memory ran out" in caplog.text
    sizes.clear()
    assert generator.replies(warm) == expected
    assert max(sizes) <= n_fit
    assert (1 if n_fit == 1 else 2) == max(sizes)


def test_memory_that_does_not_hold_one_prompt_is_said(model, prompts, monkeypatch):
    def never(*_, **__):
        raise torch.OutOfMemoryError

    monkeypatch.setattr(model, "generate", never)
    with pytest.raises(WildpaperError, match="too small for one prompt"):
        Generator(model, [END]).replies(asked(prompts))


def test_what_a_model_comes_with_of_ways_to_generate_is_not_used(prompts, one_by_one):
    model = random_model(n_vocabulary=60, seed=4)
    model.generation_config.update(
        do_sample=True, temperature=9.0, top_k=3, repetition_penalty=5.0, max_length=3
    )
    assert Generator(model, []).replies(asked(prompts)) == one_by_one


def sliding_window():
    return MistralForCausalLM(
        MistralConfig(
            vocab_size=60, hidden_size=32, intermediate_size=64, num_hidden_layers=2,
            num_attention_heads=2, num_key_value_heads=1, sliding_window=8, eos_token_id=END,
            bos_token_id=0, pad_token_id=2, max_position_embeddings=512,
        )
    )  # fmt: skip


def learned_positions():
    return GPT2LMHeadModel(
        GPT2Config(vocab_size=60, n_positions=110, n_embd=32, n_layer=2, n_head=2,
                   eos_token_id=END, bos_token_id=0, pad_token_id=2)
    )  # fmt: skip


@pytest.mark.parametrize("kind", [sliding_window, learned_positions])
def test_models_of_other_kinds_answer_alike(kind, prompts):
    torch.manual_seed(7)
    model = kind().eval()
    with torch.no_grad():
        for weights in model.parameters():
            weights.mul_(8 if weights.dim() > 1 else 1)
    rooms = [min(ROOM, 110 - len(ids)) for ids in prompts]
    expected = []
    for ids, room in zip(prompts, rooms, strict=True):
        given = torch.tensor([ids])
        made = model.generate(
            given, attention_mask=torch.ones_like(given), do_sample=False, max_new_tokens=room
        )[0, len(ids) :].tolist()
        expected.append(made[: made.index(END)] if END in made else made)
    found = Generator(model, [END]).replies(asked(prompts, rooms=rooms))
    assert [reply.ids for reply in found] == expected
    assert len({tuple(reply.ids[:5]) for reply in found}) > 4
