"""Texts and a classifier for `detoxify.py`: real messages or like ones, random weights."""

import json
import math
import random
from pathlib import Path
from typing import Any

import torch
from transformers import XLMRobertaConfig, XLMRobertaForSequenceClassification

from wildpaper.annotate.detoxify.engine import Engine
from wildpaper.annotate.small_models.tokenizer import train_tokenizer

MAX_TOKENS = 512
CLASSES = ("toxicity", "severe_toxicity", "obscene", "identity_attack", "insult", "threat",
           "sexual_explicit")  # fmt: skip
N_MESSAGES = 2_022
BASE: dict[str, int] = {
    "vocab_size": 250_002,
    "hidden_size": 768,
    "num_hidden_layers": 12,
    "num_attention_heads": 12,
    "intermediate_size": 3_072,
}
"""XLM-RoBERTa, base size: Detoxify's multilingual model."""
TINY = BASE | {"hidden_size": 64, "num_hidden_layers": 3, "num_attention_heads": 4,
               "intermediate_size": 128, "vocab_size": 20_000}  # fmt: skip

_PIECES = 8_000
_MEDIAN, _QUANTILE_92 = -6.2, -2.2
"""Logits of toxicity: then 8 % of the texts are above 0.1, and half of them below 0.002."""
_FITTED = 64
_TOKENIZED = 500


def real_texts(realdata: Path) -> list[str] | None:
    """Return the messages of OASST1's English validation file; None where it is absent."""
    path = realdata / "oasst1" / "en-validation.jsonl"
    if not path.is_file():
        return None
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line)["text"] for line in lines]


def invented_texts(seed: int) -> list[str]:
    """Return as many texts, about as long as OASST1's, of words as frequent as words are."""
    rng = random.Random(seed)  # noqa: S311
    letters = "etaoinshrdlucmfwypvbgkq"
    words = ["".join(rng.choices(letters, k=rng.randint(1, 9))) for _ in range(8_000)]
    weights = [1 / rank for rank in range(1, len(words) + 1)]
    sizes = [min(math.exp(rng.gauss(3.6, 1.35)), 1_600) for _ in range(N_MESSAGES)]
    return [" ".join(rng.choices(words, weights, k=max(round(size), 1))) for size in sizes]


def evenly(texts: list[str], n: int) -> list[str]:
    """Return `n` of the texts, evenly spaced."""
    n = min(n, len(texts))
    return [texts[i * len(texts) // n] for i in range(n)]


def new_classifier(texts: list[str], size: dict[str, int], device: str, seed: int) -> Any:
    """Return a `detoxify.Detoxify` with random weights, which finds 8 % of the texts toxic.

    The tokenizer is trained on some of the texts. The weights of `toxicity` point along what
    differs most between texts in the layer below, towards the side with fewer, and are scaled so
    that the scores are spread as those of the real model are: most next to 0, few far above.
    """
    from detoxify import Detoxify

    tokenizer = train_tokenizer(evenly(texts, _TOKENIZED), _PIECES, MAX_TOKENS)
    assert len(tokenizer) <= size["vocab_size"]
    torch.manual_seed(seed)
    config = XLMRobertaConfig(
        **size,
        num_labels=len(CLASSES),
        max_position_embeddings=MAX_TOKENS + 2,
        type_vocab_size=1,
        layer_norm_eps=1e-5,
    )
    model = XLMRobertaForSequenceClassification(config).eval().to(device)
    classifier = object.__new__(Detoxify)
    classifier.model, classifier.tokenizer = model, tokenizer
    classifier.class_names, classifier.device = list(CLASSES), device
    _spread_toxicity(classifier, evenly(texts, _FITTED))
    return classifier


def _spread_toxicity(classifier: Any, texts: list[str]) -> None:
    features: list[torch.Tensor] = []
    head = classifier.model.classifier.out_proj
    hook = head.register_forward_pre_hook(lambda _, inputs: features.append(inputs[0].detach()))
    Engine(classifier, CLASSES).score(texts)
    hook.remove()
    found = torch.cat(features).double().cpu()
    direction = torch.linalg.svd(found - found.mean(0), full_matrices=False)[2][0]
    low, median, high = torch.quantile(found @ direction, torch.tensor([0.08, 0.5, 0.92]).double())
    if median - low > high - median:
        direction, median, high = -direction, -median, -low
    scale = (_QUANTILE_92 - _MEDIAN) / (high - median)
    with torch.no_grad():
        head.weight[0] = (direction * scale).to(head.weight)
        head.bias[0] = _MEDIAN - float(median * scale)
