"""A release has exactly the published schema, nulls per role and hashes that recompute."""

import hashlib
import json
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from assembling import (
    NAME,
    PLACEHOLDER,
    after_redaction,
    assemble,
    flagged,
    random_calls,
    read_json,
    read_release,
)
from rawlog_writing import Logs, release

from wildpaper.release.published_schema import PUBLISHED, SPELLINGS
from wildpaper.schema import MODERATION_CATEGORIES


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("linked")
    released = release(folder, Logs(random_calls(5, 40)), 3)
    return released, assemble(folder, released, folder / "raw" / "rawlogs" / "acquired.json")


@pytest.fixture(scope="module")
def contract(project):
    path = project.parent / "shared" / "contracts" / "wildchat-1m-empty.parquet"
    if not path.is_file():
        pytest.skip(f"the published schema is absent: {path}")
    return pq.read_schema(path)


def recomputed(row):
    listed = [{"content": m["content"], "role": m["role"]} for m in row["conversation"]]
    return hashlib.sha256(json.dumps(listed).encode()).hexdigest()[:32]


def leaves(kind, path=()):
    """Return {path of names: (type, nullable)} of all fields below a schema or type."""
    found = {}
    for field in kind:
        found[*path, field.name] = (field.type, field.nullable)
        inner = field.type.value_type if pa.types.is_list(field.type) else field.type
        if pa.types.is_struct(inner):
            found |= leaves(inner, (*path, field.name))
    return found


def test_the_schema_is_the_published_one(contract):
    assert PUBLISHED.equals(contract, check_metadata=True)
    assert list(leaves(PUBLISHED).items()) == list(leaves(contract).items())
    assert str(PUBLISHED) == str(contract)  # names of the elements of lists too
    assert len(leaves(contract)) == 75


@pytest.mark.realdata
def test_the_schema_is_that_of_a_real_release(realdata):
    real = realdata / "wildchat" / "train-00000-of-00001.parquet"
    assert PUBLISHED.equals(pq.read_schema(real), check_metadata=False)


def test_files_have_exactly_the_published_schema(whole, contract):
    paths = sorted(whole[1].glob("*/*.parquet"))
    assert len(paths) == 4
    for path in paths:
        assert pq.read_schema(path).equals(contract, check_metadata=True)


def test_both_spellings_of_a_category_stand_for_the_same():
    assert set(SPELLINGS.values()) == set(MODERATION_CATEGORIES)
    for published, ours in SPELLINGS.items():
        assert published.replace("/", "_").replace("-", "_") == ours
    assert len(SPELLINGS) == 18


def test_both_spellings_of_a_category_hold_the_same_in_a_release(whole):
    seen = set()
    for row in read_release(whole[1], "full"):
        for message, found in zip(row["conversation"], row["openai_moderation"], strict=True):
            planted = {c: flagged(message["content"], c) for c in MODERATION_CATEGORIES}
            assert found["categories"] == {p: planted[ours] for p, ours in SPELLINGS.items()}
            for published, ours in SPELLINGS.items():
                number = MODERATION_CATEGORIES.index(ours)
                assert found["category_scores"][published] == (number + planted[ours]) / 16
            seen |= {category for category, yes in planted.items() if yes}
    assert seen == {"hate"}


def test_messages_hold_what_is_published_of_their_role(whole):
    released, out = whole
    turns = {turn["turn_identifier"]: turn for turn in released.rows("turns")}
    for row in read_release(out, "full"):
        assert [m["role"] for m in row["conversation"]] == ["user", "assistant"] * row["turn"]
        for user, reply in zip(row["conversation"][::2], row["conversation"][1::2], strict=True):
            assert user["turn_identifier"] == reply["turn_identifier"]
            turn = turns.pop(user["turn_identifier"])
            header = {"accept-language": turn["accept_language"], "user-agent": turn["user_agent"]}
            assert (user["hashed_ip"], user["header"]) == (turn["hashed_ip"], header)
            assert (user["country"], user["state"]) == (turn["country"], turn["state"])
            assert (user["timestamp"], reply["timestamp"]) == (None, turn["timestamp"])
            for name in ("country", "state", "hashed_ip", "header"):
                assert reply[name] is None
            for message in (user, reply):
                for name in ("content", "language", "toxic", "redacted"):
                    assert message[name] is not None


def test_no_column_of_a_conversation_but_its_place_is_null(whole):
    for row in read_release(whole[1], "full"):
        assert {name for name, value in row.items() if value is None} <= {"country", "state"}


def test_hashes_recompute_for_every_released_row_after_redaction(whole):
    released, out = whole
    before = {row["source_id"] for row in released.rows("conversations")}
    for variant in ("full", "public"):
        rows = read_release(out, variant)
        assert [row["conversation_hash"] for row in rows] == list(map(recomputed, rows))
        redacted = [row for row in rows if row["redacted"]]
        assert redacted
        assert not before & {row["conversation_hash"] for row in redacted}
        assert {row["conversation_hash"] for row in rows if not row["redacted"]} <= before


def test_a_release_holds_the_redacted_texts_and_says_which(whole):
    released, out = whole
    texts = {}
    for row in released.rows("messages"):
        texts.setdefault(row["conversation_id"], []).append(row["text"])
    wanted = [found for found in texts.values() if "sexual_minors" not in " ".join(found).split()]
    rows = read_release(out, "full")
    assert 0 < len(rows) == len(wanted) < len(texts)
    for row, unredacted in zip(rows, wanted, strict=True):
        contents = [m["content"] for m in row["conversation"]]
        assert contents == list(map(after_redaction, unredacted))
        assert [m["redacted"] for m in row["conversation"]] == [NAME in t for t in unredacted]
        assert row["redacted"] == any(NAME in text for text in unredacted)
        assert row["redacted"] == any(PLACEHOLDER in text for text in contents)
    assert len({row["redacted"] for row in rows}) == 2


def test_nothing_released_gives_files_without_rows(tmp_path):
    released = release(tmp_path, Logs([]))
    out = assemble(tmp_path, released, tmp_path / "raw" / "rawlogs" / "acquired.json")
    assert read_release(out, "full") == read_release(out, "public") == []
    files = sorted(out.glob("*/*.parquet"))
    assert len(files) == 4
    assert all(pq.read_schema(path).equals(PUBLISHED) for path in files)
    assert read_json(out / "report.json")["n_conversations"] == 0


def test_times_are_utc(whole):
    row = read_release(whole[1], "full")[0]
    assert isinstance(row["timestamp"], datetime)
    assert row["timestamp"].utcoffset().total_seconds() == 0
