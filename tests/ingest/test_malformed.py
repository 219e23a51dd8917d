"""Whatever is wrong with a row of any format is a row of the quarantine; the rest is read."""

import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ingesting import ingest, read_shards
from json_inputs import reasons

ALPACA = {"instruction": "Name a colour.", "input": "", "output": "Green."}
DOLLY = {"instruction": "Who?", "context": "", "response": "Nobody.", "category": "open_qa"}
HUMAN, GPT = {"from": "human", "value": "Hello."}, {"from": "gpt", "value": "Hi!"}
SHAREGPT = {"id": "a", "conversations": [HUMAN, GPT]}
USER, BOT = {"content": "a", "role": "user"}, {"content": "b", "role": "assistant"}


def oasst(name, parent=None, **change):
    return {"message_id": name, "parent_id": parent, "text": "a", "role": "prompter", **change}


GOOD = {
    "alpaca-json": lambda i: ALPACA,
    "dolly-jsonl": lambda i: DOLLY,
    "sharegpt-json": lambda i: SHAREGPT,
    "oasst-jsonl": lambda i: oasst(f"good {i}"),
    "oasst-trees": lambda i: {"prompt": oasst(f"good {i}", replies=[])},
    "wildchat-parquet": lambda i: [USER, BOT],
    "lmsys-parquet": lambda i: [USER, BOT],
}
DATASETS = {"alpaca": "alpaca", "dolly": "dolly", "sharegpt": "sharegpt", "oasst": "open_assistant",
            "wildchat": "wildchat", "lmsys": "lmsys_chat_1m"}  # fmt: skip
DEEP, BARE = "[" * 100_000 + "]" * 100_000, "{oops"
CASES = [
    ("alpaca-json", "wrong type", {**ALPACA, "output": ["Green."]}, "non-string-text"),
    ("alpaca-json", "missing field", {"instruction": "a", "input": ""}, "missing-field"),
    ("alpaca-json", "no record", "text", "not-a-record"),
    ("alpaca-json", "null", None, "null-conversation"),
    ("dolly-jsonl", "wrong type", {**DOLLY, "context": 7}, "non-string-text"),
    ("dolly-jsonl", "missing field", {"instruction": "a"}, "missing-field"),
    ("dolly-jsonl", "no record", [DOLLY], "not-a-record"),
    ("dolly-jsonl", "null", None, "null-conversation"),
    ("sharegpt-json", "wrong type", {**SHAREGPT, "conversations": {"0": HUMAN}}, "not-a-list"),
    ("sharegpt-json", "wrong text", {"conversations": [{**HUMAN, "value": 7}]}, "non-string-text"),
    ("sharegpt-json", "missing field", {"conversations": [{"from": "human"}]}, "missing-field"),
    ("sharegpt-json", "unknown role", {"conversations": [{**GPT, "from": "tool"}]}, "unknown-role"),
    ("sharegpt-json", "empty", {"id": "a", "conversations": []}, "no-messages"),
    ("oasst-jsonl", "wrong type", oasst("x", text={"a": 1}), "non-string-text"),
    ("oasst-jsonl", "missing field", {"message_id": "x", "parent_id": None}, "missing-field"),
    ("oasst-jsonl", "unknown role", oasst("x", role="moderator"), "unknown-role"),
    ("oasst-jsonl", "repeated id", oasst("good 0"), "repeated-id"),
    ("oasst-jsonl", "cycle", oasst("x", "x"), "cyclic-parent"),
    ("oasst-jsonl", "orphan", oasst("x", "nowhere"), "missing-parent"),
    ("oasst-trees", "wrong type", {"prompt": oasst("x", text=7)}, "non-string-text"),
    ("oasst-trees", "missing field", {"prompt": {"message_id": "x"}}, "missing-field"),
    ("oasst-trees", "unknown role", {"prompt": oasst("x", role=None)}, "unknown-role"),
    ("oasst-trees", "repeated id", {"prompt": oasst("good 0")}, "repeated-id"),
    ("oasst-trees", "inner cycle", {"prompt": oasst("x", replies=[oasst("x")])}, "repeated-id"),
    ("oasst-trees", "outer cycle", {"prompt": oasst("x", "x")}, "cyclic-parent"),
    ("oasst-trees", "orphan", {"prompt": oasst("x", "nowhere")}, "missing-parent"),
    ("oasst-trees", "no list", {"prompt": oasst("x", replies={"y": 1})}, "not-a-list"),
    ("wildchat-parquet", "wrong text", [{**USER, "content": None}], "non-string-text"),
    ("wildchat-parquet", "unknown role", [USER, {**BOT, "role": "tool"}], "unknown-role"),
    ("wildchat-parquet", "null", None, "null-conversation"),
    ("wildchat-parquet", "empty", [], "no-messages"),
    ("lmsys-parquet", "wrong text", [{**USER, "content": None}], "non-string-text"),
    ("lmsys-parquet", "unknown role", [{**USER, "role": None}], "unknown-role"),
    ("lmsys-parquet", "null", None, "null-conversation"),
    ("lmsys-parquet", "empty", [], "no-messages"),
    *((name, "bomb", DEEP, "unparsable-json") for name in GOOD if "parquet" not in name),
    *((name, "no JSON", BARE, "unparsable-json") for name in GOOD if "parquet" not in name),
]  # fmt: skip


def write(path, native_format, rows):
    """Write rows in a format; `DEEP` and `BARE` stand as they are."""
    if "parquet" in native_format:
        message = pa.struct([("content", pa.string()), ("role", pa.string())])
        ids = ["same"] * len(rows)
        chats = pa.array(rows, pa.list_(message))
        pq.write_table(pa.table({"conversation_id": ids, "conversation": chats}), path)
        return path
    texts = [row if row in (DEEP, BARE) else json.dumps(row) for row in rows]
    jsonl = native_format.startswith(("dolly", "oasst"))
    whole = "\n".join(texts) if jsonl else f"[{', '.join(texts)}]"
    path.write_text(whole + "\n" + " " * 20, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("native_format", "what", "bad", "reason"), CASES, ids=[f"{c[0]}: {c[1]}" for c in CASES]
)
def test_it_is_quarantined_by_reason(tmp_path, native_format, what, bad, reason):
    good = GOOD[native_format]
    path = write(tmp_path / "native", native_format, [good(0), bad, good(2)])
    dataset = DATASETS[native_format.partition("-")[0]]
    folder = ingest(tmp_path, dataset, native_format.replace("trees", "jsonl"), path)
    assert reasons(folder) == [(1, reason)], what
    conversations, _ = read_shards(folder)
    assert conversations["conversation_id"].to_pylist() == [0, 1]


@pytest.mark.parametrize("native_format", ["sharegpt-json", "wildchat-parquet", "lmsys-parquet"])
def test_ids_that_repeat_are_no_fault_where_they_need_not_be_unique(tmp_path, native_format):
    path = write(tmp_path / "native", native_format, [GOOD[native_format](i) for i in range(3)])
    folder = ingest(tmp_path, DATASETS[native_format.partition("-")[0]], native_format, path)
    conversations, _ = read_shards(folder)
    assert len(set(conversations["source_id"].to_pylist())) == 1
    assert reasons(folder) == []
    assert conversations["duplicate"].to_pylist() == [False, True, True]
