"""Messages by length: bins that double, shares that add up to one."""

import csv
from collections import Counter

import pytest
from planting import Planted, joined, measure_lengths, random_set, write_set

BOUNDARIES = {
    0: (0, 1),
    1: (1, 2),
    2: (2, 4),
    3: (2, 4),
    4: (4, 8),
    7: (4, 8),
    8: (8, 16),
    1023: (512, 1024),
    1024: (1024, 2048),
    2**30 - 1: (2**29, 2**30),
    2**30: (2**30, 2**31),
    2**31 - 1: (2**30, 2**31),
}


def rows(path):
    with path.open(encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


@pytest.mark.parametrize(("n_tokens", "bounds"), BOUNDARIES.items())
def test_each_length_has_its_bin(tmp_path, n_tokens, bounds):
    planted = Planted(conversations=[(None, [("user", n_tokens, "English")])])
    (row,) = rows(measure_lengths(tmp_path, write_set(tmp_path, planted)))
    assert (int(row["low_tokens"]), int(row["high_tokens"])) == bounds
    assert (row["role"], row["n_messages"], row["share"]) == ("user", "1", "1.0")


def test_counts_are_those_planted_and_shares_add_up(tmp_path):
    planted = random_set(200)
    found = rows(measure_lengths(tmp_path, write_set(tmp_path, planted, 3)))
    for name, role in (("user", "user"), ("chatbot", "assistant")):
        tokens = planted.of(role)
        wanted = Counter(0 if n == 0 else 1 << (n.bit_length() - 1) for n in tokens)
        own = [row for row in found if row["role"] == name]
        assert {int(r["low_tokens"]): int(r["n_messages"]) for r in own} == dict(wanted)
        assert sum(float(row["share"]) for row in own) == pytest.approx(1, abs=1e-12)
        for row in own:
            assert float(row["share"]) == int(row["n_messages"]) / len(tokens)


def test_shards_and_order_change_no_byte(tmp_path):
    one = measure_lengths(tmp_path, write_set(tmp_path / "a", random_set()))
    first = one.read_bytes()
    seven = measure_lengths(tmp_path, write_set(tmp_path / "b", random_set(), 7, shuffle=3))
    assert seven.read_bytes() == first


def test_an_empty_data_set_has_no_bins(tmp_path):
    sets = [write_set(tmp_path, Planted("alpaca")), write_set(tmp_path, random_set())]
    found = rows(measure_lengths(tmp_path, joined(*sets)))
    assert {row["dataset"] for row in found} == {"wildchat"}
