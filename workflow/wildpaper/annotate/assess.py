"""How often the classifiers are wrong, on messages whose traits are known.

Where a classifier stands between what was planted and what is measured, the truth can
be recovered up to its errors only. They are counted here on a sample of its own.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import beta

from wildpaper.annotate.categories.classify import PromptClassifier, classify_texts, load_classifier
from wildpaper.annotate.detoxify.checkpoint import annotator_name, load_detoxify
from wildpaper.annotate.detoxify.score import score_texts
from wildpaper.annotate.labelled import (
    LabelledMessage,
    LabelledPrompt,
    read_labelled,
    read_prompts,
)
from wildpaper.annotate.language.detect import build_detector, detect
from wildpaper.files import write_json
from wildpaper.progress import Progress
from wildpaper.schema import DETOXIFY_HEADS

CONFIDENCE = 0.99
"""Of the upper bounds, one-sided."""

INSULTED = ("toxicity", "insult")
"""The heads that a planted insult raises; the others shall find nothing."""

_BATCH_TEXTS = 1_000
_ROLES = {"user": "user", "assistant": "chatbot"}


def assess_annotators(
    labelled: Path,
    checkpoint: Path,
    errors: Path,
    languages: str | Sequence[str] = "all",
    accuracy: str = "high",
    threshold: float = 0.1,
    batch_tokens: int = 16_384,
    prompts: Path | None = None,
    classifier: Sequence[Path] = (),
    categories: Path | None = None,
    name: str | None = None,
    revision: str | None = None,
) -> None:
    """Count the errors of lingua, Detoxify and a classifier of prompts on labelled samples.

    Parameters
    ----------
    labelled : Path
        JSON lines of messages with their traits (`wildpaper.annotate.labelled`), other
        ones than those that trained the checkpoint.
    checkpoint : Path
        In Detoxify's format.
    errors : Path
        JSON to write, counts and bounds only (``data/schemas/annotator-errors.schema.json``).
    languages, accuracy
        As the run detects languages, see `wildpaper.annotate.language.detect.build_detector`.
    threshold : float
        A message is toxic if the head `toxicity` exceeds this; it is of the kind of another
        head if that one does.
    batch_tokens : int
        Tokens in a batch of Detoxify.
    prompts : Path, optional
        JSON lines of first prompts with their categories, other ones than those that trained
        the classifier; without them it is not looked at.
    classifier, categories, name, revision
        `model`, `categories`, `name` and `revision` of
        `wildpaper.annotate.categories.classify.classify_prompts`; needed with `prompts`.

    Raises
    ------
    WildpaperError
        If a file or a model cannot be used, or a language is unknown.

    Notes
    -----
    Languages are counted for user messages, as in the tables, and those are shorter and
    harder than replies; blank ones have no language and are left out. ``_high`` names the
    99 % one-sided upper bound of Clopper and Pearson: the error of which so few or
    fewer wrong ones in n have a probability of 1 %.
    """
    if prompts is not None and categories is None:
        raise ValueError("prompts are assessed by the names of their categories")
    messages = read_labelled(labelled)
    found: dict[str, Any] = {
        "language": _language_errors(messages, languages, accuracy),
        "detoxify": {
            "annotator": annotator_name(checkpoint),
            **_detoxify_errors(messages, checkpoint, threshold, batch_tokens),
        },
        "threshold": threshold,
        "confidence": CONFIDENCE,
    }
    if prompts is not None and categories is not None:
        loaded = load_classifier(list(classifier), categories, name, revision)
        found["category"] = _category_errors(read_prompts(prompts), loaded)
    write_json(errors, found)


def upper_bound(n_wrong: int, n: int) -> float:
    """Return the one-sided Clopper-Pearson upper bound of a rate at `CONFIDENCE`.

    It is 1 where nothing was looked at or everything was wrong.
    """
    if not 0 <= n_wrong <= n:
        raise ValueError(f"{n_wrong} of {n} cannot be wrong")
    return 1.0 if n_wrong == n else float(beta.ppf(CONFIDENCE, n_wrong + 1, n - n_wrong))


def _language_errors(
    messages: list[LabelledMessage], languages: str | Sequence[str], accuracy: str
) -> dict[str, Any]:
    known = [m for m in messages if m.role == "user" and m.text.strip()]
    detector = build_detector(languages, accuracy)
    progress = Progress("assessment: languages", len(known), "messages")
    found: list[str] = []
    for start in range(0, len(known), _BATCH_TEXTS):
        texts = [message.text for message in known[start : start + _BATCH_TEXTS]]
        found += [name for name, _ in detect(detector, texts)]
        progress.advance(len(texts))
    pairs = [(message.language, name) for message, name in zip(known, found, strict=True)]
    return _rate([truth != name for truth, name in pairs]) | {"by_language": _by_name(pairs)}


def _category_errors(prompts: list[LabelledPrompt], classifier: PromptClassifier) -> dict[str, Any]:
    progress = Progress("assessment: categories of prompts", len(prompts), "messages")
    texts = [prompt.text for prompt in prompts]
    found, _ = classify_texts(classifier, texts, progress.advance)
    pairs = [(prompt.category, name) for prompt, name in zip(prompts, found, strict=True)]
    rate = _rate([truth != name for truth, name in pairs])
    return {"annotator": classifier.title, **rate, "by_category": _by_name(pairs)}


def _by_name(pairs: list[tuple[str, str]]) -> dict[str, dict[str, int]]:
    """Count (planted, found) pairs by name."""
    return {
        name: {
            "n": sum(planted == name for planted, _ in pairs),
            "n_missed": sum(planted == name != found for planted, found in pairs),
            "n_false": sum(found == name != planted for planted, found in pairs),
        }
        for name in sorted({name for pair in pairs for name in pair})
    }


def _rate(wrong: list[bool]) -> dict[str, Any]:
    n_wrong, n = sum(wrong), len(wrong)
    return {
        "n": n,
        "n_wrong": n_wrong,
        "error": n_wrong / n if n else None,
        "error_high": upper_bound(n_wrong, n),
    }


def _detoxify_errors(
    messages: list[LabelledMessage], checkpoint: Path, threshold: float, batch_tokens: int
) -> dict[str, Any]:
    classifier = load_detoxify(checkpoint)
    torch.set_num_threads(1)
    progress = Progress("assessment: toxicity", len(messages), "messages")
    texts = [message.text for message in messages]
    scores, _ = score_texts(classifier, texts, batch_tokens, threshold, progress.advance)
    heads = {
        head: _by_role(messages, head in INSULTED, scores[:, i] > threshold)
        for i, head in enumerate(DETOXIFY_HEADS)
        if not np.isnan(scores[:, i]).any()
    }
    return {**heads[DETOXIFY_HEADS[0]], "heads": heads}


def _by_role(
    messages: list[LabelledMessage], of_insults: bool, found: NDArray[np.bool_]
) -> dict[str, Any]:
    """Return what a head got wrong; one that does not tell of insults shall find nothing."""
    return {
        name: _confusion(
            (of_insults and message.insult, is_high)
            for message, is_high in zip(messages, found.tolist(), strict=True)
            if message.role == role
        )
        for role, name in _ROLES.items()
    }


def _confusion(pairs: Iterable[tuple[bool, bool]]) -> dict[str, Any]:
    """Count (planted, found) pairs."""
    pairs = list(pairs)
    n_positive = sum(planted for planted, _ in pairs)
    n_missed = sum(planted and not found for planted, found in pairs)
    n_false = sum(found and not planted for planted, found in pairs)
    n_negative = len(pairs) - n_positive
    return {
        "n_positive": n_positive,
        "n_missed": n_missed,
        "n_negative": n_negative,
        "n_false": n_false,
        "false_negative": n_missed / n_positive if n_positive else None,
        "false_positive": n_false / n_negative if n_negative else None,
        "false_negative_high": upper_bound(n_missed, n_positive),
        "false_positive_high": upper_bound(n_false, n_negative),
    }
