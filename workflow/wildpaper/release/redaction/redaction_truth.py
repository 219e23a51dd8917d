"""How much of what was planted in messages is redacted, and how much of what is redacted was."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
from scipy.stats import binomtest

from wildpaper.errors import WildpaperError
from wildpaper.files import write_json
from wildpaper.release.redaction.planted_items import KINDS, WITHIN, PlantedItem, read_planted

CONFIDENCE = 0.95
"""Of the intervals of Clopper and Pearson, two-sided."""

MISSES = ("other-language", "not-found", "other-type", "other-borders", "refused")
"""Why an item within the rules' reach is still there, the first that applies."""

_BOUND_TO_LANGUAGES = ("PERSON",)

Span = tuple[int, int]
_Key = tuple[int, int]
_Counted = tuple[str, str]

_VIEWS = ("messages", "redacted", "redactions", "language", "entities")
_PLACES = pa.schema(
    [
        ("conversation_id", pa.int64()),
        ("position", pa.int32()),
        ("start", pa.int32()),
        ("end", pa.int32()),
        ("kind", pa.string()),
    ]
)
_HELD = """
CREATE TABLE held AS
SELECT conversation_id, position, sha256(text) AS sha256, text FROM messages
WHERE sha256(text) IN (SELECT sha256 FROM hashes)
"""
_TEXTS = """
SELECT h.conversation_id, h.position, h.sha256, h.text, r.text, l.language
FROM held h JOIN redacted r USING (conversation_id, position)
LEFT JOIN language l USING (conversation_id, position)
ORDER BY ALL
"""
_FOUND = """
SELECT conversation_id, position, entity, start, "end" FROM entities
SEMI JOIN held USING (conversation_id, position)
"""
_PRECISION = """
SELECT r.kind, coalesce(l.language, 'unknown'), count(*), count(*) FILTER (EXISTS (
    FROM places p WHERE p.conversation_id = r.conversation_id AND p.position = r.position
    AND p.kind = r.kind AND p.start < r."end" AND r.start < p."end"))
FROM redactions r LEFT JOIN language l USING (conversation_id, position)
GROUP BY ALL
"""


@dataclass(slots=True)
class _Tally:
    """Counts by (kind, language): planted, still there, redacted, redacted rightly."""

    planted: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    left: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    redacted: Counter[_Counted] = field(default_factory=Counter)
    right: Counter[_Counted] = field(default_factory=Counter)
    misses: Counter[tuple[str, str, str]] = field(default_factory=Counter)


def assess_redaction(
    messages: list[Path],
    redacted: list[Path],
    redactions: list[Path],
    language: list[Path],
    entities: list[Path],
    personal: Path,
    assessment: Path,
) -> None:
    """Count recall and precision of redaction on what a simulated corpus planted.

    Parameters
    ----------
    messages, redacted, redactions, language, entities : list of Path
        Shards of messages before and after redaction, what was redacted, labels of
        languages, and what may be personal (`wildpaper.schema`).
    personal : Path
        ``personal.json`` of the simulated corpus.
    assessment : Path
        JSON to write, counts and intervals only
        (``data/schemas/redaction-truth.schema.json``).

    Raises
    ------
    WildpaperError
        If a file cannot be read or has another form.

    Notes
    -----
    An item counts once for each message whose unredacted text it was planted in; messages
    that linking or consent left out are not there. It is recalled if its value occurs
    nowhere in the redacted text. Recall is over the items within the rules' reach, by the
    language that the message was written in. Precision is the share of redactions that
    overlap a planted value of their kind in that message, by the language that the message
    was labelled with.
    """
    items: dict[str, list[PlantedItem]] = defaultdict(list)
    for item in read_planted(personal).items:
        items[item.sha256].append(item)
    shards = dict(zip(_VIEWS, (messages, redacted, redactions, language, entities), strict=True))
    with duckdb.connect() as connection:
        try:
            tally = _count(connection, shards, items)
        except duckdb.Error as error:
            raise WildpaperError(
                f"Redacted messages cannot be read ({type(error).__name__})",
                where=", ".join(str(paths[0].parent) for paths in shards.values() if paths),
                hint="Their columns are in workflow/wildpaper/schema.py; run again.",
            ) from None
    write_json(assessment, _result(tally))


def _count(
    connection: duckdb.DuckDBPyConnection,
    shards: dict[str, list[Path]],
    items: dict[str, list[PlantedItem]],
) -> _Tally:
    for name, paths in shards.items():
        connection.read_parquet([str(path) for path in paths]).create_view(name)
    connection.register("hashes", pa.table({"sha256": pa.array(list(items), pa.string())}))
    connection.execute(_HELD)
    found: dict[_Key, list[tuple[str, int, int]]] = defaultdict(list)
    for conversation_id, position, *span in connection.execute(_FOUND).fetchall():
        found[conversation_id, position].append((span[0], span[1], span[2]))
    tally = _Tally()
    places: list[dict[str, Any]] = []
    for conversation_id, position, sha256, text, after, label in connection.execute(
        _TEXTS
    ).fetchall():
        key = {"conversation_id": conversation_id, "position": position}
        for item in items[sha256]:
            spans = list(occurrences(text, item.value))
            places += [key | {"start": s, "end": e, "kind": item.kind} for s, e in spans]
            entities = found[conversation_id, position]
            _count_item(tally, item, item.value in after, spans, entities, label)
    connection.register("places", pa.Table.from_pylist(places, _PLACES))
    for kind, name, n, n_right in connection.execute(_PRECISION).fetchall():
        tally.redacted[kind, name] += n
        tally.right[kind, name] += n_right
    return tally


def _count_item(
    tally: _Tally,
    item: PlantedItem,
    left: bool,
    spans: list[Span],
    entities: list[tuple[str, int, int]],
    label: str | None,
) -> None:
    key = (item.kind, item.language, item.reach)
    tally.planted[key] += 1
    tally.left[key] += left
    if left and item.reach == WITHIN:
        reached = label == item.language or item.kind not in _BOUND_TO_LANGUAGES
        cause = why_missed(item.kind, spans, entities, reached)
        tally.misses[item.kind, item.language, cause] += 1


def occurrences(text: str, value: str) -> Iterator[Span]:
    """Yield where `value` stands in `text`, in characters."""
    at = text.find(value)
    while at >= 0:
        yield at, at + len(value)
        at = text.find(value, at + 1)


def why_missed(
    kind: str, spans: list[Span], entities: Iterable[tuple[str, int, int]], reached: bool
) -> str:
    """Return why an item was not redacted, one of `MISSES`.

    Parameters
    ----------
    kind : str
        Of the item.
    spans : list of (int, int)
        Where its value stands.
    entities : iterable of (str, int, int)
        Type, start and end of what was found in the message.
    reached : bool
        Whether the message is labelled with the language that it is written in, or its
        language makes no difference.

    Returns
    -------
    str
        ``other-language``: labelled otherwise, so that other rules apply; ``not-found``:
        nothing was found there; ``other-type``: something, as another type only;
        ``other-borders``: as its type, but longer or shorter; ``refused``: found as it
        is, and refused by the rules. Keys are no entities: all of them are ``not-found``.
    """
    if not reached:
        return "other-language"
    meeting = [
        (entity, (start, end))
        for entity, start, end in entities
        if any(start < own_end and own_start < end for own_start, own_end in spans)
    ]
    alike = [span for entity, span in meeting if entity == kind]
    if not meeting:
        return "not-found"
    if not alike:
        return "other-type"
    return "refused" if any(span in spans for span in alike) else "other-borders"


def rate(n_found: int, n: int) -> dict[str, Any]:
    """Return a share with its exact 95 % interval; nulls where there is nothing to divide by."""
    if not n:
        return {"n": 0, "n_found": 0, "share": None, "low": None, "high": None}
    ends = binomtest(n_found, n).proportion_ci(CONFIDENCE, method="exact")
    return {
        "n": n,
        "n_found": n_found,
        "share": n_found / n,
        "low": float(ends.low),
        "high": float(ends.high),
    }


def _result(tally: _Tally) -> dict[str, Any]:
    return {"kinds": {kind: _kind(tally, kind) for kind in KINDS}, "confidence": CONFIDENCE}


def _kind(tally: _Tally, kind: str) -> dict[str, Any]:
    planted = [key for key in tally.planted if key[0] == kind]
    counted = [key for key in tally.redacted if key[0] == kind]
    languages = sorted({key[1] for key in planted} | {key[1] for key in counted})
    beyond = sorted({reach for _, _, reach in planted} - {WITHIN})
    return {
        **_rates(tally, kind, languages),
        "by_language": {name: _rates(tally, kind, [name]) for name in languages},
        "left_by_design": {
            reach: {
                "n": sum(tally.planted[key] for key in planted if key[2] == reach),
                "n_left": sum(tally.left[key] for key in planted if key[2] == reach),
            }
            for reach in beyond
        },
    }


def _rates(tally: _Tally, kind: str, languages: list[str]) -> dict[str, Any]:
    n = sum(tally.planted[kind, name, WITHIN] for name in languages)
    n_left = sum(tally.left[kind, name, WITHIN] for name in languages)
    n_redacted = sum(tally.redacted[kind, name] for name in languages)
    n_right = sum(tally.right[kind, name] for name in languages)
    causes = {c: sum(tally.misses[kind, name, c] for name in languages) for c in MISSES}
    return {
        "recall": rate(n - n_left, n),
        "precision": rate(n_right, n_redacted),
        "misses": causes,
    }
