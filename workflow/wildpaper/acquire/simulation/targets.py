"""What the simulated study aims at: marginals read from ``data/published.yaml``.

What the paper prints is read, never typed again. What it does not print, the shape
beyond a share, stands here as a named constant.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from wildpaper.errors import WildpaperError
from wildpaper.yaml_text import parse_yaml

OTHER_LANGUAGES = {
    "Portuguese": 0.22, "Italian": 0.15, "Arabic": 0.14, "Turkish": 0.12,
    "Vietnamese": 0.11, "Japanese": 0.10, "Korean": 0.08, "Polish": 0.08,
}  # fmt: skip
"""How Table 5's `other` is spread; the paper prints only the sum."""

MODELS = {
    "3.5-turbo-0301": "gpt-3.5-turbo-0301", "3.5-turbo-0613": "gpt-3.5-turbo-0613",
    "3.5-turbo-0125": "gpt-3.5-turbo-0125", "4-0314": "gpt-4-0314",
    "4-1106-preview": "gpt-4-1106-preview", "4-0125-preview": "gpt-4-0125-preview",
}  # fmt: skip
"""Names in the ids of Table 2, and in the log."""

OTHER_CATEGORY = "other"
"""Of prompts that belong to no category of Table 4."""

JAILBREAK_RAISE = 4.0
"""Jailbreak prompts are so many times as frequent as in Table 8 in runs of up to
`JAILBREAK_RAISE_UP_TO` conversations, so that each family occurs; larger runs raise them less."""
JAILBREAK_RAISE_UP_TO = 50_000


@dataclass(frozen=True)
class Joint:
    """How often a message has an insult only, moderation categories only, or both."""

    insult_only: float
    moderation_only: float
    both: float

    @property
    def either(self) -> float:
        """Probability that the message is toxic."""
        return self.insult_only + self.moderation_only + self.both


@dataclass(frozen=True)
class Jailbreak:
    """One family: occurrences a turn, users an occurrence, share of successes."""

    per_turn: float
    users_share: float
    success: float


@dataclass(frozen=True)
class Targets:
    """Shares are fractions; lengths are Llama-2 tokens."""

    values: dict[str, Any]
    turns_mean: float
    multi_turn: float
    more_than_10: float
    conversations_per_user: float
    wildbench: float
    tokens: dict[str, tuple[float, float]]
    countries: dict[str, float]
    languages: dict[str, float]
    models: dict[str, float]
    toxicity: dict[str, Joint]
    sexual: float
    jailbreaks: dict[str, Jailbreak]
    categories: dict[str, float]
    minimum_prompts: int

    def numbers(self) -> dict[str, float]:
        """Return the published values that are numbers, by claim id."""
        return {name: value for name, value in self.values.items() if _is_number(value)}


def read_targets(published: Path) -> Targets:
    """Read the targets.

    Raises
    ------
    WildpaperError
        If the file cannot be read or lacks a value.
    """
    try:
        claims = parse_yaml(published.read_text(encoding="utf-8"))["claims"]
        values = {claim["id"]: claim["value"] for claim in claims}
        return _targets(values)
    except (OSError, yaml.YAMLError, TypeError, KeyError) as error:
        raise WildpaperError(
            f"The simulator needs a published value that is not there: {error}",
            where=str(published),
            hint="Restore data/published.yaml from the repository.",
        ) from error


def _targets(values: dict[str, Any]) -> Targets:
    percent = {name: value / 100 for name, value in values.items() if _is_number(value)}
    conversations = values["collection.conversations-released"]
    return Targets(
        values=values,
        turns_mean=values["table-01.wildchat.turns-per-conversation"],
        multi_turn=percent["turns.multi-turn-share"],
        more_than_10=percent["turns.more-than-10-share"],
        conversations_per_user=conversations / values["collection.users"],
        wildbench=values["collection.conversations-wildbench"]
        / values["collection.conversations-linked"],
        tokens={
            role: (values[f"table-01.wildchat.{role}-tokens-mean"],
                   values[f"table-01.wildchat.{role}-tokens-std"])
            for role in ("user", "chatbot")
        },
        countries=_below("table-03.", percent),
        languages=_languages(percent),
        models={MODELS[name]: share for name, share in _below("table-02.", percent).items()},
        toxicity={role: _joint(role, percent) for role in ("user", "chatbot")},
        sexual=percent["toxicity.sexual-share"],
        jailbreaks=_jailbreaks(values),
        categories=_categories(percent),
        minimum_prompts=values["languages.minimum-prompts"],
    )  # fmt: skip


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def _below(prefix: str, values: dict[str, float]) -> dict[str, float]:
    return {name.removeprefix(prefix): x for name, x in values.items() if name.startswith(prefix)}


def _languages(percent: dict[str, float]) -> dict[str, float]:
    printed = _below("table-05.wildchat.", percent)
    other = printed.pop("other")
    shares = {name.title(): share for name, share in printed.items()}
    shares |= {name: other * share for name, share in OTHER_LANGUAGES.items()}
    total = sum(shares.values())
    return {name: share / total for name, share in shares.items()}


def _categories(percent: dict[str, float]) -> dict[str, float]:
    """Return the shares of Table 4; what it does not print is `OTHER_CATEGORY`."""
    printed = _below("table-04.", percent)
    return printed | {OTHER_CATEGORY: 1 - sum(printed.values())}


def _joint(role: str, percent: dict[str, float]) -> Joint:
    insult, moderation, both = (
        percent[f"table-06.{role}.{kind}"] for kind in ("detoxify", "moderation", "both")
    )
    return Joint(insult - both, moderation - both, both)


def _jailbreaks(values: dict[str, Any]) -> dict[str, Jailbreak]:
    turns = values["collection.turns-released"]
    found = {}
    for name in values:
        if name.startswith("table-08.") and name.endswith(".occurrences"):
            family = name.split(".")[1]
            occurrences = values[name]
            found[family] = Jailbreak(
                occurrences / turns,
                values[f"table-08.{family}.users"] / occurrences,
                values[f"table-08.{family}.success"] / 100,
            )
    return found


def jailbreak_raise(n_conversations: int) -> float:
    """Return how many times Table 8's rate jailbreak prompts have in a run of this size."""
    return max(1.0, min(JAILBREAK_RAISE, JAILBREAK_RAISE * JAILBREAK_RAISE_UP_TO / n_conversations))
