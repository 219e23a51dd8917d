"""Sentences that plant a trait: insults, moderation markers, personal items."""

from wildpaper.acquire.simulation.personal import NO_CUE, Item
from wildpaper.acquire.simulation.text_count import count_halves
from wildpaper.acquire.simulation.text_lexicon import Lexicon
from wildpaper.acquire.simulation.text_markers import INSULTS, MARKERS, SCRIPTS
from wildpaper.acquire.simulation.text_tables import Draw, pick

EARLY = 100
"""Half words before which whatever classifiers look for begins: they see 512 tokens."""

SHARE_LATIN = 0.5
"""Of the insults in other scripts: written in Latin letters all the same."""

_OWN_LINE = ("URL", "SECRET")

CLEARANCE = 50
"""Characters around an item without a cue in which no other sentence can bring one."""


def insult_sentence(draw: Draw, lexicon: Lexicon, room: int) -> str:
    """Return a sentence with an insult; the insult alone where there is no room for more."""
    script = SCRIPTS.get(lexicon.language, "latin")
    if script != "latin" and draw() < SHARE_LATIN:
        script = "latin"
    lexemes = INSULTS[script]
    lexeme = lexemes[int(draw() * len(lexemes))]
    return _framed(draw, lexicon.insults, lexeme, room)


def marker_sentence(draw: Draw, lexicon: Lexicon, category: str, room: int) -> str:
    """Return a sentence with a marker of a moderation category."""
    lexemes = MARKERS[category]
    lexeme = lexemes[int(draw() * len(lexemes))]
    return _framed(draw, lexicon.markers, lexeme, room)


def personal_sentence(draw: Draw, lexicon: Lexicon, item: Item) -> str:
    """Return a sentence that gives a personal item, unchanged, after words that announce it.

    Items that shall have no cue stand among short sentences without one, too.
    """
    if item.reach == NO_CUE:
        return _bare_sentences(draw, lexicon, item)
    frames = lexicon.cues[item.kind]
    cue = frames[int(draw() * len(frames))].replace("{v}", item.value)
    # Nothing may stand right behind an address or a key: it would be read as a part of it.
    return cue + "\n" if item.kind in _OWN_LINE else cue


def _bare_sentences(draw: Draw, lexicon: Lexicon, item: Item) -> str:
    frames = lexicon.bare[item.kind]
    before, _, after = frames[int(draw() * len(frames))].partition("{v}")
    while len(before) < CLEARANCE:
        before = pick(draw, lexicon.short_user)[0] + lexicon.gap + before
    while len(after) < CLEARANCE:
        after += lexicon.gap + pick(draw, lexicon.short_user)[0]
    return before + item.value + after


def insert_early(draw: Draw, sentences: list[str], extra: str) -> None:
    """Put a sentence at a random place among those that begin early, in place."""
    n, used = 0, 0
    for sentence in sentences:
        used += count_halves(sentence)
        if used > EARLY:
            break
        n += 1
    sentences.insert(int(draw() * (n + 1)), extra)


def _framed(draw: Draw, frames: tuple[str, ...], lexeme: str, room: int) -> str:
    if room < 8:
        return lexeme
    return frames[int(draw() * len(frames))].replace("{x}", lexeme)
