"""Figure 4: embedded first prompts of all data sets in a plane, by t-SNE."""

import contextlib
import io
import logging
import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.decomposition import PCA
from sklearn.manifold import TSNE
from threadpoolctl import threadpool_limits

from wildpaper.files import write_text
from wildpaper.measure.embeddings import read_embeddings
from wildpaper.progress import Progress

COLUMNS = ("dataset", "x", "y", "route")

_LOG = logging.getLogger("wildpaper")
_FEWEST = 10
_N_COMPONENTS = 50
_N_ITERATIONS = 1_000
_START_DEVIATION = 1e-4


def measure_layout(
    reports: list[Path], embeddings: list[Path], table: Path, perplexity: float, seed: int
) -> None:
    """Lay out the embedded prompts of all data sets together.

    Parameters
    ----------
    reports, embeddings : list of Path
        See `wildpaper.measure.embeddings.read_embeddings`.
    table : Path
        CSV to write: `COLUMNS`, a line a prompt, data set by data set; no line if there are
        fewer than 10 prompts.
    perplexity, seed
        See `lay_out`.
    """
    sets = read_embeddings(reports, embeddings)
    lines = [",".join(COLUMNS)]
    vectors = [one.vectors for one in sets]
    if sum(map(len, vectors)) >= _FEWEST:
        points = np.round(lay_out(np.concatenate(vectors), perplexity, seed), 4) + 0.0
        names = [one.dataset for one in sets for _ in one.vectors]
        routes = {one.dataset: "simulated" if one.simulated else "computed" for one in sets}
        lines += [
            f"{name},{x:.4f},{y:.4f},{routes[name]}"
            for name, (x, y) in zip(names, points.tolist(), strict=True)
        ]
    write_text(table, "\n".join([*lines, ""]))


def lay_out(
    vectors: npt.NDArray[np.float32], perplexity: float, seed: int
) -> npt.NDArray[np.float64]:
    """Return a plane layout by t-SNE that begins at the first two principal components.

    Parameters
    ----------
    vectors : ndarray of float32, shape (n, width)
        Of length 1, so that Euclidean distances order as cosine distances do. Only their
        first 50 principal components count.
    perplexity : float
        Of t-SNE; lowered to a third of the other points where there are too few.
    seed : int
        Of t-SNE. With a given start it draws nothing.

    Returns
    -------
    ndarray of float64, shape (n, 2)

    Notes
    -----
    scikit-learn's Barnes-Hut t-SNE (van der Maaten, 2014), on one core: with more, sums and
    hence the picture would depend on how many. The start is scaled as Kobak and Berens
    (2019) advise.
    """
    lowered = min(perplexity, (len(vectors) - 1) / 3)
    if lowered < perplexity:
        _LOG.warning("t-SNE of %d prompts: perplexity lowered to %.1f", len(vectors), lowered)
    with threadpool_limits(1), np.errstate(invalid="ignore"):  # equal vectors: no variance
        n_components = min(_N_COMPONENTS, *vectors.shape)
        reduced = PCA(n_components, svd_solver="covariance_eigh").fit_transform(
            vectors.astype(np.float64)
        )
        start = np.zeros((len(vectors), 2))
        start[:, : reduced.shape[1]] = reduced[:, :2]
        start *= _START_DEVIATION / max(start[:, 0].std(), 1e-12)
        layout = TSNE(
            perplexity=lowered, init=start.astype(np.float32), random_state=seed, n_jobs=1,
            max_iter=_N_ITERATIONS, verbose=2,
        )  # fmt: skip
        with contextlib.redirect_stdout(_Iterations()):
            found: npt.NDArray[np.float64] = layout.fit_transform(reduced).astype(np.float64)
    return found


class _Iterations(io.StringIO):
    """Turns what scikit-learn prints of its iterations into lines of progress."""

    _DONE = re.compile(r"Iteration (\d+):")

    def __init__(self) -> None:
        super().__init__()
        self._progress = Progress("t-SNE", _N_ITERATIONS, "iterations")

    def write(self, text: str) -> int:
        if done := self._DONE.search(text):
            self._progress.advance(int(done[1]) - self._progress.done)
        return len(text)
