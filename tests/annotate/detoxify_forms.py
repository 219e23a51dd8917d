"""Random small checkpoints in the three forms that Detoxify publishes.

`original` is a BERT whose heads have the names of the first challenge, `unbiased` a RoBERTa
with more outputs than named heads, `multilingual` an XLM-RoBERTa.
"""

import string
from pathlib import Path

import torch
import transformers
from labelled_corpus import LANGUAGES, lexicon

from wildpaper.annotate.small_models.tokenizer import train_tokenizer

ORIGINAL_HEADS = ["toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate"]
UNBIASED_HEADS = [
    *("toxicity", "severe_toxicity", "obscene", "identity_attack"),
    *("insult", "threat", "sexual_explicit"),
]
IDENTITY_HEADS = [*("male", "female", "christian", "jewish", "muslim"), *("black", "white")]
_SIZE = {
    "hidden_size": 32,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "intermediate_size": 64,
    "initializer_range": 0.4,
}


def _bert():
    words = [word for word in lexicon("English")[:200] if word]
    letters = [f"{mark}{letter}" for letter in string.ascii_lowercase for mark in ("", "##")]
    names = dict.fromkeys(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *letters, *words])
    vocab = {name: i for i, name in enumerate(names)}
    tokenizer = transformers.BertTokenizer(vocab=vocab, model_max_length=512)
    config = transformers.BertConfig(
        vocab_size=len(vocab), max_position_embeddings=512, num_labels=6, **_SIZE
    )
    return transformers.BertForSequenceClassification(config), tokenizer


def _roberta():
    from tokenizers.pre_tokenizers import ByteLevel

    names = ["<s>", "<pad>", "</s>", "<unk>", *sorted(ByteLevel.alphabet()), "<mask>"]
    vocab = {name: i for i, name in enumerate(names)}
    tokenizer = transformers.RobertaTokenizer(vocab=vocab, merges=[], model_max_length=512)
    config = transformers.RobertaConfig(
        vocab_size=len(vocab), max_position_embeddings=514, type_vocab_size=1, num_labels=16,
        pad_token_id=1, **_SIZE,
    )  # fmt: skip
    return transformers.RobertaForSequenceClassification(config), tokenizer


def _xlm_roberta():
    texts = [" ".join(lexicon(language)[:150]) for language in LANGUAGES]
    tokenizer = train_tokenizer(texts, 400, 512)
    config = transformers.XLMRobertaConfig(
        vocab_size=len(tokenizer), max_position_embeddings=514, type_vocab_size=1,
        num_labels=7, pad_token_id=1, **_SIZE,
    )  # fmt: skip
    return transformers.XLMRobertaForSequenceClassification(config), tokenizer


torch.set_num_threads(1)  # of models this small; more only wait for each other

_FORMS = {
    "original": (_bert, "bert-base-uncased", ORIGINAL_HEADS),
    "unbiased": (_roberta, "roberta-base", UNBIASED_HEADS),
    "identities": (_roberta, "roberta-base", UNBIASED_HEADS + IDENTITY_HEADS),
    "multilingual": (_xlm_roberta, "xlm-roberta-base", UNBIASED_HEADS),
}


def write_form(name: str, folder: Path, seed: int = 1) -> Path:
    """Write a random checkpoint of a form, with the folder of its architecture beside it."""
    build, base, heads = _FORMS[name]
    torch.manual_seed(seed)
    model, tokenizer = build()
    (folder / base).mkdir(parents=True)
    model.config.to_json_file(folder / base / "config.json")
    tokenizer.save_pretrained(folder / base)
    arguments = {
        "model_type": base,
        "model_name": type(model).__name__,
        "tokenizer_name": type(tokenizer).__name__,
        "num_classes": model.config.num_labels,
    }
    config = {"dataset": {"args": {"classes": heads}}, "arch": {"args": arguments}}
    # Published checkpoints hold a buffer that today's models no longer keep.
    ids = {f"{model.base_model_prefix}.embeddings.position_ids": torch.arange(4)[None]}
    state = {**model.state_dict(), **ids}
    torch.save({"config": config, "state_dict": state, "epoch": 1}, folder / f"{name}.ckpt")
    return folder / f"{name}.ckpt"
