"""The phrases of each language, read from `data/simulation/lexicon/`, as tables."""

from dataclasses import dataclass
from functools import cache
from itertools import permutations
from pathlib import Path

import yaml

from wildpaper.acquire.simulation.text_count import count_halves
from wildpaper.acquire.simulation.text_tables import NUMBER, Table, make_table
from wildpaper.errors import WildpaperError
from wildpaper.yaml_text import parse_yaml

LEXICON = Path(__file__).resolve().parents[4] / "data" / "simulation" / "lexicon"
LANGUAGES = (
    "English", "Chinese", "Russian", "French", "Spanish", "German", "Portuguese", "Italian",
    "Turkish", "Arabic", "Japanese", "Korean", "Polish", "Vietnamese",
)  # fmt: skip
N_TOPICS = 24
PERSONAL_KINDS = (
    "PERSON", "EMAIL_ADDRESS", "PHONE_NUMBER", "CREDIT_CARD", "URL", "SECRET",
)  # fmt: skip

_UNSPACED = ("Chinese", "Japanese")
_TAKEN_WHOLE = ("order", "comma", "stop", "subject")
_LISTS = (
    "topics", "predicates", "adverbials", "reasons", "connectives", "greetings", "requests",
    "manners", "questions", "doubts", "details", "openings", "remarks", "short_user",
    "short_assistant", "headings", "items", "code_user", "code_assistant", "personas", "insults",
    "markers", "cues", "bare",
)  # fmt: skip
_SOME_LANGUAGES = "categories"


@dataclass(frozen=True, slots=True)
class Lexicon:
    """What a language says whatever the topic.

    Attributes
    ----------
    gap : str
        Between sentences: a blank, or nothing.
    stop : str
        Ends a sentence.
    tail_first : bool
        Whether adverbials, reasons and manners stand before the clause.
    tails, manners : Table
        Carry the blanks and commas that join them to the clause.
    doubts : tuple of (str, str, int)
        What stands before and after a clause that is asked about, and its length.
    personas, insults, markers : tuple of str
        Sentences with one ``{x}``.
    cues, bare : dict of str to tuple of str
        By kind of personal item, sentences with one ``{v}``: with a word that announces it, and
        without.
    """

    language: str
    gap: str
    stop: str
    tail_first: bool
    connectives: Table
    tails: Table
    manners: Table
    greetings: Table
    doubts: tuple[tuple[str, str, int], ...]
    details: Table
    remarks: Table
    short_user: Table
    short_assistant: Table
    headings: Table
    items: Table
    code_user: Table
    code_assistant: Table
    personas: tuple[str, ...]
    insults: tuple[str, ...]
    markers: tuple[str, ...]
    cues: dict[str, tuple[str, ...]]
    bare: dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Topic:
    """What a language says about one topic.

    Attributes
    ----------
    clauses, requests, questions, openings : Table
        What is said of it, asked of it, and answered.
    prompts : dict of str to tuple of Table
        By category of prompts, a table for each way to ask; empty in most languages.
    """

    clauses: Table
    requests: Table
    questions: Table
    openings: Table
    prompts: dict[str, tuple[Table, ...]]


@cache
def read_phrases(language: str) -> dict[str, list[str]]:
    """Return the phrases of a language by key, as they stand in its file.

    Raises
    ------
    WildpaperError
        If the file is absent, lacks a key, or does not have `N_TOPICS` topics.
    """
    path = LEXICON / f"{language.lower()}.yaml"
    try:
        raw = parse_yaml(path.read_text(encoding="utf-8"))
    except (OSError, yaml.YAMLError) as error:
        raise WildpaperError(f"No phrases of {language}: {error}", where=str(path)) from error
    missing = [key for key in (*_TAKEN_WHOLE, *_LISTS) if key not in raw]
    if missing:
        raise WildpaperError(f"Phrases of {language} lack the keys {missing}", where=str(path))
    phrases = {key: [str(raw[key])] for key in _TAKEN_WHOLE}
    for key in (*_LISTS, _SOME_LANGUAGES):
        lines = raw.get(key, "").splitlines()
        phrases[key] = [line.replace("{n}", NUMBER) for line in lines if line]
    if len(phrases["topics"]) != N_TOPICS:
        raise WildpaperError(
            f"{language} has {len(phrases['topics'])} topics and must have {N_TOPICS}",
            where=f"{path}, key topics",
        )
    return phrases


@cache
def lexicon_of(language: str) -> Lexicon:
    """Return the phrases of a language that belong to no topic."""
    phrases = read_phrases(language)
    gap = "" if language in _UNSPACED else " "
    tail_first = phrases["order"][0] == "front"
    return Lexicon(
        language=language,
        gap=gap,
        stop=phrases["stop"][0],
        tail_first=tail_first,
        connectives=make_table(line + gap for line in phrases["connectives"]),
        tails=make_table(_tails(phrases, gap, tail_first)),
        manners=make_table(
            manner + gap if tail_first else gap + manner for manner in phrases["manners"]
        ),
        greetings=make_table(phrases["greetings"]),
        doubts=tuple(_around(line) for line in phrases["doubts"]),
        details=make_table(phrases["details"]),
        remarks=make_table(phrases["remarks"]),
        short_user=make_table(phrases["short_user"]),
        short_assistant=make_table(phrases["short_assistant"]),
        headings=make_table(phrases["headings"]),
        items=make_table(phrases["items"]),
        code_user=make_table(phrases["code_user"]),
        code_assistant=make_table(phrases["code_assistant"]),
        personas=tuple(phrases["personas"]),
        insults=tuple(phrases["insults"]),
        markers=tuple(phrases["markers"]),
        cues=_by_kind(phrases["cues"]),
        bare=_by_kind(phrases["bare"]),
    )


def _by_kind(lines: list[str]) -> dict[str, tuple[str, ...]]:
    """Return the sentences of lines ``KIND = sentence``."""
    found: dict[str, tuple[str, ...]] = {}
    for kind, _, sentence in (line.partition(" = ") for line in lines):
        found[kind] = (*found.get(kind, ()), sentence)
    return found


def _around(frame: str) -> tuple[str, str, int]:
    before, _, after = frame.partition("{c}")
    # The clause stands for no word of its own, its neighbours must stay the words they are.
    return before, after, count_halves(before) + count_halves(after.lstrip(".,?!؟،"))


def _tails(phrases: dict[str, list[str]], gap: str, tail_first: bool) -> list[str]:
    """Return what can be added to a clause: an adverbial, a reason, or both."""
    comma = phrases["comma"][0]
    adverbials, reasons = phrases["adverbials"], phrases["reasons"]
    if tail_first:
        adverbials = [adverbial + gap for adverbial in adverbials]
        reasons = [reason + comma for reason in reasons]
        return [*adverbials, *reasons, *(r + a for r in reasons for a in adverbials)]
    adverbials = [gap + adverbial for adverbial in adverbials]
    reasons = [comma + reason for reason in reasons]
    return [*adverbials, *reasons, *(a + r for a in adverbials for r in reasons)]


@cache
def topic_of(language: str, topic: int) -> Topic:
    """Return what a language says about topic number `topic`."""
    phrases = read_phrases(language)
    gap = "" if language in _UNSPACED else " "
    nouns = phrases["topics"][topic].split(" / ")
    subject, stop = phrases["subject"][0], phrases["stop"][0]
    subjects = [_with_particle(subject.replace("{x}", noun)) for noun in nouns]
    return Topic(
        clauses=make_table(s + gap + p for s in subjects for p in phrases["predicates"]),
        requests=make_table(_filled(phrases["requests"], nouns)),
        questions=make_table(_filled(phrases["questions"], nouns)),
        openings=make_table(_filled(phrases["openings"], nouns)),
        prompts={
            category: tuple(make_table(_filled([ended(one, stop)], nouns)) for one in prompts)
            for category, prompts in _by_kind(phrases[_SOME_LANGUAGES]).items()
        },
    )


def ended(phrase: str, stop: str) -> str:
    """Return a phrase with a stop, unless it ends with a mark of its own."""
    return phrase if phrase[-1] in "?!" else phrase + stop


def _filled(templates: list[str], nouns: list[str]) -> list[str]:
    """Return each template with each noun, or with each pair of two different ones."""
    return [
        _with_particle(template.replace("{x}", one).replace("{y}", other))
        for template in templates
        for one, other in (
            permutations(nouns, 2) if "{y}" in template else ((noun, "") for noun in nouns)
        )
    ]


def _with_particle(text: str) -> str:
    """Return a Korean text with each ``(un)``-like choice made by the sound before it."""
    for choice, (closed, opened) in _PARTICLES.items():
        while choice in text:
            before, after = text.split(choice, 1)
            ends_closed = (ord(before[-1]) - 0xAC00) % 28 != 0
            text = before + (closed if ends_closed else opened) + after
    return text


_PARTICLES = {"은(는)": ("은", "는"), "이(가)": ("이", "가"), "을(를)": ("을", "를"),
              "와(과)": ("과", "와")}  # fmt: skip
