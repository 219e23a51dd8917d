"""Parts of a message that are not plain prose: lists, code, emoji, a clause in another language."""

from wildpaper.acquire.simulation.text_code import code_blocks, inline_code
from wildpaper.acquire.simulation.text_lexicon import LANGUAGES, lexicon_of, topic_of
from wildpaper.acquire.simulation.text_sentences import (
    Voice,
    first_sentences,
    heading,
    list_items,
    prose,
    statement,
)
from wildpaper.acquire.simulation.text_tables import Phrase, pick_within

_SECTION = 240
_SHARE_OF_LIST = 0.55
_SHARE_OF_CODE = 0.28
_SHARE_FOREIGN = 0.22
_SHORTEST_FOREIGN = 10
_EMOJI = "😀🎉👍🌻🚀🙏😅🔥🤔🌊🍞🐝🎻🏔📚🤖⚽🏰🌙🚲"
_PARAGRAPH = "\n\n"


def begin(voice: Voice, form: str, room: int) -> tuple[list[str], int]:
    """Return the first sentences of a message of some form, and their length."""
    if form == "code" and voice.category is None:
        lexicon = voice.lexicon
        table = lexicon.code_user if voice.is_user else lexicon.code_assistant
        lead = pick_within(voice.draw, table, room)
        if lead[1]:
            return [lead[0]], lead[1]
    return first_sentences(voice, room)


def section(voice: Voice, form: str, room: int) -> tuple[list[str], str]:
    """Return sentences and what follows them as a block of its own, `room` half words in all."""
    if form == "list":
        lines, used = list_items(voice, int(room * _SHARE_OF_LIST))
        return prose(voice, room - used), "\n".join(lines)
    if form == "code":
        block, used = pick_within(voice.draw, code_blocks(), int(room * _SHARE_OF_CODE))
        if not used and room >= 12:
            block, used = pick_within(voice.draw, inline_code(), 6)
        return prose(voice, room - used), block
    return prose(voice, room), ""


def further_sections(voice: Voice, form: str, room: int) -> str:
    """Return the rest of a long message: paragraphs, under headings where there are lists."""
    parts: list[str] = []
    while room > 0:
        size = min(room, int(_SECTION * (0.5 + voice.draw())))
        if room - size < _SECTION // 4:
            size = room
        room -= size
        if form == "list":
            title, used = heading(voice)
            parts.append(title)
            size -= used
        sentences, block = section(voice, form, size)
        parts.append(voice.lexicon.gap.join(sentences))
        if block:
            parts.append(block)
    return _PARAGRAPH.join(part for part in parts if part)


def with_emoji(voice: Voice, sentences: list[str], n: int) -> None:
    """Put `n` emoji behind sentences, in place."""
    draw = voice.draw
    for _ in range(n):
        at = int(draw() * len(sentences))
        sentences[at] += " " + _EMOJI[int(draw() * len(_EMOJI))]


def foreign_clause(voice: Voice, topic: int, room: int) -> Phrase:
    """Return a sentence in another language, a small part of `room`; empty if there is no room.

    It is in English, and in any other language where the message is in English.
    """
    room = int(room * _SHARE_FOREIGN)
    if room < _SHORTEST_FOREIGN:
        return "", 0
    language = "English"
    if voice.lexicon.language == language:
        language = LANGUAGES[1 + int(voice.draw() * (len(LANGUAGES) - 1))]
    other = Voice(voice.draw, lexicon_of(language), topic_of(language, topic), voice.is_user)
    text, size = statement(other, room)
    return (f"({text})", size) if size else ("", 0)
