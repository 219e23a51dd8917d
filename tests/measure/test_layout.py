"""The layout of Figure 4: planted groups stay together, the same bytes always."""

import csv
import re

import numpy as np
import pytest
from planted_vectors import cloud, together, unit, write_vectors
from threadpoolctl import threadpool_limits

from wildpaper.measure.figure_04_layout import lay_out, measure_layout


def groups(n, seed, width=24):
    """Return vectors around three axes and the number of each one's axis."""
    draw = np.random.default_rng(seed)
    group = np.arange(n) % 3
    return unit(4 * np.eye(width)[group] + 0.4 * draw.standard_normal((n, width))), group


def measured(folder, paths, perplexity=10.0, seed=7):
    folder.mkdir(parents=True, exist_ok=True)
    measure_layout(**paths, table=folder / "layout.csv", perplexity=perplexity, seed=seed)
    return folder / "layout.csv"


def planted(folder, n_shards=1, shuffle=None):
    return together(
        write_vectors(folder, "wildchat", groups(60, 1)[0], n_shards, shuffle, simulated=True),
        write_vectors(folder, "dolly", groups(33, 2)[0], n_shards, shuffle),
    )


def test_groups_across_data_sets_stay_together(tmp_path):
    table = measured(tmp_path, planted(tmp_path))
    with table.open() as file:
        rows = list(csv.DictReader(file))
    assert [row["dataset"] for row in rows] == ["wildchat"] * 60 + ["dolly"] * 33
    assert [row["route"] for row in rows] == ["simulated"] * 60 + ["computed"] * 33
    points = np.array([[float(row["x"]), float(row["y"])] for row in rows])
    group = np.concatenate([np.arange(60) % 3, np.arange(33) % 3])
    apart = np.linalg.norm(points[:, None] - points, axis=2)
    same = group[:, None] == group
    np.fill_diagonal(same, False)
    assert apart[same].max() < apart[group[:, None] != group].min()


def test_the_same_bytes_for_any_shards_order_and_cores(tmp_path):
    first = measured(tmp_path / "a", planted(tmp_path / "1")).read_bytes()
    with threadpool_limits(2):
        again = measured(tmp_path / "b", planted(tmp_path / "2", 3, shuffle=4)).read_bytes()
    assert again == first


def test_lines_hold_rounded_places_and_nothing_else(tmp_path):
    lines = measured(tmp_path, planted(tmp_path)).read_text().splitlines()
    assert lines[0] == "dataset,x,y,route"
    form = re.compile(r"(wildchat|dolly),(?!-0\.0000)-?\d+\.\d{4},(?!-0\.0000)-?\d+\.\d{4},\w+")
    assert all(form.fullmatch(line) for line in lines[1:])


def test_perplexity_is_lowered_where_there_are_few_prompts(caplog):
    with caplog.at_level("WARNING", "wildpaper"):
        points = lay_out(cloud(16, 1), 30.0, 7)
        assert "lowered to 5.0" in caplog.text
        caplog.clear()
        lay_out(cloud(16, 1), 5.0, 7)
        assert not caplog.text
    assert np.isfinite(points).all()


@pytest.mark.parametrize("n", [0, 1, 9])
def test_too_few_prompts_give_no_line(tmp_path, n):
    paths = write_vectors(tmp_path, "wildchat", cloud(n, 1))
    assert measured(tmp_path, paths).read_text() == "dataset,x,y,route\n"


@pytest.mark.parametrize("vectors", [np.repeat(cloud(1, 1), 12, 0), np.repeat(cloud(4, 1), 20, 0)])
def test_repeated_prompts_have_places(vectors):
    assert np.isfinite(lay_out(vectors, 5.0, 7)).all()


def test_progress_is_told(caplog, monkeypatch):
    from wildpaper import progress

    monkeypatch.setattr(progress.Progress.__init__, "__defaults__", (0.0,))
    with caplog.at_level("INFO", "wildpaper"):
        lay_out(cloud(40, 1), 5.0, 7)
    assert "t-SNE: 1,000 of 1,000 iterations (100 %)" in caplog.text
