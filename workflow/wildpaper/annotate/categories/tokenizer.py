"""A tokenizer of words for the small classifier of prompts."""

from collections import Counter
from typing import Any

from tokenizers import (
    Regex,
    Tokenizer,
    models,
    normalizers,
    pre_tokenizers,
    processors,
)
from transformers import PreTrainedTokenizerFast

MAX_TOKENS = 64
"""Words of a text, with the two at the ends, that the classifier reads."""

_BEGIN, _PAD, _END, _UNKNOWN = _SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
"""In the order of XLM-RoBERTa, whose configuration counts on it."""
_NUMBER = "0"


def train_tokenizer(texts: list[str]) -> Any:
    """Return a tokenizer of the words that occur at least twice in some texts.

    Words are in lower case after NFKC, punctuation marks are words, and all numbers are one.

    Parameters
    ----------
    texts : list of str

    Returns
    -------
    transformers.PreTrainedTokenizerFast
        Cuts after `MAX_TOKENS` tokens.
    """
    normalizer = normalizers.Sequence(
        [
            normalizers.NFKC(),
            normalizers.Lowercase(),
            normalizers.Replace(Regex("[0-9]+"), _NUMBER),
        ]
    )
    divide = pre_tokenizers.BertPreTokenizer()
    counts = Counter(
        word
        for text in texts
        for word, _ in divide.pre_tokenize_str(normalizer.normalize_str(text))
    )
    words = [*_SPECIAL, *sorted(word for word, n in counts.items() if n > 1)]
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(words)}, _UNKNOWN))
    tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = divide
    ends = [(name, words.index(name)) for name in (_BEGIN, _END)]
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{_BEGIN} $A {_END}", special_tokens=ends
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=_BEGIN,
        eos_token=_END,
        pad_token=_PAD,
        unk_token=_UNKNOWN,
        model_max_length=MAX_TOKENS,
        model_input_names=["input_ids", "attention_mask"],
    )
