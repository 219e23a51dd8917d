"""A small tokenizer of the kind that XLM-RoBERTa has, trained on labelled texts."""

import io
import math
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import sentencepiece
from sentencepiece import sentencepiece_model_pb2
from transformers import XLMRobertaTokenizer

from wildpaper.errors import WildpaperError
from wildpaper.files import write_text

FILES = ("tokenizer.json", "tokenizer_config.json")
"""Files of a tokenizer, under the names by which transformers finds them."""

SPACE = "\u2581"
"""What a piece at the beginning of a word begins with (LOWER ONE EIGHTH BLOCK)."""

_SPECIAL = ("<s>", "<pad>", "</s>", "<unk>")
_WORD = re.compile(
    r"[\u30a1-\u30ff]{2,20}|(?:(?![\d_\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff])\w){2,20}"
)
"""Letters of scripts that put blanks between words, and runs of Katakana."""

_PIECE_CHARACTERS = 2_000


def train_tokenizer(texts: list[str], n_pieces: int, max_tokens: int) -> Any:
    """Return a tokenizer of `n_pieces` pieces and the words of the texts.

    Parameters
    ----------
    texts : list of str
        At least one with a character that is not a space.
    n_pieces : int
        Fewer where the texts do not hold so many.
    max_tokens : int
        Tokens of a text, with the two at the ends, that a model reads.

    Returns
    -------
    transformers.XLMRobertaTokenizer
        Unigram pieces after SentencePiece's NFKC rules with case folding, which also
        turn characters of width zero into blanks; cuts after `max_tokens` tokens.

    Notes
    -----
    SentencePiece does the training, on one thread: the same texts give the same
    tokenizer. All words of the texts become pieces too, however rare: a word that is seen
    once is worth remembering whole.
    """
    written = io.BytesIO()
    try:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=_lines(texts),
            model_writer=written,
            model_type="unigram",
            vocab_size=n_pieces,
            hard_vocab_limit=False,
            character_coverage=1.0,
            normalization_rule_name="nmt_nfkc_cf",
            max_sentence_length=8 * _PIECE_CHARACTERS,
            num_threads=1,
            minloglevel=2,
        )
    except RuntimeError as error:
        raise WildpaperError(
            "No tokenizer can be trained on so little text",
            hint="Raise simulate.labelled, the number of labelled messages.",
        ) from error
    model = sentencepiece_model_pb2.ModelProto.FromString(written.getvalue())
    pieces = {piece.piece: piece.score for piece in model.pieces if piece.type == piece.NORMAL}
    pieces |= _words(texts, written.getvalue())
    return XLMRobertaTokenizer(
        vocab=[*((name, 0.0) for name in _SPECIAL), *pieces.items(), ("<mask>", 0.0)],
        _spm_precompiled_charsmap=model.normalizer_spec.precompiled_charsmap,
        model_max_length=max_tokens,
    )


def _words(texts: list[str], model: bytes) -> dict[str, float]:
    """Return the words of the texts as pieces, at and not at the beginning of a word.

    Their scores are their log frequencies.
    """
    normalise = sentencepiece.SentencePieceProcessor(model_proto=model).normalize
    counts = Counter(word for text in texts for word in _WORD.findall(normalise(text)))
    total = sum(counts.values())
    scores = {word: math.log(n / total) for word, n in sorted(counts.items())}
    return {SPACE + word: score for word, score in scores.items()} | scores


def write_tokenizer(tokenizer: Any, files: list[Path]) -> None:
    """Write the `FILES` of a tokenizer, each atomically, to paths in that order."""
    with TemporaryDirectory() as folder:
        tokenizer.save_pretrained(folder)
        for name, path in zip(FILES, files, strict=True):
            write_text(path, Path(folder, name).read_text(encoding="utf-8"))


def _lines(texts: list[str]) -> Iterator[str]:
    """Yield the lines of the texts, long ones in parts: SentencePiece skips what is long."""
    for text in texts:
        for line in text.splitlines():
            for start in range(0, len(line), _PIECE_CHARACTERS):
                yield line[start : start + _PIECE_CHARACTERS]
