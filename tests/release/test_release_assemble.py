"""A release holds what linking and the labels say, in exactly the published schema."""

import random
from datetime import datetime

import jsonschema
import pyarrow.parquet as pq
import pytest
from assembling import (
    assemble,
    flagged,
    language_of,
    read_json,
    read_release,
    toxicity_of,
    write_shards,
)
from rawlog_writing import RELEASE, Logs, call, chat, release
from release_oracle import first_mode

from wildpaper.ingest.dataset import ingest_dataset
from wildpaper.release.published_schema import PUBLISHED, SPELLINGS
from wildpaper.schema import DETOXIFY_HEADS, MODERATION_CATEGORIES

WORDS = ("Hi.", "oui", "", "  ", "tox0.5", "tox0.1", "bare-flag", "sexual_minors", "hate", "Well.")


def random_calls(seed, n):
    """Return the calls of n chats of distinct people; some change address or browser."""
    rng, calls = random.Random(seed), []
    for i in range(n):
        texts = []
        for turn in range(rng.choice((1, 1, 2, 3, 6))):
            texts += [f"{rng.choice(WORDS)} {i}" if turn == 0 else rng.choice(WORDS)]
            texts += [rng.choice(WORDS)]
            made = call(
                i * 100 + turn, texts[:-1], texts[-1],
                ip=f"240.0.{i}.{rng.choice((0, 0, 1))}", agent=f"A/{i}",
                language=f"l{i}", model=f"m{i % 3}",
            )  # fmt: skip
            calls.append(made)
    return calls


@pytest.fixture(scope="module")
def linked(tmp_path_factory):
    """Return {number of shards: linked logs} of the same calls."""
    calls = random_calls(4, 40)
    folders = {n: tmp_path_factory.mktemp(f"linked{n}") for n in (1, 5)}
    return {n: (folder, release(folder, Logs(calls), n)) for n, folder in folders.items()}


@pytest.fixture(scope="module")
def whole(linked):
    folder, released = linked[5]
    rawlogs = folder / "raw" / "rawlogs" / "acquired.json"
    return released, assemble(folder, released, rawlogs, n_files=3)


def is_toxic(text, threshold=0.1):
    either = toxicity_of(text) > threshold or "bare-flag" in text
    return text != "" and (either or any(flagged(text, c) for c in MODERATION_CATEGORIES))


@pytest.mark.realdata
def test_the_schema_is_the_published_one(realdata):
    contract = realdata.parent / "contracts" / "wildchat-1m-empty.parquet"
    if not contract.is_file():
        pytest.skip(f"the published schema is absent: {contract}")
    assert PUBLISHED.equals(pq.read_schema(contract), check_metadata=True)


@pytest.mark.realdata
def test_the_schema_is_that_of_a_real_release(realdata):
    real = realdata / "wildchat" / "train-00000-of-00001.parquet"
    assert PUBLISHED.equals(pq.read_schema(real), check_metadata=False)


def test_both_spellings_of_a_category_stand_for_the_same():
    assert set(SPELLINGS.values()) == set(MODERATION_CATEGORIES)
    for published, ours in SPELLINGS.items():
        assert published.replace("/", "_").replace("-", "_") == ours
    assert len(SPELLINGS) == 18


def test_files_have_exactly_the_published_schema(whole):
    for path in whole[1].glob("*/*.parquet"):
        assert pq.read_schema(path).equals(PUBLISHED, check_metadata=False)


def test_messages_hold_what_is_published_of_their_role(whole):
    released, out = whole
    rows, turns = read_release(out, "full"), iter(released.rows("turns"))
    assert len(rows) == 40
    for row in rows:
        assert [m["role"] for m in row["conversation"]] == ["user", "assistant"] * row["turn"]
        pairs = zip(row["conversation"][::2], row["conversation"][1::2], strict=True)
        for (user, reply), turn in zip(pairs, turns, strict=False):
            header = {"accept-language": turn["accept_language"], "user-agent": turn["user_agent"]}
            assert (user["hashed_ip"], user["header"]) == (turn["hashed_ip"], header)
            assert (user["country"], user["state"]) == (turn["country"], turn["state"])
            assert (user["timestamp"], reply["timestamp"]) == (None, turn["timestamp"])
            for name in ("country", "state", "hashed_ip", "header"):
                assert reply[name] is None
            assert user["turn_identifier"] == reply["turn_identifier"] == turn["turn_identifier"]
        assert not row["redacted"]
        assert not any(m["redacted"] for m in row["conversation"])


def test_labels_stand_with_their_messages(whole):
    for row in read_release(whole[1], "full"):
        texts = [m["content"] for m in row["conversation"]]
        assert [m["language"] for m in row["conversation"]] == list(map(language_of, texts))
        assert [m["toxic"] for m in row["conversation"]] == list(map(is_toxic, texts))
        assert row["toxic"] == any(map(is_toxic, texts))
        assert [d["toxicity"] for d in row["detoxify_moderation"]] == list(map(toxicity_of, texts))
        for text, found in zip(texts, row["openai_moderation"], strict=True):
            planted = {c: flagged(text, c) for c in MODERATION_CATEGORIES}
            assert found["flagged"] == (any(planted.values()) or "bare-flag" in text)
            assert found["categories"] == {p: planted[ours] for p, ours in SPELLINGS.items()}
            for published, ours in SPELLINGS.items():
                number = MODERATION_CATEGORIES.index(ours)
                assert found["category_scores"][published] == (number + planted[ours]) / 16
        head = {name: i / 100 for i, name in enumerate(DETOXIFY_HEADS) if name != "toxicity"}
        for found in row["detoxify_moderation"]:
            assert {n: round(v, 6) for n, v in found.items() if n != "toxicity"} == head


def test_a_conversation_has_the_modes_of_its_turns(whole):
    rows = read_release(whole[1], "full")
    for row in rows:
        users = row["conversation"][::2]
        for name in ("hashed_ip", "country", "state", "header"):
            assert row[name] == first_mode([user[name] for user in users])
        assert row["language"] == first_mode([m["language"] for m in row["conversation"]])
        assert row["timestamp"] == row["conversation"][-1]["timestamp"]
    assert len({user["hashed_ip"] for row in rows for user in row["conversation"][::2]}) > 40


def test_the_planted_calls_hold_ties_and_every_kind_of_message(whole):
    rows = read_release(whole[1], "full")
    languages = [[m["language"] for m in row["conversation"]] for row in rows]
    assert any(lang[0] != lang[1] and len(lang) == 2 for lang in languages)
    contents = {m["content"] for row in rows for m in row["conversation"]}
    assert {"", "  ", "bare-flag", "tox0.1", "tox0.5", "sexual_minors"} <= contents
    assert 0 < sum(row["toxic"] for row in rows) < len(rows)


def test_the_public_release_lacks_toxic_conversations_and_nothing_else(whole):
    full, public = (read_release(whole[1], variant) for variant in ("full", "public"))
    assert public == [row for row in full if not row["toxic"]]
    report = read_json(whole[1] / "report.json")
    assert report["n_public_conversations"] == len(public)
    assert report["n_toxic_conversations"] == len(full) - len(public)
    assert report["labels"]["detoxify"] == {"annotator": "detoxify-test", "route": "computed"}


@pytest.mark.parametrize(("threshold", "toxic"), [(0.4, True), (0.5, False)])
def test_the_threshold_is_exceeded_not_reached(tmp_path, threshold, toxic):
    released = release(tmp_path, Logs(chat(0, "tox0.5", "Hello.")), 1)
    rawlogs = tmp_path / "raw" / "rawlogs" / "acquired.json"
    out = assemble(tmp_path, released, rawlogs, toxic_threshold=threshold)
    assert [row["toxic"] for row in read_release(out, "full")] == [toxic]


def test_an_empty_message_is_not_toxic_whatever_its_labels(tmp_path):
    released = release(tmp_path, Logs(chat(0, "Hi.", "")), 1)

    def flag_all(label, rows):
        changed = {"flagged": True} if label == "moderation" else {"toxicity": 0.9}
        return [
            row | changed if row["position"] == 1 and label != "language" else row for row in rows
        ]

    labels = write_shards(tmp_path, released, flag_all)
    rawlogs = tmp_path / "raw" / "rawlogs" / "acquired.json"
    (row,) = read_release(assemble(tmp_path, released, rawlogs, labels=labels), "full")
    assert not row["toxic"]
    assert row["openai_moderation"][1]["flagged"]


def test_rows_and_their_order_depend_neither_on_shards_nor_on_files(tmp_path, linked):
    found, in_one_file = [], set()
    for n_shards, (folder, released) in linked.items():
        for n_files in (1, 45):
            out = tmp_path / f"{n_shards}-{n_files}"
            rawlogs = folder / "raw" / "rawlogs" / "acquired.json"
            assemble(out, released, rawlogs, n_files=n_files)
            found.append([read_release(out / "release", v) for v in ("full", "public")])
            if n_files == 1:
                file = out / "release" / "wildchat-full" / "train-00000-of-00001.parquet"
                in_one_file.add(file.read_bytes())
            paths = sorted((out / "release" / "wildchat-full").glob("*.parquet"))
            sizes = [pq.read_metadata(path).num_rows for path in paths]
            assert max(sizes) - min(sizes) <= 1
    assert all(one == found[0] for one in found)
    assert len(in_one_file) == 1


def test_batches_are_cut_anywhere(tmp_path, linked, monkeypatch):
    folder, released = linked[5]
    rawlogs = folder / "raw" / "rawlogs" / "acquired.json"
    usual = read_release(assemble(tmp_path / "a", released, rawlogs), "full")
    monkeypatch.setattr("wildpaper.release.joined._BATCH_CONVERSATIONS", 3)
    monkeypatch.setattr("wildpaper.release.joined._READ_ROWS", 2)
    assert read_release(assemble(tmp_path / "b", released, rawlogs), "full") == usual


def test_ingest_reads_the_release_and_verifies_every_hash(tmp_path, whole):
    released, out = whole
    paths = {kind: [tmp_path / f"{kind}.parquet"] for kind in ("conversations", "messages")}
    ingest_dataset(
        out / "wildchat-full" / "acquired.json", **paths,
        quarantine=tmp_path / "quarantine.parquet", report=tmp_path / "report.json",
        ledger=tmp_path / "ledger.json", dataset="wildchat", native_format="wildchat-parquet",
    )  # fmt: skip
    report = read_json(tmp_path / "report.json")
    assert report["checks"] == {
        "conversation_hash": {"checked": 40, "verified": 40},
        "turn": {"checked": 40, "verified": 40},
    }
    again = pq.read_table(paths["conversations"][0]).to_pylist()
    before = released.rows("conversations")
    for name in ("conversation_id", "source_id", "model", "country", "state", "user",
                 "timestamp", "n_turns", "n_messages", "duplicate"):  # fmt: skip
        assert [row[name] for row in again] == [row[name] for row in before]
    texts = pq.read_table(paths["messages"][0])["text"].to_pylist()
    assert texts == [row["text"] for row in released.rows("messages")]
    assert read_json(tmp_path / "ledger.json")[0]["in"] == released.ledger[1]["kept"]


@pytest.mark.parametrize("simulated", [True, False])
def test_acquired_says_what_the_release_was_made_of(tmp_path, project, monkeypatch, simulated):
    monkeypatch.setenv("WILDPAPER_IP_SALT", "5e" * 32)
    block = RELEASE | {"simulated": simulated, "licence": "ODC-BY-1.0"}
    released = release(tmp_path, Logs(chat(0, "Hi.", "Hello."), release=block))
    out = assemble(tmp_path, released, tmp_path / "raw" / "rawlogs" / "acquired.json")
    acquired = read_json(out / "wildchat-full" / "acquired.json")
    assert (acquired["dataset"], acquired["source"]) == ("wildchat", "release")
    assert acquired["release"]["name"] == ("simulated" if simulated else "own")
    assert acquired["release"]["simulated"] is simulated
    assert acquired["release"]["licence"] == "ODC-BY-1.0"
    schema = read_json(project / "data" / "schemas" / "acquired.schema.json")
    schema["properties"]["source"] = {"const": "release"}
    jsonschema.validate(acquired, schema)
    for listed in acquired["files"]:
        path = out / "wildchat-full" / listed["name"]
        assert path.stat().st_size == listed["n_bytes"]


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
