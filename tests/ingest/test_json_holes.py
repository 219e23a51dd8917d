"""Damaged and hostile JSON: what is whole is read, the rest is a row, memory is bounded."""

import itertools
import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ingesting import ingest, read_shards
from json_inputs import reasons

from wildpaper.ingest import json_items
from wildpaper.ingest.json_array import iter_array
from wildpaper.ingest.json_items import Broken
from wildpaper.ingest.json_lines import iter_lines

NASTY = st.lists(
    st.sampled_from(["{", "}", "[", "]", '"', ",", ":", "\\", "a", "{\"", "id", "null", "\n", "é"]),
    max_size=12,
).map("".join)  # fmt: skip
PLAIN = NASTY.map(lambda text: f"Say {text} twice.")


def conversations(texts):
    message = st.fixed_dictionaries({"from": st.sampled_from(["human", "gpt"]), "value": texts})
    return st.lists(st.lists(message, max_size=4), min_size=2, max_size=6).map(
        lambda chats: [{"id": f"chat {i}", "conversations": c} for i, c in enumerate(chats)]
    )


def cut(path, items, indent, start, length):
    """Write an array without a piece of its text; return what is whole before and after it."""
    parts = [json.dumps(item, indent=indent) for item in items]
    whole = f"[{', '.join(parts)}]"
    start = 1 + start % (len(whole) - 1)
    end = min(start + length, len(whole))
    path.write_text(whole[:start] + whole[end:], encoding="utf-8")
    ends = list(itertools.accumulate(len(part) + 2 for part in parts))
    spans = [(last - len(part) - 1, last - 1) for part, last in zip(parts, ends, strict=True)]
    before = [item for item, span in zip(items, spans, strict=True) if span[1] <= start]
    return before, [item for item, span in zip(items, spans, strict=True) if span[0] >= end]


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    return tmp_path_factory.mktemp("json") / "a.json"


WHERE = (st.sampled_from([None, 1, 4]), st.integers(0, 4000), st.integers(1, 300),
         st.sampled_from([1, 50, 1 << 20]))  # fmt: skip
MANY = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@MANY
@given(conversations(NASTY), *WHERE)
def test_all_that_is_whole_around_a_hole_is_read(path, items, indent, start, length, chunk):
    before, after = cut(path, items, indent, start, length)
    found = [i for i in iter_array(path, chunk, "conversations") if not isinstance(i, Broken)]
    records = [item for item in found if "conversations" in item]
    assert records[: len(before)] == before
    assert records[len(records) - len(after) :] == after
    assert len(before) + len(after) <= len(records) <= len(before) + len(after) + 1


@MANY
@given(conversations(PLAIN), *WHERE)
def test_a_hole_is_one_row(path, items, indent, start, length, chunk):
    before, after = cut(path, items, indent, start, length)
    found = list(iter_array(path, chunk, "conversations"))
    rows = [i for i in found if isinstance(i, Broken) or "conversations" not in i]
    assert len(rows) <= 1
    if not after and len(before) < len(items) - 1:
        assert rows or len(found) < len(items)


def chat(*texts):
    said = [{"from": "human", "value": text} for text in texts]
    return {"id": "a", "conversations": said}


@pytest.mark.parametrize("indent", [None, 2])
def test_any_cut_is_one_row_although_pieces_of_the_conversation_are_whole(path, indent):
    items = [chat("a"), chat("b", '{"from": "c"}', "d")]
    whole = json.dumps(items, indent=indent)
    for end in range(2, len(whole)):
        path.write_text(whole[:end], encoding="utf-8")
        *kept, last = iter_array(path, 64, "conversations")
        assert kept == items[: len(kept)]
        assert last.reason == "truncated-file"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[R, {"conversations": [{"from": oops}, M, M]}, R]', ["R", "unparsable-json", "R"]),
        ('[R, {"conversations": [M, M R, R]', ["R", "unparsable-json", "R", "R"]),
        ('[R, {"conversations": [M, R, R]', ["R", "unparsable-json", "R", "R"]),
        ('[R, M, M]}, R, R]', ["R", "unparsable-json", "R", "R"]),
        ('[R, "value": "x"}, M]}, R]', ["R", "unparsable-json", "R"]),
        ('["}]}, R, R]', ["unparsable-json", "R", "R"]),
        ('[R] more text"}]}, R]', ["R", "unparsable-json", "R"]),
        ('[R, ]}, R]', ["R", "unparsable-json", "R"]),
        ('[R, M, 7, null, R]', ["R", "M", "7", "null", "R"]),
        ('[R, M, {oops}, R]', ["R", "M", "unparsable-json", "R"]),
        ('[R, 7, "x", ', ["R", "7", "x", "truncated-file"]),
        ('[R, M, {"conversations": [', ["R", "M", "truncated-file"]),
        ('[R R]', ["R", "R"]),
        ('[R][R]', ["R", "trailing-data"]),
        ('[R] []', ["R", "trailing-data"]),
    ],
)  # fmt: skip
def test_kinds_of_damage(path, text, expected):
    record, message = json.dumps(chat("b", "c")), json.dumps(chat("d")["conversations"][0])
    path.write_text(text.replace("R", record).replace("M", message) + " " * 40, encoding="utf-8")
    names = {"R": json.loads(record), "M": json.loads(message), "7": 7, "null": None, "x": "x"}
    found = [
        item.reason if isinstance(item, Broken) else
        next(name for name, value in names.items() if value == item)
        for item in iter_array(path, 50, "conversations")
    ]  # fmt: skip
    assert found == expected


def test_a_hole_says_from_where_to_where_it_reaches(path):
    record = json.dumps(chat("b"))
    path.write_text(f"[{record}, {{oops, {record}]", encoding="utf-8")
    (hole,) = [i for i in iter_array(path, key="conversations") if isinstance(i, Broken)]
    start = len(record) + 3
    assert hole.detail.endswith(f", from character {start} to {start + 7}")


LIMIT = 2000
DEEP = '{"conversations": [' * 3000
BOMBS = {
    "one text": json.dumps(chat("x" * 3 * LIMIT)),
    "many messages": json.dumps(chat(*["y" * 50] * LIMIT)),
    "lists": json.dumps({"conversations": [[]] * LIMIT}),
}


@pytest.mark.parametrize("chunk", [64, 1 << 20])
@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_an_oversized_item_is_one_row_and_reading_goes_on(path, bomb, chunk):
    record = json.dumps(chat("b", "c"))
    path.write_text(f"[{record}, {bomb}, {record}, {record}]", encoding="utf-8")
    found = list(iter_array(path, chunk, "conversations", LIMIT))
    reasons = [i.reason if isinstance(i, Broken) else "R" for i in found]
    assert reasons == ["R", "oversized-item", "R", "R"]


def test_an_item_of_too_many_values_is_refused_before_it_fills_the_memory(path):
    record = json.dumps(chat("b", "c"))
    bomb = json.dumps({"conversations": [[]] * (LIMIT // 8)})
    assert len(bomb) < LIMIT
    path.write_text(f"[{record}, {bomb}, {record}]", encoding="utf-8")
    found = list(iter_array(path, 64, "conversations", LIMIT))
    assert [getattr(i, "reason", "R") for i in found] == ["R", "oversized-item", "R"]


@pytest.mark.parametrize("limit", [LIMIT, 64 << 20])
def test_what_is_nested_too_deeply_is_one_row_and_reading_goes_on(path, limit):
    record = json.dumps(chat("b"))
    bomb = DEEP + "]}" * 3000
    path.write_text(f"[{record}, {bomb}, {record}]", encoding="utf-8")
    found = list(iter_array(path, key="conversations", max_characters=limit))
    assert [isinstance(i, Broken) for i in found] == [False, True, False]
    assert found[1].reason in ("unparsable-json", "oversized-item")


@pytest.mark.parametrize("bomb", ["[", '{"a":', '[{"a":', '[{},{"conversations":', "[[],"])
def test_a_million_opened_brackets_end_in_time(path, bomb):
    path.write_text("[" + bomb * 1_000_000, encoding="utf-8")
    assert len(list(iter_array(path, key="conversations"))) <= 2


def test_a_line_is_limited_too(tmp_path):
    good = {"instruction": "a", "response": "b"}
    rows = [good, {**good, "response": "x" * LIMIT}, good, {**good, "x": [[]] * (LIMIT // 8)}, good]
    path = tmp_path / "d.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    found = [i.reason if isinstance(i, Broken) else "kept" for _, i in iter_lines(path, "t", LIMIT)]
    assert found == ["kept", "oversized-item", "kept", "oversized-item", "kept"]
    assert [row for row, _ in iter_lines(path, "t", LIMIT)] == list(range(5))
    path.write_text(json.dumps(good) + "\n" + "[" * LIMIT * 3, encoding="utf-8")
    assert [isinstance(i, Broken) for _, i in iter_lines(path, "t", LIMIT)] == [False, True]


@pytest.mark.parametrize("name", ["sharegpt", "dolly"])
def test_readers_keep_to_the_limit(tmp_path, monkeypatch, name):
    monkeypatch.setattr(json_items, "MAX_ITEM_CHARACTERS", LIMIT)
    path = tmp_path / "a"
    if name == "dolly":
        good, large = ({"instruction": t, "response": "b"} for t in ("a", "x" * LIMIT))
        path.write_text("\n".join(map(json.dumps, [good, large, good])), encoding="utf-8")
        folder = ingest(tmp_path, "dolly", "dolly-jsonl", path)
    else:
        path.write_text(json.dumps([chat("a"), chat("x" * LIMIT), chat("a")]), encoding="utf-8")
        folder = ingest(tmp_path, "sharegpt", "sharegpt-json", path)
    assert reasons(folder) == [(1, "oversized-item")]
    assert len(read_shards(folder)[0]) == 2
