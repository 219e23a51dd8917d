"""How much data: held-out loss by size and choice of the training data."""

from itertools import pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.compute as pc
import pyarrow.parquet as pq

from wildpaper.files import read_json
from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.bootstrap import ratio_intervals
from wildpaper.releases import route_of

ARTIFACT = "data-size"
LOSS = "held-out-nll"
RULE = "rule"
"""The row that tells how many examples the rule kept and left out."""
_PER_NAT = 10**6
_UNIT = "nats per reply token"
_COUNTS = {
    "n_tokens": "training tokens",
    "n_conversations": "training conversations",
    "n_steps": "steps",
    "n_tokens_seen": "tokens over all passes",
}

Integers = npt.NDArray[np.int64]


def measure_data_size(
    losses: Path, report: Path, reports: list[Path], table: Path, n_replicates: int, seed: int
) -> None:
    """Write the held-out loss of each subset, and how subsets differ, with intervals.

    Rows are subsets: ``random-<percent>``, ``rule-<percent>`` and ``rule-all``. Their columns:
    `LOSS`, and counts of `_COUNTS`. Rows that compare two have `LOSS` alone, that of the first
    minus that of the second: ``rule-minus-random-<percent>``, subsets of the same number of
    tokens; ``random-<percent>-minus-<percent>``, a random subset and the next smaller one; and
    ``rule-all-minus-random-<percent>``, all that passes the rule and the largest random subset.
    The row `RULE` counts examples.

    Parameters
    ----------
    losses, report : Path
        See `wildpaper.train.data_size.fine_tune`.
    reports : list of Path
        Ingest reports of what was trained on.
    table : Path
        Long table to write; numbers of our own.
    n_replicates, seed : int
        See `ratio_intervals`; held-out conversations are drawn.

    Notes
    -----
    Nats are rounded to millionths per conversation, so that all sums are exact. Differences
    are paired by conversation. The intervals are about held-out conversations: another draw
    of a subset, or another start of the training, is not in them.
    """
    about = read_json(report)
    route = route_of(read_json(path)["release"] for path in reports)
    nats, tokens = _read(losses)
    asked = {f"{one['selection']}-{one['size']}": one for one in about["subsets"]}
    cells: list[Cell] = []
    for row, one in asked.items():
        cells.append(_loss(row, nats[row], tokens, route, n_replicates, seed))
        for key, unit in _COUNTS.items():
            cells.append(_count(row, key.replace("_", "-"), one[key], unit, route))
    for row, first, second in _pairs(asked):
        difference = nats[first] - nats[second]
        cells.append(_loss(row, difference, tokens, route, n_replicates, seed))
    counts = {"kept": about["rule"]["n_examples"], **about["rule"]["left_out"]}
    cells += [_count(RULE, column, n, "examples", route) for column, n in counts.items()]
    write_long_table(table, cells)


def _read(losses: Path) -> tuple[dict[str, Integers], Integers]:
    """Return {subset: millionths of nats of each conversation}, and tokens of each."""
    found = pq.read_table(losses)
    names = pc.binary_join_element_wise(found["selection"], found["size"], "-")
    parts = {name: found.filter(pc.equal(names, name)) for name in pc.unique(names).to_pylist()}
    nats = {
        name: np.rint(part["nll_nats"].to_numpy() * _PER_NAT).astype(np.int64)
        for name, part in parts.items()
    }
    return nats, next(iter(parts.values()))["n_supervised"].to_numpy()


def _pairs(asked: dict[str, dict[str, object]]) -> list[tuple[str, str, str]]:
    """Return (row, first, second) of all subsets that are compared."""
    sizes = [str(one["size"]) for one in asked.values() if one["selection"] == "random"]
    largest = f"random-{sizes[-1]}"
    pairs = [
        (f"rule-minus-random-{size}", f"rule-{size}", f"random-{size}")
        for size in sizes
        if f"rule-{size}" in asked
    ]
    if "rule-all" in asked:
        pairs.append((f"rule-all-minus-{largest}", "rule-all", largest))
    return pairs + [
        (f"random-{larger}-minus-{smaller}", f"random-{larger}", f"random-{smaller}")
        for smaller, larger in pairwise(sizes)
    ]


def _loss(
    row: str, nats: Integers, tokens: Integers, route: str, n_replicates: int, seed: int
) -> Cell:
    """Return a mean over tokens; `nats` may be a difference."""
    (found,) = ratio_intervals(
        nats[:, None], tokens[:, None], n_replicates, seed, f"{ARTIFACT}.{row}"
    )
    low, high = (found[0] / _PER_NAT, found[1] / _PER_NAT) if found else (None, None)
    value = int(nats.sum()) / int(tokens.sum()) / _PER_NAT
    unit = f"{_UNIT}, first minus second" if "minus" in row else _UNIT
    return Cell(row, LOSS, value, low, high, len(tokens), unit, _claim(row, LOSS), route)


def _count(row: str, column: str, value: int, unit: str, route: str) -> Cell:
    return Cell(row, column, value, None, None, None, unit, _claim(row, column), route)


def _claim(row: str, column: str) -> str:
    return f"own.{ARTIFACT}.{row}.{column}"
