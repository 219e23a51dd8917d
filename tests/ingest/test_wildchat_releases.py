"""Each release of WildChat, in its own columns: conversations and labels come back."""

import hashlib
import json
import random
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from ingesting import ingest, read_shards
from json_inputs import reasons
from wildchat_releases import HEADS, PLAIN, SLASHED, schemas

from wildpaper.acquire.sources import load_sources
from wildpaper.annotate.recorded.keep import keep_recorded
from wildpaper.schema import MODERATION_CATEGORIES

SCHEMAS = schemas()
RELEASES = [("wildchat-2023", "wildchat-2023"), ("wildchat-1m", "wildchat-1m"),
            ("wildchat-1m-full", "wildchat-1m"), ("wildchat-4.8m", "wildchat-4.8m"),
            ("wildchat-4.8m-full", "wildchat-4.8m")]  # fmt: skip
WHEN = datetime(2023, 6, 1, 12, 30, 5, tzinfo=UTC)
LANGUAGES = ("English", "Chinese", "Nolang")


def moderation(rng, kind):
    """Return (answer in the columns of the release, what it says by our names)."""
    said = {name: rng.random() < 0.4 for name in MODERATION_CATEGORIES}
    scores = {f"{name}_score": rng.random() for name in MODERATION_CATEGORIES}
    names = [field.name for field in kind.field("categories").type]
    ours = {name: SLASHED.get(name, name) for name in names}
    answer = {
        "categories": {name: said.get(ours[name], False) for name in names},
        "category_scores": {name: scores.get(f"{ours[name]}_score", 0.0) for name in names},
        "flagged": any(said.values()),
    }
    return answer, {"flagged": answer["flagged"], **said, **scores}


def make_row(schema, rng, number, n_turns, upper):
    """Return (row of a release, its labels by position)."""
    kinds = {name: schema.field(name).type for name in schema.names}
    fields = {field.name for field in kinds["conversation"].value_type}
    messages, answers, truth = [], [], []
    for i in range(2 * n_turns):
        role, language = ("user", "assistant")[i % 2], rng.choice(LANGUAGES)
        answer, said = moderation(rng, kinds["openai_moderation"].value_type)
        heads = {head: rng.randrange(1024) / 1024 for head in HEADS}
        message = {
            "content": f"text {number} {i}", "role": role, "toxic": said["flagged"],
            "language": language.upper() if upper else language, "redacted": False,
            "timestamp": WHEN if role == "assistant" else None, "turn_identifier": i // 2,
            "hashed_ip": "abc" if role == "user" else None, "temperature": 1.0,
            "usage": {"prompt_tokens": 7, "completion_tokens_details": {"reasoning_tokens": 0}},
        }  # fmt: skip
        messages.append({name: message.get(name) for name in fields})
        answers.append((answer, heads))
        truth.append({"language": language, "moderation": said, "detoxify": heads})
    listed = [{"content": m["content"], "role": m["role"]} for m in messages]
    row = {
        "conversation_hash": hashlib.sha256(json.dumps(listed).encode()).hexdigest()[:32],
        "conversation_id": f"id {number}", "model": "gpt-4-0314", "timestamp": WHEN,
        "conversation": messages, "turn": n_turns, "language": messages[0]["language"],
        "openai_moderation": [answer for answer, _ in answers],
        "detoxify_moderation": [heads for _, heads in answers],
        "toxic": True, "redacted": False, "country": "France", "hashed_ip": "abc",
    }  # fmt: skip
    return {name: row.get(name) for name in schema.names}, truth


@pytest.fixture(params=RELEASES, ids=lambda pair: pair[0])
def release(request, tmp_path):
    name, columns = request.param
    schema, rng = SCHEMAS[columns], random.Random(name)
    made = [make_row(schema, rng, i, i % 3 + 1, name == "wildchat-2023") for i in range(12)]
    rows = [row for row, _ in made]
    rows.insert(4, {**rows[3], "conversation": None})
    path = tmp_path / "train-00000-of-00001.parquet"
    pq.write_table(pa.Table.from_pylist(rows, schema), path)
    folder = ingest(tmp_path / "run", "wildchat", "wildchat-parquet", path)
    return name, rows, [truth for _, truth in made], folder


def test_conversations_come_back(release):
    name, rows, truths, folder = release
    conversations, messages = read_shards(folder)
    assert reasons(folder) == [(4, "null-conversation")]
    rows = [row for row in rows if row["conversation"]]
    first = name == "wildchat-2023"
    key = "conversation_id" if first else "conversation_hash"
    assert conversations["source_id"].to_pylist() == [row[key] for row in rows]
    assert conversations["n_turns"].to_pylist() == [row["turn"] for row in rows]
    found = {n: set(conversations[n].to_pylist()) for n in ("user", "country", "timestamp")}
    known = {"abc"}, {"France"}
    assert (found["user"], found["country"]) == (({None}, {None}) if first else known)
    assert found["timestamp"] == {WHEN}
    assert conversations["language"].to_pylist() == [t[0]["language"] for t in truths]
    texts = [m["content"] for row in rows for m in row["conversation"]]
    assert messages["text"].to_pylist() == texts
    times = messages["timestamp"].to_pylist()
    assert times == [None if first or i % 2 == 0 else WHEN for i in range(len(texts))]
    report = json.loads((folder / "report.json").read_text(encoding="utf-8"))
    checked = {"checked": 12, "verified": 12}
    names = ["turn"] if first else ["conversation_hash", "turn"]
    assert report["checks"] == dict.fromkeys(names, checked)


def test_labels_come_back(release, tmp_path):
    name, _, truths, folder = release
    labels = ["language", "detoxify", "moderation"]
    paths = [tmp_path / f"{label}.parquet" for label in labels]
    keep_recorded(folder.parent / "raw" / "acquired.json", paths, labels, "wildchat",
                  "wildchat-parquet")  # fmt: skip
    found = {
        label: pq.read_table(path).to_pylist() for label, path in zip(labels, paths, strict=True)
    }
    keys = [(i, j) for i, truth in enumerate(truths) for j in range(len(truth))]
    for label in labels:
        assert [(row.pop("conversation_id"), row.pop("position")) for row in found[label]] == keys
    flat = [said for truth in truths for said in truth]
    assert found["language"] == [{"language": s["language"], "confidence": 1.0} for s in flat]
    assert found["detoxify"] == [{**s["detoxify"], "truncated": False} for s in flat]
    assert found["moderation"] == [s["moderation"] for s in flat]
    assert any(row["self_harm_intent"] for row in found["moderation"]), name


def test_the_releases_are_registered(project):
    versions = load_sources(project / "data/sources.yaml").datasets.wildchat.versions
    for name, _ in RELEASES:
        assert versions[name].labels == ("language", "detoxify", "moderation")
        assert versions[name].gated == (name.endswith("-full") or name == "wildchat-2023")
        assert not versions[name].comparable


def test_the_columns_of_1m_are_those_published(project):
    published = project.parent / "shared" / "contracts" / "wildchat-1m-empty.parquet"
    if not published.is_file():
        pytest.skip("the published schema (contracts/wildchat-1m-empty.parquet) is absent")
    theirs, ours = pq.read_schema(published), SCHEMAS["wildchat-1m"]
    assert ours.names == theirs.names
    messages = [schema.field("conversation").type.value_type for schema in (ours, theirs)]
    assert messages[0] == messages[1]
    answers = (schema.field("openai_moderation").type.value_type for schema in (ours, theirs))
    names = [{field.name for field in answer.field("categories").type} for answer in answers]
    assert names[0] == names[1] == {*PLAIN, *SLASHED, *SLASHED.values()}
    assert ours.field("detoxify_moderation") == theirs.field("detoxify_moderation")


def test_times_of_any_resolution_are_read(tmp_path):
    chat = [[{"content": "a", "role": "user"}]]
    for unit in ("s", "ms", "us", "ns"):
        for zone in ("UTC", "Europe/Paris", None):
            column = pa.array([WHEN.replace(tzinfo=None)], pa.timestamp(unit, zone))
            path = tmp_path / f"{unit}-{zone and zone[:3]}.parquet"
            pq.write_table(pa.table({"conversation": chat, "timestamp": column}), path)
            out = ingest(tmp_path / path.stem, "wildchat", "wildchat-parquet", path)
            assert read_shards(out)[0]["timestamp"].to_pylist() == [WHEN]
