"""Stored moderation answers, joined to messages by the hash of the text."""

import hashlib
import json
import logging

import pyarrow.parquet as pq
import pytest
from moderation_asking import write_shard

from wildpaper.annotate.moderation import replay
from wildpaper.annotate.moderation.replay import replay_moderation
from wildpaper.annotate.moderation.store import read_answers
from wildpaper.errors import WildpaperError
from wildpaper.schema import LABELS, MODERATION_CATEGORIES

TEXTS = ["hello", "", "a secret 😀", "hello", " ", "third"]
FLAGGED = {"a secret 😀": ("violence", "sexual"), " ": ()}


def answer(text, categories=(), date="2023-06-01", model="text-moderation-006", **changes):
    return {
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "model": model,
        "date": date,
        "flagged": bool(categories),
        "categories": {name: name in categories for name in MODERATION_CATEGORIES},
        "category_scores": {
            name: 0.75 if name in categories else i / 100
            for i, name in enumerate(MODERATION_CATEGORIES)
        },
    } | changes


def answers():
    return [answer(text, FLAGGED.get(text, ())) for text in dict.fromkeys(TEXTS) if text]


def stored(folder, *files):
    raw = folder / "rawlogs"
    raw.mkdir(exist_ok=True)
    names = ["calls-00000.jsonl", "wildbench.jsonl"]
    for i, lines in enumerate(files):
        names.append(f"moderation-{i:05d}.jsonl")
        text = "".join(
            (line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines
        )
        (raw / names[-1]).write_text(text, encoding="utf-8")
    (raw / "acquired.json").write_text(
        json.dumps({"files": [{"name": name} for name in names]}), encoding="utf-8"
    )
    return raw / "acquired.json"


def replayed(folder, acquired=(), texts=TEXTS, name="rawlogs-0", **options):
    shard = write_shard(folder / f"{name}-in.parquet", texts)
    replay_moderation(shard, folder / f"{name}.parquet", acquired, **options)
    return pq.read_table(folder / f"{name}.parquet")


def test_each_message_gets_the_answer_to_its_text(tmp_path):
    table = replayed(tmp_path, stored(tmp_path, answers()[:2], answers()[2:]))
    assert table.schema.remove_metadata().equals(LABELS["moderation"])
    for row, text in zip(table.to_pylist(), TEXTS, strict=True):
        wanted = FLAGGED.get(text, ())
        assert row["flagged"] is bool(wanted)
        for i, name in enumerate(MODERATION_CATEGORIES):
            score = 0.75 if name in wanted else i / 100
            assert row[name] is (name in wanted)
            assert row[f"{name}_score"] == (score if text else 0.0)
    assert table.schema.metadata[b"annotator"] == b"text-moderation-006-2023-06-01..2023-06-01"
    assert table.schema.metadata[b"route"] == b"replayed"


def test_the_empty_text_is_not_flagged_whatever_is_stored(tmp_path):
    table = replayed(tmp_path, stored(tmp_path, [answer("", ("hate",))]), ["", ""])
    assert table["flagged"].to_pylist() == [False, False]
    assert table.schema.metadata[b"annotator"] == b"no-text-to-moderate"


def test_the_latest_answer_counts_and_of_equal_dates_the_first(tmp_path):
    old = answer("hello", ("hate",), "2023-05-01")
    new = answer("hello", ("sexual",), "2024-02-01", "text-moderation-007")
    same_day = answer("hello", ("violence",), "2024-02-01")
    for files in ([[old, new], [same_day]], [[new, same_day, old]], [[new], [old, same_day]]):
        row = replayed(tmp_path, stored(tmp_path, *files), ["hello"]).to_pylist()[0]
        assert [name for name in MODERATION_CATEGORIES if row[name]] == ["sexual"]


def test_the_annotator_names_the_models_and_dates_that_were_used(tmp_path):
    lines = [
        answer("hello", date="2023-04-09"),
        answer("third", date="2024-05-01", model="text-moderation-007"),
        answer("not in this shard", date="2025-01-01", model="other"),
    ]
    table = replayed(tmp_path, stored(tmp_path, lines), ["third", "hello"])
    assert table.schema.metadata[b"annotator"] == (
        b"text-moderation-006+text-moderation-007-2023-04-09..2024-05-01"
    )


def test_answers_do_not_depend_on_shards_or_batches(tmp_path, monkeypatch):
    acquired = stored(tmp_path, answers())
    whole = replayed(tmp_path, acquired)["flagged"].to_pylist()
    monkeypatch.setattr(replay, "_BATCH_MESSAGES", 2)
    parts = [replayed(tmp_path, acquired, part) for part in (TEXTS[:3], TEXTS[3:])]
    assert [f for part in parts for f in part["flagged"].to_pylist()] == whole


def test_texts_without_an_answer_stop_the_run_by_number_and_key(tmp_path):
    acquired = stored(tmp_path, [answer("hello")])
    texts = ["hello", "", "a secret", "a secret", "another secret"]
    with pytest.raises(WildpaperError) as caught:
        replayed(tmp_path, acquired, texts)
    assert caught.value.what == (
        "3 messages (2 texts) have no stored moderation answer, the first: "
        "conversation_id 1, position 0"
    )
    assert "a secret" not in str(caught.value)
    assert not (tmp_path / "rawlogs-0.parquet").exists()


def _without(key):
    line = answer("hello")
    del line[key]
    return line


def _with(key, name, value):
    line = answer("hello")
    line[key][name] = value
    return line


MALFORMED = [
    "",
    "{",
    "null",
    json.dumps(answer("hello"))[:-20],
    _without("flagged"),
    _without("date"),
    answer("hello", sha256="abc"),
    answer("hello", sha256=None),
    answer("hello", flagged=1),
    answer("hello", date="yesterday"),
    answer("hello", served=1),
    answer("hello") | {"categories": ["hate"]},
    "[" * 5_000,
    answer("hello", model=""),
    answer("hello") | {"categories": {}},
    _with("categories", "hate", None),
    _with("category_scores", "hate", "0.1"),
    _with("category_scores", "hate", float("nan")),
    _with("category_scores", "hate", 1.5),
]


@pytest.mark.parametrize("line", MALFORMED)
def test_a_line_that_is_no_answer_is_counted_and_named(tmp_path, caplog, line):
    acquired = stored(tmp_path, [answer("third"), line, answer("hello", ("hate",))])
    with caplog.at_level(logging.WARNING, "wildpaper"):
        table = replayed(tmp_path, acquired, ["hello", "third"])
    assert table["flagged"].to_pylist() == [True, False]
    assert "1 lines are no moderation answers" in caplog.text
    assert "moderation-00000.jsonl, line 2" in caplog.text
    alone = stored(tmp_path, [answer("third"), line])
    with pytest.raises(WildpaperError, match=r"1 lines hold none.*line 2"):
        replayed(tmp_path, alone, ["hello", "third"])


def test_keys_in_another_order_are_read_too(tmp_path):
    line = answer("hello", ("hate",))
    turned = dict(reversed(line.items()))
    packed = json.dumps(turned, separators=(",", ":"))
    assert replayed(tmp_path, stored(tmp_path, [packed]), ["hello"])["hate"].to_pylist() == [True]


def test_only_answers_that_the_shard_needs_are_kept(tmp_path):
    stored(tmp_path, [answer(str(i)) for i in range(500)])
    needed = {hashlib.sha256(b"7").digest()}
    found, malformed = read_answers([tmp_path / "rawlogs" / "moderation-00000.jsonl"], needed)
    assert set(found) == needed
    assert not malformed


def test_a_shard_without_messages(tmp_path):
    assert replayed(tmp_path, stored(tmp_path, answers()), []).num_rows == 0


@pytest.mark.parametrize("content", [None, "{", "{}", '{"files": [{"name": "calls-0.jsonl"}]}'])
def test_answers_that_are_not_there_are_named(tmp_path, content):
    acquired = tmp_path / "acquired.json"
    if content is not None:
        acquired.write_text(content, encoding="utf-8")
    with pytest.raises(WildpaperError) as caught:
        replayed(tmp_path, acquired)
    assert caught.value.where == str(acquired)


def test_a_listed_file_that_is_absent_is_named(tmp_path):
    acquired = stored(tmp_path, answers(), [])
    (acquired.parent / "moderation-00001.jsonl").unlink()
    with pytest.raises(WildpaperError, match="moderation-00001"):
        replayed(tmp_path, acquired)


@pytest.mark.parametrize("as_list", [False, True])
@pytest.mark.parametrize("what", ["folder", "files"])
def test_answers_are_read_from_a_folder_or_from_files(tmp_path, what, as_list):
    stored(tmp_path, answers()[:2], answers()[2:])
    folder = tmp_path / "rawlogs"
    given = folder if what == "folder" else sorted(folder.glob("moderation-*.jsonl"))
    given = [given] if as_list and what == "folder" else given
    beside = replayed(tmp_path, folder / "acquired.json")
    assert replayed(tmp_path, answers=given).equals(beside)


def test_a_folder_may_be_given_as_text_and_the_report_of_asking_beside_it(tmp_path):
    stored(tmp_path, answers())
    table = replayed(tmp_path, answers=str(tmp_path / "rawlogs"), asked=tmp_path / "report.json")
    assert table.num_rows == len(TEXTS)


def test_both_kinds_of_answers_are_joined(tmp_path):
    acquired = stored(tmp_path, answers()[:2])
    more = tmp_path / "more"
    more.mkdir()
    lines = "".join(json.dumps(line) + "\n" for line in answers()[2:])
    (more / "moderation-x.jsonl").write_text(lines, encoding="utf-8")
    assert replayed(tmp_path, acquired, answers=[more]).num_rows == len(TEXTS)


def test_of_a_model_that_is_named_only_its_own_answers_count(tmp_path):
    mine = answer("hello", ("hate",), "2023-01-01", "an-alias", served="the-model-1")
    others = [answer("hello", (), "2025-01-01"), answer("third", ())]
    acquired = stored(tmp_path, [mine, *others])
    assert replayed(tmp_path, acquired, ["hello"])["flagged"].to_pylist() == [False]
    for name in ("an-alias", "the-model-1"):
        table = replayed(tmp_path, acquired, ["hello"], model=name)
        assert table["flagged"].to_pylist() == [True]
        assert table.schema.metadata[b"annotator"] == b"the-model-1-2023-01-01..2023-01-01"
    with pytest.raises(WildpaperError, match=r"1 messages .* of the model an-alias"):
        replayed(tmp_path, acquired, ["hello", "third"], model="an-alias")


def test_without_any_answers_the_error_says_where_they_belong(tmp_path):
    (tmp_path / "empty").mkdir()
    for given in ((), [], tmp_path / "empty"):
        with pytest.raises(WildpaperError) as caught:
            replayed(tmp_path, answers=given)
        assert "annotate.moderation.answers" in caught.value.hint
    with pytest.raises(WildpaperError, match="absent"):
        replayed(tmp_path, answers=tmp_path / "nowhere")
