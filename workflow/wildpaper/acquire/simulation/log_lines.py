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
SHARE_FORGED = 0.01
"""Calls whose list of addresses has one too many, behind the first."""
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


def headers_json(device: Device, chain: str, hop: int) -> str:
    """Return the headers of a request that came from `chain` through our proxy `hop`."""
    return f'{{{device.headers}, "x-forwarded-for": "{chain}, 10.0.0.{hop}"}}'


def call_id(rng: random.Random) -> str:
    """Return a new name of an answer."""
    return f"chatcmpl-{rng.getrandbits(116):029x}"


def _chain(rng: random.Random, address: str) -> str:
    """Return an address, at times followed by a hop that was never there."""
    if rng.random() < SHARE_FORGED:
        return f"{address}, 203.0.113.{int(rng.random() * 256)}"
    return address


def call_line(rng: random.Random, device: Device, call: Call, history: History) -> str:
    """Return the line of a call; `call.call_id` names its answer."""
    earlier, n_characters = history.of(call.history)
    user, reply = call.exchange.user, call.exchange.reply
    response = "null"
    if not call.failed:
        n_prompt = (n_characters + len(user.text)) // _CHARACTERS_PER_TOKEN + 3
        response = _response(call.call_id, call.time, reply.quoted, n_prompt,
                             len(reply.text) // _CHARACTERS_PER_TOKEN + 1)  # fmt: skip
    chain = _chain(rng, call.address)
    headers = f'"headers": {headers_json(device, chain, 2 + int(rng.random() * 8))}, '
    return _line(call.time, call.model, device.session, headers,
                 f"{earlier}{_message('user', user.quoted)}", response)  # fmt: skip


def _response(name: str, time: int, quoted: str, n_prompt: int, n_reply: int) -> str:
    message = f'"message": {_message("assistant", quoted)}, ' if quoted else ""
    return (
        f'{{"id": "{name}", "created": {time // SECOND}, {message}'
        f'"usage": {{"prompt_tokens": {n_prompt}, '
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


OWN_MARKER = "Yuntian test"
"""Stands in what the operators sent themselves; the config key release.linking.own_traffic."""
MALFORMED_REASONS = {
    "truncated": "unparsable-line", "no-headers": "no-headers", "null-headers": "no-headers",
    "system-first": "wrong-roles", "two-user-messages": "wrong-roles",
    "bad-address": "malformed-address", "no-reply": "unparsable-line",
    "own-traffic": "own-traffic",
}  # fmt: skip
"""Why linking drops a malformed line, by its kind."""


def malformed_line(
    rng: random.Random, kind: str, device: Device, address: str, time: int, model: str,
    exchange: Exchange,
) -> str:  # fmt: skip
    """Return a line from which no call can be read, or one that is not a user's."""
    user, reply = exchange.user.quoted, "" if kind == "no-reply" else exchange.reply.quoted
    chain = "unknown" if kind == "bad-address" else address
    headers = f'"headers": {headers_json(device, chain, 2)}, '
    if kind == "own-traffic":
        user = f'"{OWN_MARKER}: {user[1:]}'
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
                 _response(call_id(rng), time, reply, 10, 10))  # fmt: skip
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
