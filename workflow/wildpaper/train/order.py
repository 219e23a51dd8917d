"""The order in which a training sees its examples, decided before it starts."""

import random
from collections.abc import Sequence

from wildpaper.train.settings import OptimiserSettings


def training_order(
    lengths: Sequence[int], settings: OptimiserSettings, seed: int, name: str
) -> list[int]:
    """Return example numbers, step after step; each pass is a new permutation.

    Parameters
    ----------
    lengths : sequence of int
        Tokens of each example; at least one example.
    settings : OptimiserSettings
        How long to train: passes, steps, or tokens. All steps are whole batches, except
        the last one where passes are given.
    seed, name : int, str
        The same seed shuffles the data of different models differently.

    Returns
    -------
    list of int
    """
    draw = random.Random(f"{seed} {name}")  # noqa: S311 - not for secrets
    passes = settings.epochs
    order: list[int] = []
    while passes is None or len(order) < passes * len(lengths):
        once = list(range(len(lengths)))
        draw.shuffle(once)
        order += once
        if settings.max_steps and len(order) >= settings.max_steps * settings.batch:
            return order[: settings.max_steps * settings.batch]
        n_enough = _enough(order, lengths, settings)
        if n_enough:
            return order[:n_enough]
    return order


def _enough(order: list[int], lengths: Sequence[int], settings: OptimiserSettings) -> int:
    """Return how many examples, in whole batches, reach the token budget; 0 if all do not."""
    if settings.max_tokens is None:
        return 0
    seen = 0
    for start in range(0, len(order) - settings.batch + 1, settings.batch):
        seen += sum(int(lengths[i]) for i in order[start : start + settings.batch])
        if seen >= settings.max_tokens:
            return start + settings.batch
    return 0
