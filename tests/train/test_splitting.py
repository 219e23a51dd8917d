"""Long conversations are split between exchanges, and nothing vanishes uncounted."""

import random

from training_data import corpus, talk, vocabulary

from wildpaper.train.splitting import split_conversation

KNOWN = vocabulary(5)


def split(template, messages, max_length):
    exchanges, _ = template.exchanges(messages)
    return split_conversation(exchanges, template.header, template.end_id, max_length)


def test_splitting_keeps_every_token_and_its_mask(template):
    n_header = len(template.header)
    n_split = 0
    for messages in corpus(21, 60, KNOWN):
        (whole,) = split(template, messages, 10**9).examples
        parts = split(template, messages, 400)
        assert parts.n_truncated == 0
        n_split += len(parts.examples) > 1
        ids, mask, n_characters = list(template.header), [False] * n_header, 0
        for example in parts.examples:
            assert len(example.input_ids) <= 400
            assert example.input_ids[:n_header] == template.header
            ids += example.input_ids[n_header:]
            mask += example.supervised[n_header:]
            n_characters += example.n_reply_characters
        assert (ids, mask) == (whole.input_ids, whole.supervised)
        assert n_characters == whole.n_reply_characters
    assert n_split > 5


def test_borders_are_those_of_exchanges_and_no_example_could_hold_more(template):
    for messages in corpus(22, 40, KNOWN):
        exchanges, _ = template.exchanges(messages)
        sizes = [sum(reply.n_tokens for reply in exchange) for exchange in exchanges]
        examples = split(template, messages, 400).examples
        room = [len(example.input_ids) - len(template.header) for example in examples]
        for i, filled in enumerate(room):
            n = next(n for n in range(1, len(sizes) + 1) if sum(sizes[:n]) == filled)
            del sizes[:n]
            if i + 1 < len(room):
                assert len(template.header) + filled + sizes[0] > 400
        assert sizes == []


def test_an_exchange_that_is_too_long_is_cut_off_and_counted(template):
    draw = random.Random(3)
    messages = [*talk(draw, KNOWN, 1), ("user", "ka"), ("assistant", " ".join(["lo"] * 900)),
                *talk(draw, KNOWN, 1)]  # fmt: skip
    (whole,) = split(template, messages, 10**9).examples
    parts = split(template, messages, 300)
    assert (parts.n_truncated, parts.n_exchanges_without_room) == (1, 0)
    assert [len(example.input_ids) for example in parts.examples][1] == 300
    kept = sum(len(e.input_ids) - len(template.header) for e in parts.examples)
    assert kept + parts.n_truncated_tokens == len(whole.input_ids) - len(template.header)
    cut = parts.examples[1]
    assert cut.input_ids[-1] != template.end_id, "a reply cut short must not teach to stop"
    # " lo" is one token and three characters, the first without its space
    assert cut.n_reply_characters == 3 * sum(cut.supervised) - 1


def test_a_prompt_that_fills_the_context_leaves_no_example(template):
    messages = [("user", "ka " * 900), ("assistant", "lo")]
    parts = split(template, messages, 300)
    assert parts.examples == []
    assert parts.n_exchanges_without_room == 1
    assert parts.n_truncated == 0
    around = [("user", "a"), ("assistant", "b")]
    parts = split(template, [*around, *messages, *around], 300)
    assert len(parts.examples) == 2
    assert parts.n_exchanges_without_room == 1


def test_a_second_reply_without_room_is_cut_off(template):
    messages = [("user", "ka"), ("assistant", "lo " * 300), ("assistant", "mi " * 300)]
    parts = split(template, messages, 250)
    (example,) = parts.examples
    assert len(example.input_ids) == 250
    assert parts.n_truncated == 1
    assert example.n_reply_characters < 300 * 3
