"""The ``tokenizer.json`` that all sources of the Llama-2 vocabulary are turned into."""

from pathlib import Path
from typing import Any

from wildpaper.errors import WildpaperError
from wildpaper.files import write_json

N_PIECES = 32_000
"""Pieces in the Llama-2 vocabulary, with the three special and the 256 byte pieces."""

MARKER = "\u2581"
"""What SentencePiece writes for a space (LOWER ONE EIGHTH BLOCK)."""

_SPECIAL = ["<unk>", "<s>", "</s>"]
_BYTES = [f"<0x{byte:02X}>" for byte in range(256)]


def _check(pieces: list[str], merges: list[tuple[str, str]]) -> str:
    """Say what keeps this from being the Llama-2 vocabulary; empty if nothing does."""
    known = set(pieces)
    if len(pieces) != N_PIECES or len(known) != N_PIECES:
        return f"{len(pieces)} pieces, {len(known)} of them distinct, where {N_PIECES} belong"
    if pieces[: len(_SPECIAL) + len(_BYTES)] != _SPECIAL + _BYTES:
        return "it does not begin with <unk>, <s>, </s> and the 256 byte pieces"
    reserved = set(_SPECIAL + _BYTES)
    if not merges or len(set(merges)) != len(merges):
        return "it has no merges, or some twice"
    for left, right in merges:
        if left + right not in known or not known.issuperset((left, right)):
            return f"merge {left!r} + {right!r} has parts or a result outside the vocabulary"
        if reserved.intersection((left, right, left + right)):
            return f"merge {left!r} + {right!r} involves a special or byte piece"
    return ""


def write_tokenizer(
    pieces: list[str], merges: list[tuple[str, str]], source: Path, tokenizer: Path
) -> None:
    """Check the Llama-2 vocabulary and write it, atomically; the same input, the same bytes.

    Parameters
    ----------
    pieces : list of str
        All pieces in id order.
    merges : list of pairs of str
        The strongest first.
    source : Path
        Where they come from, for the message.
    tokenizer : Path
        The ``tokenizer.json`` to write.

    Raises
    ------
    WildpaperError
        If this is not a vocabulary of Llama-2's form.
    """
    problem = _check(pieces, merges)
    if problem:
        raise WildpaperError(
            f"Not the Llama-2 vocabulary: {problem}",
            where=str(source),
            hint="Configure the Llama-2 tokenizer, or fetch it again (make setup).",
        )
    write_json(tokenizer, _form(pieces, merges))


def _form(pieces: list[str], merges: list[tuple[str, str]]) -> dict[str, Any]:
    """Return Hugging Face's serialisation: SentencePiece's marking of spaces, no added tokens."""
    space_to_marker = {"type": "Replace", "pattern": {"String": " "}, "content": MARKER}
    marker_to_space = {"type": "Replace", "pattern": {"String": MARKER}, "content": " "}
    strip = {"type": "Strip", "content": " ", "start": 1, "stop": 0}
    return {
        "version": "1.0",
        "truncation": None,
        "padding": None,
        "added_tokens": [],
        "normalizer": {
            "type": "Sequence",
            "normalizers": [{"type": "Prepend", "prepend": MARKER}, space_to_marker],
        },
        "pre_tokenizer": None,
        "post_processor": None,
        "decoder": {
            "type": "Sequence",
            "decoders": [marker_to_space, {"type": "ByteFallback"}, {"type": "Fuse"}, strip],
        },
        "model": {
            "type": "BPE",
            "dropout": None,
            "unk_token": "<unk>",
            "continuing_subword_prefix": None,
            "end_of_word_suffix": None,
            "fuse_unk": True,
            "byte_fallback": True,
            "ignore_merges": False,
            "vocab": {piece: i for i, piece in enumerate(pieces)},
            "merges": [f"{left} {right}" for left, right in merges],
        },
    }
