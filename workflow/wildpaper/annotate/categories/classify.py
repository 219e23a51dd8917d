"""Categories of first prompts, by a text classifier (Table 4 of the paper).

The paper's classifier is a DeBERTa on the hub, fine-tuned on categories that GPT-4 gave;
any classifier in Hugging Face's format is used the same way.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import torch
import transformers
from numpy.typing import NDArray

from wildpaper.annotate.categories.names import categories_of_labels, read_categories
from wildpaper.annotate.categories.sample import draw_sample, english_first_prompts
from wildpaper.annotate.message_batches import message_batches
from wildpaper.annotate.model_files import find_model, folder_title
from wildpaper.errors import WildpaperError
from wildpaper.progress import Progress
from wildpaper.schema import LABELS, write_labels

KEY = "annotate.category.model"
MAX_CHARACTERS = 2_000
"""Characters of a prompt that are looked at, as users of the paper's classifier do."""

_LOG = logging.getLogger("wildpaper")
_BATCH_TEXTS = 16
_BATCH_MESSAGES = 4_096
_NEAR = 1e-3
_CONFIDENT = 0.5
_NO_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class PromptClassifier:
    """A classifier that is ready.

    Attributes
    ----------
    model, tokenizer : object
        Of transformers.
    categories : list of str
        The category that each label of the model stands for.
    max_tokens : int
        Tokens of a text that the model reads.
    title : str
        Versioned name.
    """

    model: Any
    tokenizer: Any
    categories: list[str]
    max_tokens: int
    title: str


def classify_prompts(
    messages: list[Path],
    languages: list[Path],
    model: list[Path],
    categories: Path,
    labels: list[Path],
    name: str | None,
    revision: str | None,
    n_sample: int,
    seed: int,
    dataset: str = "wildchat",
    n_workers: int = 1,
    route: str = "computed",
) -> None:
    """Label a sample of the first user messages in English with their category.

    Parameters
    ----------
    messages, languages : list of Path
        All shards of messages, and of the label `language`.
    model : list of Path
        Files of a local model, in one folder; empty if `name` is given.
    categories : Path
        ``data/categories.yaml``.
    labels : list of Path
        To write, a file a shard: category, and the probability of the label behind it.
    name, revision : str or None
        See `wildpaper.annotate.model_files.find_model`.
    n_sample : int
        Messages to label; all are, where there are fewer.
    seed : int
        Of the sample, which depends on neither shards nor order.
    dataset : str
        Its name.
    n_workers : int
        Threads of the processor, where there is no GPU.
    route : str
        Where the labels come from.

    Raises
    ------
    WildpaperError
        If a file or the model cannot be used.
    """
    classifier = load_classifier(model, categories, name, revision)
    torch.set_num_threads(n_workers)
    first = english_first_prompts(messages, languages)
    sample = draw_sample(first, n_sample, seed, dataset)
    _LOG.info("%s: %s of %s first user messages in English are sorted into categories",
              dataset, f"{len(sample):,}", f"{len(first):,}")  # fmt: skip
    texts = [_texts(path, sample) for path in messages]
    progress = Progress(f"{dataset}: categories of prompts", len(sample), "messages")
    flat = [text for shard in texts for text in shard.values()]
    found, probabilities = classify_texts(classifier, flat, progress.advance)
    start = 0
    for path, shard in zip(labels, texts, strict=True):
        rows = slice(start, start + len(shard))
        start = rows.stop
        columns = [*zip(*shard, strict=True)] or [(), ()]
        arrays = [*columns, found[rows], probabilities[rows]]
        table = pa.table(
            [pa.array(a, f.type) for a, f in zip(arrays, LABELS["category"], strict=True)],
            LABELS["category"].names,
        )
        table = table.sort_by([("conversation_id", "ascending"), ("position", "ascending")])
        write_labels(path, "category", table, classifier.title, route)


def _texts(messages: Path, sample: dict[int, int]) -> dict[tuple[int, int], str]:
    """Return {key: text} of the sampled messages of a shard."""
    found = {}
    for batch in message_batches(messages, ("text",), _BATCH_MESSAGES):
        numbers, positions = (batch.column(i).to_pylist() for i in range(2))
        for row, key in enumerate(zip(numbers, positions, strict=True)):
            if sample.get(key[0]) == key[1]:
                found[key] = batch.column("text")[row].as_py()
    return found


def load_classifier(
    model: list[Path], categories: Path, name: str | None, revision: str | None
) -> PromptClassifier:
    """Load a classifier, onto a GPU if there is one.

    Parameters
    ----------
    model, categories, name, revision
        See `classify_prompts`.

    Raises
    ------
    WildpaperError
        If it is not there, is no text classifier, is not complete, or has no label that is a
        category.
    """
    if name is None:
        folder, title = model[0].parent, folder_title(model[0].parent, KEY)
    else:
        folder, title = find_model(name, revision, KEY)
    known = read_categories(categories)
    try:
        loaded, tokenizer = _load(folder)
    except WildpaperError:
        raise
    except Exception as error:  # a damaged file fails in many ways, all of them the user's to mend
        raise _unusable(title, f"{type(error).__name__} while loading it") from error
    config = loaded.config
    names = [str(config.id2label[i]) for i in range(config.num_labels)]
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return PromptClassifier(
        loaded.to(device).eval(),
        tokenizer,
        categories_of_labels(names, known, title),
        _max_tokens(loaded, tokenizer),
        title,
    )


def _load(folder: Path) -> tuple[Any, Any]:
    """Load model and tokenizer from a folder; nothing is fetched, no code of it is run."""
    settings = {"local_files_only": True, "trust_remote_code": False}
    logging_of = transformers.utils.logging
    level = logging_of.get_verbosity()
    logging_of.set_verbosity_error()
    logging_of.disable_progress_bar()
    try:
        tokenizer = transformers.AutoTokenizer.from_pretrained(folder, **settings)
        model, report = transformers.AutoModelForSequenceClassification.from_pretrained(
            folder, use_safetensors=True, dtype=torch.float32, output_loading_info=True, **settings
        )
    finally:
        logging_of.set_verbosity(level)
        logging_of.enable_progress_bar()
    missing = sorted(report["missing_keys"]) + sorted(map(str, report["mismatched_keys"]))
    if missing:
        raise _unusable(folder.name, f"{len(missing)} weights are not in it, {missing[0]} first")
    return model, tokenizer


def _max_tokens(model: Any, tokenizer: Any) -> int:
    """Return how many tokens the model reads; RoBERTa's positions begin behind padding."""
    offset = getattr(getattr(model.base_model, "embeddings", None), "padding_idx", None)
    positions = getattr(model.config, "max_position_embeddings", None) or _NO_LIMIT
    of_model = int(positions) - (0 if offset is None else offset + 1)
    return int(min(tokenizer.model_max_length, of_model, _NO_LIMIT))


def _unusable(title: str, problem: str) -> WildpaperError:
    return WildpaperError(
        f"Cannot use the classifier of prompts {title!r}: {problem}",
        where=f"config key {KEY}",
        hint="Use a text classifier in Hugging Face's format with its tokenizer and all weights.",
    )


def classify_texts(
    classifier: PromptClassifier,
    texts: list[str],
    advance: Callable[[int], None] = lambda _: None,
) -> tuple[list[str], NDArray[np.float32]]:
    """Return the category of each text, and the probability of the label behind it.

    Parameters
    ----------
    classifier : PromptClassifier
        From `load_classifier`.
    texts : list of str, length n
        In any order; shortened to `MAX_CHARACTERS`.
    advance : callable
        Told the number of texts after each batch.

    Returns
    -------
    categories : list of str, length n
        Of the most probable label.
    probabilities : ndarray of float32, shape (n,)

    Notes
    -----
    Texts of similar length go in one batch. Where the rounding of sums could decide, since
    two labels are about as probable or the probability is near one half, a text is
    looked at once more, alone: its category must not depend on what it was batched with.
    """
    ids = [_tokens(classifier, text) for text in texts]
    logits = np.zeros((len(texts), len(classifier.categories)), np.float32)
    order = sorted(range(len(texts)), key=lambda row: len(ids[row]))
    for start in range(0, len(order), _BATCH_TEXTS):
        rows = order[start : start + _BATCH_TEXTS]
        logits[rows] = _logits(classifier, [ids[row] for row in rows])
        advance(len(rows))
    for row in np.flatnonzero(_undecided(logits)):
        logits[row] = _logits(classifier, [ids[row]])
    best = logits.argmax(axis=1)
    probabilities = _softmax(logits)[np.arange(len(texts)), best]
    return [classifier.categories[i] for i in best], probabilities


def _tokens(classifier: PromptClassifier, text: str) -> list[int]:
    found: list[int] = classifier.tokenizer(
        text[:MAX_CHARACTERS], truncation=True, max_length=classifier.max_tokens
    )["input_ids"]
    return found


def _undecided(logits: NDArray[np.float32]) -> NDArray[np.bool_]:
    if logits.shape[1] < 2:
        return np.zeros(len(logits), np.bool_)
    second, first = np.sort(logits, axis=1)[:, -2:].T
    near_half = np.abs(_softmax(logits).max(axis=1) - _CONFIDENT) < _NEAR
    found: NDArray[np.bool_] = (first - second < _NEAR) | near_half
    return found


def _softmax(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    found: NDArray[np.float32] = powers / powers.sum(axis=1, keepdims=True)
    return found


@torch.no_grad()
def _logits(classifier: PromptClassifier, ids: list[list[int]]) -> NDArray[np.float32]:
    inputs = classifier.tokenizer.pad({"input_ids": ids}, return_tensors="pt")
    found: NDArray[np.float32] = (
        classifier.model(**inputs.to(classifier.model.device)).logits.float().cpu().numpy()
    )
    return found
