"""Compose messages of a planted language, topic, length, form and toxicity.

Whoever calls decides what a message is; here is decided how it reads. Phrases and grammar
are this project's own (`data/simulation/lexicon/`).
"""

import random
from dataclasses import dataclass

from wildpaper.acquire.simulation.personal import Item, Personal
from wildpaper.acquire.simulation.text_bodies import (
    begin,
    foreign_clause,
    further_sections,
    section,
    with_emoji,
)
from wildpaper.acquire.simulation.text_count import count_halves, count_words
from wildpaper.acquire.simulation.text_extras import (
    insert_early,
    insult_sentence,
    marker_sentence,
    personal_sentence,
)
from wildpaper.acquire.simulation.text_lexicon import (
    LANGUAGES,
    N_TOPICS,
    PERSONAL_KINDS,
    lexicon_of,
    topic_of,
)
from wildpaper.acquire.simulation.text_markers import planted_in
from wildpaper.acquire.simulation.text_personas import DECOYS, JAILBREAK_FAMILIES
from wildpaper.acquire.simulation.text_prompts import passed_on
from wildpaper.acquire.simulation.text_sentences import Voice, shortest_fragment
from wildpaper.acquire.simulation.text_tables import NUMBER, Draw

__all__ = [
    "FORMS", "JAILBREAK_FAMILIES", "LANGUAGES", "N_TOPICS", "PERSONAL_KINDS", "Traits", "compose",
    "count_words", "planted_in", "sample_form",
]  # fmt: skip

FORMS = ("prose", "list", "code", "emoji", "mixed")
_CUMULATIVE = {
    "user": (0.72, 0.78, 0.88, 0.93, 1.0),
    "assistant": (0.60, 0.82, 0.95, 0.97, 1.0),
}
_LONG = 320
_SHARE_CARELESS = 0.2
CODING, SHARE_CODE = "coding", 0.6
"""A category of prompts, and how many of these hold code; no others do."""


@dataclass(frozen=True, slots=True)
class Traits:
    """What is planted in a message.

    Attributes
    ----------
    language : str
        One of `LANGUAGES`.
    role : {"user", "assistant"}
        Who speaks.
    n_words : int
        About how long, in the unit of `count_words`; 0 is the empty text, in which
        nothing is planted. Planted items are never left out, so that a short text with
        many of them is longer.
    topic : int
        0 to `N_TOPICS` - 1.
    insult : bool
        Whether an invented insult is in the text.
    moderation : tuple of str
        The categories of `wildpaper.schema.MODERATION_CATEGORIES` marked in the text.
    jailbreak : str, optional
        One of `JAILBREAK_FAMILIES`: the text is that family's prompt, which names its persona
        in the first sentence, whatever `n_words` and `form` are.
    form : str
        One of `FORMS`.
    personal : tuple of Item
        (kind, value, reach), kind one of `PERSONAL_KINDS`; values stand in the text unchanged.
    category : str, optional
        Category of prompts of which the first sentence of a user speaks; one that the language
        has phrases for.
    shared : str, optional
        One of `wildpaper.acquire.simulation.text_prompts.SHARED_PROMPTS`, as `jailbreak`.
    decoy : bool
        Whether an English sentence is in the text that only seems to name a persona.
    """

    language: str
    role: str
    n_words: int
    topic: int = 0
    insult: bool = False
    moderation: tuple[str, ...] = ()
    jailbreak: str | None = None
    form: str = "prose"
    personal: Personal = ()
    category: str | None = None
    shared: str | None = None
    decoy: bool = False


def sample_form(rng: random.Random, role: str, category: str | None = None) -> str:
    """Return a form at random: most prompts are prose, one reply in five has a list.

    Where a category is planted, code is in prompts on coding only.
    """
    at = rng.random()
    form = next(form for form, share in zip(FORMS, _CUMULATIVE[role], strict=True) if at < share)
    if category == CODING and rng.random() < SHARE_CODE:
        return "code"
    return "prose" if form == "code" and category is not None else form


def compose(rng: random.Random, traits: Traits) -> str:
    """Return a message with these traits.

    A pure function of the state of `rng` and of `traits`. Time is linear in the length.
    """
    if traits.n_words <= 0:
        return ""
    draw = rng.random
    lexicon = lexicon_of(traits.language)
    topic = topic_of(traits.language, traits.topic)
    voice = Voice(draw, lexicon, topic, traits.role == "user", traits.category)
    room = 2 * traits.n_words
    planted = traits.insult or traits.moderation or traits.personal or traits.decoy
    extras = _extras(voice, traits) if planted else []
    if planted:
        room -= sum(count_halves(extra) for extra, _ in extras)
    if name := traits.jailbreak or traits.shared:
        text = _joined(voice, passed_on(voice, name), extras)
    else:
        text = _written(voice, traits, room, extras) or shortest_fragment(voice)
    if NUMBER in text:
        text = _numbered(draw, text)
    if voice.is_user and not traits.personal and draw() < _SHARE_CARELESS:
        text = _careless(draw, text, traits.language)
    return text


def _written(voice: Voice, traits: Traits, room: int, extras: list[tuple[str, int]]) -> str:
    """Return the text: first sentences and extras, a block, further sections."""
    form = traits.form
    n_emoji = 1 + int(voice.draw() * room / 24) if form == "emoji" and room > 4 else 0
    foreign, foreign_size = (
        foreign_clause(voice, traits.topic, room) if form == "mixed" else ("", 0)
    )
    room -= 2 * n_emoji + foreign_size
    sentences, used = begin(voice, form, room)
    room -= used
    here = room if room < _LONG else int(_LONG * (0.3 + 0.6 * voice.draw()))
    more, block = section(voice, form, here)
    sentences += more
    if foreign:
        sentences.insert(1 + int(voice.draw() * len(sentences)), foreign)
    if n_emoji and sentences:
        with_emoji(voice, sentences, n_emoji)
    text = _joined(voice, sentences, extras)
    if traits.personal:
        text = text.replace("\n ", "\n").rstrip("\n")
    parts = [text, block, further_sections(voice, form, room - here) if room > here else ""]
    return "\n\n".join(part for part in parts if part)


def _joined(voice: Voice, sentences: list[str], extras: list[tuple[str, int]]) -> str:
    """Return sentences, with the extras where they may stand, as a text."""
    for extra, place in extras:
        if place == _ANYWHERE:
            sentences.insert(int(voice.draw() * (len(sentences) + 1)), extra)
        else:
            insert_early(voice.draw, sentences, extra)
    return voice.lexicon.gap.join(sentences)


_ANYWHERE, _EARLY = range(2)


def _extras(voice: Voice, traits: Traits) -> list[tuple[str, int]]:
    """Return the sentences that plant traits, each with where it may stand."""
    draw, lexicon = voice.draw, voice.lexicon
    room = 2 * traits.n_words
    extras = [
        (personal_sentence(draw, lexicon, Item(*item)), _ANYWHERE) for item in traits.personal
    ]
    if traits.decoy:
        extras.append((DECOYS[int(draw() * len(DECOYS))], _ANYWHERE))
    for category in traits.moderation:
        extras.append((marker_sentence(draw, lexicon, category, room), _EARLY))
    if traits.insult:
        extras.append((insult_sentence(draw, lexicon, room), _EARLY))
    return extras


def _numbered(draw: Draw, text: str) -> str:
    """Return a text with a number drawn for each place where one is wanted."""
    first, *rest = text.split(NUMBER)
    return first + "".join(f"{5 * int(2 + draw() * 198)}{piece}" for piece in rest)


def _careless(draw: Draw, text: str, language: str) -> str:
    """Return a text as typed in haste: no capitals, no stop, or too many."""
    kind = draw()
    if kind < 0.4:
        return text.lower() if language != "Turkish" else text
    if kind < 0.7:
        return text.rstrip(".。")
    return text + ("!" if text[-1] in "!！" else text[-1] if text[-1] in "?？." else "")
