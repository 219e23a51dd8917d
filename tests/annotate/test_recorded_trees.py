"""Scores that messages of Open Assistant record stand by each place where the message stands."""

import json
import logging

import pyarrow.parquet as pq
import pytest
from recording import by_key

from wildpaper.annotate.recorded import keep as recorded
from wildpaper.annotate.recorded.keep import keep_recorded
from wildpaper.errors import WildpaperError
from wildpaper.ingest.dataset import ingest_dataset
from wildpaper.schema import DETOXIFY_HEADS, LABELS

NAMES = ("a", "aa", "aaa", "aaaa", "aab", "ab", "aba", "b", "ba", "bab", "cc", "cca")
ROLES = ("assistant", "prompter")


def score(name, **more):
    """Return scores of which each tells its message and its head."""
    place = 1 + sorted(NAMES).index(name)
    heads = {head: place / 100 + i / 1000 for i, head in enumerate(DETOXIFY_HEADS)}
    return {**heads, **more}


def say(name, **more):
    """Return a message that hangs on the one named by all but its last letter."""
    found = {"message_id": name, "parent_id": name[:-1] or None, "text": name, "lang": "en"}
    return {**found, "role": ROLES[len(name) % 2], "detoxify": score(name), **more}


def nested(messages):
    grown = {m["message_id"]: {**m, "replies": []} for m in messages}
    roots = []
    for message in grown.values():
        above = grown.get(message["parent_id"])
        (roots if above is None else above["replies"]).append(message)
    return [{"message_tree_id": r["message_id"], "prompt": r} for r in roots]


def kept(folder, items, options=None, n_shards=1, names=("detoxify",)):
    """Return ({key: text} of ingest, {key: label row}); both read the same file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "o.jsonl").write_text("\n".join(map(json.dumps, items)) + "\n", encoding="utf-8")
    acquired = {"release": {"name": "open_assistant-t"}, "files": [{"name": "o.jsonl"}]}
    (folder / "acquired.json").write_text(json.dumps(acquired), encoding="utf-8")
    made = [folder / f"{name}.parquet" for name in ("c", "m", "q")]
    source = "open_assistant", "oasst-jsonl"
    ingest_dataset(folder / "acquired.json", made[:1], made[1:2], made[2], folder / "r.json",
                   folder / "l.json", *source, options)  # fmt: skip
    labels = [folder / f"label-{i}.parquet" for i in range(n_shards * len(names))]
    keep_recorded(folder / "acquired.json", labels, list(names), *source, options=options)
    rows = pq.read_table(made[1]).to_pylist()
    texts = {(row["conversation_id"], row["position"]): row["text"] for row in rows}
    return texts, by_key(labels)


def approx(name, **more):
    return pytest.approx({**score(name), "truncated": False, **more}, abs=1e-7)


SWITCHES = {
    "paths": {},
    "orphans": {"oasst": {"orphans": "keep"}},
    "best": {"oasst": {"conversation": "best-path", "orphans": "keep"}},
    "trees": {"oasst": {"conversation": "tree", "deleted": "leave-out", "orphans": "keep"},
              "rows": {"unknown_roles": "leave-out", "non_string_texts": "leave-out"}},
    "rows": {"rows": {"unknown_roles": "leave-out", "non_string_texts": "leave-out"}},
    "drop": {"rows": {"duplicates": "drop", "unknown_roles": "leave-out"}},
}  # fmt: skip


@pytest.mark.parametrize("form", [list, nested], ids=["flat", "nested"])
@pytest.mark.parametrize("options", SWITCHES.values(), ids=SWITCHES)
def test_a_score_stands_wherever_its_message_stands(tmp_path, options, form):
    odd = {"aaaa": {"role": "tool"}, "ba": {"text": None}, "ab": {"deleted": True},
           "aab": {"rank": 1}}  # fmt: skip
    messages = [say(name, **odd.get(name, {})) for name in NAMES]
    texts, labels = kept(tmp_path, form(messages), options, n_shards=3)
    assert len(texts) > 4
    assert labels == {key: approx(name) for key, name in texts.items()}


def test_paths_repeat_the_scores_of_their_beginning(tmp_path):
    texts, labels = kept(tmp_path, [say(name) for name in NAMES])
    assert list(texts.values()).count("a") == 3
    assert sum(row == approx("a") for row in labels.values()) == 3


def test_flat_and_nested_files_give_the_same_bytes_and_runs_do_not_matter(tmp_path, monkeypatch):
    messages = [say(name) for name in NAMES if name[0] != "c"]
    kept(tmp_path / "flat", messages)
    monkeypatch.setattr(recorded, "_TOGETHER", 2)
    kept(tmp_path / "nested", nested(messages))
    flat, deep = (tmp_path / name / "label-0.parquet" for name in ("flat", "nested"))
    assert flat.read_bytes() == deep.read_bytes()
    assert pq.read_schema(flat).equals(LABELS["detoxify"])
    metadata = {b"annotator": b"open_assistant-t release", b"route": b"recorded"}
    assert pq.read_schema(flat).metadata == metadata


ABSENT = [None, {}, score("a", threat=None), {k: v for k, v in score("a").items() if k != "insult"}]
MALFORMED = [
    "high", 0.3, [0.1], True, *(score("a", toxicity=bad)
    for bad in ("0.5", True, [], float("nan"), float("inf"), -0.1, 1.5, 10**400)),
]  # fmt: skip


@pytest.mark.parametrize(("value", "said"), [
    *((value, False) for value in ABSENT), *((value, True) for value in MALFORMED)
])  # fmt: skip
def test_what_is_no_score_gives_no_label_and_is_warned_of_if_malformed(
    tmp_path, caplog, value, said
):
    caplog.set_level(logging.WARNING, "wildpaper")
    items = [say("a", detoxify=value), say("aa"), say("b"), say("ba")]
    texts, labels = kept(tmp_path, items)
    assert {texts[key] for key in labels} == {"aa", "b", "ba"}
    assert ("1 messages have a label detoxify that is no object" in caplog.text) == said


@pytest.mark.parametrize("given", [{}, {"sexual_explicit": None}])
def test_the_one_head_that_models_may_lack_may_be_missing(tmp_path, given):
    bare = {head: 0.25 for head in DETOXIFY_HEADS if head != "sexual_explicit"}
    _, labels = kept(tmp_path, [say("a", detoxify={**bare, **given}), say("aa")])
    assert labels[0, 0] == {**bare, "sexual_explicit": None, "truncated": False}
    assert labels[0, 1]["sexual_explicit"] is not None


@pytest.mark.parametrize(("items", "label"), [
    ([{k: v for k, v in say("a").items() if k != "detoxify"}], "detoxify"),
    ([say("a")], "moderation"),
    ([say("a")], "language"),
])  # fmt: skip
def test_a_file_without_such_labels_stops_the_run_and_leaves_none(tmp_path, items, label):
    with pytest.raises(WildpaperError, match=f"no labels of the kind '{label}'") as caught:
        kept(tmp_path, items, names=[label])
    assert caught.value.where.endswith("o.jsonl")
    assert not list(tmp_path.glob("label*"))


def test_a_file_whose_scores_are_all_null_gives_no_rows(tmp_path):
    assert kept(tmp_path, [say("a", detoxify=None)])[1] == {}
