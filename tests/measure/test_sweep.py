"""The sweep counts what lies above each threshold, exactly, also where a score is a threshold."""

import json
import random

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from planting import joined, random_chats, run_measure, write_chats

from wildpaper.annotate.recorded.keep import keep_recorded
from wildpaper.errors import WildpaperError
from wildpaper.ingest.dataset import ingest_dataset
from wildpaper.measure.shares import shares_of
from wildpaper.measure.toxicity import threshold_sweep
from wildpaper.measure.toxicity.threshold_sweep import THRESHOLDS, measure_threshold_sweep

ROLES = {"user": "user", "chatbot": "assistant"}
CLAIMED = ("0.01", "0.05", "0.1", "0.3", "0.5")


def scored_chats(seed=1, gaps=False, **options):
    """Return chats whose scores are thresholds, as single and as double, or right beside one."""
    draw = random.Random(seed)
    chats = random_chats(seed=seed, gaps=gaps, **options)
    for said in (said for chat in chats for said in chat.messages):
        near = np.float32(draw.randrange(101) / 100)
        beside = [np.nextafter(near, np.float32(end)) for end in (0, 1)]
        if said.toxicity is not None:
            said.toxicity = float(draw.choice([near, *beside, np.float32(draw.random()), 0, 1]))
    return chats


def above(chats, role, threshold):
    """Return (messages above, messages scored), by plain counting."""
    said = [s for c in chats for s in c.messages if s.role == role and s.toxicity is not None]
    n = sum(float(np.float32(s.toxicity)) > threshold and s.text != "" for s in said)
    return n, len(said)


def sweep(folder, paths, scored=("wildchat",), **options):
    return run_measure(measure_threshold_sweep, folder, paths, scored=list(scored), **options)


@pytest.mark.parametrize("gaps", [False, True])
def test_every_threshold_is_that_of_a_plain_count(tmp_path, gaps):
    chats = scored_chats(seed=3, gaps=gaps, n=200)
    measured = sweep(tmp_path, write_chats(tmp_path, chats))
    assert len(measured.values) == 2 * len(THRESHOLDS)
    for name, role in ROLES.items():
        for threshold in THRESHOLDS:
            n, total = above(chats, role, threshold)
            cell = measured.cells[f"wildchat {name}", str(threshold)]
            assert (cell.value, cell.n) == (100 * n / total, total)
            assert cell.ci_low <= cell.value <= cell.ci_high
    claims = {f"own.threshold-sweep.wildchat.{name}.{t}" for name in ROLES for t in CLAIMED}
    assert measured.claims.keys() == claims
    assert set(measured.notes) == (claims if gaps else set())


def test_shares_fall_and_the_scale_of_all_scores_moves_them(tmp_path):
    chats = scored_chats(seed=5)
    one = sweep(tmp_path / "one", write_chats(tmp_path / "one", chats)).values
    for said in (said for chat in chats for said in chat.messages):
        said.toxicity *= 0.5
    half = sweep(tmp_path / "half", write_chats(tmp_path / "half", chats)).values
    for role in ROLES:
        row = [one[f"wildchat {role}", str(t)] for t in THRESHOLDS]
        assert row == sorted(row, reverse=True)
        assert row[0] > row[-1]
        for hundredth in range(1, 50):
            t = hundredth / 100
            assert half[f"wildchat {role}", str(t)] == one[f"wildchat {role}", str(2 * t)]


def test_the_interval_draws_users_whatever_is_counted_together(tmp_path, monkeypatch):
    chats = scored_chats(seed=2)
    paths = write_chats(tmp_path, chats)
    whole = sweep(tmp_path / "whole", paths)
    monkeypatch.setattr(threshold_sweep, "_CELLS", 200)
    assert sweep(tmp_path / "parts", paths).bytes == whole.bytes
    users = {}
    for i, chat in enumerate(chats):
        users.setdefault(chat.user or i, []).extend(s for s in chat.messages if s.role == "user")
    counts, totals = (
        np.array([[sum(f(s) for s in said)] for said in users.values()])
        for f in (lambda s: float(np.float32(s.toxicity)) > 0.3 and s.text != "", lambda s: True)
    )
    (share,) = shares_of(counts, totals, 15, 7, "threshold-sweep.wildchat.user")
    cell = whole.cells["wildchat user", "0.3"]
    assert (cell.ci_low, cell.ci_high) == share.interval


def test_shards_and_the_order_of_rows_change_no_byte(tmp_path):
    chats = scored_chats(gaps=True)
    one = sweep(tmp_path / "a", write_chats(tmp_path / "a", chats))
    many = sweep(tmp_path / "b", write_chats(tmp_path / "b", chats, n_shards=5, shuffle=3))
    assert one.bytes == many.bytes


def test_sets_without_scores_have_no_rows_and_do_not_shift_the_others(tmp_path):
    chats = {name: scored_chats(seed=i) for i, name in enumerate(("wildchat", "alpaca", "dolly"))}
    paths = {name: write_chats(tmp_path, some, name) for name, some in chats.items()}
    together = joined(*({k: v for k, v in p.items() if k != "report"} for p in paths.values()))
    together["detoxify"] = paths["wildchat"]["detoxify"] + paths["dolly"]["detoxify"]
    measured = sweep(tmp_path / "out", together, ("wildchat", "dolly"))
    assert {row for row, _ in measured.values} == {
        f"{name} {role}" for name in ("wildchat", "dolly") for role in ROLES
    }
    n, total = above(chats["dolly"], "assistant", 0.25)
    assert measured.values["dolly chatbot", "0.25"] == 100 * n / total


def test_a_role_without_scores_has_no_share_and_says_so(tmp_path):
    chats = scored_chats(n=20)
    for chat in chats:
        chat.messages = [said for said in chat.messages if said.role == "user"]
    measured = sweep(tmp_path, write_chats(tmp_path, [chat for chat in chats if chat.messages]))
    cell = measured.cells["wildchat chatbot", "0.1"]
    assert (cell.value, cell.ci_low, cell.n) == (None, None, 0)
    assert "no chatbot messages" in measured.notes[cell.claim]


def test_a_score_that_is_no_number_stops_the_run(tmp_path):
    paths = write_chats(tmp_path, scored_chats(n=20))
    table = pq.read_table(paths["detoxify"][0])
    broken = pa.array([float("nan")] * len(table), pa.float32())
    i = table.schema.get_field_index("toxicity")
    pq.write_table(table.set_column(i, table.schema.field(i), broken), paths["detoxify"][0])
    with pytest.raises(WildpaperError, match="not a number"):
        sweep(tmp_path, paths)


@pytest.mark.realdata
@pytest.mark.parametrize("conversation", ["path", "tree"])
def test_the_real_scores_of_open_assistant_are_those_of_a_plain_walk(
    tmp_path, realdata, conversation
):
    """Trees hold each message once, with the orphans all 2,022 of which one has no score."""
    options = {"oasst": {"conversation": conversation, "orphans": "keep"}}
    file = realdata / "oasst1" / "en-validation.jsonl"
    (tmp_path / "oasst.jsonl").symlink_to(file)
    acquired = {"files": [{"name": "oasst.jsonl"}],
                "release": {"name": "open_assistant-1", "title": "t", "comparable": False,
                            "why_not": "w", "simulated": False}}  # fmt: skip
    (tmp_path / "acquired.json").write_text(json.dumps(acquired), encoding="utf-8")
    made = {n: [tmp_path / f"{n}.parquet"] for n in ("conversations", "messages", "detoxify")}
    source = "open_assistant", "oasst-jsonl"
    ingest_dataset(tmp_path / "acquired.json", made["conversations"], made["messages"],
                   tmp_path / "q.parquet", tmp_path / "report.json", tmp_path / "l.json",
                   *source, options)  # fmt: skip
    keep_recorded(tmp_path / "acquired.json", made["detoxify"], ["detoxify"], *source,
                  options=options)  # fmt: skip
    paths = made | {"reports": [tmp_path / "report.json"]}
    measured = sweep(tmp_path, paths, ("open_assistant",))
    said = {m["message_id"]: m for m in map(json.loads, file.read_text("utf-8").splitlines())}
    if conversation == "tree":
        heard = list(said.values())
    else:
        heard = []
        for leaf in said.keys() - {m["parent_id"] for m in said.values()}:
            while leaf in said:
                heard.append(said[leaf])
                leaf = said[leaf]["parent_id"]
    scored = [m for m in heard if m["detoxify"] is not None]
    if conversation == "tree":
        assert (len(heard), len(scored)) == (2022, 2021)
    for name, role in (("user", "prompter"), ("chatbot", "assistant")):
        own = [m["detoxify"]["toxicity"] for m in scored if m["role"] == role and m["text"]]
        for threshold in CLAIMED:
            cell = measured.cells[f"open_assistant {name}", threshold]
            assert cell.n == len(own)
            assert cell.value == 100 * sum(x > float(threshold) for x in own) / len(own)
            assert cell.value > 0
