"""Rows of the simulated sets that have one row a conversation, in their native forms."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from wildpaper.acquire.simulation.native_author import LEAST_WORDS, Author, Said
from wildpaper.annotate.names import NO_LANGUAGE
from wildpaper.schema import MODERATION_CATEGORIES

_SHARE_WITH_INPUT = 0.4
_SHARE_WITH_CONTEXT = 0.3
_SHARE_CHATBOT_BEGINS = 0.1
_DOLLY_CATEGORIES = (
    "open_qa", "general_qa", "classification", "closed_qa", "brainstorming",
    "information_extraction", "summarization", "creative_writing",
)  # fmt: skip
_LMSYS_MODELS = (
    "vicuna-13b", "vicuna-33b", "koala-13b", "alpaca-13b", "chatglm-6b", "llama-2-13b-chat",
    "claude-1", "gpt-4",
)  # fmt: skip
_SPELLED = {
    "harassment_threatening": "harassment/threatening",
    "hate_threatening": "hate/threatening",
    "self_harm": "self-harm",
    "self_harm_instructions": "self-harm/instructions",
    "self_harm_intent": "self-harm/intent",
    "sexual_minors": "sexual/minors",
    "violence_graphic": "violence/graphic",
}
CATEGORY_NAMES = {name: _SPELLED.get(name, name) for name in MODERATION_CATEGORIES}
"""{our name: the one that LMSYS-Chat-1M uses}."""

Row = Any
"""A JSON value; `bytes` are written as they are."""


@dataclass(frozen=True, slots=True)
class Native:
    """How one set is written: a good row with what it says, and a bad row for each reason."""

    good: Callable[[Author], tuple[Row, list[Said]]]
    bad: dict[str, Callable[[Author], Row]]


def _alpaca(author: Author) -> tuple[Row, list[Said]]:
    language, topic = author.begin(1)
    prompt, extra = _prompt_in_two(author, language, topic, _SHARE_WITH_INPUT, 0.5)
    reply = author.say("assistant", language, topic)
    row = {"instruction": prompt.text, "input": extra, "output": reply.text}
    author.spoke(language, 1)
    return row, [_with_text(prompt, prompt.text + extra), reply]


def _dolly(author: Author) -> tuple[Row, list[Said]]:
    language, topic = author.begin(1)
    prompt, context = _prompt_in_two(author, language, topic, _SHARE_WITH_CONTEXT, 0.8)
    reply = author.say("assistant", language, topic)
    row = {
        "instruction": prompt.text,
        "context": context,
        "response": reply.text,
        "category": author.rng.choice(_DOLLY_CATEGORIES),
    }
    author.spoke(language, 1)
    joined = f"{context} {prompt.text}" if context else prompt.text
    return row, [_with_text(prompt, joined), reply]


def _prompt_in_two(
    author: Author, language: str, topic: int, share: float, part: float
) -> tuple[Said, str]:
    """Return (instruction, text that goes with it, empty for most)."""
    n_words = author.n_words("user")
    if author.rng.random() >= share or n_words < 2 * LEAST_WORDS:
        return author.say("user", language, topic, n_words), ""
    n_extra = max(round(part * n_words), LEAST_WORDS)
    prompt = author.say("user", language, topic, max(n_words - n_extra, LEAST_WORDS))
    # said by the same user, but planted with nothing: what is planted stands in the instruction
    return prompt, author.plain("user", language, topic, n_extra)


def _with_text(said: Said, text: str) -> Said:
    return Said(said.role, text, said.language, said.insult, said.moderation)


def _sharegpt(author: Author) -> tuple[Row, list[Said]]:
    n_turns = author.n_turns()
    language, topic = author.begin(n_turns)
    messages = author.exchange(n_turns, language, topic)
    if author.rng.random() < _SHARE_CHATBOT_BEGINS:
        messages.insert(0, author.say("assistant", language, topic))
    author.spoke(language, n_turns)
    return _shared(author, [(said.role, said.text) for said in messages]), messages


def _shared(author: Author, messages: list[tuple[str, Any]]) -> Row:
    names = {"user": "human", "assistant": "gpt"}
    listed = [{"from": names.get(role, role), "value": text} for role, text in messages]
    return {"id": f"{author.name(7)}_0", "conversations": listed}


def _lmsys(author: Author) -> tuple[Row, list[Said]]:
    n_turns = author.n_turns()
    language, topic = author.begin(n_turns)
    messages = author.exchange(n_turns, language, topic)
    author.spoke(language, n_turns)
    return _logged(author, language, messages), messages


def _logged(author: Author, language: str, messages: list[Said]) -> dict[str, Any]:
    return {
        "conversation_id": author.name(32),
        "model": author.rng.choice(_LMSYS_MODELS),
        "conversation": [{"content": said.text, "role": said.role} for said in messages],
        "turn": sum(said.role == "user" for said in messages),
        "language": language,
        "openai_moderation": [_answer(said) for said in messages],
        "redacted": author.rng.random() < 0.1,
    }


def _answer(said: Said) -> dict[str, Any]:
    """Return the moderation of a message; equal texts have equal answers."""
    noise = hashlib.sha256(said.text.encode()).digest()
    categories, scores = {}, {}
    for byte, (name, spelled) in zip(noise, CATEGORY_NAMES.items(), strict=False):
        categories[spelled] = name in said.moderation
        scores[spelled] = 0.5 + byte / 512 if categories[spelled] else byte / 10_240
    return {
        "categories": categories,
        "category_scores": scores,
        "flagged": any(categories.values()),
    }


def _bad_lmsys(author: Author, **columns: Any) -> Row:
    said = Said("user", author.aside(), NO_LANGUAGE)
    return {**_logged(author, "English", [said]), **columns}


def _instruction(author: Author, answer: str, **columns: Any) -> Row:
    row = {"instruction": author.aside(), answer: author.aside(), **columns}
    return {key: value for key, value in row.items() if value is not ...}


NATIVE = {
    "alpaca": Native(
        _alpaca,
        {
            "null-conversation": lambda _: None,
            "non-string-text": lambda a: _instruction(a, "output", output=None),
            "missing-field": lambda a: _instruction(a, "output", output=...),
            "not-a-record": lambda a: a.aside(),
        },
    ),
    "dolly": Native(
        _dolly,
        {
            "null-conversation": lambda _: None,
            "non-string-text": lambda a: _instruction(a, "response", response=7),
            "missing-field": lambda a: _instruction(a, "response", instruction=...),
            "unparsable-json": lambda _: b'{"instruction": ',
        },
    ),
    "sharegpt": Native(
        _sharegpt,
        {
            "null-conversation": lambda a: {**_shared(a, []), "conversations": None},
            "no-messages": lambda a: _shared(a, []),
            "unknown-role": lambda a: _shared(a, [("tool", a.aside())]),
            "non-string-text": lambda a: _shared(a, [("user", None)]),
        },
    ),
    "lmsys_chat_1m": Native(
        _lmsys,
        {
            "null-conversation": lambda a: _bad_lmsys(a, conversation=None),
            "no-messages": lambda a: _bad_lmsys(a, conversation=[], turn=0),
            "unknown-role": lambda a: _bad_lmsys(
                a, conversation=[{"content": a.aside(), "role": "moderator"}]
            ),
            "non-string-text": lambda a: _bad_lmsys(
                a, conversation=[{"content": None, "role": "user"}]
            ),
        },
    ),
}
"""All sets but Open Assistant, whose rows are messages of trees."""
