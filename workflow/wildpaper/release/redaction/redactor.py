"""All that is redacted in one text: by the rules, secrets, and what only then comes to light."""

from collections.abc import Mapping, Sequence
from functools import cached_property

from wildpaper.release.redaction.entities import find_pieces
from wildpaper.release.redaction.entity_engine import EntityEngine
from wildpaper.release.redaction.redaction_rules import Rules, frequency_key, redactions_of
from wildpaper.release.redaction.redaction_spans import (
    SECRET,
    Redaction,
    Span,
    cover,
    placeholder,
    without_overlaps,
)
from wildpaper.release.redaction.secrets_in_text import secret_finder

_CHUNK_CHARACTERS = 100_000


def all_redactions(
    text: str,
    language: str,
    spans: Sequence[Span],
    frequencies: Mapping[tuple[str, str], int],
    rules: Rules,
    secrets: bool = True,
) -> list[Redaction]:
    """Return what is redacted in one text as it is, by the rules and, if asked, secrets too.

    See `redactions_of`, `SecretFinder.find` and, on overlaps, `without_overlaps`.
    """
    found = redactions_of(text, language, spans, frequencies, rules)
    if secrets:
        found += secret_finder(rules.secrets).find(text)
    return without_overlaps(found, [*rules.names, SECRET])


class Redactor:
    """Says what to redact.

    Parameters
    ----------
    rules : Rules
        See `load_rules`.
    secrets : bool
        Whether keys and passwords are looked for.
    """

    def __init__(self, rules: Rules, secrets: bool = True) -> None:
        self._rules = rules
        self._secrets = secrets
        self._order = [*rules.names, SECRET]
        self._limits = {rule.kind: rule.fewer_than for rule in rules.kinds}

    def redactions(
        self,
        text: str,
        language: str,
        spans: Sequence[Span],
        frequencies: Mapping[tuple[str, str], int],
    ) -> list[Redaction]:
        """Return what is redacted in a text, sorted, without overlaps.

        Parameters are those of `redactions_of`. A placeholder can uncover what the text hid:
        of ``a@b.nethttps://…`` the link goes first, and then the rest is a mail address. So
        texts in which something is redacted and was found are searched again, by patterns and
        not for names, until nothing new is found. What occurs in many conversations stays;
        for what only comes to light then, no document frequency counts.
        """
        found = all_redactions(text, language, spans, frequencies, self._rules, self._secrets)
        public = {span[:3] for span in spans if self._is_public(text, span, frequencies)}
        while found and spans:
            more = without_overlaps([*found, *self._uncovered(text, language, found, public)],
                                    self._order)  # fmt: skip
            if more == found:
                break
            found = more
        return found

    def _is_public(self, text: str, span: Span, frequencies: Mapping[tuple[str, str], int]) -> bool:
        key = span.entity, frequency_key(text[span.start : span.end])
        return frequencies.get(key, 0) >= self._limits.get(span.entity, 0)

    def _uncovered(
        self,
        text: str,
        language: str,
        found: Sequence[Redaction],
        public: set[tuple[int, int, str]],
    ) -> list[Redaction]:
        """Return what is to be redacted in the covered text, by places in the unredacted one."""
        covered = cover(text, found)
        [spans] = find_pieces(self._engine, [(covered, language)], _CHUNK_CHARACTERS)
        back = _Places(found)
        new = [
            span
            for span in spans
            if (back.start(span.start), back.end(span.end), span.entity) not in public
        ]
        return [
            one._replace(start=back.start(one.start), end=back.end(one.end))
            for one in all_redactions(covered, language, new, {}, self._rules, self._secrets)
        ]

    @cached_property
    def _engine(self) -> EntityEngine:
        return EntityEngine(self._rules.names, {}, "all", _CHUNK_CHARACTERS)


class _Places:
    """Places of a covered text in the unredacted one; those in a placeholder are its ends."""

    def __init__(self, found: Sequence[Redaction]) -> None:
        self._marks: list[tuple[int, int, Redaction]] = []
        shift = 0
        for one in found:
            mark = len(placeholder(one.kind, one.detail))
            self._marks.append((one.start + shift, one.start + shift + mark, one))
            shift += mark - (one.end - one.start)

    def start(self, place: int) -> int:
        """Return where a range that begins at `place` begins."""
        shift = 0
        for first, last, one in self._marks:
            if place < first:
                break
            if place < last:
                return one.start
            shift = one.end - last
        return place + shift

    def end(self, place: int) -> int:
        """Return where a range that ends at `place` ends."""
        shift = 0
        for first, last, one in self._marks:
            if place <= first:
                break
            if place <= last:
                return one.end
            shift = one.end - last
        return place + shift
