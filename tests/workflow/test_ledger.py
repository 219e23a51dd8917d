"""What came in is what was kept and what was dropped, from stage to stage."""

import json

import jsonschema
import pytest

from wildpaper.errors import WildpaperError
from wildpaper.files import write_json
from wildpaper.ledger import entry, merge_ledgers


def merge(folder, *parts):
    paths = []
    for i, rows in enumerate(parts):
        paths.append(folder / f"{i}.json")
        write_json(paths[-1], rows)
    merge_ledgers(paths, folder / "ledger.json")
    return json.loads((folder / "ledger.json").read_text(encoding="utf-8"))


def test_an_entry_adds_up_and_leaves_out_what_did_not_happen():
    row = entry("ingest", "alpaca", "conversation", 5, {"b": 2, "a": 1, "never": 0})
    assert (row["in"], row["kept"]) == (8, 5)
    assert list(row["dropped"].items()) == [("a", 1), ("b", 2)]


def test_stages_follow_one_another(tmp_path, project):
    rows = merge(
        tmp_path,
        [entry("annotate", "alpaca", "conversation", 7, {"too-long": 1})],
        [entry("ingest", "wildchat", "conversation", 4, {})],
        [entry("ingest", "alpaca", "conversation", 8, {"null": 2})],
        [entry("release", "wildchat", "call", 100, {})],
    )
    assert [(row["stage"], row["dataset"]) for row in rows] == [
        ("release", "wildchat"),
        ("ingest", "alpaca"),
        ("ingest", "wildchat"),
        ("annotate", "alpaca"),
    ]
    schema = json.loads((project / "data/schemas/ledger.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(rows, schema)


def test_the_order_of_the_parts_does_not_matter(tmp_path):
    parts = [[entry("ingest", name, "conversation", 1, {})] for name in ("b", "a", "c")]
    assert merge(tmp_path, *parts) == merge(tmp_path, *reversed(parts))


def test_no_parts_give_an_empty_ledger(tmp_path):
    assert merge(tmp_path) == []


def test_a_row_that_does_not_add_up_is_an_error(tmp_path):
    row = entry("ingest", "alpaca", "conversation", 5, {"null": 2})
    with pytest.raises(WildpaperError, match="does not add up"):
        merge(tmp_path, [row | {"in": 8}])
    assert not (tmp_path / "ledger.json").exists()


def test_a_stage_that_takes_other_than_was_kept_is_an_error(tmp_path):
    ingest = entry("ingest", "alpaca", "conversation", 8, {"null": 2})
    annotate = entry("annotate", "alpaca", "conversation", 9, {})
    with pytest.raises(WildpaperError, match="of alpaca, but stage ingest kept 8"):
        merge(tmp_path, [annotate], [ingest])


def test_other_data_sets_and_units_are_counted_apart(tmp_path):
    rows = [
        entry("ingest", "alpaca", "conversation", 8, {}),
        entry("annotate", "dolly", "conversation", 9, {}),
        entry("annotate", "alpaca", "message", 16, {}),
    ]
    assert len(merge(tmp_path, rows)) == 3


@pytest.mark.parametrize(("n_messages", "fits"), [(14, True), (13, False), (12, False), (0, False)])
def test_each_call_kept_is_a_turn_of_the_release(tmp_path, n_messages, fits):
    calls = entry("release", "rawlogs", "call", 7, {"missing-turn": 3})
    messages = entry("release", "wildchat", "message", n_messages, {})
    if fits:
        assert len(merge(tmp_path, [messages], [calls])) == 2
    else:
        with pytest.raises(WildpaperError, match=f"7 calls were kept, but {n_messages} messages"):
            merge(tmp_path, [messages], [calls])


def test_the_release_is_made_of_the_conversations_that_were_linked(tmp_path):
    linked = entry("release", "rawlogs", "conversation", 7, {"wildbench": 1})
    released = entry("release", "wildchat", "conversation", 5, {"sexual-minors": 2})
    assert len(merge(tmp_path, [released], [linked])) == 2
    lost = entry("release", "wildchat", "conversation", 5, {"sexual-minors": 1})
    with pytest.raises(WildpaperError, match="7 conversations were kept, but 6 conversations"):
        merge(tmp_path, [lost], [linked])


def test_with_branches_a_call_may_be_a_turn_of_several_conversations(tmp_path):
    write_json(tmp_path / "a.json", [entry("release", "rawlogs", "call", 7, {})])
    for n, fits in ((14, True), (18, True), (12, False)):
        write_json(tmp_path / "b.json", [entry("release", "wildchat", "message", n, {})])
        parts = [tmp_path / "a.json", tmp_path / "b.json"]
        if fits:
            merge_ledgers(parts, tmp_path / "ledger.json", branches=True)
        else:
            with pytest.raises(WildpaperError, match="7 calls were kept"):
                merge_ledgers(parts, tmp_path / "ledger.json", branches=True)
