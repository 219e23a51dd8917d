"""Random numbers of a run: each thing that is drawn has a stream of its own."""

import hashlib

import numpy as np


def generator(seed: int, name: str) -> np.random.Generator:
    """Return the stream of a name; the same seed and name give the same numbers."""
    stream = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big")
    return np.random.default_rng([seed, stream])
