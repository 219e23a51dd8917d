"""Lines of the raw log: calls, calls gone wrong, consents.

A text is quoted once (`Message.quoted`) and pasted wherever it is sent again.
"""

import json
import random

from wildpaper.acquire.simulation.dialogue import Exchange
from wildpaper.acquire.simulation.population import Device
from wildpaper.acquire.simulation.scenarios import Call
from wildpaper.acquire.simulation.schedule import SECOND, WINDOWS, iso

_CHARACTERS_PER_TOKEN = 4
_FIXED = '"temperature": 1.0, "top_p": 1.0'


class History:
    """The messages of earlier exchanges as JSON, extended as a conversation grows."""

    def __init__(self) -> None:
        self._exchanges: list[Exchange] = []
        self._json = ""
        self._n_characters = 0

    def of(self, exchanges: list[Exchange]) -> tuple[str, int]:
        """Return the messages as JSON, each followed by a comma, and their characters."""
        known = len(self._exchanges)
        if known > len(exchanges) or any(
            a is not b for a, b in zip(self._exchanges, exchanges, strict=False)
        ):
            self._exchanges, self._json, self._n_characters, known = [], "", 0, 0
        for exchange in exchanges[known:]:
            user, reply = exchange.user, exchange.reply
            self._json += (
                f"{_message('user', user.quoted)}, {_message('assistant', reply.quoted)}, "
            )
            self._n_characters += len(user.text) + len(reply.text)
            self._exchanges.append(exchange)
        return self._json, self._n_characters


def _message(role: str, quoted: str) -> str:
    return f'{{"role": "{role}", "content": {quoted}}}'


def headers_json(device: Device, address: str, hop: int) -> str:
    """Return the headers of a request that came from `address` through our proxy `hop`."""
    return f'{{{device.headers}, "x-forwarded-for": "{address}, 10.0.0.{hop}"}}'


def call_line(rng: random.Random, device: Device, call: Call, history: History) -> str:
    """Return the line of a call."""
    earlier, n_characters = history.of(call.history)
    user, reply = call.exchange.user, call.exchange.reply
    response = "null"
    if not call.failed:
        n_prompt = (n_characters + len(user.text)) // _CHARACTERS_PER_TOKEN + 3
        response = _response(rng, call.time, reply.quoted, n_prompt,
                             len(reply.text) // _CHARACTERS_PER_TOKEN + 1)  # fmt: skip
    headers = f'"headers": {headers_json(device, call.address, 2 + int(rng.random() * 8))}, '
    return _line(call.time, call.model, device.session, headers,
                 f"{earlier}{_message('user', user.quoted)}", response)  # fmt: skip


def _response(rng: random.Random, time: int, quoted: str, n_prompt: int, n_reply: int) -> str:
    return (
        f'{{"id": "chatcmpl-{rng.getrandbits(116):029x}", "created": {time // SECOND}, '
        f'"message": {_message("assistant", quoted)}, "usage": {{"prompt_tokens": {n_prompt}, '
        f'"completion_tokens": {n_reply}, "total_tokens": {n_prompt + n_reply}}}}}'
    )


def _line(
    time: int, model: str, session: str, headers: str, messages: str, response: str
) -> str:  # fmt: skip
    return (
        f'{{"time": "{iso(time)}", "service": "{WINDOWS[model].service}", '
        f'"session": "{session}", {headers}"request": {{"model": "{model}", '
        f'"messages": [{messages}], {_FIXED}}}, "response": {response}}}\n'
    )


MALFORMED_REASONS = {
    "truncated": "unparsable-line", "no-headers": "no-headers", "null-headers": "no-headers",
    "system-first": "wrong-roles", "two-user-messages": "wrong-roles",
}  # fmt: skip
"""Why linking drops a malformed line, by its kind."""


def malformed_line(
    rng: random.Random, kind: str, device: Device, address: str, time: int, model: str,
    exchange: Exchange,
) -> str:  # fmt: skip
    """Return a line from which no call can be read."""
    user, reply = exchange.user.quoted, exchange.reply.quoted
    headers = f'"headers": {headers_json(device, address, 2)}, '
    if kind == "no-headers":
        headers = ""
    elif kind == "null-headers":
        headers = '"headers": null, '
    messages = _message("user", user)
    if kind == "system-first":
        messages = f"{_message('system', json.dumps('Be brief.'))}, {messages}"
    elif kind == "two-user-messages":
        messages = f"{messages}, {messages}"
    line = _line(time, model, device.session, headers, messages,
                 _response(rng, time, reply, 10, 10))  # fmt: skip
    if kind == "truncated":
        line = line[: 1 + int(rng.random() * (len(line) - 4))] + "\n"
    return line


def consent_line(device: Device, address: str, time: int, step: str) -> str:
    """Return the line of a step of consent."""
    headers = headers_json(device, address, 2)
    return (
        f'{{"time": "{iso(time)}", "session": "{device.session}", "headers": {headers}, '
        f'"step": "{step}"}}\n'
    )
