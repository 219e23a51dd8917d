"""Who writes the simulated comparison sets: lengths, languages and toxicity as published.

Shares are met by always taking what lags behind most, so that a set of a few hundred
conversations has the published shape, too.
"""

import math
import random
from dataclasses import dataclass

from wildpaper.acquire.simulation.compose import N_TOPICS, Traits, compose, sample_form
from wildpaper.acquire.simulation.targets import OTHER_LANGUAGES
from wildpaper.annotate.names import NO_LANGUAGE

WORDS_PER_TOKEN = 0.75
LEAST_WORDS = 2
"""Of a text that is not empty: a single word hardly shows its language."""
ROLES = {"user": "user", "assistant": "chatbot"}
"""Roles, and what the published tables call them."""
TABLE_5 = ("English", "Chinese", "Russian", "Spanish", "French", "German")
"""Languages with a row of their own; the rest is its row `other`."""

_AT_HOME = ("alpaca", "dolly", "open_assistant", "sharegpt", "lmsys_chat_1m")
_TOPICS_AT_HOME = 2
SHARE_AT_HOME = 0.9
"""Conversations about the topics that a set has for its own; the others are about any. WildChat
is about all of them alike, so that a model of each set knows its own set best (Figure 3)."""

_DEFAULT_TOKENS = {"user": (40.0, 40.0), "assistant": (100.0, 100.0)}
_SHARE_EMPTY_REPLIES = 0.004
_LONGEST_DEVIATIONS = 6
_MOST_TURNS = 60
_CATEGORIES = {
    "sexual": 0.80,
    "harassment": 0.10,
    "violence": 0.05,
    "hate": 0.03,
    "self_harm": 0.02,
}


@dataclass(frozen=True, slots=True)
class Shape:
    """What a comparison set looks like.

    Attributes
    ----------
    n_turns : float
        Mean turns of a conversation, at least 1.
    lengths : dict
        {role: (mean, standard deviation)} in tokens, after scaling.
    languages : dict
        {language: share of user messages}.
    flagged : dict
        {role: share of messages with a moderation category}.
    topics : range
        Topics that the set has for its own; may be none.
    """

    n_turns: float
    lengths: dict[str, tuple[float, float]]
    languages: dict[str, float]
    flagged: dict[str, float]
    topics: range = range(0)


def shape_of(dataset: str, targets: dict[str, float], length_scale: float) -> Shape:
    """Return the shape that the published values of a data set ask for.

    What `targets` lacks is English, one turn, of no great length, without toxicity.
    """
    published = {
        key.removeprefix(f"table-01.{dataset}."): value
        for key, value in targets.items()
        if key.startswith(f"table-01.{dataset}.")
    }
    lengths, flagged = {}, {}
    for role, title in ROLES.items():
        mean = published.get(f"{title}-tokens-mean", _DEFAULT_TOKENS[role][0])
        deviation = published.get(f"{title}-tokens-std", mean)
        lengths[role] = mean * length_scale, deviation * length_scale
        flagged[role] = targets.get(f"table-07.{dataset}.{title}", 0.0) / 100
    return Shape(
        max(published.get("turns-per-conversation", 1.0), 1.0),
        lengths,
        _languages(dataset, targets),
        flagged,
        _topics(dataset),
    )


def _topics(dataset: str) -> range:
    if dataset not in _AT_HOME:
        return range(0)
    first = _TOPICS_AT_HOME * _AT_HOME.index(dataset)
    return range(first, first + _TOPICS_AT_HOME)


def _languages(dataset: str, targets: dict[str, float]) -> dict[str, float]:
    shares = {}
    for name in TABLE_5:
        shares[name] = targets.get(f"table-05.{dataset}.{name.lower()}", 0.0) / 100
    other = targets.get(f"table-05.{dataset}.other", 0.0) / 100
    shares.update({name: other * part for name, part in OTHER_LANGUAGES.items()})
    shares = {name: share for name, share in shares.items() if share > 0}
    return shares or {"English": 1.0}


@dataclass(frozen=True, slots=True)
class Said:
    """A message as planted; `language` is `NO_LANGUAGE` where the text is empty."""

    role: str
    text: str
    language: str
    insult: bool = False
    moderation: tuple[str, ...] = ()


class _Steady:
    """Say yes at a rate, at steady intervals, from a random point on."""

    def __init__(self, rng: random.Random, rate: float) -> None:
        self._rate, self._due = rate, rng.random()

    def __call__(self) -> bool:
        self._due += self._rate
        if self._due < 1:
            return False
        self._due -= 1
        return True


class Author:
    """Writes messages of one set, one after the other.

    Parameters
    ----------
    rng : random.Random
        Where all chance comes from.
    shape : Shape
        What the messages shall be like on the whole.
    """

    def __init__(self, rng: random.Random, shape: Shape) -> None:
        self.rng, self.shape = rng, shape
        self._spoken = dict.fromkeys(shape.languages, 0)
        self._flagged = {role: _Steady(rng, rate) for role, rate in shape.flagged.items()}
        self._insulted = {role: _Steady(rng, rate) for role, rate in shape.flagged.items()}
        self._silent = _Steady(rng, _SHARE_EMPTY_REPLIES)

    def begin(self, n_messages: int) -> tuple[str, int]:
        """Return (language, topic) for the next `n_messages` user messages."""
        total = sum(self._spoken.values()) + n_messages
        lag = {n: share * total - self._spoken[n] for n, share in self.shape.languages.items()}
        return max(lag, key=lambda name: lag[name]), self._topic()

    def _topic(self) -> int:
        own = self.shape.topics
        if own and self.rng.random() < SHARE_AT_HOME:
            return self.rng.choice(own)
        return self.rng.randrange(N_TOPICS)

    def spoke(self, language: str, n_messages: int) -> None:
        """Note how many user messages a conversation has in its language."""
        self._spoken[language] += n_messages

    def n_turns(self) -> int:
        """Return the turns of one conversation: geometric, at least 1."""
        n, more = 1, 1 - 1 / self.shape.n_turns
        while n < _MOST_TURNS and self.rng.random() < more:
            n += 1
        return n

    def n_words(self, role: str) -> int:
        """Return the length of one message: lognormal, without the farthest tail."""
        mean, deviation = self.shape.lengths[role]
        variance = math.log1p((deviation / mean) ** 2)
        n_tokens = self.rng.lognormvariate(math.log(mean) - variance / 2, math.sqrt(variance))
        longest = mean + _LONGEST_DEVIATIONS * deviation
        return max(round(WORDS_PER_TOKEN * min(n_tokens, longest)), LEAST_WORDS)

    def say(self, role: str, language: str, topic: int, n_words: int | None = None) -> Said:
        """Return the next message; now and then a reply is empty or someone is rude."""
        length = self.n_words(role) if n_words is None else n_words
        if role == "assistant" and self._silent():
            return Said(role, "", NO_LANGUAGE)
        moderation = (self._category(),) if self._flagged[role]() else ()
        insult = self._insulted[role]()
        form = sample_form(self.rng, role)
        traits = Traits(language, role, length, topic, insult, moderation, form=form)
        text = compose(self.rng, traits)
        return Said(role, text, language if text.strip() else NO_LANGUAGE, insult, moderation)

    def plain(self, role: str, language: str, topic: int, n_words: int) -> str:
        """Return a text in which nothing but its language and topic is planted."""
        return compose(self.rng, Traits(language, role, n_words, topic))

    def aside(self) -> str:
        """Return a short English text for a row that will be quarantined; it counts nowhere."""
        return self.plain("user", "English", self.rng.randrange(N_TOPICS), 8)

    def exchange(self, n_turns: int, language: str, topic: int) -> list[Said]:
        """Return user and assistant taking turns."""
        roles = ["user", "assistant"] * n_turns
        return [self.say(role, language, topic) for role in roles]

    def name(self, n_digits: int) -> str:
        """Return a random id of hexadecimal digits."""
        return f"{self.rng.getrandbits(4 * n_digits):0{n_digits}x}"

    def _category(self) -> str:
        (found,) = self.rng.choices(list(_CATEGORIES), list(_CATEGORIES.values()))
        return found
