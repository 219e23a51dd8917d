"""Scores of a model of Detoxify's beside judgments: a file of counts, and of no text."""

from pathlib import Path

import numpy as np
import torch

from wildpaper.annotate.detoxify.calibration import assess_scores
from wildpaper.annotate.detoxify.checkpoint import load_detoxify
from wildpaper.annotate.detoxify.engine import LongTexts, Precision
from wildpaper.annotate.detoxify.judgments import read_judgments
from wildpaper.annotate.detoxify.score import check_device, score_texts, scorer_name
from wildpaper.files import sha256_file, write_json
from wildpaper.progress import Progress
from wildpaper.schema import DETOXIFY_HEADS


def assess_human_labels(
    checkpoint: Path,
    judgments: Path,
    assessed: Path,
    threshold: float = 0.1,
    batch_tokens: int = 16_384,
    device: str = "cpu",
    precision: Precision = "fp32",
    long_texts: LongTexts = "truncate",
) -> None:
    """Score judged texts and count how far scores and judgments agree.

    Parameters
    ----------
    checkpoint : Path
        See `wildpaper.annotate.detoxify.checkpoint.load_detoxify`.
    judgments : Path
        See `wildpaper.annotate.detoxify.judgments.read_judgments`.
    assessed : Path
        JSON to write: the annotator, name and checksum of the file of judgments, their
        kind, rows that could not be used by reason, texts that were cut, and what
        `wildpaper.annotate.detoxify.calibration.assess_scores` returns.
    threshold, batch_tokens, device, precision, long_texts
        See `wildpaper.annotate.detoxify.score.score_detoxify`.

    Raises
    ------
    WildpaperError
        If the model or the file cannot be used.
    """
    check_device(device)
    judged = read_judgments(judgments)
    classifier = load_detoxify(checkpoint, device)
    torch.set_num_threads(1)
    progress = Progress("judged texts: toxicity", len(judged.texts), "texts")
    scores, truncated = score_texts(
        classifier, judged.texts, batch_tokens, threshold, progress.advance,
        precision=precision, long_texts=long_texts,
    )  # fmt: skip
    toxicity = scores[:, DETOXIFY_HEADS.index("toxicity")].astype(np.float64)
    found = {
        "annotator": scorer_name(checkpoint, precision, long_texts),
        "judgments": judgments.name,
        "judgments_sha256": sha256_file(judgments),
        "kind": judged.kind,
        "unusable": judged.unusable,
        "n_truncated": int(truncated.sum()),
    }
    write_json(assessed, found | assess_scores(toxicity, np.array(judged.toxic), threshold))
