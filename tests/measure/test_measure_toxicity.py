"""Table 6 and Figure 5 recover which messages were planted as toxic, by role and month."""

from collections import Counter, defaultdict
from datetime import UTC, datetime

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from planting import Chat, Said, measure_chats, random_chats, run_measure, write_chats

from wildpaper.errors import WildpaperError
from wildpaper.measure.toxicity.figure_05_toxicity_by_month import measure_toxicity_by_month
from wildpaper.measure.toxicity.table_06_toxicity_overlap import measure_toxicity_overlap

ROLES = {"user": "user", "chatbot": "assistant"}
SEEDS = pytest.mark.parametrize("seed", range(4))
GAPS = pytest.mark.parametrize("gaps", [False, True])


def judge(said):
    """Return what the two classifiers say of a message, None where they say nothing."""
    detoxify = None if said.toxicity is None else said.toxicity > 0.1 and said.text != ""
    moderation = None if said.flagged is None else said.flagged and said.text != ""
    if detoxify is None or moderation is None:
        return {"detoxify": detoxify, "moderation": moderation, "either": None, "both": None}
    return {"detoxify": detoxify, "moderation": moderation,
            "either": detoxify or moderation, "both": detoxify and moderation}  # fmt: skip


def percent(verdicts):
    known = [verdict for verdict in verdicts if verdict is not None]
    return 100 * sum(known) / len(known)


@GAPS
@SEEDS
def test_flagged_messages_are_shared_out_by_role(tmp_path, seed, gaps):
    chats = random_chats(seed=seed, gaps=gaps)
    measured = measure_chats(measure_toxicity_overlap, tmp_path, chats)
    values = measured.values
    for name, role in ROLES.items():
        verdicts = [judge(s) for chat in chats for s in chat.messages if s.role == role]
        for column in ("detoxify", "moderation", "either", "both"):
            assert values[name, column] == percent([v[column] for v in verdicts])
            known = sum(v[column] is not None for v in verdicts)
            assert measured.cells[name, column].n == known
        # Roles swapped, blank texts counted, or all messages below the line: other values.
        swapped = {"user": "chatbot", "chatbot": "user"}[name]
        assert values[name, "either"] != values[swapped, "either"]
        scored = [s.toxicity > 0.1 for c in chats for s in c.messages
                  if s.role == role and s.toxicity is not None]  # fmt: skip
        assert values[name, "detoxify"] != percent(scored)
        if gaps:
            flagged = sum(v["detoxify"] is True for v in verdicts)
            assert values[name, "detoxify"] != 100 * flagged / len(verdicts)
    assert bool(measured.notes) == gaps


def test_either_is_the_sum_less_both_where_labels_are_complete(tmp_path):
    cells = measure_chats(measure_toxicity_overlap, tmp_path, random_chats()).cells
    for role in ROLES:
        n = {c: round(cells[role, c].value * cells[role, c].n / 100) for _, c in cells}
        assert n["either"] == n["detoxify"] + n["moderation"] - n["both"]


def test_one_classifier_alone_gives_its_own_column(tmp_path):
    chats = random_chats()
    for chat in chats:
        for said in chat.messages:
            said.toxicity = None
    measured = measure_chats(measure_toxicity_overlap, tmp_path, chats)
    assert measured.values["user", "moderation"] > 0
    for column in ("detoxify", "either", "both"):
        assert measured.values["user", column] is None
        assert "no Detoxify score" in measured.notes[f"table-06.user.{column}"]
    assert "table-06.user.moderation" not in measured.notes


@pytest.mark.parametrize(("threshold", "flagged"), [(0.05, 3), (0.1, 2), (0.3, 1), (0.95, 0)])
def test_a_score_must_be_above_the_threshold(tmp_path, threshold, flagged):
    # 0.25 is exact in both precisions; 0.1 in single precision is a little above 0.1.
    scores = [0.0, 0.0625, 0.25, 0.9]
    chats = [Chat([Said("user", toxicity=score)]) for score in scores]
    values = measure_chats(measure_toxicity_overlap, tmp_path, chats, threshold=threshold).values
    assert values["user", "detoxify"] == 25.0 * flagged
    exact = measure_chats(measure_toxicity_overlap, tmp_path / "b", chats, threshold=0.25).values
    assert exact["user", "detoxify"] == 25.0


def test_a_score_that_is_no_number_stops_the_run(tmp_path):
    chats = [Chat([Said("user", toxicity=float("nan"))])]
    with pytest.raises(WildpaperError, match="not a number") as caught:
        measure_chats(measure_toxicity_overlap, tmp_path, chats)
    assert "detoxify-0.parquet" in caught.value.where


@GAPS
@SEEDS
def test_months_are_those_of_the_conversation_in_utc(tmp_path, seed, gaps):
    chats = random_chats(seed=seed, gaps=gaps)
    measured = measure_chats(measure_toxicity_by_month, tmp_path, chats)
    verdicts = defaultdict(list)
    for chat in chats:
        for said in chat.messages:
            verdicts[f"{chat.timestamp:%Y-%m}", said.role].append(judge(said)["either"])
    months = sorted({month for month, _ in verdicts})
    assert [row for row, column in measured.cells if column == "user"] == months
    n = Counter(f"{chat.timestamp:%Y-%m}" for chat in chats)
    for month in months:
        for name, role in ROLES.items():
            assert measured.values[month, name] == percent(verdicts[month, role])
        assert measured.values[month, "conversations"] == n[month]
        gpt4 = sum((c.model or "").startswith("gpt-4") and f"{c.timestamp:%Y-%m}" == month
                   for c in chats)  # fmt: skip
        assert measured.values[month, "gpt-4-conversations"] == gpt4


def test_the_last_instant_of_a_month_belongs_to_it(tmp_path):
    edges = [(2023, 5, 31, 23, 59, 59, 999999), (2023, 6, 1)]
    chats = [
        Chat(
            [Said("user", flagged=flagged), Said("assistant")],
            timestamp=datetime(*when, tzinfo=UTC),
        )
        for when, flagged in zip(edges, (True, False), strict=True)
    ]
    values = measure_chats(measure_toxicity_by_month, tmp_path, chats).values
    assert (values["2023-05", "user"], values["2023-06", "user"]) == (100.0, 0.0)
    assert values["2023-05", "chatbot"] == 0.0


def test_conversations_without_a_time_are_left_out_and_said(tmp_path):
    chats = random_chats(40)
    chats[3].timestamp = chats[9].timestamp = None
    measured = measure_chats(measure_toxicity_by_month, tmp_path / "a", chats)
    rest = [chat for chat in chats if chat.timestamp]
    alone = measure_chats(measure_toxicity_by_month, tmp_path / "b", rest, n_replicates=0)
    assert measured.values == alone.values
    assert "38 of 40 conversations have a time" in measured.notes["figure-05-toxicity-by-month"]


@pytest.mark.parametrize("kind", ["detoxify", "moderation"])
def test_only_a_release_may_leave_messages_without_a_label(tmp_path, kind):
    complete = write_chats(tmp_path, random_chats(10), route="computed")
    table = pq.read_table(complete[kind][0])
    pq.write_table(table.slice(1), complete[kind][0])
    with pytest.raises(WildpaperError, match=f"messages with {kind}"):
        run_measure(measure_toxicity_overlap, tmp_path, complete)
    metadata = table.schema.metadata | {b"route": b"recorded"}
    pq.write_table(table.slice(1).replace_schema_metadata(metadata), complete[kind][0])
    run_measure(measure_toxicity_overlap, tmp_path, complete)


def test_a_label_of_no_message_stops_the_run_even_if_recorded(tmp_path):
    paths = write_chats(tmp_path, random_chats(10), route="recorded")
    table = pq.read_table(paths["moderation"][0])
    ids = pa.array([999, *table["conversation_id"].to_pylist()[1:]], pa.int64())
    pq.write_table(table.set_column(0, table.schema.field(0), ids), paths["moderation"][0])
    with pytest.raises(WildpaperError, match="does not belong") as caught:
        run_measure(measure_toxicity_overlap, tmp_path, paths)
    assert "moderation-0.parquet" in caught.value.where


def test_labels_of_two_routes_do_not_mix(tmp_path):
    paths = write_chats(tmp_path, random_chats(10), n_shards=2, route="recorded")
    table = pq.read_table(paths["detoxify"][1])
    metadata = table.schema.metadata | {b"route": b"computed"}
    pq.write_table(table.replace_schema_metadata(metadata), paths["detoxify"][1])
    with pytest.raises(WildpaperError, match="must state one"):
        run_measure(measure_toxicity_overlap, tmp_path, paths)
