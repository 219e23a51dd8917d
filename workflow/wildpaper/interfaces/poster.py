"""Requests to an interface that takes and gives JSON: paced, repeated with patience, no leaks.

No error or log line holds what was sent (texts, key) or what the interface wrote back.
"""

import asyncio
import json
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any, Self, TypeVar

import httpx

from wildpaper.errors import WildpaperError
from wildpaper.interfaces.endpoint import Endpoint, Pace
from wildpaper.interfaces.patience import (
    MOST_RETRY_AFTER_S,
    REST,
    Patience,
    UnansweredError,
    UnsettledError,
    retry_after_s,
)

_T = TypeVar("_T")

_RETRIED = {408, 409, 425, 429}
_FINAL = {401, 402, 403, 404, 405, 407, 410}
_NO_CREDIT = {"insufficient_quota", "billing_hard_limit_reached"}
_MALFORMED = (ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError)


class Poster:
    """Posts requests to one interface; enter it as an asynchronous context.

    Parameters
    ----------
    endpoint : Endpoint
        Where, and with which key.
    pace : Pace
        Shared by all requests.
    concurrency : int
        Connections, at most.
    timeout_s : float
        Seconds from sending a request to having its answer.
    attempts : int
        See `Patience`.

    Attributes
    ----------
    counts : Counter
        Attempts by how they ended.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        pace: Pace,
        *,
        concurrency: int,
        timeout_s: float,
        attempts: int,
    ) -> None:
        self.endpoint = endpoint
        self.counts: Counter[str] = Counter()
        self._pace, self._timeout_s = pace, timeout_s
        self._patience = Patience(
            endpoint, self.counts, concurrency=concurrency, attempts=attempts
        )  # fmt: skip
        self._http = httpx.AsyncClient(
            headers=endpoint.headers,
            timeout=timeout_s,
            limits=httpx.Limits(max_connections=concurrency),
            trust_env=not endpoint.local,
            verify=endpoint.url.startswith("https:"),  # else certificates are read for nothing
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._http.aclose()

    async def post(
        self,
        body: Mapping[str, Any],
        n_tokens: int,
        read: Callable[[Any], _T],
        *,
        divisible: bool = False,
    ) -> _T:
        """Return what `read` finds in the answer to a request.

        Parameters
        ----------
        body : mapping
            What to send.
        n_tokens : int
            About how many tokens it takes, for the pace.
        read : callable
            Takes the JSON of an answer; raises ValueError, KeyError, TypeError,
            AttributeError or IndexError where it is of another form.
        divisible : bool
            Whether less can be asked for at a time: a malformed answer is then left at once.

        Raises
        ------
        UnansweredError
            If patience is at an end, or the interface does not take the request.
        WildpaperError
            If asking on is of no use: no access, or too many requests unanswered in a row.
        """

        async def attempt() -> _T:
            await self._pace.wait(n_tokens)
            response = await self._send(body)
            self._check(response)
            try:
                found = read(response.json())
            except _MALFORMED:
                self.counts["malformed"] += 1
                if divisible:
                    raise UnansweredError("a malformed answer", apart=True, patient=False) from None
                raise UnsettledError("a malformed answer", apart=True) from None
            self.counts["answered"] += 1
            return found

        return await self._patience.insist(attempt)

    async def _send(self, body: Mapping[str, Any]) -> httpx.Response:
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
                f"The {self.endpoint.called} asks to wait for {wait_s:,.0f} s",
                where=self.endpoint.url,
                hint="All answers that came are stored; run again later for the rest.",
            )
        self._pace.hold(wait_s)

    def _final(self, status: int) -> WildpaperError:
        place = self.endpoint
        if status in (401, 403):
            says = "does not accept the key" if place.key else "wants a key"
            what = f"The {place.called} {says}"
            hint = f"Put a valid key in the environment variable {place.key_variable}."
        elif status in (402, 429):
            what = "The account of the key has no credit left"
            hint = "Add credit to the account."
        else:
            what = f"There is no {place.called} at this address, or not this model"
            hint = f"Correct {place.setting} and {place.model_setting}."
        return WildpaperError(f"{what} (status {status})", where=place.url, hint=f"{hint} {REST}")


def _error_code(response: httpx.Response) -> Any:
    try:
        return json.loads(response.content)["error"]["code"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
