"""Labelled messages beside the logs: to train a classifier, and to measure its errors."""

import json
import random
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from wildpaper.acquire.simulation.compose import Traits, sample_form
from wildpaper.acquire.simulation.dialogue import CATEGORISED, Speech
from wildpaper.acquire.simulation.personal import SHARE as PERSONAL_SHARE
from wildpaper.acquire.simulation.personal import Personal, draw_personal, redacted
from wildpaper.acquire.simulation.personal_messages import compose_personal
from wildpaper.acquire.simulation.schedule import JUNE_UPDATE
from wildpaper.acquire.simulation.streams import LABELLED, PROMPT, Choice, stream
from wildpaper.acquire.simulation.targets import Targets
from wildpaper.files import atomic_path
from wildpaper.progress import Progress
from wildpaper.schema import MODERATION_CATEGORIES

INSULTS = {"train": 0.35, "assess": 0.30}
"""Share of messages with an insult, far above that of the logs: errors are rates within a
class, and rates need members of both."""
MODERATED = 0.20
JAILBREAKS = 0.02
LEAST_PROMPTS = 600
"""First prompts that measure errors, at least; twice as many train."""
PROMPTS_PER_MESSAGE = 1 / 5
SHARE_REDACTED = 0.5


def write_labelled(path: Path, part: str, n: int, speech: Speech, targets: Targets,
                   seed: int) -> None:  # fmt: skip
    """Write `n` messages with their labels, one JSON object a line.

    Length, form and the rest are distributed as in the logs, languages too in the part
    that measures errors. `part` is
    ``"train"`` or ``"assess"``; each message has a stream of its own, so that the parts
    share nothing.
    """
    languages = Choice(_shares(part, targets.languages).items())
    families = _families(targets)
    progress = Progress(f"labelled messages, {part}", n, "messages")

    def records() -> Iterable[dict[str, Any]]:
        for i in range(n):
            rng = stream(seed, LABELLED, i, list(INSULTS).index(part))
            traits = _traits(rng, INSULTS[part], speech, languages, families)
            yield _record(compose_personal(rng, traits), traits)
            progress.advance(1)

    _write(path, records())


def write_prompts(
    train: Path, assess: Path, n: int, length_scale: float, targets: Targets, seed: int
) -> None:
    """Write first prompts in English with their categories, one JSON object a line.

    Half of them are as the logs hold them, half as they are after redaction; no text is in
    both files. Categories are distributed as in the logs, in training half evenly.

    Parameters
    ----------
    train, assess : Path
        To write.
    n : int
        Messages that measure errors (`write_labelled`): a fifth as many prompts do, but not
        fewer than `LEAST_PROMPTS`, and twice as many train.
    length_scale, targets, seed
        As of the logs.
    """
    n = max(round(n * PROMPTS_PER_MESSAGE), LEAST_PROMPTS)
    families = _families(targets)
    trained = set[str]()
    for part, path, n_part in (("train", train, 2 * n), ("assess", assess, n)):
        shares = _shares(part, targets.categories)
        speech = Speech(replace(targets, categories=shares), length_scale)
        found = []
        for i in range(n_part):
            rng = stream(seed, PROMPT, i, list(INSULTS).index(part))
            found.append(_prompt(rng, speech, families, trained))
        _write(path, found)
        trained |= {prompt["text"] for prompt in found}


def _prompt(
    rng: random.Random, speech: Speech, families: Choice, taken: set[str]
) -> dict[str, Any]:
    """Return a prompt whose text is not taken; how often texts recur sways no category."""
    others = Choice([(CATEGORISED, 1.0)])
    hide, category = rng.random() < SHARE_REDACTED, None
    while True:
        topic = speech.topic(rng, CATEGORISED, 1.0, JUNE_UPDATE, others)
        family = families.draw(rng) if rng.random() < JAILBREAKS else None
        message = speech.user(rng, topic, True, family)
        text = redacted(message.text, message.personal) if hide else message.text
        category = category or message.category
        if text and message.category == category and text not in taken:
            return {"text": text, "category": category}


def _write(path: Path, records: Iterable[dict[str, Any]]) -> None:
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as out:
        for record in records:
            out.write(json.dumps(record, ensure_ascii=False) + "\n")


def _families(targets: Targets) -> Choice:
    return Choice((name, target.per_turn) for name, target in targets.jailbreaks.items())


def _shares(part: str, shares: Mapping[str, float]) -> dict[str, float]:
    """Return shares as they are; half even in training, so that what is rare is learnt."""
    if part == "train":
        return {name: (share + 1 / len(shares)) / 2 for name, share in shares.items()}
    return dict(shares)


def _traits(
    rng: random.Random, insults: float, speech: Speech, languages: Choice, families: Choice
) -> Traits:
    language = languages.draw(rng)
    role = "user" if rng.random() < 0.5 else "assistant"
    jailbreak = None
    personal: Personal = ()
    if role == "user" and rng.random() < JAILBREAKS:
        jailbreak = families.draw(rng)
    elif role == "user" and rng.random() < PERSONAL_SHARE:
        personal = draw_personal(rng, language)
    insult = rng.random() < insults
    moderation = speech.categories(rng) if rng.random() < MODERATED else ()
    return Traits(
        language, role, speech.length(rng, "user" if role == "user" else "chatbot"),
        speech.subject(rng), insult, moderation, jailbreak, sample_form(rng, role), personal,
    )  # fmt: skip


def _record(text: str, traits: Traits) -> dict[str, Any]:
    return {
        "text": text,
        "role": traits.role,
        "language": traits.language,
        "insult": traits.insult,
        "moderation": [name for name in MODERATION_CATEGORIES if name in traits.moderation],
        "jailbreak": traits.jailbreak,
    }
