"""Score files of any origin: a file of scores for each, resumed where it broke off.

A file of scores holds ``row``, a score for each head, ``truncated``, and ``problem``, the
reason why a row has no scores; its metadata say of which bytes and by what it was made. A
file that is there and says the same is not scored again. No text is in it, or in the log.
"""

import json
import logging
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.annotate.detoxify.checkpoint import load_detoxify
from wildpaper.annotate.detoxify.distinct import DistinctTexts
from wildpaper.annotate.detoxify.engine import Engine, LongTexts, Precision
from wildpaper.annotate.detoxify.score import check_device, scorer_name
from wildpaper.annotate.detoxify.text_files import count_rows, read_rows
from wildpaper.errors import WildpaperError
from wildpaper.files import atomic_path, sha256_file
from wildpaper.progress import Progress
from wildpaper.schema import DETOXIFY_HEADS

_LOG = logging.getLogger("wildpaper")

_KEY = b"wildpaper.score-toxicity"
_SCORES = [pa.field(head, pa.float32()) for head in DETOXIFY_HEADS]
_SCHEMA = pa.schema(
    [
        pa.field("row", pa.int64(), nullable=False),
        *_SCORES,
        pa.field("truncated", pa.bool_()),
        pa.field("problem", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Scoring:
    """How files are scored; see `wildpaper.annotate.detoxify.engine.Engine`.

    `text_column` is the column, or key, with the text; `threshold` that above which a text
    counts as flagged.
    """

    text_column: str = "text"
    threshold: float = 0.1
    batch_tokens: int = 16_384
    device: str = "cpu"
    precision: Precision = "fp32"
    long_texts: LongTexts = "truncate"


@dataclass
class Totals:
    """Counts over the files of a call."""

    n_files: int = 0
    n_skipped: int = 0
    n_scored: int = 0
    n_truncated: int = 0
    n_flagged: int = 0

    def __post_init__(self) -> None:
        self.problems: Counter[str] = Counter()
        self.errors: dict[Path, WildpaperError] = {}


def score_files(
    files: list[Path], out: Path, checkpoint: Path, scoring: Scoring | None = None
) -> Totals:
    """Score the texts of files.

    Parameters
    ----------
    files : list of Path
        See `wildpaper.annotate.detoxify.text_files.read_rows`.
    out : Path
        Folder for the files of scores, ``<name of the file>.parquet``.
    checkpoint : Path
        See `wildpaper.annotate.detoxify.checkpoint.load_detoxify`.
    scoring : Scoring, optional
        How.

    Returns
    -------
    Totals
        Counts over all files, those included that were finished before. A file that cannot
        be read is among the `errors`, and the others are scored all the same.

    Raises
    ------
    WildpaperError
        If the model cannot be used, two files have one name, or a file that is none of
        scores is in the way; nothing is scored then.
    """
    scoring = scoring or Scoring()
    check_device(scoring.device)
    targets = _targets(files, out)
    annotator = scorer_name(checkpoint, scoring.precision, scoring.long_texts)
    totals = Totals()
    waiting: list[tuple[Path, Path, dict[str, Any]]] = []
    n_rows = 0
    for path, target in targets.items():
        try:
            made_by = _made_by(path, annotator, scoring)
            if _metadata(target) == made_by:
                totals.n_skipped += 1
                _LOG.info("%s: finished before", path.name)
                continue
            n_rows += count_rows(path, scoring.text_column)
            waiting.append((path, target, made_by))
        except WildpaperError as error:
            totals.errors[path] = error
    if waiting:
        classifier = load_detoxify(checkpoint, scoring.device)
        progress = Progress("toxicity", n_rows, "rows")
        for path, target, made_by in waiting:
            try:
                _write(target, _score_file(path, classifier, scoring, progress), made_by)
                _LOG.info("%s: scored", path.name)
            except WildpaperError as error:
                totals.errors[path] = error
    for path, target in targets.items():
        if path not in totals.errors:
            _count(target, totals, scoring.threshold)
    return totals


def _targets(files: list[Path], out: Path) -> dict[Path, Path]:
    """Return where the scores of each file go."""
    targets = {path: out / f"{path.name}.parquet" for path in files}
    names = Counter(targets.values())
    for path, target in targets.items():
        if names[target] > 1:
            raise WildpaperError(
                "Two files have the same name, and so would their scores",
                where=str(path),
                hint="Score them into different folders.",
            )
        if target.exists() and _metadata(target) is None:
            raise WildpaperError(
                "A file is in the way that was not written by this command",
                where=str(target),
                hint="Name another folder, or remove the file.",
            )
    return targets


def _made_by(path: Path, annotator: str, scoring: Scoring) -> dict[str, Any]:
    """Return what the scores of a file depend on, rounding aside."""
    try:
        source = {"sha256": sha256_file(path), "n_bytes": path.stat().st_size}
    except OSError as error:
        raise WildpaperError(
            f"The file cannot be read ({type(error).__name__})",
            where=str(path),
            hint="Check its name and who may read it.",
        ) from error
    return {
        "annotator": annotator,
        "source": source,
        "text_column": scoring.text_column,
        "threshold": scoring.threshold,
    }


def _metadata(target: Path) -> dict[str, Any] | None:
    """Return what a file of scores says of itself; None if it is none."""
    try:
        metadata = pq.read_schema(target).metadata or {}
        found: dict[str, Any] = json.loads(metadata[_KEY])
    except (OSError, pa.ArrowException, KeyError, ValueError):
        return None
    return found


def _score_file(path: Path, classifier: Any, scoring: Scoring, progress: Progress) -> pa.Table:
    """Score the texts of one file, each distinct one once."""
    # What an engine learns of precision is forgotten with the file: its scores must not
    # depend on which files were scored before it in the same call.
    engine = Engine(
        classifier, DETOXIFY_HEADS, scoring.batch_tokens, scoring.threshold, scoring.precision,
        scoring.long_texts, str(path),
    )  # fmt: skip
    known = DistinctTexts(engine, progress)
    places: list[int] = []
    problems: list[str | None] = []
    for text, problem in read_rows(path, scoring.text_column):
        places.append(-1 if text is None else known.place_of(text))
        problems.append(problem or None)
        if text is None:
            progress.advance(1)
    # The place -1, of a row without a text, points to the last row: one of nothing.
    scores, truncated = known.scored()
    scores = np.vstack([scores, np.full((1, len(DETOXIFY_HEADS)), np.nan, np.float32)])
    truncated = np.append(truncated, False)
    rows = np.array(places, np.int64)
    absent = rows < 0
    columns: list[Any] = [pa.array(np.arange(len(rows)))]
    for i in range(len(DETOXIFY_HEADS)):
        found = scores[rows, i]
        columns.append(pa.array(found, mask=absent | np.isnan(found)))
    columns.append(pa.array(truncated[rows], mask=absent))
    columns.append(pa.array(problems, pa.string()))
    return pa.table(columns, schema=_SCHEMA)


def _write(target: Path, table: pa.Table, made_by: dict[str, Any]) -> None:
    table = table.replace_schema_metadata({_KEY: json.dumps(made_by).encode()})
    with atomic_path(target) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def _count(target: Path, totals: Totals, threshold: float) -> None:
    """Add a file of scores to the counts."""
    table = pq.read_table(target, columns=["toxicity", "truncated", "problem"])
    toxicity = table["toxicity"].drop_null().to_numpy().astype(np.float64)
    totals.n_files += 1
    totals.n_scored += len(toxicity)
    totals.n_flagged += int(np.count_nonzero(toxicity > threshold))
    totals.n_truncated += int(np.count_nonzero(table["truncated"].drop_null().to_numpy()))
    totals.problems.update(table["problem"].drop_null().to_pylist())
