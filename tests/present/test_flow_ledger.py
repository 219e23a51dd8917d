"""The figure of the ledger shows every number of it, and nothing covers anything else."""

import json
import re
from itertools import combinations

import matplotlib.pyplot as plt
import pytest
from matplotlib.patches import FancyBboxPatch

from wildpaper.ledger import entry
from wildpaper.present.flow_lanes import MAX_REASONS, lanes_of
from wildpaper.present.flow_ledger import draw_flow, render_flow
from wildpaper.present.style import WIDTH_IN

MARK = "simulated data, not findings"
TITLES = {
    "wildchat": "WildChat", "lmsys_chat_1m": "LMSYS-Chat-1M", "sharegpt": "ShareGPT",
    "open_assistant": "Open Assistant", "dolly": "Dolly", "alpaca": "Alpaca",
}  # fmt: skip
LONG = "a reason that somebody wrote at some length, so that it needs more than a line or two"
REALDATA = [
    entry("ingest", "alpaca", "conversation", 52002, {}),
    entry("ingest", "open_assistant", "conversation", 1002, {"missing-parent": 3}),
    entry("ingest", "wildchat", "conversation", 300, {}),
]
DEMO = [
    entry("release", "rawlogs", "call", 6600, {
        "failed-call": 310, "unparsable-line": 12, "no-headers": 4, "wrong-roles": 8,
        "no-address": 3, "before-start": 41, "missing-turn": 517, "no-consent": 202,
        "withdrawn": 96, "wildbench": 75}),
    entry("release", "rawlogs", "conversation", 2905, {"wildbench": 43}),
    entry("release", "wildchat", "conversation", 2900, {"sexual-minors": 5}),
    entry("release", "wildchat", "message", 10642, {"sexual-minors": 22}),
    entry("ingest", "alpaca", "conversation", 301, {}),
    entry("ingest", "dolly", "conversation", 298, {"missing-field": 2}),
    entry("ingest", "lmsys_chat_1m", "conversation", 304, {}),
    entry("ingest", "open_assistant", "conversation", 305, {"missing-parent": 6, LONG: 17}),
    entry("ingest", "sharegpt", "conversation", 297, {"no-messages": 1, "unknown-role": 11}),
    entry("ingest", "wildchat", "conversation", 2900, {}),
    entry("train", "sharegpt", "conversation", 260, {"held-out": 37}),
    entry("train", "wildchat", "conversation", 900, {"after-cutoff": 1890, "held-out": 110}),
]  # fmt: skip


@pytest.fixture(autouse=True)
def close_figures():
    yield
    plt.close("all")


def texts(figure):
    return [text for text in figure.findobj(plt.Text) if text.get_text()]


def words(figure):
    return [text.get_text() for text in texts(figure)]


def numbers(figure):
    """Return all numbers shown but percentages."""
    shown = " ".join(re.sub(r"\([^)]*%\)", "", word) for word in words(figure))
    return [int(found.replace(",", "")) for found in re.findall(r"\d[\d,]*", shown)]


@pytest.mark.parametrize("rows", [DEMO, REALDATA])
def test_every_number_of_the_ledger_is_shown(rows):
    shown = numbers(draw_flow(rows, TITLES))
    for row in rows:
        if row["unit"] == "token":
            continue
        assert row["in"] in shown or row["unit"] == "message"
        assert row["kept"] in shown
        for n in row["dropped"].values():
            assert n in shown


def test_each_box_is_the_one_before_less_what_is_dropped_between():
    for lane in lanes_of(DEMO, TITLES):
        assert len(lane.nodes) == len(lane.edges) + 1
        for before, edge, after in zip(lane.nodes, lane.edges, lane.nodes[1:], strict=False):
            if edge.reasons:
                dropped = sum(n for n, why in edge.reasons if not why.endswith("(messages)"))
                assert before.n - dropped == after.n
                assert before.unit == after.unit
            else:
                assert before.unit != after.unit


def test_raw_logs_and_their_release_share_a_lane():
    first, *others = lanes_of(DEMO, TITLES)
    assert first.title == "WildChat, from raw logs"
    assert [(node.n, node.unit) for node in first.nodes] == [
        (7868, "call"), (6600, "call"), (2948, "conversation"), (2905, "conversation"),
        (2900, "conversation"), (900, "conversation"),
    ]  # fmt: skip
    assert first.nodes[4].counts == ["2,900 conversations", "10,642 messages"]
    assert first.nodes[4].caption == "kept by release and ingest"
    assert [edge.title.split(":")[0] for edge in first.edges] == [
        "dropped by release", "joined into conversations", "dropped by release",
        "dropped by release", "dropped by train",
    ]  # fmt: skip
    assert [lane.title for lane in others] == [TITLES[name] for name in list(TITLES)[1:]]


def test_reasons_are_sorted_by_how_often_they_occur():
    edge = lanes_of(DEMO, TITLES)[0].edges[0]
    counts = [n for n, _ in edge.reasons]
    assert counts == sorted(counts, reverse=True)
    assert "1,268 (16 %)" in edge.title


def test_a_stage_that_drops_nothing_needs_no_arrow():
    lanes = {lane.title: lane for lane in lanes_of(REALDATA, TITLES)}
    assert [node.caption for node in lanes["Alpaca"].nodes] == ["read, all kept by ingest"]
    assert [node.caption for node in lanes["Open Assistant"].nodes] == ["read", "kept by ingest"]
    assert list(lanes) == ["WildChat", "Open Assistant", "Alpaca"]


def test_what_is_dropped_in_another_unit_says_so():
    rows = [entry("release", "wildchat", "conversation", 5, {"a": 1}),
            entry("release", "wildchat", "message", 9, {"b": 2})]  # fmt: skip
    (lane,) = lanes_of(rows, {})
    assert lane.edges[0].reasons == [(1, "a"), (2, "b (messages)")]


def test_too_many_reasons_are_added_up_and_not_left_out():
    dropped = {f"reason-{i:02}": 100 - i for i in range(MAX_REASONS + 6)}
    (lane,) = lanes_of([entry("ingest", "alpaca", "conversation", 5, dropped)], {})
    reasons = lane.edges[0].reasons
    assert len(reasons) == MAX_REASONS + 1
    assert reasons[-1][1] == "6 rarer reasons"
    assert sum(n for n, _ in reasons) == sum(dropped.values())


WIDE = [entry("release", "rawlogs", "call", 99_999_999, {f"{LONG} {i}": 10**8 for i in range(10)}),
        entry("release", "wildchat", "conversation", 88_888_888, {LONG: 88_888_888}),
        entry("ingest", "wildchat", "conversation", 88_888_888, {"W" * 17 + str(i): 9_999_999
                                                                 for i in range(9)}),
        entry("ingest", "dolly", "conversation", 88_888_888, {f"{LONG}{i}": 8 for i in range(10)}),
        entry("train", "wildchat", "conversation", 8, {"unparsable-lin-" + str(i): 8_888_888
                                                       for i in range(8)})]  # fmt: skip


@pytest.mark.parametrize("rows", [DEMO, REALDATA, WIDE], ids=["demo", "realdata", "wide"])
@pytest.mark.parametrize("simulated", [True, False])
def test_no_text_covers_another_or_leaves_the_page(rows, simulated):
    figure = draw_flow(rows, TITLES, simulated=simulated)
    renderer = figure.canvas.get_renderer()
    shown = texts(figure)
    boxes = [text.get_window_extent(renderer) for text in shown]
    page = figure.bbox
    for text, box in zip(shown, boxes, strict=True):
        assert page.x0 <= box.x0 <= box.x1 <= page.x1, text.get_text()
        assert page.y0 <= box.y0 <= box.y1 <= page.y1, text.get_text()
    for (a, first), (b, second) in combinations(zip(shown, boxes, strict=True), 2):
        wide = min(first.x1, second.x1) - max(first.x0, second.x0)
        high = min(first.y1, second.y1) - max(first.y0, second.y0)
        assert wide <= 0 or high <= 2, (a.get_text(), b.get_text())  # 2 pixels of line spacing
    frames = [patch.get_window_extent(renderer) for patch in figure.findobj(FancyBboxPatch)]
    assert len(frames) == sum(len(lane.nodes) for lane in lanes_of(rows, TITLES))
    for text, box in zip(shown, boxes, strict=True):
        for frame in frames:
            apart = not box.overlaps(frame)
            inside = frame.x0 <= box.x0 and box.x1 <= frame.x1 and box.y1 <= frame.y1 + 1
            assert apart or inside, text.get_text()


def test_simulated_data_are_marked_and_others_are_not():
    assert MARK in words(draw_flow(DEMO, TITLES, simulated=True))
    assert MARK not in words(draw_flow(DEMO, TITLES))


def acquired(folder, simulated):
    path = folder / "acquired.json"
    document = {"dataset": "wildchat", "release": {"simulated": simulated}}
    path.write_text(json.dumps(document), encoding="utf-8")
    return path


def test_the_same_bytes_on_a_second_run_and_the_width_of_the_page(tmp_path):
    ledger = tmp_path / "ledger.json"
    ledger.write_text(json.dumps(REALDATA), encoding="utf-8")
    made = []
    for name, simulated in (("a", True), ("b", True), ("c", False)):
        pdf, png = tmp_path / f"{name}.pdf", tmp_path / f"{name}.png"
        render_flow(ledger, [acquired(tmp_path, simulated)], pdf, png, TITLES)
        made.append((pdf.read_bytes(), png.read_bytes()))
    assert made[0] == made[1]
    assert made[0][1] != made[2][1]
    assert made[0][0].startswith(b"%PDF")
    assert b"CreationDate" not in made[0][0]
    assert plt.get_fignums() == []
    n_pixels = int.from_bytes(made[0][1][16:20], "big")
    assert n_pixels / 200 == pytest.approx(WIDTH_IN, abs=0.3)


def test_an_empty_ledger_gives_a_blank():
    assert any("no data set" in word for word in words(draw_flow([], TITLES)))
