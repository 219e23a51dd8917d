"""Requests to a moderation interface: paced, repeated with patience, without leaks.

No error or log line holds what was sent (texts, key) or what the interface wrote back.
"""

import asyncio
import email.utils
import json
import logging
from collections import Counter
from datetime import UTC, datetime
from types import TracebackType
from typing import Any

import httpx
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type
from tenacity.wait import wait_exponential_jitter

from wildpaper.annotate.moderation.answers import Answer, read_reply
from wildpaper.annotate.moderation.endpoint import Endpoint, Pace
from wildpaper.annotate.moderation.plan import about_tokens
from wildpaper.errors import WildpaperError

_LOG = logging.getLogger("wildpaper")

FIRST_WAIT_S = 1.0
"""Pause before the second attempt, doubled each time; up to as much is added at random."""

MOST_WAIT_S = 60.0
"""No pause of our own choice is longer."""

MOST_RETRY_AFTER_S = 900.0
"""An interface that asks for a longer pause is left for a later run."""

_RETRIED = {408, 409, 425, 429}
_FINAL = {401, 402, 403, 404, 405, 407, 410}
_NO_CREDIT = {"insufficient_quota", "billing_hard_limit_reached"}


class UnsettledError(Exception):
    """An attempt failed in a way that another attempt may mend.

    `apart` says whether fewer texts might; `limited` that the interface wants fewer requests;
    `held_s` for how long all requests are kept waiting, None where that was not said.
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


class Client:
    """Asks an interface about lists of texts; enter it as an asynchronous context.

    Parameters
    ----------
    endpoint : Endpoint
        Where, and with which key.
    model : str
        Model to ask for.
    pace : Pace
        Shared by all requests.
    concurrency : int
        Connections, at most.
    timeout_s : float
        Seconds from sending a request to having its answer.
    attempts : int
        Times that a request is sent. One that is refused for its rate does not count
        while other requests are answered.

    Attributes
    ----------
    counts : Counter
        Attempts by how they ended.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        model: str,
        pace: Pace,
        *,
        concurrency: int,
        timeout_s: float,
        attempts: int,
    ) -> None:
        self.endpoint, self.model, self.attempts = endpoint, model, attempts
        self.counts: Counter[str] = Counter()
        self._pace, self._timeout_s = pace, timeout_s
        self._backoff = wait_exponential_jitter(
            multiplier=FIRST_WAIT_S, max=MOST_WAIT_S, jitter=FIRST_WAIT_S
        )
        self._given_up = self._refused = 0
        self._most = (2 * concurrency + 8, 16 * concurrency + 8)
        self._http = httpx.AsyncClient(
            headers=endpoint.headers,
            timeout=timeout_s,
            limits=httpx.Limits(max_connections=concurrency),
            trust_env=not endpoint.local,
            verify=endpoint.url.startswith("https:"),  # else certificates are read for nothing
        )

    async def __aenter__(self) -> "Client":
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._http.aclose()

    async def ask(self, texts: list[str]) -> list[Answer]:
        """Return the answers to some texts, in their order.

        Raises
        ------
        UnansweredError
            If patience is at an end, or the interface does not take these texts together.
        WildpaperError
            If asking on is of no use: no access, or too many requests unanswered in a row.
        """
        try:
            found = await self._insist(texts)
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
                f"The moderation interface has answered none of the last "
                f"{self._given_up + self._refused} requests: {error.reason}",
                where=self.endpoint.url,
                hint="See whether it is up, and whether it knows the model "
                "(annotate.moderation.model). All answers that came are stored; run again for "
                "the rest.",
            ) from None

    async def _insist(self, texts: list[str]) -> list[Answer]:
        failures, answered = 0, self.counts["answered"]

        def over(state: RetryCallState) -> bool:
            nonlocal failures, answered
            now = self.counts["answered"]
            failures += not (_unsettled(state).limited and now > answered)
            answered = now
            return failures >= self.attempts

        try:
            return await AsyncRetrying(
                retry=retry_if_exception_type(UnsettledError), stop=over, wait=self._pause,
                before_sleep=self._announce, sleep=asyncio.sleep, reraise=True,
            )(self._attempt, texts)  # fmt: skip
        except UnsettledError as error:
            raise UnansweredError(error.reason, apart=error.apart, patient=True) from None

    def _pause(self, state: RetryCallState) -> float:
        """Return the seconds to wait; 0 where the pace keeps all requests waiting."""
        return float(self._backoff(state)) if _unsettled(state).held_s is None else 0.0

    def _announce(self, state: RetryCallState) -> None:
        error = _unsettled(state)
        wait_s = state.upcoming_sleep if error.held_s is None else error.held_s
        _LOG.warning("Moderation: %s; trying again in %.1f s", error.reason, wait_s)

    async def _attempt(self, texts: list[str]) -> list[Answer]:
        await self._pace.wait(sum(about_tokens(text) for text in texts))
        response = await self._send(texts)
        self._check(response)
        date = datetime.now(UTC).date().isoformat()
        try:
            found = read_reply(response.json(), len(texts), self.model, date)
            if self.endpoint.key and self.endpoint.key in found[0].served:
                raise ValueError("an echo of the key")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            self.counts["malformed"] += 1
            if len(texts) > 1:
                raise UnansweredError("a malformed answer", apart=True, patient=False) from None
            raise UnsettledError("a malformed answer", apart=True) from None
        self.counts["answered"] += 1
        return found

    async def _send(self, texts: list[str]) -> httpx.Response:
        body = {"model": self.model, "input": texts}
        try:
            async with asyncio.timeout(self._timeout_s):
                return await self._http.post(self.endpoint.url, json=body)
        except (TimeoutError, httpx.TimeoutException):
            self.counts["timed-out"] += 1
            raise UnsettledError(f"no answer within {self._timeout_s:g} s", apart=True) from None
        except httpx.DecodingError:
            self.counts["malformed"] += 1
            raise UnsettledError("a malformed answer", apart=True) from None
        except (httpx.HTTPError, httpx.InvalidURL):
            self.counts["no-connection"] += 1
            raise UnsettledError("no connection", apart=False) from None

    def _check(self, response: httpx.Response) -> None:
        """Raise unless the answer is a success."""
        status = response.status_code
        if status == 200:
            return
        self.counts[f"status-{status}"] += 1
        said = f"the interface answered {status}"
        no_credit = status == 429 and _error_code(response) in _NO_CREDIT
        if status in _FINAL or status < 400 or no_credit:
            raise self._final(status)
        if status in _RETRIED or status >= 500:
            held_s = retry_after_s(response)
            if held_s is not None:
                self._hold(held_s)
            raise UnsettledError(
                said, apart=status not in (429, 503), limited=status == 429, held_s=held_s
            )
        raise UnansweredError(said, apart=True, patient=False)

    def _hold(self, wait_s: float) -> None:
        if wait_s > MOST_RETRY_AFTER_S:
            raise WildpaperError(
                f"The moderation interface asks to wait for {wait_s:,.0f} s",
                where=self.endpoint.url,
                hint="All answers that came are stored; run again later for the rest.",
            )
        self._pace.hold(wait_s)

    def _final(self, status: int) -> WildpaperError:
        if status in (401, 403):
            what = "The moderation interface does not accept the key" if self.endpoint.key else (
                "The moderation interface wants a key"
            )  # fmt: skip
            hint = "Put a valid key in the environment variable OPENAI_API_KEY."
        elif status in (402, 429):
            what = "The account of the key has no credit left"
            hint = "Add credit to the account."
        else:
            what = "There is no moderation interface at this address, or not this model"
            hint = "Correct annotate.moderation.endpoint and annotate.moderation.model."
        return WildpaperError(
            f"{what} (status {status})",
            where=self.endpoint.url,
            hint=f"{hint} All answers that came are stored; run again for the rest.",
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


def _error_code(response: httpx.Response) -> Any:
    try:
        return json.loads(response.content)["error"]["code"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
