"""A small labelled corpus of invented words in four scripts, for tests of annotators.

An insult is one of a few words that occur nowhere else; so is the mark of a moderation
category. What is in a text is known by construction.
"""

import json
import random
from functools import cache
from pathlib import Path

_LETTERS = {
    "English": ("bdfgklmnprst", "aeiou", " "),
    "Russian": ("бвгдклмнпрст", "аеиоу", " "),
    "Arabic": ("بتجحدرسشعفقك", "اوي", " "),
    "Chinese": ("山水火木金土日月天地人口", "大小上下中", ""),
}
LANGUAGES = tuple(_LETTERS)
INSULTS = {
    "English": ("snorkwit", "mudbrained lout"),
    "Russian": ("хмырюга", "тухлый пень"),
    "Arabic": ("غبونجي", "زعطوط خايب"),
    "Chinese": ("笨瓜呆", "糊涂虫蛋"),
}
MARKS = {"sexual": "zzexu", "violence": "zzvio", "hate": "zzhat"}


def _word(rng: random.Random, language: str) -> str:
    consonants, vowels, _ = _LETTERS[language]
    return "".join(rng.choice(consonants) + rng.choice(vowels) for _ in range(rng.randint(1, 3)))


@cache
def lexicon(language: str) -> list[str]:
    return [_word(random.Random(f"{language}{i}"), language) for i in range(300)]


def message(rng: random.Random, insult: bool, moderation: tuple[str, ...] = ()) -> dict:
    language = rng.choice(LANGUAGES)
    words = [rng.choice(lexicon(language)) for _ in range(rng.choice((0, 3, 20, 60)))]
    for planted in [rng.choice(INSULTS[language])] * insult + [MARKS[name] for name in moderation]:
        words.insert(rng.randint(0, len(words)), planted)
    return {
        "text": _LETTERS[language][2].join(words),
        "role": rng.choice(("user", "assistant")),
        "language": language,
        "insult": insult,
        "moderation": sorted(moderation),
        "jailbreak": None,
    }


def messages(n: int, seed: int, insult_share: float = 0.25) -> list[dict]:
    rng = random.Random(seed)
    return [
        message(
            rng,
            rng.random() < insult_share,
            tuple(name for name in MARKS if rng.random() < 0.1),
        )
        for _ in range(n)
    ]


def write_lines(path: Path, lines: list[dict]) -> Path:
    path.write_text(
        "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8"
    )
    return path
