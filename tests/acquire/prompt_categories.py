"""Categories of first prompts, read from the texts alone by the phrases that speak for them."""

import re
from functools import cache
from pathlib import Path

import yaml

LEXICON = Path(__file__).parents[2] / "data" / "simulation" / "lexicon" / "english.yaml"
_SLOTS = {"{x}": "@noun@", "{y}": "@noun@", "{n}": "@number@"}


@cache
def phrases() -> dict[str, list[str]]:
    """Return {category: its phrases, with their slots}."""
    found: dict[str, list[str]] = {}
    lines = yaml.safe_load(LEXICON.read_text(encoding="utf-8"))["categories"].splitlines()
    for category, _, phrase in (line.partition(" = ") for line in lines):
        found.setdefault(category, []).append(phrase)
    return found


@cache
def _patterns() -> dict[str, re.Pattern[str]]:
    topics = yaml.safe_load(LEXICON.read_text(encoding="utf-8"))["topics"]
    nouns = "|".join(re.escape(noun) for noun in re.split(r" / |\n", topics.strip().casefold()))
    patterns = {}
    for category, listed in phrases().items():
        ways = []
        for phrase in listed:
            for slot, mark in _SLOTS.items():
                phrase = phrase.replace(slot, mark)
            way = re.escape(phrase.casefold().rstrip("?."))
            ways.append(way.replace("@noun@", f"(?:{nouns})").replace("@number@", r"\d+"))
        patterns[category] = re.compile(rf"(?<!\S)(?:{'|'.join(ways)})(?=[.?!]|\Z|\s*\Z)")
    return patterns


def categories_of(text: str) -> list[str]:
    """Return the categories of which a phrase is in a text."""
    folded = text.casefold()
    return [category for category, pattern in _patterns().items() if pattern.search(folded)]
