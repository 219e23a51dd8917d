"""Figure 4 shows each prompt once where it belongs; the table of overlap says what was measured."""

import json
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_rgb

from wildpaper.long_table import Cell, read_long_table, write_long_table
from wildpaper.present import figure_04_embeddings
from wildpaper.present.embedding_overlap import overlap_tabular, render_overlap
from wildpaper.present.figure_04_embeddings import draw_layout, render_layout
from wildpaper.present.style import DATASET_COLOURS

TITLES = {
    "wildchat": "WildChat", "lmsys_chat_1m": "LMSYS-Chat-1M", "sharegpt": "ShareGPT",
    "open_assistant": "Open Assistant", "dolly": "Dolly", "alpaca": "Alpaca",
}  # fmt: skip
MARK = "simulated data, not findings"


def points(sizes, route="computed", seed=1):
    draw = np.random.default_rng(seed)
    parts = [
        pd.DataFrame(
            {
                "dataset": name,
                "x": draw.normal(3 * i, 20, n).round(4),
                "y": draw.normal(0, 9, n).round(4),
                "route": route,
            }
        )
        for i, (name, n) in enumerate(sizes.items())
    ]
    return pd.concat(parts)


def panels(figure):
    return [axes for axes in figure.axes if axes.get_visible()]


def clouds(axes):
    return [part for part in axes.collections if isinstance(part, PathCollection)]


def words(figure):
    found = [axes.get_title() for axes in figure.axes]
    found += [text.get_text() for axes in figure.axes for text in axes.texts]
    found += [text.get_text() for legend in figure.legends for text in legend.get_texts()]
    return [*found, figure.get_suptitle()]


@pytest.mark.parametrize("n_others", [1, 2, 3, 4, 5])
def test_each_data_set_has_a_panel_over_the_prompts_of_wildchat(n_others):
    sizes = {name: 30 + 1200 * (i == 2) for i, name in enumerate([*TITLES][: n_others + 1])}
    layout = points(sizes)
    figure = draw_layout(layout, TITLES)
    shown = panels(figure)
    assert len(shown) == n_others + 1
    places = {name: part[["x", "y"]].to_numpy() for name, part in layout.groupby("dataset")}
    for axes, (name, n) in zip(shown, sizes.items(), strict=True):
        assert axes.get_title() == f"{TITLES[name]}\nn = {n:,}"
        drawn = [part.get_offsets() for part in clouds(axes)]
        wanted = ["wildchat"] * (name != "wildchat") + [name]
        assert len(drawn) == len(wanted)
        for found, key in zip(drawn, wanted, strict=True):
            assert np.array_equal(found, places[key])
        assert to_rgb(clouds(axes)[-1].get_facecolor()[0]) == to_rgb(DATASET_COLOURS[name])
    plt.close(figure)


def test_all_panels_have_the_same_scale_that_holds_all_points_and_no_ticks():
    layout = points(dict.fromkeys(TITLES, 200))
    figure = draw_layout(layout, TITLES)
    scales = {(*axes.get_xlim(), *axes.get_ylim()) for axes in panels(figure)}
    ((left, right, bottom, top),) = scales
    assert right - left == pytest.approx(top - bottom), "a step is as long both ways"
    assert layout["x"].between(left, right).all()
    assert layout["y"].between(bottom, top).all()
    assert not any(len(axes.get_xticks()) + len(axes.get_yticks()) for axes in panels(figure))
    plt.close(figure)


def test_nothing_is_cut_off_or_overlaps():
    figure = draw_layout(points(dict.fromkeys(TITLES, 99), "simulated"), TITLES)
    figure.canvas.draw()
    renderer = figure.canvas.get_renderer()
    boxes = [axes.get_window_extent(renderer) for axes in panels(figure)]
    boxes += [axes.title.get_window_extent(renderer) for axes in panels(figure)]
    boxes += [figure.legends[0].get_window_extent(renderer)]
    boxes += [figure._suptitle.get_window_extent(renderer)]
    inside = figure.bbox
    for i, box in enumerate(boxes):
        assert inside.x0 - 1 <= box.x0 < box.x1 <= inside.x1 + 1
        assert inside.y0 - 1 <= box.y0 < box.y1 <= inside.y1 + 1
        assert not any(box.shrunk(0.98, 0.98).overlaps(other) for other in boxes[:i])
    plt.close(figure)


@pytest.mark.parametrize("name", [*TITLES])
def test_data_sets_stand_out_from_the_ground_in_grey_print(name):
    weights = np.array([0.299, 0.587, 0.114])
    ground = weights @ to_rgb(figure_04_embeddings._GROUND)
    assert 0.75 < ground < 0.92
    assert ground - weights @ to_rgb(DATASET_COLOURS[name]) > 0.15


def test_simulated_data_are_marked():
    sizes = {"wildchat": 20, "dolly": 20}
    assert MARK in words(draw_layout(points(sizes, "simulated"), TITLES))
    assert MARK not in words(draw_layout(points(sizes), TITLES))
    plt.close("all")


@pytest.mark.parametrize("sizes", [{}, {"wildchat": 30}, {"dolly": 30, "alpaca": 30}])
def test_without_a_comparison_there_is_a_blank_with_a_reason(tmp_path, sizes):
    layout = points(sizes) if sizes else pd.DataFrame(columns=["dataset", "x", "y", "route"])
    layout.to_csv(tmp_path / "in.csv", index=False)
    figure = draw_layout(pd.read_csv(tmp_path / "in.csv"), TITLES)
    assert any("no data set that WildChat is compared with" in text.replace("\n", " ")
               for text in words(figure))  # fmt: skip
    plt.close(figure)


def test_the_same_bytes_on_a_second_save_and_a_small_pdf(tmp_path):
    points({"wildchat": 8000, "alpaca": 8000}).to_csv(tmp_path / "in.csv", index=False)
    saved = []
    for name in ("first", "second"):
        pdf, png = tmp_path / f"{name}.pdf", tmp_path / f"{name}.png"
        render_layout(tmp_path / "in.csv", pdf, png, TITLES)
        saved.append((pdf.read_bytes(), png.read_bytes()))
    assert saved[0] == saved[1]
    assert b"CreationDate" not in saved[0][0]
    assert len(saved[0][0]) < 300_000, "points are pixels"
    assert plt.get_fignums() == []


# ------------------------------------------------------------------ overlap


def row(name, n=300, m=200, **values):
    given = {
        "prompts": n, "neighbours": 10, "mixing": 0.923, "covered": 39.333, "covers": 43.667,
        "mixing-distinct": 0.952,
    }  # fmt: skip
    if m:
        given |= {"mixing-random-low": 0.967, "mixing-random-high": 1.033, "mixing-p": 0.005}
        given |= {"covered-random-low": 43.99, "covered-random-high": 52.34}
        given |= {"covers-random-low": 43.66, "covers-random-high": 52.67}
    return [
        Cell(name, column, value, None, None, m, "u", f"own.{column}", "computed")
        for column, value in (given | values).items()
    ]


def lines(cells):
    """Return the cells of each row of a tabular, without what makes them grey."""
    text = overlap_tabular(cells, TITLES)
    body = text.split("\\midrule\n")[1].split("\\bottomrule")
    rows = [line.removesuffix(" \\\\").split(" & ") for line in body[0].splitlines()]
    plain = [[part.replace(r"\color{wpgrey}\footnotesize ", "") for part in r] for r in rows]
    return plain, body[1]


def test_a_line_says_value_and_range_of_chance():
    (found,), note = lines(row("dolly"))
    assert found == [
        "Dolly", "300", "0.92", "0.97--1.03", "0.95", "39.3", "44.0--52.3", "43.7", "43.7--52.7",
    ]  # fmt: skip
    assert "10 nearest neighbours; random: 95\\,\\% of 200 permutations of the labels" in note


def test_what_is_not_there_is_left_open():
    (few, without), note = lines(
        [row("alpaca")[0], *row("dolly", m=0, neighbours=3, **{"mixing-distinct": None})]
    )
    assert few == ["Alpaca", "300", "--", "", "--", "--", "", "--", ""]
    assert without == ["Dolly", "300", "0.92", "", "--", "39.3", "", "43.7", ""]
    assert "permutations" not in note
    assert "3 nearest neighbours" in note
    assert "nearest" not in overlap_tabular([], TITLES)


def test_the_csv_is_a_copy_and_names_are_marked(tmp_path):
    cells = [replace(cell, route="simulated") for cell in row("dolly")]
    write_long_table(tmp_path / "in.csv", cells)
    release = {"comparable": False, "simulated": True}
    acquired = tmp_path / "acquired.json"
    acquired.write_text(json.dumps({"dataset": "dolly", "release": release}))
    csv, tex = tmp_path / "out.csv", tmp_path / "out.tex"
    render_overlap(tmp_path / "in.csv", [acquired], csv, tex, TITLES)
    assert read_long_table(csv) == cells
    assert "Dolly (simulated) & 300 & 0.92" in tex.read_text()
