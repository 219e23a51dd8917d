"""Import spaCy and Presidio without torch and transformers, which take seconds to load."""

import importlib
import importlib.metadata
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager


def import_analyzer(models: Iterable[str]) -> None:
    """Import Presidio, and spaCy, without what these models do not need.

    Presidio imports transformers for recognizers that are not used here, spaCy imports torch
    if it is there. A model that needs more than spaCy itself may need both.

    Parameters
    ----------
    models : iterable of str
        Installed model packages.
    """
    needless = ("torch", "transformers") if all(map(_needs_spacy_alone, models)) else ()
    with _hidden(*needless):
        for name in ("presidio_analyzer", "presidio_analyzer.predefined_recognizers"):
            importlib.import_module(name)


def _needs_spacy_alone(model: str) -> bool:
    try:
        needed = importlib.metadata.requires(model) or []
    except importlib.metadata.PackageNotFoundError:
        return False
    return all(re.match(r"spacy\b(?!-)", requirement) for requirement in needed)


@contextmanager
def _hidden(*names: str) -> Iterator[None]:
    """Let modules that are not loaded seem not to be installed."""
    absent = [name for name in names if name not in sys.modules]
    sys.modules.update(dict.fromkeys(absent))  # type: ignore[arg-type]  # None says so
    try:
        yield
    finally:
        for name in absent:
            del sys.modules[name]
