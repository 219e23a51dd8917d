"""Sentences of one language about one topic, and prose of a given length made of them."""

from dataclasses import dataclass

from wildpaper.acquire.simulation.text_lexicon import Lexicon, Topic
from wildpaper.acquire.simulation.text_tables import (
    Draw,
    Phrase,
    Table,
    pick,
    pick_near,
    pick_within,
)

_SHARE_TAIL = 0.6
_SHARE_CONNECTIVE = 0.35
_SHARE_STANDING = 0.3
_ROOM_FOR_OPENING = 36


@dataclass(frozen=True, slots=True)
class Voice:
    """Who speaks: the source of chance, the language, the topic, the role.

    A user may have a category of prompts to begin with.
    """

    draw: Draw
    lexicon: Lexicon
    topic: Topic
    is_user: bool
    category: str | None = None


def capitalised(text: str, language: str) -> str:
    """Return a text with its first character in upper case, as the language has it."""
    head = text[:1]
    if head == "i" and language == "Turkish":
        return "İ" + text[1:]
    return head.upper() + text[1:]


def statement(voice: Voice, room: int) -> Phrase:
    """Return a sentence on the topic: a clause and, where they fit, adverbials, connectives."""
    draw, lexicon = voice.draw, voice.lexicon
    text, size = pick_within(draw, voice.topic.clauses, room)
    if not size:
        return "", 0
    if draw() < _SHARE_TAIL:
        tail, extra = pick_within(draw, lexicon.tails, room - size)
        text = tail + text if lexicon.tail_first else text + tail
        size += extra
    if draw() < _SHARE_CONNECTIVE:
        connective, extra = pick_within(draw, lexicon.connectives, room - size)
        text = connective + text
        size += extra
    return capitalised(text, lexicon.language) + lexicon.stop, size


def request(voice: Voice, room: int) -> Phrase:
    """Return what a user wants: a task, a question, or a doubt about a statement."""
    draw, lexicon, topic = voice.draw, voice.lexicon, voice.topic
    kind = draw()
    if kind < 0.25:
        question = pick_within(draw, topic.questions, room)
        if question[1]:
            return question
    elif kind < 0.4:
        before, after, extra = lexicon.doubts[int(draw() * len(lexicon.doubts))]
        clause, size = pick_within(draw, topic.clauses, room - extra)
        if size:
            return capitalised(before + clause + after, lexicon.language), size + extra
    text, size = pick_within(draw, topic.requests, room)
    if size and draw() < 0.7:
        manner, extra = pick_within(draw, lexicon.manners, room - size)
        text = manner + text if lexicon.tail_first else text + manner
        size += extra
    return (capitalised(text, lexicon.language) + lexicon.stop, size) if size else ("", 0)


def prompt(voice: Voice, category: str, room: int) -> Phrase:
    """Return what a user wants who writes a prompt of some category.

    Each way to ask that fits is as likely; where none does, it is one of the shortest.
    """
    tables = voice.topic.prompts[category]
    room = max(room, min(table.shortest for table in tables))
    fitting = [table for table in tables if table.shortest <= room]
    return pick_within(voice.draw, fitting[int(voice.draw() * len(fitting))], room)


def fragment(voice: Voice, room: int) -> Phrase:
    """Return a short sentence without topic, of just `room` half words if there is one."""
    return pick_near(voice.draw, _fragments(voice), room)


def shortest_fragment(voice: Voice) -> str:
    """Return one of the shortest sentences that there are: what is said where nothing fits."""
    fragments = _fragments(voice)
    return pick_near(voice.draw, fragments, fragments.shortest)[0]


def _fragments(voice: Voice) -> Table:
    return voice.lexicon.short_user if voice.is_user else voice.lexicon.short_assistant


def first_sentences(voice: Voice, room: int) -> tuple[list[str], int]:
    """Return how a message begins, with the length of it: a request or an opening."""
    draw, lexicon = voice.draw, voice.lexicon
    sentences: list[str] = []
    used = 0
    if voice.is_user:
        if voice.category is None:
            text, size = request(voice, room)
        else:
            text, size = prompt(voice, voice.category, room)
        if size and draw() < 0.3 and room - size > 3:
            greeting, used = pick_within(draw, lexicon.greetings, room - size)
            sentences += [greeting] if used else []
    elif room > _ROOM_FOR_OPENING or draw() < 0.2:
        text, size = pick_within(draw, voice.topic.openings, room)
    else:
        return [], 0
    return ([*sentences, text], used + size) if size else ([], 0)


def prose(voice: Voice, room: int) -> list[str]:
    """Return sentences on the topic that fill `room` half words, the last one short."""
    draw, lexicon = voice.draw, voice.lexicon
    standing = lexicon.details if voice.is_user else lexicon.remarks
    shortest = voice.topic.clauses.shortest
    sentences: list[str] = []
    while room >= shortest:
        if draw() < _SHARE_STANDING:
            text, size = pick_within(draw, standing, room)
        else:
            text, size = statement(voice, room)
        if not size:
            text, size = statement(voice, room)
        sentences.append(text)
        room -= size
    while room > 1:
        text, size = fragment(voice, room)
        if not size:
            break
        sentences.append(text)
        room -= size
    return sentences


def list_items(voice: Voice, room: int) -> tuple[list[str], int]:
    """Return the lines of a list that fill `room` half words, and their length."""
    draw, lexicon = voice.draw, voice.lexicon
    numbered, bold = draw() < 0.5, draw() < 0.3
    lines: list[str] = []
    used = 0
    while used + 6 <= room and len(lines) < 12:
        table = lexicon.items if draw() < 0.5 else voice.topic.clauses
        text, size = pick_within(draw, table, room - used - 2)
        if not size:
            break
        text = capitalised(text, lexicon.language)
        mark = f"{len(lines) + 1}." if numbered else "-"
        lines.append(f"{mark} **{text}**" if bold and not lines else f"{mark} {text}")
        used += size + 2
    return lines, used


def heading(voice: Voice) -> Phrase:
    """Return a markdown heading and its length."""
    text, size = pick(voice.draw, voice.lexicon.headings)
    return f"## {text}", size + 2
