"""Models that count words, trained in a moment, in the place of language models.

A model gives a word the share of the words it has seen, with one added to the count of each
word of the vocabulary. Its losses are written in the files of a run, so that the same measures
read them. It knows nothing of order; what holds of losses, coverage and data size shows all
the same: seen text costs less than unseen text, and more data costs less.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from wildpaper.files import write_json
from wildpaper.present.teaching.small_corpus import Corpus, words_of

END = "\n"
SIZES = (12.5, 25.0, 50.0, 100.0)
_HELD_OUT_OF = 4
_SHORT_REPLY = 8
_STEPS = 24
_NAMES = {"wildllama": "Word counts (WildChat)", "baseline": "Word counts (Alpaca)"}
TRAINED_ON = {"wildllama": "wildchat", "baseline": "alpaca"}

Words = list[str]


@dataclass(frozen=True, slots=True)
class Text:
    """A prompt or a reply, in words."""

    conversation_id: int
    text: str
    words: Words


class WordCounts:
    """How often words were seen; `n_vocabulary` words can occur."""

    def __init__(self, n_vocabulary: int) -> None:
        self.seen: Counter[str] = Counter()
        self.n_seen = 0
        self.n_vocabulary = n_vocabulary

    def read(self, texts: Iterable[Text]) -> None:
        """Count the words of texts, with an end each."""
        for one in texts:
            self.seen.update([*one.words, END])
            self.n_seen += len(one.words) + 1

    def loss(self, words: Sequence[str]) -> float:
        """Return the negative log-likelihood of words in nats."""
        below = self.n_seen + self.n_vocabulary
        return sum(math.log(below / (self.seen[word] + 1)) for word in words)


def train_small_models(corpus: Corpus, folder: Path, seed: int) -> None:
    """Write coverage scores, losses of the training and losses by size of the data.

    Parameters
    ----------
    corpus : Corpus
    folder : Path
        Gets ``coverage-<data set>.parquet``, ``<model>.losses.json``,
        ``<model>.trained.json``, ``data-size.parquet`` and ``data-size.json``.
    seed : int
        Of the order of the texts.
    """
    prompts = {name: _texts(path, "user", seed) for name, path in _files(corpus)}
    replies = {name: _texts(path, "assistant", seed) for name, path in _files(corpus)}
    n_vocabulary = 1 + len({w for part in (prompts, replies) for texts in part.values()
                            for one in texts for w in one.words})  # fmt: skip
    _cover(prompts, n_vocabulary, folder)
    for model, title in _NAMES.items():
        _watch(model, title, replies[TRAINED_ON[model]], n_vocabulary, folder)
    _size(replies["wildchat"], n_vocabulary, folder)


def _files(corpus: Corpus) -> list[tuple[str, Path]]:
    return list(zip(corpus.names, corpus.messages, strict=True))


def _texts(path: Path, role: str, seed: int) -> list[Text]:
    """Return the first text of a role in each conversation, distinct, in an order of its own."""
    found: dict[int, str] = {}
    for row in pq.read_table(path).to_pylist():
        if row["role"] == role and row["text"].strip():
            found.setdefault(row["conversation_id"], row["text"])
    distinct = {text: number for number, text in sorted(found.items(), reverse=True)}
    texts = [Text(number, text, words_of(text.casefold())) for text, number in distinct.items()]
    return sorted(texts, key=lambda one: _digest(f"{seed} {one.text}"))


def _digest(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:7], "big")


def _split(texts: list[Text]) -> tuple[list[Text], list[Text]]:
    """Return texts to train on, and those held out."""
    n_held_out = max(1, len(texts) // _HELD_OUT_OF)
    return texts[n_held_out:], texts[:n_held_out]


def _cover(prompts: dict[str, list[Text]], n_vocabulary: int, folder: Path) -> None:
    for trained_on, texts in prompts.items():
        model = WordCounts(n_vocabulary)
        model.read(_split(texts)[0])
        rows = [
            _score(model, trained_on, name, one)
            for name, others in prompts.items()
            for one in _split(others)[1]
        ]
        pq.write_table(pa.Table.from_pylist(rows), folder / f"coverage-{trained_on}.parquet")


def _score(model: WordCounts, trained_on: str, evaluated_on: str, one: Text) -> dict[str, Any]:
    head = one.words[:32]
    return {
        "trained_on": trained_on, "evaluated_on": evaluated_on,
        "conversation_id": one.conversation_id, "first_prompt": _digest(one.text),
        "n_tokens": len(one.words), "n_end_tokens": 1, "n_characters": len(one.text),
        "n_head_tokens": len(head), "nll_nats": model.loss(one.words),
        "nll_end_nats": model.loss([END]), "head_nats": model.loss(head),
        "n_vocabulary": model.n_vocabulary,
    }  # fmt: skip


def _watch(model: str, title: str, texts: list[Text], n_vocabulary: int, folder: Path) -> None:
    """Write the losses of a model while it reads: of each step before it is read, and held out."""
    training, held_out = _split(texts)
    counts = WordCounts(n_vocabulary)
    size = max(1, len(training) // _STEPS)
    steps = [training[i : i + size] for i in range(0, len(training), size)]
    losses: dict[str, Any] = {"model": model, "training": [], "held_out": []}
    for number, step in enumerate(steps):
        if number % 6 == 0:
            losses["held_out"].append(_point(number, counts, held_out))
        point = _point(number + 1, counts, step)
        counts.read(step)
        losses["training"].append(point | {"n_tokens": counts.n_seen})
    losses["held_out"].append(_point(len(steps), counts, held_out))
    write_json(folder / f"{model}.losses.json", losses)
    write_json(folder / f"{model}.trained.json", {"title": title, "dataset": TRAINED_ON[model]})


def _point(step: int, model: WordCounts, texts: list[Text]) -> dict[str, Any]:
    total = sum(model.loss(one.words) for one in texts)
    n = sum(len(one.words) for one in texts)
    return {"step": step, "n_tokens": model.n_seen, "loss_nats": total / n}


def _size(texts: list[Text], n_vocabulary: int, folder: Path) -> None:
    """Write held-out losses of models of the first part of the texts, and of the longer ones."""
    training, held_out = _split(texts)
    kept = [one for one in training if len(one.words) >= _SHORT_REPLY]
    most = min(sum(len(one.words) for one in part) for part in (training, kept))
    subsets, rows = [], []
    for selection, among in (("random", training), ("rule", kept)):
        for percent in SIZES:
            chosen = _within(among, most * percent / 100)
            model = WordCounts(n_vocabulary)
            model.read(chosen)
            size = f"{percent:g}".replace(".", "-")
            subsets.append({"selection": selection, "size": size, "n_tokens": model.n_seen,
                            "n_conversations": len(chosen), "n_steps": 1,
                            "n_tokens_seen": model.n_seen})  # fmt: skip
            rows += [{"selection": selection, "size": size, "nll_nats": model.loss(one.words),
                      "n_supervised": len(one.words)} for one in held_out]  # fmt: skip
    pq.write_table(pa.Table.from_pylist(rows), folder / "data-size.parquet")
    left_out = {"short_reply": len(training) - len(kept)}
    rule = {"n_examples": len(kept), "left_out": left_out}
    write_json(folder / "data-size.json", {"subsets": subsets, "rule": rule})


def _within(texts: list[Text], n_words: float) -> list[Text]:
    """Return the first texts, as many as have about so many words together."""
    chosen: list[Text] = []
    total = 0
    for one in texts:
        if total >= n_words:
            break
        chosen.append(one)
        total += len(one.words)
    return chosen
