"""Long prompts that users pass on to each other, each with small changes of its own.

Two uses of a prompt share most of their text, as with the jailbreak prompts that circulate.
"""

import random
from functools import cache

from wildpaper.acquire.simulation.text_count import count_halves
from wildpaper.acquire.simulation.text_lexicon import N_TOPICS, lexicon_of, topic_of
from wildpaper.acquire.simulation.text_personas import PERSONAS, persona_name
from wildpaper.acquire.simulation.text_sentences import (
    Voice,
    fragment,
    prompt,
    prose,
    request,
)
from wildpaper.acquire.simulation.text_tables import NUMBER

SHARED_PROMPTS = ("shared-a", "shared-b")
"""Prompts that many users pass on and that ask for no persona."""

PASSED_ON_WORDS = 180
"""Of a prompt that is passed on, without what its user asks for; no scale of lengths cuts it."""
REQUEST_WORDS = 6
MOST_LEFT_OUT = 1
"""Words that a user leaves out, at most."""


@cache
def base_prompt(language: str, name: str) -> tuple[str, ...]:
    """Return the sentences of a prompt; a persona stands as ``{x}`` in the first.

    Parameters
    ----------
    language : str
        One of `wildpaper.acquire.simulation.text_lexicon.LANGUAGES`.
    name : str
        A jailbreak family or one of `SHARED_PROMPTS`.
    """
    draw = random.Random(f"{name} {language}").random  # noqa: S311 - no secret depends on it
    lexicon = lexicon_of(language)
    voice = Voice(draw, lexicon, topic_of(language, int(draw() * N_TOPICS)), True)
    sentences: list[str] = []
    if name in PERSONAS:
        sentences.append(lexicon.personas[int(draw() * len(lexicon.personas))])
    sentences += prose(voice, 2 * PASSED_ON_WORDS - sum(map(count_halves, sentences)))
    return tuple(sentence.replace(NUMBER, str(5 * int(2 + draw() * 198))) for sentence in sentences)


def passed_on(voice: Voice, name: str) -> list[str]:
    """Return the sentences of a prompt as one user sends it.

    What is asked for stands behind the persona: what sorts prompts reads their beginning.
    """
    draw, language = voice.draw, voice.lexicon.language
    sentences = list(base_prompt(language, name))
    asked = 1 if name in PERSONAS else 0
    for _ in range(int(draw() * (MOST_LEFT_OUT + 1))):
        at = asked + int(draw() * (len(sentences) - asked))
        words = sentences[at].split(" ")
        if len(words) > 3:
            del words[1 + int(draw() * (len(words) - 2))]
        sentences[at] = " ".join(words)
    if asked:
        sentences[0] = sentences[0].replace("{x}", persona_name(draw, name))
    sentences.insert(asked, _asked_for(voice))
    return sentences


def _asked_for(voice: Voice) -> str:
    room = 2 * REQUEST_WORDS
    if voice.category is not None:
        return prompt(voice, voice.category, room)[0]
    return request(voice, room)[0] or fragment(voice, room)[0]
