"""Requests to an interface of chat completions, in the form that OpenAI's has and others copy.

No error or log line holds what was sent (messages, key) or what the interface wrote back.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from wildpaper.interfaces.endpoint import Endpoint, Pace
from wildpaper.interfaces.poster import Poster

Messages = Sequence[dict[str, str]]
"""What a model is shown: ``{"role": "system" | "user" | "assistant", "content": …}`` each."""

_PATH = "/chat/completions"
_BYTES_PER_TOKEN = 4
_TOKENS_PER_MESSAGE = 4
_WORD = re.compile(r"[a-z][a-z_]{0,39}")
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,99}")


class Reply(NamedTuple):
    """What a model said.

    Attributes
    ----------
    text : str
        May be empty.
    finish : str
        Why it ended (``stop``, ``length``, ``content_filter``); empty where that is not said.
    served : str
        The model that says it answered; may be empty.
    n_tokens_in, n_tokens_out : int or None
        Tokens of the messages and of the reply, as the interface counts them; None where
        it does not say.
    """

    text: str
    finish: str
    served: str
    n_tokens_in: int | None
    n_tokens_out: int | None


class ChatClient(Poster):
    """Asks a model; enter it as an asynchronous context.

    Parameters
    ----------
    endpoint : Endpoint
        Where (the address up to and with ``/v1``; ``/chat/completions`` is added where it is
        not there), and with which key.
    model : str
        Model to ask for.
    pace : Pace
        Shared by all requests.
    concurrency : int
        Connections, at most.
    timeout_s : float
        Seconds from sending a request to having the reply.
    attempts : int
        Times that a request is sent. One that is refused for its rate does not count
        while other requests are answered.
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
        self.model = model
        base = endpoint.url.rstrip("/").removesuffix(_PATH)
        super().__init__(
            replace(endpoint, url=base + _PATH),
            pace,
            concurrency=concurrency,
            timeout_s=timeout_s,
            attempts=attempts,
        )

    async def ask(
        self, messages: Messages, *, temperature: float, max_tokens: int, seed: int | None = None
    ) -> Reply:
        """Return the reply to some messages.

        Parameters
        ----------
        messages : sequence of dict
            See `Messages`.
        temperature : float
            0: the likeliest token each time.
        max_tokens : int
            Of the reply, at most.
        seed : int, optional
            Sent where it is given.

        Raises
        ------
        UnansweredError
            If patience is at an end, or the interface does not take the request.
        WildpaperError
            If asking on is of no use: no access, or too many requests unanswered in a row.
        """
        body: dict[str, Any] = {
            "model": self.model,
            "messages": list(messages),
            "temperature": temperature,
            "max_tokens": max_tokens,
        }
        if seed is not None:
            body["seed"] = seed
        key = self.endpoint.key
        n_tokens = about_tokens(messages) + max_tokens
        return await self.post(body, n_tokens, lambda said: read_reply(said, key))


def about_tokens(messages: Messages) -> int:
    """Return about how many tokens messages have: one for four bytes, and some a message."""
    n_bytes = sum(len(message["content"].encode()) for message in messages)
    return math.ceil(n_bytes / _BYTES_PER_TOKEN) + _TOKENS_PER_MESSAGE * len(messages)


def read_reply(body: Any, key: str = "") -> Reply:
    """Return the reply in what an interface answers.

    Parameters
    ----------
    body : JSON value
        ``{"model", "choices": [{"message": {"content"}, "finish_reason"}], "usage"}``.
    key : str
        A reply that holds it is none.

    Raises
    ------
    ValueError, KeyError, TypeError, AttributeError, IndexError
        If it is of another form. What they say is not fit for a log.

    Notes
    -----
    Only the first choice counts. Where a model refuses, its content is null: an empty text.
    Half of a surrogate pair, which is no character, becomes U+FFFD.
    """
    choice = body["choices"][0]
    text, finish = choice["message"]["content"], choice.get("finish_reason")
    if text is None and isinstance(finish, str):
        text = ""
    if not isinstance(text, str):
        raise ValueError("no text")
    usage = body.get("usage") or {}
    served = body.get("model")
    reply = Reply(
        text.encode("utf-16", "surrogatepass").decode("utf-16", "replace"),
        finish if isinstance(finish, str) and _WORD.fullmatch(finish) else "",
        served if isinstance(served, str) and _MODEL.fullmatch(served) else "",
        _count(usage.get("prompt_tokens")),
        _count(usage.get("completion_tokens")),
    )
    if key and any(key in part for part in reply[:3]):
        raise ValueError("an echo of the key")
    return reply


def _count(value: Any) -> int | None:
    """Return a count of tokens, None where it is none."""
    return value if type(value) is int and 0 <= value < 2**31 else None
