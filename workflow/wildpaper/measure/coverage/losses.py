"""Losses of the coverage matrix as exact sums, in four ways to state them."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

Integers = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

PER_NAT = 10**6
"""Nats are rounded to millionths a prompt, so that all sums are exact."""

VARIANTS = {
    "tokens-with-end": "nats per token, end token included",
    "tokens": "nats per token",
    "bits-per-character": "bits per character",
    "length-matched": "nats per token, beginnings of one length",
}
"""{variant: unit}; the first is that of Figure 3."""

_FACTOR = dict.fromkeys(VARIANTS, 1 / PER_NAT) | {"bits-per-character": 1 / PER_NAT / math.log(2)}

ORDER = ("alpaca", "dolly", "open_assistant", "sharegpt", "wildchat", "lmsys_chat_1m")
"""Of rows and columns in Figure 3; the last is ours."""


@dataclass(frozen=True, slots=True)
class Losses:
    """What all models give to the prompts of one data set.

    Attributes
    ----------
    above : dict
        {variant: millionths of nats, shape (n_prompts, n_models)}; equal prompts are one.
    below : dict
        {variant: tokens or characters, shape (n_prompts,)}.
    n : int
        Prompts, each time that they occur.
    """

    above: dict[str, Integers]
    below: dict[str, Integers]
    n: int


@dataclass(frozen=True, slots=True)
class Matrix:
    """All losses of a run.

    Attributes
    ----------
    sets : list of str
        Data sets trained and evaluated on, in the order of the figure.
    by_set : dict
        {data set evaluated on: Losses}, models in the order of `sets`.
    n_vocabulary : int
    """

    sets: list[str]
    by_set: dict[str, Losses]
    n_vocabulary: int

    def values(self, variant: str) -> Floats:
        """Return the loss of each model (row) on each data set (column); NaN for none."""
        columns = []
        for name in self.sets:
            losses = self.by_set[name]
            total = int(losses.below[variant].sum())
            sums = losses.above[variant].sum(axis=0) * _FACTOR[variant]
            columns.append(sums / total if total else np.full(len(self.sets), np.nan))
        return np.column_stack(columns)


def factor(variant: str) -> float:
    """Return what a quotient of sums is multiplied by to have the unit of a variant."""
    return _FACTOR[variant]


def read_losses(scores: list[Path]) -> Matrix:
    """Read what `wildpaper.evaluate.coverage` wrote, a file a model."""
    table = pa.concat_tables([pq.read_table(path) for path in scores])
    found = set(table["trained_on"].to_pylist())
    sets = [name for name in ORDER if name in found]
    by_set = {}
    for name in sets:
        part = table.filter(pc.equal(table["evaluated_on"], name))
        models = [part.filter(pc.equal(part["trained_on"], model)) for model in sets]
        by_set[name] = _losses(models)
    return Matrix(sets, by_set, int(table["n_vocabulary"][0].as_py()))


def _losses(models: list[pa.Table]) -> Losses:
    """Return the losses of one data set under each model; its prompts are the same for all.

    Held out are distinct prompts, so that these are what is drawn: equal ones are summed.
    """
    distinct, which = np.unique(models[0]["first_prompt"].to_numpy(), return_inverse=True)

    def ints(column: str) -> Integers:
        return _summed(models[0][column].to_numpy()[:, None], which, len(distinct))[:, 0]

    def nats(*columns: str) -> Integers:
        sums = [sum(model[column].to_numpy() for column in columns) for model in models]
        return _summed(np.rint(np.column_stack(sums) * PER_NAT), which, len(distinct))

    text = nats("nll_nats")
    return Losses(
        above={
            "tokens-with-end": nats("nll_nats", "nll_end_nats"),
            "tokens": text,
            "bits-per-character": text,
            "length-matched": nats("head_nats"),
        },
        below={
            "tokens-with-end": ints("n_tokens") + ints("n_end_tokens"),
            "tokens": ints("n_tokens"),
            "bits-per-character": ints("n_characters"),
            "length-matched": ints("n_head_tokens"),
        },
        n=len(which),
    )


def _summed(rows: npt.NDArray[Any], groups: npt.NDArray[np.intp], n: int) -> Integers:
    """Return the sums of rows over groups, shape (n, n_columns)."""
    sums = np.zeros((n, rows.shape[1]), np.int64)
    np.add.at(sums, groups, rows.astype(np.int64))
    return sums
