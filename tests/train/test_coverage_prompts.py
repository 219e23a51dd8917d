"""Prompts of the coverage matrix: what becomes a prompt, what is held out, what is drawn."""

import json
import random
from pathlib import Path

import pytest
from tokenizers import Tokenizer
from training_data import day, tiny_recipe, vocabulary, words, write_shards

from wildpaper.train.coverage.prompts import prepare_prompts
from wildpaper.train.examples import Examples, prompt_digest, read_examples

KNOWN = vocabulary(6)
BEGIN, END = 1, 2


def asked(*texts):
    """Return conversations that open with some prompts."""
    return [[("user", text), ("assistant", "so"), ("user", "more"), ("assistant", "no")]
            for text in texts]  # fmt: skip


def different(n, seed=1):
    draw = random.Random(seed)
    return [f"{i} {words(draw, draw.randint(1, 30), KNOWN)}" for i in range(n)]


@pytest.fixture
def prepare(tmp_path, tokenizer_file):
    """Return a function from {data set: conversations} to (train, held-out, report) of each."""

    def run(name, talks, seed=1, n_shards=1, backwards=False, timestamps=None, **coverage):
        folder = tmp_path / name
        paths = {"conversations": [], "messages": []}
        for dataset, listed in talks.items():
            found = write_shards(folder / dataset, listed, dataset, n_shards, timestamps)
            for kind, shards in found.items():
                paths[kind] += shards[::-1] if backwards else shards
        changes = {f"coverage__{key}": value for key, value in coverage.items()}
        recipe = tiny_recipe(tmp_path / "small.yaml", **changes)
        out = [[folder / f"{dataset}-{part}" for dataset in talks]
               for part in ("train.parquet", "held.parquet", "report.json")]  # fmt: skip
        prepare_prompts(**paths, tokenizer=tokenizer_file, recipe=recipe,
                        prompts=out[0], held_out=out[1], reports=out[2],
                        datasets=list(talks), seed=seed)  # fmt: skip
        return {dataset: tuple(parts[i] for parts in out) for i, dataset in enumerate(talks)}

    return run


def counts(prepared):
    return json.loads(prepared[2].read_text(encoding="utf-8"))["counts"]


def content(prepared):
    arrays = [getattr(read_examples(path), name).tolist() for path in prepared[:2]
              for name in Examples.__slots__]  # fmt: skip
    return [*arrays, prepared[2].read_bytes()]


def by_number(prepared):
    """Return {conversation: (tokens, supervised, characters)} of both sides."""
    found = {}
    for path in prepared[:2]:
        data = read_examples(path)
        for i, number in enumerate(data.conversation_ids.tolist()):
            ids, mask = data.one(i)
            found[number] = (ids.tolist(), mask.tolist(), int(data.n_reply_characters[i]))
    return found


def test_a_prompt_is_its_tokens_between_a_begin_and_an_end(prepare, tokenizer_file):
    text = "Write </s> a poem,\n  über <s> alles 🙂 "
    prepared = prepare("one", {"dolly": asked(text, "x")})["dolly"]
    ids, mask, n_characters = by_number(prepared)[0]
    plain = Tokenizer.from_file(str(tokenizer_file)).encode(text, add_special_tokens=False)
    assert ids == [BEGIN, *plain.ids, END]
    assert not {BEGIN, END} & set(ids[1:-1])
    assert mask == [False] + [True] * (len(ids) - 1)
    assert n_characters == len(text)
    assert read_examples(list(prepared[:2])).first_prompts[0] == prompt_digest(text)


def test_the_first_user_message_is_taken_and_empty_ones_are_counted(prepare):
    talks = [
        [("system", "be kind"), ("assistant", "hi"), ("user", "a"), ("assistant", "b")],
        [("user", ""), ("assistant", "what?"), ("user", "later")],
        [("user", " \n\t"), ("assistant", "what?")],
        [("assistant", "nobody asked")],
    ]
    prepared = prepare("first", {"dolly": talks})["dolly"]
    assert list(by_number(prepared)) == [0]
    assert counts(prepared)["empty"] == 3
    assert counts(prepared)["conversations"] == 4


@pytest.mark.parametrize(("room", "whole"), [(0, False), (1, True)])
def test_a_long_prompt_is_cut_off_loses_its_end_and_is_counted(
    prepare, tokenizer_file, room, whole
):
    text = words(random.Random(4), 40, KNOWN)
    encoding = Tokenizer.from_file(str(tokenizer_file)).encode(text, add_special_tokens=False)
    longest = len(encoding.ids) + 1 + room  # one token too few for the end, or just enough
    prepared = prepare("cut", {"dolly": asked(text)}, max_length=longest)["dolly"]
    ids, mask, n_characters = by_number(prepared)[0]
    assert ids == [BEGIN, *encoding.ids, END][:longest]
    assert len(mask) == len(ids)
    assert n_characters == len(text)
    assert counts(prepared).get("truncated", 0) == (not whole)
    assert counts(prepared).get("truncated-tokens", 0) == (not whole)
    # where text is cut off, only the characters that are left count
    shorter = by_number(prepare("cut", {"dolly": asked(text)}, max_length=20)["dolly"])[0]
    assert shorter[0] == [BEGIN, *encoding.ids[:19]]
    assert shorter[2] == encoding.offsets[18][1] < len(text)


def test_equal_prompts_stay_on_one_side_also_across_data_sets(prepare):
    texts = different(200)
    prepared = prepare("both", {"dolly": asked(*texts, *texts), "alpaca": asked(*texts)})
    train, held = (
        {int(p) for one in prepared.values() for p in read_examples(one[i]).first_prompts}
        for i in range(2)
    )
    assert train | held == {prompt_digest(text) for text in texts}
    assert not train & held
    for one, n in (("dolly", 400), ("alpaca", 200)):
        assert counts(prepared[one])["train"] + counts(prepared[one])["held-out"] == n


def test_about_three_tenths_are_held_out_and_the_seed_decides_which(prepare):
    texts = different(1000)
    sides = [set(read_examples(prepare(f"s{seed}", {"dolly": asked(*texts)}, seed)["dolly"][1])
                 .conversation_ids.tolist()) for seed in (1, 2)]  # fmt: skip
    for side in sides:
        assert len(side) == pytest.approx(300, abs=60)  # four standard deviations
    assert len(sides[0] & sides[1]) == pytest.approx(90, abs=45)


def test_shards_and_their_order_make_no_difference(prepare):
    talks = {"dolly": asked(*different(60)), "wildchat": asked(*different(50, seed=2))}
    for options in ({}, {"max_prompts": 20}):
        one = prepare("one", talks, **options)
        many = prepare("many", talks, n_shards=4, backwards=True, **options)
        for dataset in talks:
            assert content(one[dataset]) == content(many[dataset])


TIMES = [day("2023-04-09T23:59:59.999"), day("2023-04-10"), day("2023-09-22T23:59:59.999"),
         day("2023-09-23"), None]  # fmt: skip


def test_wildchat_is_cut_to_whole_days_and_no_other_data_set_is(prepare):
    talks = {"wildchat": asked(*different(5)), "lmsys_chat_1m": asked(*different(5))}
    prepared = prepare("time", talks, timestamps=TIMES)
    assert set(by_number(prepared["wildchat"])) == {1, 2, 4}
    assert counts(prepared["wildchat"])["other-time"] == 2
    assert set(by_number(prepared["lmsys_chat_1m"])) == {0, 1, 2, 3, 4}
    days = {"first_day": "2023-04-09", "last_day": "2023-09-23"}
    always = prepare("always", talks, timestamps=TIMES, **days)
    assert set(by_number(always["wildchat"])) == {0, 1, 2, 3, 4}


def test_so_many_prompts_are_drawn_exactly_out_of_those_that_can_be(prepare):
    n = 100
    times = [day("2023-05-01") if i % 2 else day("2024-01-01") for i in range(n)]
    talks = {"wildchat": asked(*different(n)), "dolly": asked(*different(12))}
    drawn = prepare("drawn", talks, timestamps=times, max_prompts=30)
    chosen = set(by_number(drawn["wildchat"]))
    assert len(chosen) == 30
    assert all(number % 2 for number in chosen)
    assert counts(drawn["wildchat"])["not-drawn"] == 20
    assert len(by_number(drawn["dolly"])) == 12
    assert counts(drawn["dolly"])["not-drawn"] == 0
    # with more wanted, those that were drawn stay; another seed draws others
    more = set(by_number(prepare("more", talks, timestamps=times, max_prompts=40)["wildchat"]))
    assert chosen < more
    other = prepare("seed", talks, seed=2, timestamps=times, max_prompts=30)["wildchat"]
    assert set(by_number(other)) != chosen


def test_frequent_prompts_are_drawn_as_often_as_they_occur(prepare):
    talks = {"dolly": asked(*["the same"] * 300, *different(300))}
    drawn = prepare("often", talks, max_prompts=200)["dolly"]
    same = prompt_digest("the same")
    n_same = sum(int((read_examples(path).first_prompts == same).sum()) for path in drawn[:2])
    assert n_same == pytest.approx(100, abs=25)


def test_reports_hold_counts_and_no_text(prepare):
    texts = different(30)
    prepared = prepare("report", {"dolly": asked(*texts)})["dolly"]
    report = Path(prepared[2]).read_text(encoding="utf-8")
    assert not any(text in report for text in texts)
    lengths = [len(ids) for ids, _, _ in by_number(prepared).values()]
    assert counts(prepared)["tokens"] == sum(lengths)
