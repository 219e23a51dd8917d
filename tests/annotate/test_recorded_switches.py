"""Recorded labels stand by their messages whatever the row switches drop or leave out."""

import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from recording import BOTH, acquire, by_key, ingested, keep, labelled_row, release_schema

SWITCHES = {
    "drop-duplicates": {"rows": {"duplicates": "drop"}},
    "leave-out": {"rows": {"unknown_roles": "leave-out", "non_string_texts": "leave-out"}},
    "keep-empty": {"rows": {"no_messages": "keep"}},
    "strict": {"rows": {"unanswered": "quarantine", "repeated_roles": "quarantine"}},
    "all": {
        "rows": {
            "duplicates": "drop",
            "unknown_roles": "leave-out",
            "non_string_texts": "leave-out",
            "no_messages": "keep",
            "unanswered": "quarantine",
        }
    },
}


@pytest.mark.parametrize("options", SWITCHES.values(), ids=SWITCHES)
def test_labels_follow_the_numbers_that_the_switches_give(tmp_path, options):
    """A label tells its own message: the language that stands in the text."""
    rng = random.Random(5)
    rows = [labelled_row(rng, i, i % 5) for i in range(40)]
    for i in range(5, 40, 4):
        place = rng.randrange(len(rows[i]["conversation"]) or 1)
        fault = {"content": None} if i % 8 == 1 else {"role": "tool"}
        rows[i]["conversation"][place : place + 1] = [
            {**message, **fault} for message in rows[i]["conversation"][place : place + 1]
        ]
    for message in [m for row in rows for m in row["conversation"] if m["content"]]:
        message["content"] += f" {message['language']}"
    rows.insert(20, rows[13])
    acquired = acquire(tmp_path / "raw", pa.Table.from_pylist(rows, release_schema(BOTH)))
    (tmp_path / "ingest").mkdir()
    texts = {key: text for text, key in ingested(acquired, tmp_path / "ingest", options).items()}
    found = by_key(keep(acquired, tmp_path, names=["language"], options=options)["language"])
    messages = pq.read_table(tmp_path / "ingest" / "m.parquet").to_pylist()
    assert set(found) == {(m["conversation_id"], m["position"]) for m in messages}
    assert len(messages) > 20
    for key, text in texts.items():
        assert text.endswith(found[key]["language"])
    moderated = by_key(
        keep(acquired, tmp_path, names=["moderation"], options=options)["moderation"]
    )
    assert set(moderated) == set(found)
