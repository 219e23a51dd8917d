"""Patience with an interface: what is tried again, after which pause, and how often."""

import asyncio
import email.utils
import logging
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TypeVar

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type
from tenacity.wait import wait_exponential_jitter

from wildpaper.errors import WildpaperError
from wildpaper.interfaces.endpoint import Endpoint

_LOG = logging.getLogger("wildpaper")
_T = TypeVar("_T")

FIRST_WAIT_S = 1.0
"""Pause before the second attempt, doubled each time; up to as much is added at random."""

MOST_WAIT_S = 60.0
"""No pause of our own choice is longer."""

MOST_RETRY_AFTER_S = 900.0
"""An interface that asks for a longer pause is left for a later run."""

REST = "All answers that came are stored; run again for the rest."
"""What every error of an interface ends with."""


class UnsettledError(Exception):
    """An attempt failed in a way that another attempt may mend.

    `apart` says whether asking for less might; `limited` that the interface wants fewer
    requests; `held_s` for how long all requests are kept waiting, None where that was not said.
    """

    def __init__(
        self, reason: str, *, apart: bool, limited: bool = False, held_s: float | None = None
    ) -> None:
        super().__init__(reason)
        self.reason, self.apart, self.limited, self.held_s = reason, apart, limited, held_s


class UnansweredError(Exception):
    """A request got no answer.

    `apart` says whether asking for less at a time may help; `patient` that it was sent as
    often as allowed.
    """

    def __init__(self, reason: str, *, apart: bool, patient: bool) -> None:
        super().__init__(reason)
        self.reason, self.apart, self.patient = reason, apart, patient


class Patience:
    """Makes attempts until one succeeds, for as long as that makes sense.

    Parameters
    ----------
    endpoint : Endpoint
        For errors.
    counts : Counter
        Attempts by how they ended; ``answered`` are those that succeeded.
    concurrency : int
        Requests under way at a time.
    attempts : int
        Times that a request is sent. One that is refused for its rate does not count
        while other requests are answered.
    """

    def __init__(
        self, endpoint: Endpoint, counts: Counter[str], *, concurrency: int, attempts: int
    ) -> None:
        self._endpoint, self._counts, self._attempts = endpoint, counts, attempts
        self._backoff = wait_exponential_jitter(
            multiplier=FIRST_WAIT_S, max=MOST_WAIT_S, jitter=FIRST_WAIT_S
        )
        self._given_up = self._refused = 0
        self._most = (2 * concurrency + 8, 16 * concurrency + 8)

    async def insist(self, attempt: Callable[[], Awaitable[_T]]) -> _T:
        """Return what the first attempt that succeeds returns.

        Raises
        ------
        UnansweredError
            If patience is at an end, or the interface does not take the request.
        WildpaperError
            If asking on is of no use: too many requests unanswered in a row, or what an
            attempt says of this kind.
        """
        try:
            found = await self._repeat(attempt)
        except UnansweredError as error:
            self._give_up(error)
            raise
        self._given_up = self._refused = 0
        return found

    def _give_up(self, error: UnansweredError) -> None:
        if error.patient:
            self._given_up += 1
        else:
            self._refused += 1
        if self._given_up > self._most[0] or self._refused > self._most[1]:
            raise WildpaperError(
                f"The {self._endpoint.called} has answered none of the last "
                f"{self._given_up + self._refused} requests: {error.reason}",
                where=self._endpoint.url,
                hint="See whether it is up, and whether it knows the model "
                f"({self._endpoint.model_setting}). {REST}",
            ) from None

    async def _repeat(self, attempt: Callable[[], Awaitable[_T]]) -> _T:
        failures, answered = 0, self._counts["answered"]

        def over(state: RetryCallState) -> bool:
            nonlocal failures, answered
            now = self._counts["answered"]
            failures += not (_unsettled(state).limited and now > answered)
            answered = now
            return failures >= self._attempts

        try:
            return await AsyncRetrying(
                retry=retry_if_exception_type(UnsettledError), stop=over, wait=self._pause,
                before_sleep=self._announce, sleep=asyncio.sleep, reraise=True,
            )(attempt)  # fmt: skip
        except UnsettledError as error:
            raise UnansweredError(error.reason, apart=error.apart, patient=True) from None

    def _pause(self, state: RetryCallState) -> float:
        """Return the seconds to wait; 0 where the pace keeps all requests waiting."""
        return float(self._backoff(state)) if _unsettled(state).held_s is None else 0.0

    def _announce(self, state: RetryCallState) -> None:
        error = _unsettled(state)
        wait_s = state.upcoming_sleep if error.held_s is None else error.held_s
        _LOG.warning(
            "The %s: %s; trying again in %.1f s", self._endpoint.called, error.reason, wait_s
        )


def _unsettled(state: RetryCallState) -> UnsettledError:
    error = state.outcome.exception() if state.outcome else None
    if not isinstance(error, UnsettledError):
        raise TypeError("only what is unsettled is tried again")
    return error


def retry_after_s(response: httpx.Response) -> float | None:
    """Return the seconds that ``Retry-After`` (a number or an HTTP date) asks for, or None."""
    value = response.headers.get("Retry-After", "").strip()
    try:
        if value.replace(".", "", 1).isdecimal():
            return float(value)
        when = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())
