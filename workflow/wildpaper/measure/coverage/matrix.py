"""Figure 3: the loss of a model of each data set on the prompts of each."""

import math
from pathlib import Path

from wildpaper.files import read_json, write_json
from wildpaper.long_table import Cell, write_long_table
from wildpaper.measure.bootstrap import ratio_intervals
from wildpaper.measure.coverage.losses import VARIANTS, factor, read_losses
from wildpaper.releases import route_of
from wildpaper.train.recipe import Recipe, load_recipe

ARTIFACT = "figure-03-coverage"
MAIN = "tokens-with-end"
PAPER_BASE = "meta-llama/Llama-2-7b-hf"
PUBLISHED = ("alpaca", "dolly", "open_assistant", "sharegpt", "wildchat")
"""Data sets of the published matrix; LMSYS-Chat-1M is not among them."""


def measure_coverage(
    scores: list[Path],
    reports: list[Path],
    recipe: Path,
    table: Path,
    notes: Path,
    n_replicates: int,
    seed: int,
) -> None:
    """Write the matrix: row = trained on, column = evaluated on, with intervals over prompts.

    Parameters
    ----------
    scores : list of Path
        See `wildpaper.evaluate.coverage`.
    reports : list of Path
        Ingest reports of the data sets.
    recipe : Path
        By which the models were trained.
    table, notes : Path
        To write: the long table, and why a value differs {claim id: text}.
    n_replicates, seed : int
        See `ratio_intervals`; prompts are drawn.
    """
    releases = {about["dataset"]: about["release"] for about in map(read_json, reports)}
    found = read_losses(scores)
    values = found.values(MAIN)
    cells = []
    for j, column in enumerate(found.sets):
        losses = found.by_set[column]
        intervals = ratio_intervals(
            losses.above[MAIN], losses.below[MAIN][:, None], n_replicates, seed,
            f"{ARTIFACT}.{column}",
        )  # fmt: skip
        for i, row in enumerate(found.sets):
            low, high = intervals[i] or (math.nan, math.nan)
            ends = (_known(low * factor(MAIN)), _known(high * factor(MAIN)))
            route = route_of([releases[row], releases[column]])
            value, claim = _known(float(values[i, j])), claim_of(row, column)
            cells.append(Cell(row, column, value, *ends, losses.n, VARIANTS[MAIN], claim, route))
    write_long_table(table, sorted(cells, key=lambda cell: found.sets.index(cell.row)))
    note = _why_other(load_recipe(recipe))
    write_json(notes, {c.claim: note for c in cells if c.claim.startswith("figure-03.")})


def _why_other(recipe: Recipe) -> str:
    """Return why the losses of a run are not the published ones."""
    coverage = recipe.coverage
    assert coverage is not None  # noqa: S101 - the rule exists for such recipes only
    models = f"the models of this run follow the recipe '{recipe.name}': {recipe.title}"
    if recipe.base != PAPER_BASE:
        models += "; the paper's are Llama-2 7B"
    prompts = f"prompts have at most {coverage.max_length:,} tokens"
    if coverage.max_prompts:
        prompts += f", and at most {coverage.max_prompts:,} of each data set are used"
    return (
        f"{models}; {prompts}; absolute losses hang on the model, its tokenizer and its budget, so "
        "that the order of the cells is compared instead, in the table of variants"
    )


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value


def claim_of(trained_on: str, evaluated_on: str) -> str:
    """Return the claim of a cell: a published one, or one of our own."""
    if trained_on in PUBLISHED and evaluated_on in PUBLISHED:
        return f"figure-03.{trained_on}.{evaluated_on}"
    return f"own.{ARTIFACT}.{trained_on}.{evaluated_on}"
