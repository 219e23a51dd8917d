"""Numbers of the text on the release: what became of calls, and what was hidden."""

from pathlib import Path
from typing import Any

from wildpaper.files import read_json, write_json
from wildpaper.long_table import Cell, write_long_table
from wildpaper.releases import route_of

CALL_REASONS = (
    "unparsable-line", "failed-call", "no-headers", "no-address", "malformed-address",
    "wrong-roles", "own-traffic", "before-start", "duplicate-call", "missing-turn", "no-consent",
    "withdrawn", "wildbench",
)  # fmt: skip
"""Why a line of the log does not come into the release; they stand in this order."""

SESSIONS = ("both-steps", "one-step", "no-step", "withdrawn")

_CLAIM = "own.release-text"


def measure_release(linked: Path, released: Path, table: Path, notes: Path) -> None:
    """Write what the text says of linking, consent and redaction.

    Parameters
    ----------
    linked, released : Path
        Reports of `wildpaper.release.linking.link` and `wildpaper.release.assemble`.
    table, notes : Path
        To write: the long table; an empty JSON object, as nothing here was published.
    """
    links, release = read_json(linked), read_json(released)
    route = route_of([links["release"]])
    rows = [*_calls(links), *_conversations(links, release), *_released(release)]
    write_long_table(
        table,
        [
            Cell(row, column, value, None, None, n, unit, f"{_CLAIM}.{row}.{column}", route)
            for row, column, value, n, unit in rows
        ],
    )
    write_json(notes, {})


_Row = tuple[str, str, float, int | None, str]


def _calls(links: dict[str, Any]) -> list[_Row]:
    calls, n = links["calls"], int(links["n_lines"])
    found: list[_Row] = [("calls", "all", n, None, "lines of the log")]
    found.append(("calls", "kept", calls["kept"], n, "calls"))
    found += [("calls", why, calls["dropped"].get(why, 0), n, "calls") for why in CALL_REASONS]
    moved = links["linking"]["n_calls_new_address"]
    found.append(("calls", "new-address", moved, None, "calls linked across addresses"))
    return found


def _conversations(links: dict[str, Any], release: dict[str, Any]) -> list[_Row]:
    consent, linking = links["consent"], links["linking"]
    whole = int(linking["n_conversations_whole"])
    counts = {
        "whole": whole,
        "missing-turn": linking["n_conversations_missing_turn"],
        "no-consent": consent["n_conversations_no_consent"],
        "withdrawn": consent["n_conversations_withdrawn"],
        "wildbench": links["n_wildbench"],
        "sexual-minors": release["n_sexual_minors"],
    }
    found: list[_Row] = [
        ("conversations", name, count, None, "conversations") for name, count in counts.items()
    ]
    for step in SESSIONS:
        count = consent[f"n_sessions_{step.replace('-', '_')}"]
        found.append(("sessions", step, count, None, "sessions"))
    places = links["geography"]
    located = int(places["n_turns_located"])
    n_turns = located + int(places["n_turns_unknown"])
    found.append(("turns", "located", _percent(located, n_turns), n_turns, "percent of turns"))
    return found


def _released(release: dict[str, Any]) -> list[_Row]:
    n, n_messages = int(release["n_conversations"]), int(release["n_messages"])
    return [
        ("released", "full", n, None, "conversations"),
        ("released", "public", release["n_public_conversations"], n, "conversations"),
        ("redacted", "messages", release["n_redacted_messages"], n_messages, "messages"),
        ("redacted", "conversations", release["n_redacted_conversations"], n, "conversations"),
    ]


def _percent(part: int, whole: int) -> float:
    return 100 * part / whole if whole else 0.0
