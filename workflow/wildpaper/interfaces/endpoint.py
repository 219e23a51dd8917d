"""Where an interface stands, the key to it, and how fast it may be asked."""

import asyncio
import ipaddress
import os
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from wildpaper.errors import WildpaperError

KEY = "OPENAI_API_KEY"
"""The environment variable with the key, where no other is named."""


@dataclass(frozen=True)
class Endpoint:
    """An interface.

    Attributes
    ----------
    url : str
        Where requests go; fit for logs and errors.
    key : str
        Sent with each request; empty: none. Not part of what the object prints.
    local : bool
        Whether it stands on this machine; requests to it pass no proxy.
    called, setting, model_setting, key_variable : str
        For errors: what it is called ("moderation interface"), where its address and the
        model stand in the configuration, and the key in the environment.
    """

    url: str
    key: str = field(repr=False)
    local: bool
    called: str
    setting: str
    model_setting: str
    key_variable: str = KEY

    @property
    def headers(self) -> dict[str, str]:
        """What is sent with each request."""
        return {"Authorization": f"Bearer {self.key}"} if self.key else {}


def open_endpoint(
    url: str,
    *,
    called: str,
    setting: str,
    model_setting: str,
    key_variable: str = KEY,
    instead: str = "",
) -> Endpoint:
    """Check an address and read the key from the environment.

    Parameters
    ----------
    url : str
        ``https://…``; ``http://`` only on this machine, where a key is not needed either.
    called, setting, model_setting : str
        See `Endpoint`.
    key_variable : str
        The environment variable with the key.
    instead : str
        What can be done by those who have no key, for the hint.

    Raises
    ------
    WildpaperError
        If the address or the key is unusable; never shows a key, password or query.
    """
    local = _check(url, called, setting)
    where = f"environment variable {key_variable}"
    key = os.environ.get(key_variable, "").strip()
    if not key and not local:
        otherwise = f", or {instead}" if instead else ""
        raise WildpaperError(
            f"The key of the {called} is missing",
            where=where,
            hint=f"Set {key_variable} for this run only{otherwise}.",
        )
    if not (key.isascii() and key.isprintable() and " " not in key):
        raise WildpaperError(
            f"The key of the {called} has characters that no key has",
            where=where,
            hint="Set it to the key alone: one line without spaces or quotation marks.",
        )
    return Endpoint(url, key, local, called, setting, model_setting, key_variable)


def _check(url: str, called: str, setting: str) -> bool:
    """Refuse an address that is unusable; say whether it is on this machine."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        usable = parts.scheme in ("http", "https") and host and parts.port != 0
    except ValueError:
        usable, host = False, ""
    if not usable or "@" in parts.netloc or parts.query or parts.fragment:
        raise WildpaperError(
            f"The address of the {called} is unusable",
            where=setting,
            hint="Give an address that begins with https:// and holds no user name, "
            "password or query: the key stands in the environment.",
        )
    local = _is_local(host)
    if parts.scheme == "http" and not local:
        raise WildpaperError(
            f"Texts and key would travel unencrypted to the {called}",
            where=setting,
            hint="Give an address that begins with https://, or one on this machine.",
        )
    return local


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Pace:
    """Keep all requests below the limits of an account, and all of them waiting when told.

    Parameters
    ----------
    requests_per_minute : int
        Requests begin at even distances.
    tokens_per_minute : int
        A request keeps the next one waiting for as long as its tokens take; 0: no limit.
    """

    def __init__(self, requests_per_minute: int, tokens_per_minute: int) -> None:
        self._request_s = 60.0 / requests_per_minute
        self._token_s = 60.0 / tokens_per_minute if tokens_per_minute else 0.0
        self._next = self._held_until = 0.0

    async def wait(self, n_tokens: int) -> None:
        """Wait for the turn of a request."""
        while True:
            now = time.monotonic()
            turn = max(now, self._next, self._held_until)
            if turn <= now:
                self._next = now + max(self._request_s, n_tokens * self._token_s)
                return
            await asyncio.sleep(turn - now)

    def hold(self, seconds: float) -> None:
        """Let no request begin for some seconds."""
        self._held_until = max(self._held_until, time.monotonic() + seconds)
