"""N-grams in token streams: every match that there is, against sets of tuples, and no other."""

import random

import numpy as np
import pytest

from wildpaper.evaluate import ngrams
from wildpaper.evaluate.contamination import Turn, covered_tokens, search_for
from wildpaper.evaluate.ngrams import look_in_examples, rolling_hashes

LENGTHS = (3, 5, 8)


def covered_slowly(question, examples, length):
    """Return the number of covered tokens by Python's own sets of tuples."""
    size = min(length, len(question))
    known = {tuple(e[i : i + size]) for e in examples for i in range(len(e) - size + 1)}
    covered = set()
    for i in range(len(question) - size + 1):
        if tuple(question[i : i + size]) in known:
            covered |= set(range(i, i + size))
    return len(covered)


def covered(questions, examples, lengths=LENGTHS):
    """Return {(question, length): covered tokens}, the examples searched in one go."""
    turns = [Turn(i, "math", 1, np.array(q, np.int32)) for i, q in enumerate(questions)]
    searches = search_for(turns, lengths)
    flat = np.array([token for example in examples for token in example], np.int32)
    look_in_examples(
        set(searches.values()), flat, np.cumsum([len(e) for e in examples], dtype=np.int64)
    )
    return {(t.question_id, n): covered_tokens(t, n, searches) for t in turns for n in lengths}


def random_tokens(draw, n, vocabulary):
    return [draw.randrange(vocabulary) for _ in range(n)]


@pytest.mark.parametrize("piece", [1, 7, 1 << 16])
@pytest.mark.parametrize("vocabulary", [2, 4, 30_000])
def test_what_is_covered_is_what_a_slow_oracle_says(monkeypatch, piece, vocabulary):
    monkeypatch.setattr(ngrams, "_PIECE", piece)
    draw = random.Random(f"{piece} {vocabulary}")
    some = False
    for _ in range(15):
        questions = [random_tokens(draw, draw.randint(1, 25), vocabulary) for _ in range(4)]
        examples = [random_tokens(draw, draw.randint(0, 20), vocabulary) for _ in range(6)]
        start = draw.randrange(len(questions[0]))
        examples[2] += questions[0][start : start + draw.randint(1, 12)]
        found = covered(questions, examples)
        assert found == {
            (i, n): covered_slowly(q, examples, n) for i, q in enumerate(questions) for n in LENGTHS
        }
        some |= any(found.values())
    assert some


@pytest.mark.parametrize("constant", [0, 2**64 - 1])
def test_tokens_are_compared_where_hashes_agree(monkeypatch, constant):
    draw = random.Random(4)
    questions = [random_tokens(draw, 20, 3) for _ in range(5)]
    examples = [random_tokens(draw, 30, 3) for _ in range(8)]
    expected = covered(questions, examples)
    assert 0 < sum(expected.values()) < 20 * 5 * len(LENGTHS)

    def all_alike(tokens, lengths):
        sizes = {n: max(len(tokens) - n + 1, 0) for n in lengths}
        return {n: np.full(size, constant, np.uint64) for n, size in sizes.items()}

    monkeypatch.setattr(ngrams, "rolling_hashes", all_alike)
    assert covered(questions, examples) == expected


def test_a_hash_depends_on_the_tokens_of_its_n_gram_and_on_their_order_alone():
    draw = np.random.default_rng(1)
    tokens = draw.integers(0, 32_000, 300).astype(np.int32)
    tokens[200:240] = tokens[100:140]
    for length, hashes in rolling_hashes(tokens, range(1, 20)).items():
        assert len(hashes) == len(tokens) - length + 1
        assert (hashes[200 : 241 - length] == hashes[100 : 141 - length]).all()
        distinct = {tuple(tokens[i : i + length]) for i in range(len(hashes))}
        assert len(set(hashes.tolist())) == len(distinct)
        turned = rolling_hashes(tokens[:length][::-1], [length])[length][0]
        assert length == 1 or turned != hashes[0]
    assert rolling_hashes(tokens[:3], [5])[5].shape == (0,)
