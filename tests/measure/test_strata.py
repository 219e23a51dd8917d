"""Flagged shares by language, model, country, turn and duplication equal plain counts."""

import random
from collections import Counter

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from planting import Chat, Said, random_chats, run_measure, write_chats

from wildpaper.measure.toxicity.table_06_toxicity_overlap import measure_toxicity_overlap
from wildpaper.measure.toxicity.toxicity_strata import (
    MOST_FREQUENT,
    TURNS,
    is_untrained,
    measure_toxicity_strata,
)
from wildpaper.schema import LABELS, write_labels

ROLES = {"user": "user", "chatbot": "assistant"}
TRAINED = ["English", "Spanish"]
GAPS = pytest.mark.parametrize("gaps", [False, True])
SOME_COUNTRIES = [f"Land {i}" for i in range(14)]


def varied_chats(seed=1, gaps=False, n=90):
    draw = random.Random(seed)
    chats = random_chats(n, seed, gaps=gaps)
    for chat in chats:
        chat.country = draw.choice([*SOME_COUNTRIES, "other", "Land 3", None])
        chat.model = draw.choice([*"abcdefgh", "a", "other", None])
    return chats


def write(folder, chats, repeats=(), clusters=None, n_shards=1, shuffle=None):
    """Write chats, of which `repeats` are marked; {(chat, position): cluster of alike}."""
    paths = write_chats(folder, chats, n_shards=n_shards, shuffle=shuffle)
    paths["near_duplicates"] = []
    for i, path in enumerate(paths["conversations"]):
        table = pq.read_table(path)
        marks = [number in repeats for number in table["conversation_id"].to_pylist()]
        place = table.schema.get_field_index("duplicate")
        pq.write_table(table.set_column(place, table.schema.field(place), pa.array(marks)), path)
        keys = pq.read_table(paths["messages"][i]).select(["conversation_id", "position"])
        found = [(clusters or {}).get(tuple(key.values())) for key in keys.to_pylist()]
        alike = keys.append_column("cluster", pa.array(found, pa.int64()))
        alike = alike.cast(LABELS["near_duplicate"])
        out = path.parent / f"near_duplicate-{i}.parquet"
        write_labels(out, "near_duplicate", alike, "planted", "computed")
        paths["near_duplicates"].append(out)
    return paths


def strata(folder, paths):
    return run_measure(measure_toxicity_strata, folder, paths, trained_languages=TRAINED)


def shares(said):
    """Return {column of a judgment: (percent, messages with both labels)}."""
    known = [s for s in said if s.toxicity is not None and s.flagged is not None]
    toxic = [s.toxicity > 0.1 and s.text != "" for s in known]
    either = [t or (s.flagged and s.text != "") for t, s in zip(toxic, known, strict=True)]
    return {
        name: (100 * sum(flags) / len(known) if known else None, len(known))
        for name, flags in (("either", either), ("detoxify", toxic))
    }


def assert_row(measured, row, said_of):
    """Check both roles of a row; `said_of` gives its messages by role."""
    for name, role in ROLES.items():
        for judgment, (value, n) in shares(said_of(role)).items():
            cell = measured.cells[row, f"{name}.{judgment}"]
            assert (cell.value, cell.n) == (value, n), (row, name, judgment)


def frequent(listed, dimension):
    """Return the values that have a row, the most frequent first."""
    n = Counter(listed)
    for apart in (None, "Nolang", "other"):
        n.pop(apart, None)
    return sorted(n, key=lambda name: (-n[name], name))[: MOST_FREQUENT[dimension]]


@GAPS
@pytest.mark.parametrize("dimension", ["language", "model", "country"])
def test_frequent_values_have_a_row_and_all_others_one_together(tmp_path, dimension, gaps):
    chats = varied_chats(gaps=gaps)
    measured = strata(tmp_path, write(tmp_path, chats))
    of = {(i, j): s.language if dimension == "language" else getattr(chat, dimension)
          for i, chat in enumerate(chats) for j, s in enumerate(chat.messages)}  # fmt: skip
    said = {(i, j): s for i, chat in enumerate(chats) for j, s in enumerate(chat.messages)}
    judged = [of[key] for key, s in said.items()
              if None not in (s.toxicity, s.flagged) and s.role != "system"]  # fmt: skip
    names = frequent(judged, dimension)
    rows = [row for row, column in measured.values if row.startswith(f"{dimension}.")]
    assert list(dict.fromkeys(rows)) == [f"{dimension}.{name}" for name in [*names, "other"]]
    values = {name: {name} for name in names} | {"other": set(of.values()) - {None, *names}}
    for name, own in values.items():
        heard = [s for key, s in said.items() if of[key] in own]
        assert_row(
            measured, f"{dimension}.{name}", lambda r, h=heard: [s for s in h if s.role == r]
        )
    n_unknown = sum(one is None for one in judged)
    note = measured.notes.get(f"own.toxicity-strata.{dimension}.other.user", "")
    assert (f"{n_unknown:,} messages without" in note) == (n_unknown > 0)


@GAPS
def test_a_reply_belongs_to_the_turn_that_it_answers(tmp_path, gaps):
    chats = varied_chats(2, gaps)
    by_turn = {}
    for chat in chats:
        turn = 0
        for said in chat.messages:
            turn += said.role == "user"
            edges = {1: "1", 2: "2", 3: "3-5", 4: "3-5", 5: "3-5"}
            name = edges.get(turn, "6-10" if turn <= 10 else "more than 10")
            by_turn.setdefault(name if turn else None, []).append(said)
    measured = strata(tmp_path, write(tmp_path, chats))
    for turn in TURNS:
        row = f"turn.{turn}"
        assert_row(measured, row, lambda r, t=turn: [s for s in by_turn[t] if s.role == r])
    assert "more-than-10" in " ".join(measured.claims)
    assert any(said.role == "assistant" for said in by_turn[None])


def test_duplicate_conversations_and_near_duplicate_turns_are_left_out(tmp_path):
    chats, draw = varied_chats(3), random.Random(8)
    repeats = set(draw.sample(range(len(chats)), 25))
    clusters = {
        (i, j): draw.randrange(12)
        for i, chat in enumerate(chats)
        for j, said in enumerate(chat.messages)
        if said.role == "user" and draw.random() < 0.4
    }
    first = {}
    for key, cluster in sorted(clusters.items()):
        first.setdefault(cluster, key)
    fresh = []
    for i, chat in enumerate(chats):
        repeated = False
        for j, said in enumerate(chat.messages):
            if said.role == "user":
                repeated = (i, j) in clusters and first[clusters[i, j]] != (i, j)
            fresh += [] if repeated else [said]
    unmarked = [s for i, chat in enumerate(chats) if i not in repeats for s in chat.messages]
    everything = [s for chat in chats for s in chat.messages]
    measured = strata(tmp_path, write(tmp_path, chats, repeats, clusters))
    for name, said in (("all", everything), ("without duplicate conversations", unmarked),
                       ("without near-duplicate turns", fresh)):  # fmt: skip
        assert len(said) == len(everything) or len(said) < 0.9 * len(everything)
        assert_row(measured, f"duplicates.{name}", lambda r, s=said: [x for x in s if x.role == r])


def test_everything_is_table_6_and_the_turns_of_known_number_add_up(tmp_path):
    chats = varied_chats(6)
    paths = write(tmp_path, chats)
    measured = strata(tmp_path / "a", paths)
    table = run_measure(measure_toxicity_overlap, tmp_path / "b", paths)
    for name in ROLES:
        for judgment in ("either", "detoxify"):
            found = measured.values["duplicates.all", f"{name}.{judgment}"]
            assert found == table.values[name, judgment]
    total = measured.cells["duplicates.all", "user.either"].n
    assert sum(measured.cells[f"turn.{turn}", "user.either"].n for turn in TURNS) == total


def test_languages_that_the_model_was_not_trained_on_are_named(tmp_path):
    measured = strata(tmp_path, write(tmp_path, varied_chats()))
    for claim in measured.claims:
        _, _, dimension, stratum, *_ = claim.split(".")
        untrained = dimension == "language" and stratum not in ("english", "spanish")
        assert ("not trained on" in measured.notes.get(claim, "")) == untrained
    assert is_untrained("language.Chinese", TRAINED)
    assert not is_untrained("country.China", TRAINED)


def test_claims_are_distinct_and_shards_change_no_byte(tmp_path):
    chats = varied_chats(gaps=True)
    clusters = {(i, 0): i % 7 for i in range(40) if chats[i].messages[0].role == "user"}
    one = strata(tmp_path / "a", write(tmp_path / "a", chats, {1, 2}, clusters))
    many = strata(tmp_path / "b", write(tmp_path / "b", chats, {1, 2}, clusters, 5, 3))
    assert one.bytes == many.bytes
    assert len(one.claims) == len(one.cells)


def test_what_a_role_has_not_is_empty_and_explained(tmp_path):
    chats = [Chat([Said("user", toxicity=0.9)], f"u{i}") for i in range(4)]
    measured = strata(tmp_path, write(tmp_path, chats))
    cell = measured.cells["turn.2", "chatbot.either"]
    assert (cell.value, cell.n) == (None, 0)
    assert "no message of this kind" in measured.notes[cell.claim]
    assert measured.values["turn.1", "user.either"] == 100
