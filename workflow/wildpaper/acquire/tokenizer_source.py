"""Fetch the Llama-2 tokenizer, and convert it by the kind of file it comes in."""

from pathlib import Path

from wildpaper.acquire import hub
from wildpaper.acquire.download import download
from wildpaper.acquire.sources import load_sources
from wildpaper.acquire.tokenizer import from_json, from_npm, from_sentencepiece
from wildpaper.acquire.transfer import Patience
from wildpaper.errors import WildpaperError


def convert_tokenizer(source: Path, tokenizer: Path, sha256: str) -> None:
    """Write the Llama-2 tokenizer in Hugging Face form.

    Parameters
    ----------
    source : Path
        The npm archive (``.tgz``), Meta's ``tokenizer.model``, or a ``tokenizer.json``.
    tokenizer : Path
        To write.
    sha256 : str
        Checksum that the archive must have; empty for a file of the user's.

    Raises
    ------
    WildpaperError
        If the file is of another kind, or damaged.
    """
    if source.suffix == ".tgz":
        from_npm(source, sha256, tokenizer)
    elif source.suffix == ".model":
        from_sentencepiece(source, tokenizer)
    elif source.suffix == ".json":
        from_json(source, tokenizer)
    else:
        raise WildpaperError(
            f"Unknown kind of tokenizer file: {source.name}",
            where="config key tokenizer.path",
            hint="Known are tokenizer.model and tokenizer.json.",
        )


def fetch_tokenizer(
    sources: Path,
    tokenizer: Path,
    endpoint: str | None = None,
    patience: Patience | None = None,
) -> None:
    """Download Meta's ``tokenizer.json`` from its gated repository on the hub.

    Parameters
    ----------
    sources : Path
        ``data/sources.yaml``.
    tokenizer : Path
        To write.
    endpoint : str, optional
        Address of the hub; default ``HF_ENDPOINT``, else the public hub.
    patience : Patience, optional
        Attempts, first pause and time-out in seconds.

    Raises
    ------
    WildpaperError
        If there is no token, the terms are not accepted, or the file cannot be had.
    """
    patience = patience or Patience()
    entry = load_sources(sources).tokenizers.llama2.hub
    what = "the Llama-2 tokenizer"
    hub.refuse_offline(what)
    headers = hub.token_headers()
    url = hub.file_address(entry.repo, entry.file, entry.revision, endpoint, "model")
    stated = hub.describe_file(url, headers, patience, what)
    pinned = hub.file_address(
        entry.repo, entry.file, stated.commit or entry.revision, endpoint, "model"
    )
    download(
        pinned, tokenizer, sha256=entry.sha256 or stated.sha256, size_bytes=stated.size_bytes,
        headers=headers, what=what, attempts=patience.attempts, backoff_s=patience.backoff_s,
        timeout_s=patience.timeout_s,
    )  # fmt: skip
