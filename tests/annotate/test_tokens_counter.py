"""Token counts equal those of Hugging Face and SentencePiece on whatever text comes."""

import json
import random
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sentencepiece
import tokenizers
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wildpaper.annotate.tokens import scan as token_scan
from wildpaper.annotate.tokens.counter import TokenCounter
from wildpaper.errors import WildpaperError

FRAGMENTS = [
    *(" ", "  ", "   ", " " * 16, " " * 33, "\t", "\n", "\r\n", "\0", "\x7f", "\u00a0", "\u2028"),
    *("<s>", "</s>", "<unk>", "<0x0A>", "\u2581", "\u2581\u2581", "=====", "--", "...", "1234"),
    *("the", "The", "ing", "erere", "enden", "ababab", "aaaa", "x²", "½", "ﬁ", "é", "e\u0301"),
    *(
        "日本",
        "汉字",
        "한국",
        "привет",
        "हिन्दी",
        "ไทย",
        "שלום",
        "😀",
        "👩‍👩‍👧",
        "\ufeff",
        "\U0010ffff",
    ),
]
TEXTS = st.lists(
    st.one_of(
        st.sampled_from(FRAGMENTS), st.text(max_size=6), st.text("ab er\u2581<>s.1", max_size=9)
    ),
    max_size=12,
).map("".join)
SAME = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture(scope="module")
def counter(tokenizer_file):
    return TokenCounter(tokenizer_file)


@pytest.fixture(scope="module")
def hugging_face(tokenizer_file):
    encoder = tokenizers.Tokenizer.from_file(str(tokenizer_file))
    return lambda texts: [len(e.ids) for e in encoder.encode_batch(texts)]


@pytest.fixture(scope="module")
def pieces(tokenizer_file):
    form = json.loads(tokenizer_file.read_text(encoding="utf-8"))
    return list(form["model"]["vocab"])


@pytest.fixture(scope="module")
def mixture(pieces):
    """3,000 texts of everything, some thousand distinct units."""
    draw = random.Random(7)
    parts = [*FRAGMENTS, *(piece.replace("\u2581", " ") for piece in pieces[259:])]
    return ["".join(draw.choices(parts, k=draw.randint(0, 12))) for _ in range(3000)]


def ours(counter, texts):
    return counter.count(pa.array(texts, pa.string())).tolist()


@SAME
@given(texts=st.lists(TEXTS, max_size=20))
def test_generated_texts_count_as_hugging_face_does(texts, counter, hugging_face):
    assert ours(counter, texts) == hugging_face(texts)


@pytest.mark.realdata
@SAME
@given(texts=st.lists(TEXTS, max_size=20))
def test_generated_texts_count_as_sentencepiece_does(texts, counter, sentencepiece_model):
    peer = sentencepiece.SentencePieceProcessor(model_file=str(sentencepiece_model))
    assert ours(counter, texts) == [len(ids) for ids in peer.encode(texts)]


def test_every_piece_and_neighbours_count_as_hugging_face_does(counter, hugging_face, pieces):
    texts = [piece.replace("\u2581", " ") for piece in pieces]
    texts += [a + b for a, b in pairwise(texts)]
    assert ours(counter, texts) == hugging_face(texts)


def test_runs_of_any_length_count_as_hugging_face_does(counter, hugging_face):
    texts = [c * n for c in " \u2581a=-é日😀\n" for n in (*range(1, 130), 1000)]
    texts += [f"x{' ' * n}y" for n in range(130)]
    assert ours(counter, texts) == hugging_face(texts)


def test_texts_are_cut_just_where_no_piece_joins_two_characters(counter, tokenizer_file):
    """The pairs that the scan does not cut are those inside pieces, no more and no fewer."""
    merges = json.loads(tokenizer_file.read_text(encoding="utf-8"))["model"]["merges"]
    made = {merge.replace(" ", "").replace("\u2581", " ") for merge in merges}
    inside = {(ord(a), ord(b)) for piece in made for a, b in pairwise(piece)}
    known = counter.vocabulary
    kept = {(int(i) >> 7, int(i) & 127) for i in np.flatnonzero(known.ascii_joins)}
    keys = [int(key) - 1 for key in known.join_keys if key]
    kept |= {(key >> 21, key & 0x1FFFFF) for key in keys}
    assert kept == inside


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["alpaca", "wildchat", "oasst1"])
def test_real_texts_count_as_sentencepiece_does(name, realdata, counter, sentencepiece_model):
    texts = real_texts(name, realdata)
    peer = sentencepiece.SentencePieceProcessor(model_file=str(sentencepiece_model))
    expected = np.array([len(ids) for ids in peer.encode(texts, num_threads=2)])
    assert int((counter.count(pa.array(texts)) != expected).sum()) == 0


def real_texts(name, realdata):
    if name == "alpaca":
        rows = json.loads((realdata / "alpaca/alpaca_data.json").read_text(encoding="utf-8"))
        return [row[key] for row in rows for key in ("instruction", "input", "output")]
    if name == "wildchat":
        chats = pq.read_table(realdata / "wildchat/train-00000-of-00001.parquet")["conversation"]
        return [message["content"] for chat in chats.to_pylist() for message in chat]
    lines = (realdata / "oasst1/en-validation.jsonl").read_text(encoding="utf-8").split("\n")
    return [json.loads(line)["text"] for line in lines if line]


@pytest.mark.realdata
def test_alpaca_gives_the_published_token_lengths(realdata, counter):
    rows = json.loads((realdata / "alpaca/alpaca_data.json").read_text(encoding="utf-8"))
    user = counter.count(pa.array([row["instruction"] + row["input"] for row in rows]))
    chatbot = counter.count(pa.array([row["output"] for row in rows]))
    found = [user.mean(), user.std(), chatbot.mean(), chatbot.std()]
    assert [round(float(value), 4) for value in found] == [19.6698, 15.19, 64.5132, 64.8486]


@pytest.mark.parametrize("room", [1, 2, 3, 100, 1000])
def test_a_small_memo_changes_no_count_and_keeps_its_bound(room, mixture, counter, tokenizer_file):
    small = TokenCounter(tokenizer_file, memo_max_units=room)
    for _ in range(2):
        assert ours(small, mixture) == ours(counter, mixture)
        assert small.memo_units <= room
    assert small.memo_bytes <= 128 * room


def test_a_growing_memo_keeps_what_it_knows(tokenizer_file, hugging_face):
    draw = random.Random(3)
    texts = [
        " ".join(
            f"w{draw.randrange(10**9):x}".translate(str.maketrans("0123456789", "ghijklmnop"))
            for _ in range(50)
        )
        for _ in range(1500)
    ]
    large = TokenCounter(tokenizer_file)
    assert ours(large, texts) == hugging_face(texts)
    units = large.memo_units
    assert units > 1 << 16
    assert ours(large, texts) == hugging_face(texts)
    assert large.memo_units - units < 2000


def test_order_batches_slices_and_types_change_no_count(mixture, counter):
    expected = np.array(ours(counter, mixture))
    array = pa.array(mixture, pa.string())
    order = np.random.default_rng(1).permutation(len(mixture))
    assert (counter.count(array.take(pa.array(order))) == expected[order]).all()
    assert (counter.count(array.cast(pa.large_string())) == expected).all()
    for start, length in [(0, 7), (11, 1), (1000, 500), (2999, 5), (3000, 0)]:
        for sliced in (array.slice(start, length), array.cast(pa.large_string())[start:][:length]):
            assert (counter.count(sliced) == expected[start : start + length]).all()
    chunks = [array[:13], array[13:13], array[13:2000], array[2000:]]
    assert (counter.count(pa.chunked_array(chunks)) == expected).all()
    assert (counter.count(pa.chunked_array(chunks).slice(10, 30)) == expected[10:40]).all()


def test_no_text_and_empty_texts(counter):
    assert counter.count(pa.array([], pa.string())).tolist() == []
    assert counter.count(pa.chunked_array([], pa.string())).tolist() == []
    assert ours(counter, ["", "", "a", ""]) == [0, 0, 1, 0]
    assert counter.count(pa.array(["a"])).dtype == np.int32


def test_five_megabytes_of_one_letter(counter):
    assert ours(counter, ["a" * 5_000_000]) == [1_250_002]  # as SentencePiece counts it


def test_five_megabytes_of_mixed_text(counter):
    part = "The größe, x² = 3;\n\t日本 😀 <s>\n"
    once, twice, many = ours(counter, [part, part * 2, part * 125_000])
    assert many == once + 124_999 * (twice - once)


def test_nulls_are_refused_with_their_row(counter):
    texts = pa.chunked_array([["a", "b"], ["c", None, "d"]])
    with pytest.raises(WildpaperError) as caught:
        counter.count(texts, first_row=100)
    assert caught.value.where == "row 103"


def test_other_types_are_refused(counter):
    with pytest.raises(WildpaperError, match="int64"):
        counter.count(pa.array([1, 2]))


def test_invalid_utf8_is_refused(counter):
    offsets, data = pa.py_buffer(np.array([0, 1, 3], np.int32)), pa.py_buffer(b"a\xe2\x96")
    with pytest.raises(WildpaperError, match="UTF-8"):
        counter.count(pa.Array.from_buffers(pa.string(), 2, [None, offsets, data]))


def test_a_memo_without_room_is_refused(tokenizer_file):
    with pytest.raises(WildpaperError, match="at least 1"):
        TokenCounter(tokenizer_file, memo_max_units=0)


@pytest.mark.parametrize("content", [None, "", "{}", '{"model": {"vocab": {}, "merges": []}}'])
def test_a_damaged_tokenizer_is_refused(content, tmp_path):
    path = tmp_path / "tokenizer.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(WildpaperError) as caught:
        TokenCounter(path)
    assert str(path) in caught.value.where


def test_without_a_place_for_machine_code_it_is_compiled_in_memory(monkeypatch):
    asked = []

    def njit(**options):
        asked.append(options)
        if options.get("cache"):
            raise RuntimeError("cannot cache function: no locator available")
        return lambda function: function

    monkeypatch.setattr(token_scan, "njit", njit)
    assert token_scan._compiled(len) is len
    assert asked == [{"cache": True, "nogil": True}, {"nogil": True}]
