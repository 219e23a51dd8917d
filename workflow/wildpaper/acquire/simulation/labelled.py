"""Labelled messages beside the logs: to train a classifier, and to measure its errors."""

import json
import random
from pathlib import Path

from wildpaper.acquire.simulation.compose import Traits, sample_form
from wildpaper.acquire.simulation.dialogue import Speech
from wildpaper.acquire.simulation.personal import SHARE as PERSONAL_SHARE
from wildpaper.acquire.simulation.personal import Personal, draw_personal
from wildpaper.acquire.simulation.personal_messages import compose_personal
from wildpaper.acquire.simulation.streams import LABELLED, Choice, stream
from wildpaper.acquire.simulation.targets import Targets
from wildpaper.files import atomic_path
from wildpaper.progress import Progress
from wildpaper.schema import MODERATION_CATEGORIES

INSULTS = {"train": 0.35, "assess": 0.30}
"""Share of messages with an insult, far above that of the logs: errors are rates within a
class, and rates need members of both."""
MODERATED = 0.20
JAILBREAKS = 0.02


def write_labelled(path: Path, part: str, n: int, speech: Speech, targets: Targets,
                   seed: int) -> None:  # fmt: skip
    """Write `n` messages with their labels, one JSON object a line.

    Length, form and the rest are distributed as in the logs, languages too in the part
    that measures errors. `part` is
    ``"train"`` or ``"assess"``; each message has a stream of its own, so that the parts
    share nothing.
    """
    languages = Choice(_shares(part, targets).items())
    families = Choice((name, target.per_turn) for name, target in targets.jailbreaks.items())
    progress = Progress(f"labelled messages, {part}", n, "messages")
    with atomic_path(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as out:
        for i in range(n):
            rng = stream(seed, LABELLED, i, list(INSULTS).index(part))
            traits = _traits(rng, INSULTS[part], speech, languages, families)
            out.write(_line(compose_personal(rng, traits), traits))
            progress.advance(1)


def _shares(part: str, targets: Targets) -> dict[str, float]:
    """Return the shares of languages: half even in training, so that rare ones are learnt."""
    shares = dict(targets.languages)
    if part == "train":
        return {name: (share + 1 / len(shares)) / 2 for name, share in shares.items()}
    return shares


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


def _line(text: str, traits: Traits) -> str:
    record = {
        "text": text,
        "role": traits.role,
        "language": traits.language,
        "insult": traits.insult,
        "moderation": [name for name in MODERATION_CATEGORIES if name in traits.moderation],
        "jailbreak": traits.jailbreak,
    }
    return json.dumps(record, ensure_ascii=False) + "\n"
