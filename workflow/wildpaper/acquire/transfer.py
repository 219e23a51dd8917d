"""HTTP without leaks: redirects, refusals, patience.

What a caller sends along (a token) stays with the host it was meant for, and no text
that a person may read holds a query string, a user name or a token.
"""

import base64
import email.utils
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from time import sleep
from typing import TypeVar
from urllib.parse import unquote, urlsplit, urlunsplit

import requests
from tenacity import RetryCallState, Retrying, retry_if_exception_type

from wildpaper.errors import WildpaperError

_LOG = logging.getLogger("wildpaper")
_T = TypeVar("_T")

MAX_WAIT_S = 300.0
"""No pause between two attempts is longer, whatever the server asks for."""

_RETRIABLE = {408, 425, 429, 500, 502, 503, 504}


@dataclass(frozen=True)
class Patience:
    """How long to insist: attempts without progress, first pause and time-out in seconds."""

    attempts: int = 5
    backoff_s: float = 1.0
    timeout_s: float = 30.0


class UnsettledError(Exception):
    """An attempt failed in a way that another attempt may mend."""

    def __init__(self, reason: str, retry_after_s: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after_s = retry_after_s


class _Session(requests.Session):
    """A session that sends the caller's headers to the caller's host only."""

    def __init__(self, private: dict[str, str]) -> None:
        super().__init__()
        self._private = {"Authorization", *private}

    def rebuild_auth(
        self, prepared_request: requests.PreparedRequest, response: requests.Response
    ) -> None:
        """Drop the caller's headers where a redirect leads elsewhere; never consult netrc."""
        old, new = response.request.url or "", prepared_request.url or ""
        if self.should_strip_auth(old, new):  # type: ignore[no-untyped-call]
            for name in self._private:
                prepared_request.headers.pop(name, None)


def shown(url: str) -> str:
    """Return an address fit for logs and errors: no credentials, no query, no fragment."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    return urlunsplit(
        (parts.scheme, f"{host}:{parts.port}" if parts.port else host, parts.path, "", "")
    )


def send(
    method: str,
    url: str,
    *,
    private: dict[str, str] | None = None,
    extra: dict[str, str] | None = None,
    timeout_s: float,
    follow: bool = True,
) -> requests.Response:
    """Send one request and return the answer, its body not yet read.

    Parameters
    ----------
    method, url : str
        What to ask, and where. Credentials in the address count as private.
    private : dict, optional
        Headers for this host only (``Authorization``).
    extra : dict, optional
        Headers that redirects keep (``Range``).
    timeout_s : float
        Seconds to wait for a connection and between two bytes.
    follow : bool
        Whether to follow redirects.

    Raises
    ------
    UnsettledError
        If no answer came.
    WildpaperError
        If the address is unusable or redirects without end.
    """
    url, private = _take_credentials(url, private or {})
    headers = {"Accept-Encoding": "identity", **(extra or {}), **private}
    try:
        with _Session(private) as session:
            return session.request(
                method, url, headers=headers, auth=lambda request: request, stream=True,
                timeout=timeout_s, allow_redirects=follow,
            )  # fmt: skip
    except (requests.TooManyRedirects, ValueError) as error:
        raise WildpaperError(
            f"The address is unusable ({type(error).__name__})",
            where=shown(url),
            hint="Check the address in data/sources.yaml.",
        ) from None
    except requests.Timeout:
        raise UnsettledError(f"no answer within {timeout_s:g} s") from None
    except requests.RequestException as error:
        raise UnsettledError(f"no connection ({type(error).__name__})") from None


def check_status(response: requests.Response, url: str, what: str, *, with_token: bool) -> None:
    """Raise unless the answer is a success, a redirect that was asked for, or 416.

    Raises
    ------
    WildpaperError
        If asking again cannot help: no access, no such file.
    UnsettledError
        If asking again may help: too many requests, server trouble.
    """
    status = response.status_code
    if status < 400 or status == 416:
        return
    response.close()
    said = f"{status} {response.reason or ''}".strip()
    if status in (401, 403):
        raise _refused(response, url, what, said, with_token=with_token)
    if status in (404, 410):
        raise WildpaperError(
            f"{what}: there is no such file ({said})",
            where=shown(url),
            hint="Check the revision, the repository and the path in data/sources.yaml: the "
            "release may have been moved or withdrawn.",
        )
    if status in _RETRIABLE:
        raise UnsettledError(f"the server answered {said}", retry_after_s(response))
    raise WildpaperError(
        f"{what}: the server refuses the request ({said})",
        where=shown(url),
        hint="Check the address in data/sources.yaml.",
    )


def retry(
    work: Callable[[], _T], patience: Patience, what: str, reached: Callable[[], int] | None = None
) -> _T:
    """Call `work` until it no longer raises `UnsettledError`, pausing longer each time.

    Parameters
    ----------
    work : callable
        One attempt.
    patience : Patience
        Attempts are counted from the last one that got further than any before.
    what : str
        The work, for the log.
    reached : callable, optional
        How far the work has got (bytes).

    Raises
    ------
    UnsettledError
        The last one, when patience is at an end.
    """
    failures, best = 0, reached() if reached else 0

    def attempt() -> _T:
        nonlocal failures, best
        try:
            return work()
        except UnsettledError:
            now = reached() if reached else 0
            failures = 1 if now > best else failures + 1
            best = max(best, now)
            raise

    def pause(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after_s if isinstance(error, UnsettledError) else None
        wait_s = patience.backoff_s * 2.0 ** (failures - 1) if asked is None else asked
        return min(wait_s, MAX_WAIT_S)

    def announce(state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        _LOG.warning("%s: %s; trying again in %.1f s", what, error, state.upcoming_sleep)

    return Retrying(
        retry=retry_if_exception_type(UnsettledError), wait=pause, before_sleep=announce,
        stop=lambda _: failures >= patience.attempts, sleep=_sleep, reraise=True,
    )(attempt)  # fmt: skip


def retry_after_s(response: requests.Response) -> float | None:
    """Return the seconds that ``Retry-After`` (a number or an HTTP date) asks for, or None."""
    value = response.headers.get("Retry-After", "").strip()
    if value.isdecimal():
        return float(value)
    try:
        when = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    when = when if when.tzinfo else when.replace(tzinfo=UTC)
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


def _sleep(seconds: float) -> None:
    sleep(seconds)


def _take_credentials(url: str, private: dict[str, str]) -> tuple[str, dict[str, str]]:
    """Move ``user:password@`` from the address into a private header."""
    parts = urlsplit(url)
    if parts.username is None:
        return url, private
    pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}".encode()
    bare = parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    return bare, {"Authorization": "Basic " + base64.b64encode(pair).decode(), **private}


def _refused(
    response: requests.Response, url: str, what: str, said: str, *, with_token: bool
) -> WildpaperError:
    """Return the error for 401 and 403: whether a token is missing or terms are to be accepted."""
    page = shown(url).split("/resolve/")[0].replace("/api/", "/").split("/revision/")[0]
    gated = response.headers.get("X-Error-Code") == "GatedRepo"
    if not with_token:
        reason = "a token is missing"
        hint = (
            f"If the data set is gated, accept its terms at {page}; create a token with read "
            "access, put it in the environment variable HF_TOKEN, and use source: hub (plain "
            "addresses are fetched without a token)."
        )
    elif gated or response.status_code == 403:
        reason = "a token was sent, but its owner has no access yet"
        hint = (
            f"Accept the terms of the data set at {page} with the account of the token, wait "
            "until access is granted, and see that the token may read gated repositories."
        )
    else:
        reason = "the token was not accepted"
        hint = f"Put a valid token with read access in HF_TOKEN; accept the terms at {page}."
    return WildpaperError(f"{what}: no access ({said}): {reason}", where=shown(url), hint=hint)
