"""Classifiers whose model misbehaves in a way that a test chooses, and texts of all lengths."""

import copy
import random
from types import SimpleNamespace

import torch

MEMORY_ERRORS = {
    "cuda": torch.cuda.OutOfMemoryError("CUDA out of memory."),
    "cpu": RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't "
                        "allocate memory: you tried to allocate 1 bytes."),
    "windows": RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 1"),
    "python": MemoryError(),
}  # fmt: skip


def ragged_texts(n, seed=3, longest=700):
    rng = random.Random(seed)
    words = ["ba", "bo", "du", "mi", "kelu", "sa", "to", "ri", "x", "9"]
    sizes = [0, 1, longest, *(int(longest ** rng.random()) for _ in range(n - 3))]
    return [" ".join(rng.choices(words, k=size)) for size in sizes]


class Wrapped:
    """A model that does what `meddle` says with its inputs and logits."""

    def __init__(self, model, meddle):
        self.inner, self.meddle = model, meddle
        self.config, self.device = model.config, model.device

    def eval(self):
        return self

    def __call__(self, input_ids, attention_mask):
        self.meddle(input_ids, None)
        logits = self.inner(input_ids=input_ids, attention_mask=attention_mask)[0]
        return (self.meddle(input_ids, logits),)


def with_model(classifier, model):
    return SimpleNamespace(
        model=model, tokenizer=classifier.tokenizer, class_names=classifier.class_names
    )


def small_memory(classifier, most_tokens, error):
    """Return the classifier on a machine whose memory holds batches of so many tokens."""
    sizes = []

    def meddle(tokens, logits):
        if logits is None:
            sizes.append(tokens.numel())
            if tokens.numel() > most_tokens:
                raise error
        return logits

    return with_model(classifier, Wrapped(classifier.model, meddle)), sizes


def far_apart(classifier, scale):
    """Return a copy whose toxicity is spread: logits `scale` times as far from each other."""
    model = copy.deepcopy(classifier.model)
    top = model.classifier
    top = getattr(top, "out_proj", top)
    row = classifier.class_names.index("toxicity")
    with torch.no_grad():
        top.weight[row] *= scale
    return with_model(classifier, model)
