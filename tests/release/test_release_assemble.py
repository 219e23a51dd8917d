"""A release holds what linking, redaction and the labels say; each switch does what it says."""

import pytest
from assembling import (
    after_redaction,
    assemble,
    flagged,
    is_toxic,
    language_of,
    random_calls,
    read_json,
    read_release,
    rewrite,
    toxicity_of,
    write_shards,
)
from rawlog_writing import Logs, chat, release
from release_oracle import first_mode

from wildpaper.schema import DETOXIFY_HEADS, MODERATION_CATEGORIES

N_LINKED = 40


@pytest.fixture(scope="module")
def linked(tmp_path_factory):
    """Return {number of shards: linked logs} of the same calls."""
    calls = random_calls(4, N_LINKED)
    folders = {n: tmp_path_factory.mktemp(f"linked{n}") for n in (1, 5)}
    return {n: (folder, release(folder, Logs(calls), n)) for n, folder in folders.items()}


@pytest.fixture(scope="module")
def whole(linked):
    folder, released = linked[5]
    rawlogs = folder / "raw" / "rawlogs" / "acquired.json"
    return released, assemble(folder, released, rawlogs, n_files=3)


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
    assert len({user["hashed_ip"] for row in rows for user in row["conversation"][::2]}) > len(rows)


def test_the_planted_calls_hold_ties_and_every_kind_of_message(whole):
    rows = read_release(whole[1], "full")
    languages = [[m["language"] for m in row["conversation"]] for row in rows]
    assert any(lang[0] != lang[1] and len(lang) == 2 for lang in languages)
    contents = {m["content"] for row in rows for m in row["conversation"]}
    assert {"", "  ", "bare-flag", "tox0.1", "tox0.5", "hate"} <= contents
    assert 0 < sum(row["toxic"] for row in rows) < len(rows)


def test_the_public_release_lacks_toxic_conversations_and_nothing_else(whole):
    full, public = (read_release(whole[1], variant) for variant in ("full", "public"))
    assert public == [row for row in full if not row["toxic"]]


def test_conversations_flagged_for_minors_are_removed_and_counted(whole):
    released, out = whole
    linked = released.texts()
    flagged_ones = [found for found in linked if any(flagged(t, "sexual_minors") for t in found)]
    rows = read_release(out, "full")
    contents = [[m["content"] for m in row["conversation"]] for row in rows]
    assert 0 < len(flagged_ones) < len(linked)
    assert contents == [
        list(map(after_redaction, found)) for found in linked if found not in flagged_ones
    ]
    n_messages = sum(map(len, flagged_ones))
    assert read_json(out / "report.json")["n_sexual_minors"] == len(flagged_ones)
    assert read_json(out / "ledger.json") == [
        {
            "stage": "release", "dataset": "wildchat", "unit": unit, "in": n,
            "kept": n - dropped, "dropped": {"sexual-minors": dropped},
        }
        for unit, n, dropped in (
            ("conversation", N_LINKED, len(flagged_ones)),
            ("message", sum(map(len, linked)), n_messages),
        )
    ]  # fmt: skip


def test_a_flagged_conversation_that_is_not_toxic_is_in_neither_variant(tmp_path):
    """An empty message is never toxic, whatever its labels; the flag counts all the same."""
    released = release(tmp_path, Logs(chat(0, "Hi.", "")), 1)

    def flag_reply(label, rows):
        flags = {"flagged": True, "sexual_minors": True} if label == "moderation" else {}
        return [row | flags if row["position"] == 1 else row for row in rows]

    labels = write_shards(tmp_path, released, flag_reply)
    rawlogs = tmp_path / "raw" / "rawlogs" / "acquired.json"
    out = assemble(tmp_path, released, rawlogs, labels=labels)
    assert read_release(out, "full") == read_release(out, "public") == []
    assert [row["dropped"] for row in read_json(out / "ledger.json")] == [
        {"sexual-minors": 1},
        {"sexual-minors": 2},
    ]


def test_flagged_conversations_may_be_kept(tmp_path, linked):
    folder, released = linked[1]
    rawlogs = folder / "raw" / "rawlogs" / "acquired.json"
    out = assemble(tmp_path, released, rawlogs, settings={"sexual_minors": "keep"})
    rows = read_release(out, "full")
    assert len(rows) == N_LINKED
    kept = [
        row for row in rows
        if any(m["categories"]["sexual/minors"] for m in row["openai_moderation"])
    ]  # fmt: skip
    report = read_json(out / "report.json")
    assert len(kept) == report["n_sexual_minors"] > 0
    assert [row["dropped"] for row in read_json(out / "ledger.json")] == [{}, {}]


def test_the_report_counts_what_the_files_hold(whole):
    out = whole[1]
    report = read_json(out / "report.json")
    full, public = (read_release(out, variant) for variant in ("full", "public"))
    redacted = [m["redacted"] for row in full for m in row["conversation"]]
    assert report["n_conversations"] == len(full)
    assert report["n_turns"] == sum(row["turn"] for row in full)
    assert report["n_messages"] == len(redacted)
    assert report["n_toxic_conversations"] == len(full) - len(public)
    assert report["n_public_conversations"] == len(public)
    assert report["n_redacted_messages"] == sum(redacted) > 0
    assert report["n_redacted_conversations"] == sum(row["redacted"] for row in full)
    assert report["n_users"] == len({row["hashed_ip"] for row in full})
    assert sum(report["models"].values()) == len(full)
    assert report["labels"]["detoxify"] == {"annotator": "detoxify-test", "route": "computed"}
    for variant, rows in (("full", full), ("public", public)):
        files = sorted((out / f"wildchat-{variant}").glob("*.parquet"))
        assert report["variants"][variant] == {
            "n_conversations": len(rows),
            "n_turns": sum(row["turn"] for row in rows),
            "n_redacted_messages": sum(
                m["redacted"] for row in rows for m in row["conversation"]
            ),
            "n_files": 3,
            "n_bytes": sum(path.stat().st_size for path in files),
        }  # fmt: skip


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
            made = assemble(out, released, rawlogs, n_files=n_files)
            rows = [read_release(made, v) for v in ("full", "public")]
            found.append([*rows, read_json(made / "ledger.json")])
            if n_files == 1:
                names = [path.name for path in made.rglob("*") if path.is_file()]
                assert sorted(names) == sorted(2 * ["README.md", "train-00000-of-00001.parquet"] + [
                    "acquired.json", "ledger.json", "report.json",
                ])  # fmt: skip
                written = sorted(path for path in made.rglob("*") if path.is_file())
                in_one_file.add(tuple(path.read_bytes() for path in written))
            paths = sorted((made / "wildchat-full").glob("*.parquet"))
            assert len(paths) == n_files
    assert all(one == found[0] for one in found)
    assert len(in_one_file) == 1


def test_batches_are_cut_anywhere(tmp_path, linked, monkeypatch):
    folder, released = linked[5]
    rawlogs = folder / "raw" / "rawlogs" / "acquired.json"
    usual = read_release(assemble(tmp_path / "a", released, rawlogs), "full")
    monkeypatch.setattr("wildpaper.release.joined._BATCH_CONVERSATIONS", 3)
    monkeypatch.setattr("wildpaper.release.joined._READ_ROWS", 2)
    assert read_release(assemble(tmp_path / "b", released, rawlogs), "full") == usual


def one_chat(folder, *texts, change=lambda label, rows: rows, **settings):
    """Return the one row of a release of one chat."""
    released = release(folder, Logs(chat(0, *texts)), 1)
    labels = write_shards(folder, released, change)
    rawlogs = folder / "raw" / "rawlogs" / "acquired.json"
    out = assemble(folder, released, rawlogs, labels=labels, settings=settings)
    (row,) = read_release(out, "full")
    return row


@pytest.mark.parametrize(("timestamp", "turn"), [("last", 2), ("first", 0)])
def test_the_time_of_a_conversation_is_that_of_its_last_turn_or_its_first(
    tmp_path, timestamp, turn
):
    row = one_chat(tmp_path, "Hi.", "Yes.", "And?", "No.", "So?", "Well.", timestamp=timestamp)
    times = [m["timestamp"] for m in row["conversation"][1::2]]
    assert times == sorted(set(times))
    assert row["timestamp"] == times[turn]


@pytest.mark.parametrize(("nolang", "language"), [("count", "Nolang"), ("skip", "French")])
def test_messages_without_a_language_count_or_not(tmp_path, nolang, language):
    row = one_chat(tmp_path, "", "  ", "", "oui", nolang=nolang)
    assert row["language"] == language


def test_where_no_message_has_a_language_the_conversation_has_none(tmp_path):
    assert one_chat(tmp_path, "", "  ", nolang="skip")["language"] == "Nolang"


@pytest.mark.parametrize(("blank_texts", "toxic"), [("score", True), ("ignore", False)])
def test_a_message_of_white_space_can_be_toxic_or_not(tmp_path, blank_texts, toxic):
    def flag_all(label, rows):
        return [row | {"flagged": True} if label == "moderation" else row for row in rows]

    row = one_chat(tmp_path, "", " \n\u3000", change=flag_all, blank_texts=blank_texts)
    assert [m["toxic"] for m in row["conversation"]] == [False, toxic]
    assert row["toxic"] is toxic


PLACES = [("Land", "East"), (None, None), (None, None), ("Isle", None), ("Isle", None)]


@pytest.mark.parametrize(
    ("places", "policy", "wanted"),
    [
        (PLACES, "count", (None, None)),
        (PLACES, "skip", ("Isle", None)),
        (PLACES[:3], "count", (None, None)),
        (PLACES[:3], "skip", ("Land", "East")),
        (PLACES[1:3], "skip", (None, None)),
        ([("Land", "East"), ("Isle", "South"), ("Land", "South")], "count", ("Land", "South")),
    ],
)
def test_turns_without_a_place_count_or_not(tmp_path, places, policy, wanted):
    """Country and state are modes of their own; a country without states is a place."""
    texts = [text for i in range(len(places)) for text in (f"Hi {i}.", "Yes.")]
    released = release(tmp_path, Logs(chat(0, *texts)), 1)
    located = [dict(zip(("country", "state"), place, strict=True)) for place in places]
    rewrite(
        released.paths["turns"][0],
        lambda rows: [row | place for row, place in zip(rows, located, strict=True)],
    )
    rawlogs = tmp_path / "raw" / "rawlogs" / "acquired.json"
    out = assemble(tmp_path, released, rawlogs, settings={"unknown_places": policy})
    (row,) = read_release(out, "full")
    assert (row["country"], row["state"]) == wanted
