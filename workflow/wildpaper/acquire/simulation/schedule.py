"""When conversations take place, and with which service and model.

Times are integers, microseconds since 1970 in UTC.
"""

import bisect
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from wildpaper.acquire.simulation.streams import Choice

SECOND = 1_000_000
MINUTE, HOUR, DAY = 60 * SECOND, 3600 * SECOND, 86_400 * SECOND
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def at(text: str) -> int:
    """Return a time given as ``"2023-04-09"`` or with hours."""
    return (datetime.fromisoformat(text).replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)


START = at("2023-04-09")
END = at("2024-05-02")
JUNE_UPDATE = at("2023-06-27")


@dataclass(frozen=True, slots=True)
class Window:
    """When a model answered."""

    service: str
    start: int
    end: int


WINDOWS = {
    "gpt-3.5-turbo-0301": Window("gpt-3.5", START, JUNE_UPDATE),
    "gpt-3.5-turbo-0613": Window("gpt-3.5", JUNE_UPDATE, at("2024-02-16")),
    "gpt-3.5-turbo-0125": Window("gpt-3.5", at("2024-02-16"), END),
    "gpt-4-0314": Window("gpt-4", START, at("2023-06-28")),
    "gpt-4-1106-preview": Window("gpt-4", at("2023-11-07"), at("2024-01-26")),
    "gpt-4-0125-preview": Window("gpt-4", at("2024-01-26"), END),
}
"""Between June and November 2023 the GPT-4 service was closed."""

LONGEST_SILENCE = 3 * HOUR


def before_update(shares: dict[str, float]) -> float:
    """Return the share of conversations before the update of June, by the shares of models."""
    return sum(share for model, share in shares.items() if WINDOWS[model].end <= at("2023-06-28"))


def moment(time_us: int) -> datetime:
    """Return a time as a datetime."""
    return _EPOCH + timedelta(microseconds=time_us)


def iso(time_us: int) -> str:
    """Return a time as the log has it, ``2023-04-09T12:34:56.123456Z``."""
    return moment(time_us).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


MONTH_STARTS = [
    at(f"{year}-{month:02d}-01") for year in (2023, 2024, 2025) for month in range(1, 13)
]
MONTHS = [moment(start).strftime("%Y-%m") for start in MONTH_STARTS]


def month(time_us: int) -> str:
    """Return the UTC month of a time, ``2023-04``."""
    return MONTHS[bisect.bisect_right(MONTH_STARTS, time_us) - 1]


def models(shares: dict[str, float]) -> Choice:
    """Return the models to draw from; `shares` are those of Table 2."""
    return Choice(shares.items())


def gaps(rng: random.Random, n: int) -> list[int]:
    """Return `n` times between a user's successive calls: a minute or two, at times hours."""
    return [
        3 * SECOND + min(int(rng.lognormvariate(4.4, 1.2) * SECOND), LONGEST_SILENCE)
        for _ in range(n)
    ]


def copied(rng: random.Random, window: Window, last: int, pauses: list[int]) -> list[int]:
    """Return times for a copy of a conversation that ended at `last`: none before its end.

    Where too little of the window is left, the copy is hurried; order matters to linking,
    speed does not.
    """
    room = max(window.end - HOUR - last, HOUR) // 2
    if (length := sum(pauses)) > room:
        pauses = [pause * room // length for pause in pauses]
    time = last + MINUTE + int(rng.random() * min(room, 12 * HOUR))
    times = [time]
    for pause in pauses:
        time += pause
        times.append(time)
    return times


def timeline(rng: random.Random, window: Window, pauses: list[int]) -> list[int]:
    """Return the times of the calls of a conversation, all within the window."""
    earliest = window.start + MINUTE
    latest = max(window.end - HOUR - sum(pauses), earliest)
    time = earliest + int(rng.random() * (latest - earliest))
    times = [time]
    for pause in pauses:
        time += pause
        times.append(time)
    return times


def other_model(rng: random.Random, model: str, time_us: int) -> str:
    """Return another model that answered at the time; where none did, another of GPT-3.5."""
    open_then = [
        name
        for name, window in WINDOWS.items()
        if name != model and window.start <= time_us < window.end - DAY
    ]
    if open_then:
        return open_then[int(rng.random() * len(open_then))]
    return "gpt-3.5-turbo-0301" if model == "gpt-3.5-turbo-0613" else "gpt-3.5-turbo-0613"
