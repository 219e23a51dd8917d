"""Who agreed that conversations are kept and published."""

from pathlib import Path

from wildpaper.errors import WildpaperError
from wildpaper.release.calls import CallTable
from wildpaper.release.rawlog_files import Line, LineStore, json_object, microseconds

NO_CONSENT = "no-consent"
WITHDRAWN = "withdrawn"
_STEPS = ("agree", "publish")


class Consents:
    """The steps of consent by session."""

    def __init__(self) -> None:
        self._first_us: dict[str, dict[str, int]] = {step: {} for step in _STEPS}
        self._withdrawn: set[str] = set()

    def add(self, session: str, step: str, time_us: int) -> None:
        """Note a step; of a step taken twice the first counts."""
        if step == "withdraw":
            self._withdrawn.add(session)
            return
        known = self._first_us[step]
        known[session] = min(time_us, known.get(session, time_us))

    def objection(self, table: CallTable, chain: list[int]) -> str:
        """Return why a conversation may not be released; empty if it may.

        Each session that takes part must have taken both steps strictly before its first
        turn in the conversation, and have withdrawn at no time.
        """
        first_us: dict[str, int] = {}
        for call in chain:
            first_us.setdefault(table.sessions.values[table.session[call]], table.time_us[call])
        if any(session in self._withdrawn for session in first_us):
            return WITHDRAWN
        for session, time_us in first_us.items():
            if not all(self._first_us[s].get(session, time_us) < time_us for s in _STEPS):
                return NO_CONSENT
        return ""

    def counts(self, table: CallTable) -> dict[str, int]:
        """Return how many sessions took both steps, one, none, and how many withdrew."""
        agreed, published = (set(self._first_us[step]) for step in _STEPS)
        called = set(table.sessions.values)
        return {
            "n_sessions_both_steps": len(agreed & published),
            "n_sessions_one_step": len(agreed ^ published),
            "n_sessions_no_step": len((called | self._withdrawn) - agreed - published),
            "n_sessions_withdrawn": len(self._withdrawn),
        }


def read_consents(paths: list[Path]) -> Consents:
    """Read consent logs.

    Raises
    ------
    WildpaperError
        If a line cannot be read: it may be a withdrawal, so nothing is released over it.
    """
    consents = Consents()
    with LineStore(paths) as store:
        for line in store.lines():
            consents.add(*_step(line, paths[line.file]))
    return consents


def _step(line: Line, path: Path) -> tuple[str, str, int]:
    record = json_object(line.data) or {}
    session, step = record.get("session"), record.get("step")
    time_us = microseconds(record.get("time"))
    wrong = [
        name
        for name, fits in (
            ("session", isinstance(session, str) and session != ""),
            ("step", step in (*_STEPS, "withdraw")),
            ("time", time_us is not None),
        )
        if not fits
    ]
    if wrong or not isinstance(session, str) or not isinstance(step, str) or time_us is None:
        raise WildpaperError(
            f"A line of consent cannot be read: {', '.join(wrong)} missing or wrong",
            where=f"{path}, line {line.number}",
            hint="It may be a withdrawal, so it is not passed over. Mend the line; its format is "
            "described in docs/raw-logs.md.",
        )
    return session, step, time_us
