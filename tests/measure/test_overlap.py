"""Mixing and coverage: planted truth, a slow oracle, and independence of files and blocks."""

import json
from fractions import Fraction

import numpy as np
import pytest
from planted_vectors import cloud, embedded, together, unit, write_vectors

from wildpaper.annotate.sample_order import sample_ranks
from wildpaper.long_table import read_long_table
from wildpaper.measure import overlap_neighbours
from wildpaper.measure.embedding_overlap import compare, measure_overlap
from wildpaper.measure.overlap_neighbours import SCALE, count_others, nearest_squared, on_grid

SEEDS = pytest.mark.parametrize("seed", [1, 2, 3])


def found(wildchat, other, k=5, m=99, seed=7):
    return compare(embedded("wildchat", wildchat), embedded("other", other), k, m, seed)


def measure(folder, paths, **options):
    """Return {(row, column): cell} and the notes; `bytes` of both files under None."""
    folder.mkdir(parents=True, exist_ok=True)
    table, notes = folder / "table.csv", folder / "notes.json"
    settings = {"neighbours": 5, "permutations": 30, "seed": 7} | options
    measure_overlap(**paths, table=table, notes=notes, **settings)
    cells = {(cell.row, cell.column): cell for cell in read_long_table(table)}
    return cells, json.loads(notes.read_text()), table.read_bytes() + notes.read_bytes()


# ------------------------------------------------------------------ planted truth


@SEEDS
def test_clouds_of_one_source_mix_as_random_labels_do(seed):
    overlap = found(cloud(400, seed), cloud(400, seed + 100))
    low, high = np.quantile(overlap.mixing[1:], [0.005, 0.995])
    assert low <= overlap.mixing[0] <= high
    assert overlap.mixing[0] == pytest.approx(1, abs=0.08)
    assert overlap.mixing[1:].mean() == pytest.approx(1, abs=0.02)


def test_clouds_far_apart_neither_mix_nor_cover_each_other(tmp_path):
    far = -cloud(60, 2, centre=9)
    paths = together(
        write_vectors(tmp_path, "wildchat", cloud(60, 1, centre=9)),
        write_vectors(tmp_path, "dolly", far),
    )
    cells, _, _ = measure(tmp_path, paths, permutations=49)
    for column in ("mixing", "mixing-of-wildchat", "mixing-of-other", "covered", "covers"):
        assert cells["dolly", column].value == 0
    assert cells["dolly", "mixing-p"].value == 1 / 50
    assert cells["dolly", "mixing-random-low"].value > 0.8
    assert cells["dolly", "covered-random-low"].value > 5


def test_mixing_tells_how_many_prompts_come_from_the_other_source():
    # Of n, c n come from WildChat's source and the others from far away: of the neighbours
    # of those, c / (1 + c) are of the other set, which by chance would be half.
    n, previous = 600, -1.0
    far = -cloud(n, 5, centre=9)
    for share in (0, 0.2, 0.5, 0.8, 1):
        own = int(share * n)
        mixed = np.concatenate([cloud(own, 6, centre=9), far[own:]])
        overlap = found(cloud(n, 4, centre=9), mixed, m=0)
        assert overlap.mixing[0] == pytest.approx(2 * share / (1 + share), abs=0.05)
        assert overlap.mixing[0] > previous
        previous = overlap.mixing[0]


def test_a_narrow_set_is_covered_but_does_not_cover():
    overlap = found(cloud(500, 1, width=3), cloud(500, 2, centre=6, width=3), m=0)
    assert overlap.covered[0] > 35
    assert overlap.covers[0] < 10


def test_half_of_wildchat_has_another_prompt_within_the_radius():
    wildchat = cloud(301, 3)
    others = [found(wildchat, cloud(301, seed), m=0) for seed in range(10, 20)]
    covered, overlap = np.mean([one.covered[0] for one in others]), others[0]
    assert covered == pytest.approx(50, abs=7), "another sample of the source covers as well"
    distances = 1 - wildchat.astype(np.float64) @ wildchat.T.astype(np.float64)
    np.fill_diagonal(distances, np.inf)
    assert overlap.radius == pytest.approx(np.median(distances.min(axis=1)), abs=1e-7)


def test_p_values_of_one_source_are_spread_out():
    below = 0
    for seed in range(80):
        both = cloud(40, seed)
        mixing = found(both[:20], both[20:], k=3, m=19, seed=seed).mixing
        below += (mixing[1:] <= mixing[0]).sum() < 2  # p of at most 0.1
    assert 1 <= below <= 17, "8 of 80 are expected; 17 has a chance of about 1 in 500"


def test_repeated_prompts_lie_apart_unless_each_counts_once():
    # 40 texts, ten times each, from the source of WildChat.
    repeated = np.repeat(cloud(40, 1, width=3), 10, axis=0)
    overlap = found(cloud(400, 2, width=3), repeated, m=0)
    assert overlap.n_distinct == 40
    assert overlap.mixing[0] < 0.6
    assert overlap.distinct_mixing == pytest.approx(1, abs=0.2)
    alone = found(cloud(400, 2), cloud(400, 1), m=0)
    assert (alone.n_distinct, alone.distinct_mixing) == (400, alone.mixing[0])


# ------------------------------------------------------------------ oracle


def slow(points, labels, k, radius_squared):
    """Count with whole numbers and fractions, one pair at a time."""
    whole = [[int(x) for x in point] for point in points]
    squared = [[sum((x - y) ** 2 for x, y in zip(a, b, strict=True)) for b in whole] for a in whole]
    mixed, covered = [Fraction(0), Fraction(0)], [0, 0]
    for i, row in enumerate(squared):
        others = [j for j in range(len(row)) if j != i]
        last = sorted(row[j] for j in others)[k - 1]
        nearer = [j for j in others if row[j] < last]
        tied = [j for j in others if row[j] == last]
        of_other = Fraction(sum(labels[j] != labels[i] for j in nearer))
        of_other += Fraction(
            (k - len(nearer)) * sum(labels[j] != labels[i] for j in tied), len(tied)
        )
        mixed[labels[i]] += of_other
        covered[labels[i]] += any(
            row[j] <= radius_squared and labels[j] != labels[i] for j in others
        )
    nearest = [min(row[j] for j in range(len(row)) if j != i) for i, row in enumerate(squared)]
    return [float(value) for value in mixed], covered, nearest


@SEEDS
def test_counts_are_those_of_a_double_loop_with_ties(seed):
    draw = np.random.default_rng(seed)
    vectors = unit(np.concatenate([draw.integers(-1, 2, (30, 3)) + 0.01, cloud(12, seed, width=3)]))
    points = on_grid(vectors)
    labels = draw.random((42, 9)) < 0.5
    radius = float(np.median(nearest_squared(points)))
    counts = count_others(points, labels, 4, radius)
    for column in range(9):
        mixed, covered, nearest = slow(points, labels[:, column].astype(int).tolist(), 4, radius)
        assert counts.mixed[:, column] == pytest.approx(mixed, rel=1e-12)
        assert counts.covered[:, column].tolist() == covered
    assert nearest_squared(points).tolist() == nearest
    assert 0 in nearest, "points coincide"


def test_the_grid_is_finer_than_what_tells_prompts_apart():
    vectors = cloud(50, 1, width=384)
    exact = vectors.astype(np.float64)
    assert on_grid(vectors) / SCALE == pytest.approx(exact, abs=2e-8)
    assert nearest_squared(on_grid(np.repeat(vectors, 2, axis=0))).tolist() == [0] * 100


def test_blocks_change_nothing(monkeypatch):
    whole = found(cloud(60, 1), cloud(60, 2), m=20)
    monkeypatch.setattr(overlap_neighbours, "_BLOCK_POINTS", 7)
    monkeypatch.setattr(overlap_neighbours, "_LABELLINGS_AT_ONCE", 4)
    parts = found(cloud(60, 1), cloud(60, 2), m=20)
    for name in ("mixing", "covered", "covers"):
        assert getattr(whole, name).tolist() == getattr(parts, name).tolist()


# ------------------------------------------------------------------ tables


def planted(folder, n_shards=1, shuffle=None, simulated=False):
    return together(
        *(
            write_vectors(folder, name, vectors, n_shards, shuffle, simulated)
            for name, vectors in (
                ("wildchat", cloud(50, 1)),
                ("sharegpt", cloud(40, 2, centre=0.5)),
                ("alpaca", cloud(60, 3, centre=2)),
            )
        )
    )


def test_neither_shards_nor_the_order_of_rows_matter(tmp_path):
    _, _, bytes_ = measure(tmp_path / "m1", planted(tmp_path / "1"))
    for n_shards, shuffle in ((1, 5), (3, None), (4, 6)):
        name = f"{n_shards}-{shuffle}"
        paths = planted(tmp_path / name, n_shards, shuffle)
        assert measure(tmp_path / f"m{name}", paths)[2] == bytes_


def test_each_value_is_a_claim_of_ours_with_its_n_and_route(tmp_path):
    for simulated, route in ((False, "computed"), (True, "simulated")):
        paths = planted(tmp_path / route, simulated=simulated)
        cells, notes, _ = measure(tmp_path / f"m{route}", paths)
        assert {cell.route for cell in cells.values()} == {route}
        for (row, column), cell in cells.items():
            assert cell.claim == f"own.embedding-overlap.{row}.{column}"
            assert cell.ci_low is cell.ci_high is None, "a range of chance is no interval"
        assert cells["sharegpt", "prompts"].value == 40
        assert cells["alpaca", "prompts"].value == 50
        assert cells["alpaca", "mixing-random-low"].n == 30
        assert cells["alpaca", "covered"].n == 50
        assert cells["alpaca", "mixing"].n == 100
        assert notes == {}


def test_of_the_larger_set_the_first_prompts_of_the_seeded_order_count():
    wildchat, other = cloud(90, 1), cloud(30, 2)
    ids = np.arange(90)
    first = np.sort(np.argsort(sample_ranks(7, "wildchat", ids))[:30])
    whole = compare(embedded("wildchat", wildchat), embedded("other", other), 5, 9, 7)
    part = compare(embedded("wildchat", wildchat[first], first), embedded("other", other), 5, 9, 7)
    assert whole.mixing.tolist() == part.mixing.tolist()
    assert whole.covers.tolist() == part.covers.tolist()
    assert whole.radius == part.radius


def test_without_permutations_there_is_nothing_of_chance(tmp_path):
    paths = planted(tmp_path)
    with_them, _, _ = measure(tmp_path / "a", paths)
    without, _, _ = measure(tmp_path / "b", paths, permutations=0)
    assert not [column for _, column in without if "random" in column or column == "mixing-p"]
    assert all(with_them[key].value == cell.value for key, cell in without.items())


def test_few_prompts_lower_the_number_of_neighbours_or_leave_values_out(tmp_path):
    paths = together(
        write_vectors(tmp_path, "wildchat", cloud(50, 1)),
        write_vectors(tmp_path, "dolly", cloud(4, 2)),
        write_vectors(tmp_path, "alpaca", cloud(1, 3)),
        write_vectors(tmp_path, "sharegpt", cloud(0, 3)),
    )
    cells, notes, _ = measure(tmp_path, paths)
    assert cells["dolly", "neighbours"].value == 3
    assert "3 nearest neighbours only" in notes["own.embedding-overlap.dolly.mixing"]
    assert {c for row, c in cells if row in ("alpaca", "sharegpt")} == {"prompts"}
    assert cells["sharegpt", "prompts"].value == 0
    assert "fewer than two" in notes["own.embedding-overlap.alpaca.prompts"]


@pytest.mark.parametrize("names", [["wildchat"], ["dolly", "alpaca"], []])
def test_nothing_to_compare(tmp_path, names):
    sets = [write_vectors(tmp_path, name, cloud(9, 1)) for name in names]
    paths = together(*sets) if sets else {"reports": [], "embeddings": []}
    assert measure(tmp_path, paths)[:2] == ({}, {})
