"""How long messages and conversations of the simulated study are: distributions in closed form."""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from wildpaper.acquire.simulation.dialogue import (
    LONGEST_WORDS,
    MOST_TURNS,
    SHARE_EMPTY,
    SHORTEST_WORDS,
    TAIL_MEAN,
    WORDS_PER_TOKEN,
)
from wildpaper.acquire.simulation.native_author import LEAST_WORDS
from wildpaper.acquire.simulation.targets import Targets

Floats = npt.NDArray[np.float64]

_LONGEST_DEVIATIONS = 6
"""Where the simulator cuts messages of the comparison sets, in deviations above the mean."""


@dataclass(frozen=True)
class Lengths:
    """Lengths of messages in words: lognormal, rounded, cut on both sides; some are empty.

    Attributes
    ----------
    location, spread : float
        Mean and standard deviation of the logarithm.
    shortest, longest : int
        Words of messages that are not empty.
    share_empty : float
    """

    location: float
    spread: float
    shortest: int
    longest: int
    share_empty: float = 0.0

    def draw(
        self, rng: np.random.Generator, n: int, shared: Floats | None = None, alike: float = 0.0
    ) -> npt.NDArray[np.int64]:
        """Return `n` lengths.

        Parameters
        ----------
        rng, n
        shared : ndarray, shape (n,), optional
            Standard normal numbers, one of each message's author.
        alike : float
            Share of the variance of log lengths that lies between authors.
        """
        normal = rng.standard_normal(n)
        if shared is not None:
            normal = math.sqrt(1 - alike) * normal + math.sqrt(alike) * shared
        words = np.rint(np.exp(self.location + self.spread * normal))
        cut = np.clip(words, self.shortest, self.longest).astype(np.int64)
        cut[rng.random(n) < self.share_empty] = 0
        return cut

    @cached_property
    def _moments(self) -> tuple[float, float]:
        """Mean and mean square, from the probabilities of more than k words."""
        k = np.arange(self.shortest, self.longest)
        z = (np.log(k + 0.5) - self.location) / (self.spread * math.sqrt(2))
        above = np.fromiter(map(math.erfc, z), np.float64, len(z)) / 2
        written = 1 - self.share_empty
        mean = self.shortest + float(above.sum())
        square = self.shortest**2 + float(((2 * k + 1) * above).sum())
        return written * mean, written * square

    @property
    def mean(self) -> float:
        """True mean, in words."""
        return self._moments[0]

    @property
    def variance(self) -> float:
        """True variance (divisor n), in words squared."""
        mean, square = self._moments
        return square - mean**2


def _lognormal(
    mean: float, variation: float, shortest: int, longest: int, share_empty: float = 0.0
) -> Lengths:
    spread = math.log1p(variation**2)
    return Lengths(math.log(mean) - spread / 2, math.sqrt(spread), shortest, longest, share_empty)


def wildchat_lengths(targets: Targets, length_scale: float) -> dict[str, Lengths]:
    """Return {role: lengths} of the simulated logs, as `Speech.length` draws them."""
    longest = max(*SHORTEST_WORDS.values(), int(LONGEST_WORDS * length_scale))
    return {
        role: _lognormal(
            mean * WORDS_PER_TOKEN * length_scale,
            deviation / mean,
            SHORTEST_WORDS[role],
            longest,
            SHARE_EMPTY if role == "user" else 0.0,
        )
        for role, (mean, deviation) in targets.tokens.items()
    }


def dataset_lengths(targets: Targets, dataset: str) -> dict[str, Lengths]:
    """Return {role: lengths} of a comparison set, as `Author.n_words` draws them."""
    found = {}
    for role in ("user", "chatbot"):
        mean, deviation = (
            float(targets.values[f"table-01.{dataset}.{role}-tokens-{what}"])
            for what in ("mean", "std")
        )
        longest = round(WORDS_PER_TOKEN * (mean + _LONGEST_DEVIATIONS * deviation))
        found[role] = _lognormal(mean * WORDS_PER_TOKEN, deviation / mean, LEAST_WORDS, longest)
    return found


def wildchat_turns(targets: Targets) -> Floats:
    """Return the probability of each number of turns, from 0, as `TurnCounts` draws them."""
    tail, single = targets.more_than_10, 1 - targets.multi_turn
    middle = targets.multi_turn - tail
    mean = (targets.turns_mean - single - tail * TAIL_MEAN) / middle
    low, high = 1e-6, 1.0
    for _ in range(60):
        ratio = (low + high) / 2
        falling = ratio ** np.arange(9)
        falling /= falling.sum()
        low, high = (ratio, high) if falling @ np.arange(2, 11) < mean else (low, ratio)
    stop, beyond = 1 / (TAIL_MEAN - 10), np.arange(MOST_TURNS - 10)
    more = stop * (1 - stop) ** beyond
    more[-1] = (1 - stop) ** beyond[-1]
    return np.concatenate([[0, single], middle * falling, tail * more])


def dataset_turns(targets: Targets, dataset: str) -> Floats:
    """Return the probability of each number of turns, from 0, as `Author.n_turns` draws them."""
    more = 1 - 1 / max(float(targets.values[f"table-01.{dataset}.turns-per-conversation"]), 1.0)
    at_least = more ** np.arange(MOST_TURNS)
    return np.concatenate([[0], at_least - np.append(at_least[1:], 0)])
