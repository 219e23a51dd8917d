"""Contamination: planted questions are found as far as they were planted, and no further."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.pre_tokenizers import ByteLevel

from wildpaper.acquire.tokenizer import from_npm
from wildpaper.errors import WildpaperError
from wildpaper.evaluate import contamination
from wildpaper.evaluate.contamination import (
    OVERLAPS,
    encode_questions,
    find_contamination,
)
from wildpaper.train.examples import EXAMPLES, write_examples
from wildpaper.train.recipe import load_recipe
from wildpaper.train.splitting import Example, split_conversation
from wildpaper.train.template import load_template

ROOT = Path(__file__).resolve().parents[2]
RECIPE = ROOT / "data/recipes/tiny.yaml"
NPM_ARCHIVE = ROOT / "data/raw/llama2-tokenizer/llama-tokenizer-js-1.2.2.tgz"
NPM_SHA256 = "ee83014ac8b379b16cf8d81e99ffcdb23dfade8c0d2e751bd06e7dc0b8476e72"

# Plain words of one token each or more; what matters is that the planted runs are known.
FIRST = "How many green bottles stand on the old wall when five of them have fallen down tonight?"
SECOND = "And how many if the wall is twice as long and nobody ever counted them?"
SHORT = "Explain why."


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory):
    if not NPM_ARCHIVE.is_file():
        pytest.skip(f"the Llama-2 tokenizer is not at {NPM_ARCHIVE.relative_to(ROOT)}: make setup")
    path = tmp_path_factory.mktemp("llama2") / "tokenizer.json"
    from_npm(NPM_ARCHIVE, NPM_SHA256, path)
    return path


@pytest.fixture(scope="module")
def template(tokenizer):
    return load_template(load_recipe(RECIPE).data, tokenizer)


@pytest.fixture
def question_file(tmp_path):
    path = tmp_path / "question.jsonl"
    rows = [(7, "math", [FIRST, SECOND]), (9, "stem", [f"{FIRST} Say so in verse.", SHORT])]
    keys = ("question_id", "category", "turns")
    path.write_text("\n".join(json.dumps(dict(zip(keys, row, strict=True))) for row in rows))
    return path


def write_talks(path, template, talks, max_length=512):
    """Write conversations of (prompt, reply) as the train stage does."""
    with write_examples(path) as writer:
        for number, (prompt, reply) in enumerate(talks):
            exchanges, _ = template.exchanges([("user", prompt), ("assistant", reply)])
            split = split_conversation(exchanges, template.header, template.end_id, max_length)
            writer.add(number, number, split.examples)
    return path


@pytest.fixture
def find(tmp_path, question_file, tokenizer, template):
    """Return {(question, turn, n): (tokens, covered)} for training conversations, by shard."""

    def run(*shards, name="out", **options):
        paths = [
            write_talks(tmp_path / f"{name}-{i}.parquet", template, talks)
            for i, talks in enumerate(shards)
        ]
        out = tmp_path / f"{name}.overlaps.parquet"
        find_contamination(question_file, paths, RECIPE, tokenizer, out, **options)
        table = pq.read_table(out)
        assert table.schema.equals(OVERLAPS)
        rows = table.to_pylist()
        key = ("question_id", "turn", "ngram")
        return {tuple(r[k] for k in key): (r["n_tokens"], r["n_covered"]) for r in rows}

    return run


def size(template, text):
    return len(template.encode(text))


def test_a_turn_is_the_tokens_of_its_text_alone(question_file, template):
    turns = encode_questions(question_file, template)
    texts = [FIRST, SECOND, f"{FIRST} Say so in verse.", SHORT]
    assert [turn.tokens.tolist() for turn in turns] == [template.encode(text) for text in texts]
    assert [(t.question_id, t.turn, t.category) for t in turns] == [
        (7, 1, "math"), (7, 2, "math"), (9, 1, "stem"), (9, 2, "stem")]  # fmt: skip


def test_chatml_puts_nothing_of_its_own_into_a_turn(tmp_path, question_file):
    pieces = ["<|im_start|>", "<|im_end|>", *sorted(ByteLevel.alphabet())]
    vocabulary = {piece: i for i, piece in enumerate(pieces)}
    byte_level = Tokenizer(BPE(vocabulary, []))
    byte_level.pre_tokenizer = ByteLevel(add_prefix_space=False)
    byte_level.save(str(tmp_path / "chatml.json"))
    settings = load_recipe(RECIPE).data.model_copy(update={"template": "chatml"})
    template = load_template(settings, tmp_path / "chatml.json")
    turns = encode_questions(question_file, template)
    assert [len(turn.tokens) for turn in turns][:2] == [len(FIRST), len(SECOND)]
    assert [turn.tokens.tolist() for turn in turns][:2] == [
        template.encode(FIRST), template.encode(SECOND)]  # fmt: skip


def test_a_question_pasted_whole_is_covered_whole_and_others_are_not(find, template):
    found = find([("Hello there", "Good morning"), (f"Please: {FIRST} Thanks", "Sixteen")])
    n = size(template, FIRST)
    for length in (8, 10, 13):
        assert found[7, 1, length] == (n, n)
        assert found[7, 2, length] == (size(template, SECOND), 0)
        # the other question goes on after it
        assert found[9, 1, length] == (size(template, f"{FIRST} Say so in verse."), n)
        assert found[9, 2, length] == (size(template, SHORT), 0)


def test_a_question_in_a_reply_counts_too(find, template):
    n = size(template, SECOND)
    assert find([("Ask me something", f"Gladly. {SECOND} Hm?")])[7, 2, 10] == (n, n)


def test_a_part_is_covered_from_n_tokens_on(find, template):
    words = FIRST.split(" ")
    tokens = template.encode(FIRST)
    for n_words in range(4, len(words)):
        part = " ".join(words[:n_words])
        n = size(template, part)
        assert tokens[:n] == template.encode(part)
        found = find([(f"Well, {part} xylophone", "Yes")], name=f"part-{n_words}")
        assert [found[7, 1, k][1] for k in (8, 10, 13)] == [n if n >= k else 0 for k in (8, 10, 13)]


def test_a_word_changed_in_the_middle_leaves_the_runs_on_both_sides(find, template):
    words = FIRST.split(" ")
    words[8] = "xylophone"
    before = size(template, " ".join(words[:8]))
    after = size(template, " ".join(words[9:]))
    found = find([(" ".join(words), "Yes")])
    assert 8 <= before < 10 <= after < 13, "choose other words"
    assert [found[7, 1, k][1] for k in (8, 10, 13)] == [before + after, after, 0]


def test_a_question_across_two_examples_does_not_count(find, tmp_path, template, question_file,
                                                       tokenizer):  # fmt: skip
    tokens = template.encode(FIRST)
    half = len(tokens) // 2
    paths = {}
    for name, parts in {"apart": [tokens[:half], tokens[half:]], "whole": [tokens, []]}.items():
        paths[name] = tmp_path / f"{name}.parquet"
        with write_examples(paths[name]) as writer:
            writer.add(0, 0, [Example([1, *parts[0]]), Example([*parts[1], 2])])
    results = {}
    for name, path in paths.items():
        out = tmp_path / f"{name}.overlaps.parquet"
        find_contamination(question_file, [path], RECIPE, tokenizer, out, lengths=[13])
        results[name] = pq.read_table(out)["n_covered"].to_pylist()[0]
    assert half < 13 > len(tokens) - half, "choose a shorter question"
    assert results == {"apart": 0, "whole": len(tokens)}


def test_a_turn_of_fewer_tokens_is_looked_for_whole(find, template):
    n = size(template, SHORT)
    assert n < 8
    found = find([("Tell me", f"No. {SHORT} Now.")], [("x", "Explain when.")])
    assert [found[9, 2, k] for k in (8, 10, 13)] == [(n, n)] * 3
    assert find([("x", "Explain when.")], name="other")[9, 2, 10] == (n, 0)


def test_shards_their_order_and_other_talk_change_nothing(find, tmp_path):
    talks = [("Hm", f"Well {FIRST[:50]} no"), (SECOND, "Sure"), ("a", "b"), ("Hi", FIRST[30:])]
    one = find(talks, name="one")
    assert sum(n for _, n in one.values()) > 0
    assert find(talks[2:], [], talks[:2], name="three") == one
    assert find(talks + talks, name="twice") == one
    again = find(talks, name="again")
    assert again == one
    first, second = (tmp_path / f"{n}.overlaps.parquet" for n in ("one", "again"))
    assert first.read_bytes() == second.read_bytes()


def test_the_tokens_that_were_searched_are_counted(find, tmp_path):
    find([("a", "b"), ("c", "d")], [("e", "f")])
    rows = pq.read_table(tmp_path / "out.overlaps.parquet")["n_training_tokens"].to_pylist()
    lengths = [
        len(ids)
        for i in range(2)
        for ids in pq.read_table(tmp_path / f"out-{i}.parquet")["input_ids"].to_pylist()
    ]
    assert len(lengths) == 3
    assert set(rows) == {sum(lengths)}


def test_memory_does_not_grow_with_the_training_data(
    monkeypatch, tmp_path, question_file, tokenizer
):
    path = tmp_path / "many.parquet"
    draw = np.random.default_rng(1)
    starts = np.arange(0, 200_001, 200, dtype=np.int32)
    with pq.ParquetWriter(path, EXAMPLES) as writer:
        for _ in range(40):
            ids = draw.integers(3, 32_000, 200_000).astype(np.int32)
            lists = {"input_ids": ids, "supervised": np.ones(len(ids), np.bool_)}
            columns = [
                pa.ListArray.from_arrays(starts, pa.array(lists[field.name]))
                if field.name in lists
                else pa.array(np.zeros(1000, np.int64)).cast(field.type)
                for field in EXAMPLES
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=EXAMPLES))
    held, before = [], pa.total_allocated_bytes()

    def look(searches, input_ids, ends):
        held.append(pa.total_allocated_bytes() - before)

    monkeypatch.setattr(contamination, "look_in_examples", look)
    find_contamination(question_file, [path], RECIPE, tokenizer, tmp_path / "out.parquet")
    assert len(held) >= 40
    assert 0 < max(held) < path.stat().st_size / 4


def test_what_cannot_be_searched_is_explained(find, tmp_path, question_file, tokenizer):
    with pytest.raises(WildpaperError, match="no training data"):
        find([])
    out = tmp_path / "out.parquet"
    other = tmp_path / "other.parquet"
    pq.write_table(pa.table({"x": [1]}), other)
    for path, match in ((other, "Not a file of examples"), (tmp_path / "none", "Cannot read")):
        with pytest.raises(WildpaperError, match=match) as caught:
            find_contamination(question_file, [path], RECIPE, tokenizer, out)
        assert caught.value.where == str(path)
    assert not out.exists()
