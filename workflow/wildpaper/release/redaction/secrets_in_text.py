"""Keys and passwords of known services in a text, by named detectors of detect-secrets.

The detectors run in this process, line by line; nothing is verified, so nothing goes over
the network.
"""

import importlib
import importlib.metadata
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from wildpaper.errors import WildpaperError
from wildpaper.release.redaction.redaction_rules import Secrets
from wildpaper.release.redaction.redaction_spans import SECRET, Redaction

_AROUND = " \t\"'=:"
"""What the patterns of some detectors take along at the ends of a secret."""


class SecretFinder:
    """Finds secrets in texts by the rules of the file.

    Parameters
    ----------
    secrets : Secrets
        The section ``secrets`` of the rules.

    Raises
    ------
    WildpaperError
        If detect-secrets has no such detector.
    """

    def __init__(self, secrets: Secrets) -> None:
        self._secrets = secrets
        self._detectors = [(entry, _detector(entry.plugin)) for entry in secrets.plugins]
        self._widen = [(entry.detail, re.compile(entry.pattern)) for entry in secrets.widen]

    @property
    def version(self) -> str:
        """Name and version of what finds."""
        return f"detect-secrets-{importlib.metadata.version('detect-secrets')}"

    def find(self, text: str) -> list[Redaction]:
        """Return each occurrence of each secret of a text; occurrences may overlap.

        A secret that stands in one line is replaced wherever it stands in the text, as the
        authors do. See the file of rules for short ones, examples and those that are widened.
        """
        found = {
            (start, end, detail)
            for value, detail in self._values(text)
            for start, end in self._occurrences(text, value)
        }
        wide = {self._widened(text, *occurrence) for occurrence in found} if found else set()
        return sorted(Redaction(start, end, SECRET, detail) for start, end, detail in wide)

    def _values(self, text: str) -> set[tuple[str, str]]:
        """Return (secret, kind of secret) pairs."""
        lowered = text.lower()
        found = set()
        for entry, detector in self._detectors:
            if entry.needs and not any(part in lowered for part in entry.needs):
                continue
            # All patterns stay within a line, so that a text in which none fits has no secret.
            if not any(pattern.search(text) for pattern in detector.denylist):
                continue
            detail = _upper_snake(detector.secret_type)
            for line in text.split("\n"):
                for match in _matches(detector, line.rstrip(), entry.whole):
                    value = match.strip(_AROUND)
                    if value and value.lower() not in self._secrets.refuse:
                        found.add((value, detail))
        return found

    def _occurrences(self, text: str, value: str) -> Iterator[tuple[int, int]]:
        pattern = re.escape(value)
        if len(value) < self._secrets.whole_below:
            pattern = rf"(?<!\w){pattern}(?!\w)"
        for match in re.finditer(pattern, text):
            yield match.span()

    def _widened(self, text: str, start: int, end: int, detail: str) -> tuple[int, int, str]:
        for wanted, pattern in self._widen:
            if wanted == detail:
                for match in pattern.finditer(text):
                    if match.start() <= start and end <= match.end():
                        return match.start(), match.end(), detail
        return start, end, detail


@lru_cache(maxsize=4)
def secret_finder(secrets: Secrets) -> SecretFinder:
    """Return the finder of these rules, made once."""
    return SecretFinder(secrets)


@lru_cache(maxsize=1)
def _detectors_by_name() -> dict[str, Any]:
    import pkgutil

    package = importlib.import_module("detect_secrets.plugins")
    found = {}
    for module in pkgutil.iter_modules(package.__path__):
        loaded = importlib.import_module(f"{package.__name__}.{module.name}")
        for name, member in vars(loaded).items():
            if isinstance(member, type) and member.__module__ == loaded.__name__:
                found[name] = member
    return found


def _detector(name: str) -> Any:
    known = {
        found: kind for found, kind in _detectors_by_name().items() if hasattr(kind, "denylist")
    }
    if name not in known:
        raise WildpaperError(
            f"detect-secrets has no detector {name!r} that goes by patterns",
            where="rules of redaction, key secrets.plugins",
            hint=f"It has: {', '.join(sorted(known))}.",
        )
    return known[name]()


def _matches(detector: Any, line: str, whole: bool) -> list[str]:
    if whole:
        return [match[0] for pattern in detector.denylist for match in pattern.finditer(line)]
    return [str(found) for found in detector.analyze_string(line)]


def _upper_snake(secret_type: str) -> str:
    """Return ``GITHUB_TOKEN`` for ``GitHub Token``."""
    return re.sub(r"[^A-Za-z0-9]+", "_", secret_type).strip("_").upper()
