"""What the Hub reads at the head of a data card."""

import re
from typing import Any

import yaml

from wildpaper.release.published_counts import VariantCounts
from wildpaper.release.published_features import hub_features

FILES = "train-*.parquet"

_LICENCES = {
    "CC0-1.0": "cc0-1.0",
    "CC-BY-4.0": "cc-by-4.0",
    "CC-BY-SA-4.0": "cc-by-sa-4.0",
    "CC-BY-NC-4.0": "cc-by-nc-4.0",
    "ODC-BY-1.0": "odc-by",
    "ODbL-1.0": "odbl",
}
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"),
          (1_000_000, "100K<n<1M"), (10_000_000, "1M<n<10M"))  # fmt: skip


def front_matter(
    name: str, counts: VariantCounts, n_file_bytes: int, licence: str, simulated: bool
) -> str:
    """Return the YAML at the head of a data card, between its lines of dashes.

    Parameters
    ----------
    name : str
        The title.
    counts : VariantCounts
        Of this variant.
    n_file_bytes : int
        Size of its files.
    licence : str
        SPDX identifier of the raw logs' licence; that of own logs is ``other`` for the
        Hub, with its name beside it.
    simulated : bool
        Whether the logs are simulated.
    """
    head: dict[str, Any] = {**_licence(licence, simulated), "pretty_name": name}
    if codes := language_codes(counts):
        head["language"] = codes
    head |= {
        "task_categories": ["text-generation"],
        "size_categories": [size_category(counts.n_conversations)],
        "configs": [
            {"config_name": "default", "data_files": [{"split": "train", "path": FILES}]}
        ],
        "dataset_info": {
            "features": hub_features(),
            "splits": [
                {
                    "name": "train",
                    "num_bytes": counts.n_bytes,
                    "num_examples": counts.n_conversations,
                }
            ],
            "download_size": n_file_bytes,
            "dataset_size": counts.n_bytes,
        },
    }  # fmt: skip
    return f"---\n{yaml.safe_dump(head, sort_keys=False, allow_unicode=True)}---\n"


def _licence(licence: str, simulated: bool) -> dict[str, str]:
    if simulated and licence in _LICENCES:
        return {"license": _LICENCES[licence]}
    slug = re.sub(r"[^a-z0-9.]+", "-", licence.lower()).strip("-")
    return {"license": "other", "license_name": slug or "unknown"}


def size_category(n: int) -> str:
    """Return the Hub's name for so many rows."""
    return next((name for limit, name in _SIZES if n < limit), "n>10M")


def language_codes(counts: VariantCounts) -> list[str]:
    """Return the two-letter codes (ISO 639-1) of the languages of messages, in order."""
    from lingua import Language

    codes = {one.name.title(): one.iso_code_639_1.name.lower() for one in Language.all()}
    return sorted({codes[name] for name in counts.languages if name in codes})
