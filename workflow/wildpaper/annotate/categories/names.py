"""Names of the categories of prompts, and which one a classifier's label stands for."""

import logging
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from wildpaper.errors import WildpaperError
from wildpaper.yaml_text import parse_yaml

OTHER = "other"
"""The category of all that Table 4 does not print."""

_LOG = logging.getLogger("wildpaper")
_SLUG = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def read_categories(path: Path) -> dict[str, str]:
    """Read ``data/categories.yaml``.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    dict
        {label as `plain_label` has it: slug}; the slug itself is a label, too. Slugs are in
        the order of the file.

    Raises
    ------
    WildpaperError
        If the file cannot be read or is of another form, lacks `OTHER`, or gives a label to
        two categories.
    """
    try:
        listed = parse_yaml(path.read_text(encoding="utf-8"))["categories"]
        pairs = [pair for one in listed for pair in _pairs(one)]
    except (OSError, UnicodeDecodeError, yaml.YAMLError, TypeError, KeyError) as error:
        raise _unusable(path, f"{type(error).__name__} while reading it") from error
    found: dict[str, str] = {}
    for label, slug in pairs:
        if not label or found.setdefault(label, slug) != slug:
            raise _unusable(path, f"the label {label!r} stands for two categories or is empty")
    if OTHER not in found.values():
        raise _unusable(path, f"there is no category {OTHER!r}")
    return found


def _pairs(category: dict[str, Any]) -> Iterable[tuple[str, str]]:
    slug, labels = category["slug"], category["labels"]
    if not isinstance(slug, str) or not _SLUG.fullmatch(slug) or not isinstance(labels, list):
        raise TypeError(slug)
    return [(plain_label(label), slug) for label in (slug, *labels)]


def _unusable(path: Path, problem: str) -> WildpaperError:
    return WildpaperError(
        f"Cannot read the categories of prompts: {problem}",
        where=str(path),
        hint="Each category has a slug, a title and a list of labels; restore the file from the "
        "repository.",
    )


def plain_label(name: str) -> str:
    """Return a label in lower case, with one blank for each run of other characters."""
    folded = unicodedata.normalize("NFKC", name).casefold()
    return " ".join(re.findall(r"\w+", folded.replace("_", " ")))


def categories_of_labels(labels: list[str], known: dict[str, str], model: str) -> list[str]:
    """Return the category of each label of a classifier; `OTHER` for what is not known.

    Parameters
    ----------
    labels : list of str
        As the model names them.
    known : dict
        From `read_categories`.
    model : str
        Name of the model, for messages.

    Raises
    ------
    WildpaperError
        If no label is a category that Table 4 prints: all prompts would be `OTHER`.
    """
    found = [known.get(plain_label(label), OTHER) for label in labels]
    if all(category == OTHER for category in found):
        raise WildpaperError(
            f"No label of {model} is a category of prompts: {', '.join(map(repr, labels))}",
            where="config key annotate.category.model",
            hint="Use a classifier of prompts, or add its labels to data/categories.yaml.",
        )
    if strange := [label for label in labels if plain_label(label) not in known]:
        _LOG.warning(
            "%s: labels that data/categories.yaml does not name count as %s: %s",
            model, OTHER, ", ".join(map(repr, strange)),
        )  # fmt: skip
    return found
