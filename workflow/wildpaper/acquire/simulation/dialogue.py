"""What is said: how many turns, how long, how toxic, in which language."""

import json
import math
import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from wildpaper.acquire.simulation.compose import N_TOPICS, Traits, compose, sample_form
from wildpaper.acquire.simulation.personal import SHARE as PERSONAL_SHARE
from wildpaper.acquire.simulation.personal import Personal, draw_personal
from wildpaper.acquire.simulation.personal_messages import compose_personal
from wildpaper.acquire.simulation.schedule import JUNE_UPDATE, before_update
from wildpaper.acquire.simulation.streams import Choice
from wildpaper.acquire.simulation.targets import Joint, Targets
from wildpaper.acquire.simulation.text_prompts import SHARED_PROMPTS
from wildpaper.schema import MODERATION_CATEGORIES

MOST_TURNS = 60
TAIL_MEAN = 17.0
"""Mean turns of conversations with more than ten; the paper prints only their share."""
WORDS_PER_TOKEN = 0.75
LONGEST_WORDS = 30_000
"""Longest message at length scale 1; the lognormal tail is cut there."""
SHORTEST_WORDS = {"user": 5, "chatbot": 8}
"""Shorter texts say too little of their language for any detector, and would drown all else
that a small study can show."""
CATEGORISED = "English"
"""The language of which the paper sorts first prompts into categories."""
SHARE_EMPTY = 0.003
SHARE_DECOY = 0.006
"""English user messages with a sentence that only seems to name a persona."""
SHARE_OTHER_LANGUAGE = 0.03
"""Turns, after the first, in another language than the conversation's."""
SHARE_REPLY_OTHER_LANGUAGE = 0.02
"""Replies in English to a turn that is not."""

UPDATE_FACTOR = {"user": 1.05, "chatbot": 1.8}
"""Toxicity before the update of June 2023, in units of the mean over all months: the
chatbot's falls visibly. The factor afterwards follows, so that the mean is the published."""
REPLY_TO_TOXIC = 0.45
"""Replies to toxic messages that are toxic themselves, in the mean over all months."""
JAILBREAK_FACTOR = 3.0
"""Jailbreak prompts are so many times as often toxic as other user messages of the user."""
MOST_TOXIC = 0.9
SHARE_SECOND_CATEGORY = 0.1
LEAST_LABELLED_WORDS = 40

_encode: Any = json.encoder.encode_basestring


@dataclass(slots=True)
class Message:
    """A text with what is planted in it; `quoted` is the text as a JSON string.

    `answered` are categories that the stored moderation answer flags beside those marked in
    the text; `category` is that of a first prompt in English, as in Table 4; `shared` is the
    prompt passed on that it is, unless it is a jailbreak.
    """

    text: str
    language: str
    insult: bool = False
    moderation: tuple[str, ...] = ()
    jailbreak: str | None = None
    personal: Personal = ()
    answered: tuple[str, ...] = ()
    category: str | None = None
    shared: str | None = None
    decoy: bool = False
    quoted: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        self.quoted = _encode(self.text)

    @property
    def toxic(self) -> bool:
        """Whether either classifier should flag it."""
        return self.insult or bool(self.moderation)


@dataclass(slots=True)
class Exchange:
    """A user message and its reply."""

    user: Message
    reply: Message


@dataclass(slots=True)
class Topic:
    """What all turns of a conversation share: language, subject, temper, epoch."""

    language: str
    subject: int
    toxicity: float
    before_update: bool
    others: Choice


class TurnCounts:
    """Turns of a conversation: the published mean and the shares above 1 and above 10.

    From 2 to 10 turns the numbers fall geometrically, at the rate that the mean needs.
    """

    def __init__(self, targets: Targets) -> None:
        tail = targets.more_than_10
        middle = targets.multi_turn - tail
        mean = (targets.turns_mean - (1 - targets.multi_turn) - tail * TAIL_MEAN) / middle
        ratio = _ratio(mean)
        weights = [(str(n), middle * w) for n, w in zip(range(2, 11), _falling(ratio), strict=True)]
        self._shares = Choice([("1", 1 - targets.multi_turn), *weights, ("more", tail)])
        self._stop = 1 / (TAIL_MEAN - 10)

    def draw(self, rng: random.Random) -> int:
        """Return a number of turns."""
        drawn = self._shares.draw(rng)
        if drawn != "more":
            return int(drawn)
        beyond = int(math.log(1 - rng.random()) / math.log(1 - self._stop))
        return min(11 + beyond, MOST_TURNS)


def _falling(ratio: float) -> list[float]:
    weights = [ratio**k for k in range(9)]
    return [weight / sum(weights) for weight in weights]


def _ratio(mean: float) -> float:
    """Return the ratio at which the numbers 2 to 10 have the given mean."""
    low, high = 1e-6, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        found = sum(n * w for n, w in zip(range(2, 11), _falling(middle), strict=True))
        low, high = (middle, high) if found < mean else (low, middle)
    return low


class Speech:
    """Composes exchanges whose traits have the published shares and lengths.

    `update_factor` stands for `UPDATE_FACTOR`; 1 for both roles is an update that changed
    nothing.
    """

    def __init__(
        self, targets: Targets, length_scale: float,
        update_factor: Mapping[str, float] | None = None,
    ) -> None:  # fmt: skip
        self._targets = targets
        self._longest = max(*SHORTEST_WORDS.values(), int(LONGEST_WORDS * length_scale))
        self._lengths = {
            role: _lognormal(mean * WORDS_PER_TOKEN * length_scale, deviation / mean)
            for role, (mean, deviation) in targets.tokens.items()
        }
        early = before_update(targets.models)
        self._factor = {
            role: (f, (1 - early * f) / (1 - early))
            for role, f in (update_factor or UPDATE_FACTOR).items()
        }
        user, chatbot = targets.toxicity["user"], targets.toxicity["chatbot"]
        clean = (chatbot.either - user.either * REPLY_TO_TOXIC) / (1 - user.either)
        self._reply_rate = {True: REPLY_TO_TOXIC, False: clean}
        self._categories = _other_categories(targets)
        self._prompts = Choice(targets.categories.items())

    def topic(
        self, rng: random.Random, language: str, toxicity: float, time: int, others: Choice
    ) -> Topic:
        """Return what the turns of a conversation share; `toxicity` is the user's."""
        return Topic(language, self.subject(rng), toxicity, time < JUNE_UPDATE, others)

    def subject(self, rng: random.Random) -> int:
        """Return what a message is about."""
        return int(rng.random() * N_TOPICS)

    def dialogue(
        self, rng: random.Random, topic: Topic, n_turns: int,
        families: tuple[str | None, ...] = (), first_reply: int = 0, mention: Personal = (),
    ) -> list[Exchange]:  # fmt: skip
        """Return a conversation.

        `families` are the prompts passed on in its first turns, of jailbreaks or of
        `SHARED_PROMPTS`, `first_reply` the least number of words of the first reply, `mention`
        what is personal in the first message.
        """
        found = []
        for turn in range(n_turns):
            family = families[turn] if turn < len(families) else None
            user = self.user(rng, topic, turn == 0, family, () if turn else mention)
            least = 0 if turn else first_reply
            found.append(Exchange(user, self.reply(rng, topic, user, least)))
        return found

    def user(
        self, rng: random.Random, topic: Topic, first: bool = False, family: str | None = None,
        mention: Personal = (),
    ) -> Message:  # fmt: skip
        """Return a user message; the first one of a conversation has a category if in English."""
        language = topic.language
        if not first and rng.random() < SHARE_OTHER_LANGUAGE:
            language = topic.others.draw(rng)
        if family is None and not mention and rng.random() < SHARE_EMPTY:
            return Message("", "Nolang")
        shared = family if family in SHARED_PROMPTS else None
        jailbreak = None if shared else family
        joint, factor = (
            self._targets.toxicity["user"],
            self._factor["user"][not topic.before_update],
        )
        factor *= topic.toxicity * (JAILBREAK_FACTOR if jailbreak else 1.0)
        insult, moderation = self._toxicity(rng, joint, joint.either * factor)
        category = self._prompts.draw(rng) if first and language == CATEGORISED else None
        personal = mention
        if family is None and not mention and rng.random() < PERSONAL_SHARE:
            personal = draw_personal(rng, language)
        may_seem = language == "English" and family is None and not personal
        decoy = may_seem and rng.random() < SHARE_DECOY
        traits = Traits(
            language, "user", self.length(rng, "user"), topic.subject, insult, moderation,
            jailbreak, sample_form(rng, "user", category), personal, category, shared, decoy,
        )  # fmt: skip
        return Message(
            compose_personal(rng, traits), language, insult, moderation, jailbreak, personal,
            category=category, shared=shared, decoy=decoy,
        )  # fmt: skip

    def minors(self, rng: random.Random, topic: Topic) -> Message:
        """Return an ordinary message marked as sexual that is *labelled* as on minors, too.

        It is long enough not to be said by chance in another conversation.
        """
        n_words = max(LEAST_LABELLED_WORDS, self.length(rng, "user"))
        traits = Traits(topic.language, "user", n_words, topic.subject, moderation=("sexual",))
        text = compose(rng, traits)
        return Message(text, topic.language, moderation=("sexual",), answered=("sexual_minors",))

    def reply(self, rng: random.Random, topic: Topic, user: Message, least: int = 0) -> Message:
        """Return a reply to a user message, of at least so many words."""
        language = topic.language if user.language == "Nolang" else user.language
        if rng.random() < SHARE_REPLY_OTHER_LANGUAGE:
            language = "English"
        if user.jailbreak is None:
            rate = self._reply_rate[user.toxic] * self._factor["chatbot"][not topic.before_update]
        else:
            rate = self._targets.jailbreaks[user.jailbreak].success
        insult, moderation = self._toxicity(rng, self._targets.toxicity["chatbot"], rate)
        n_words = max(least, self.length(rng, "chatbot"))
        traits = Traits(
            language, "assistant", n_words, topic.subject, insult, moderation,
            form=sample_form(rng, "assistant"),
        )  # fmt: skip
        return Message(compose(rng, traits), language, insult, moderation)

    def length(self, rng: random.Random, role: str) -> int:
        """Return a length in words."""
        location, spread = self._lengths[role]
        drawn = math.exp(rng.gauss(location, spread))
        return max(SHORTEST_WORDS[role], min(round(drawn), self._longest))

    def _toxicity(
        self, rng: random.Random, joint: Joint, either: float
    ) -> tuple[bool, tuple[str, ...]]:
        """Return (insult, categories), toxic with probability `either`, mixed like `joint`."""
        at = rng.random()
        either = min(either, MOST_TOXIC)
        if at >= either:
            return False, ()
        at *= joint.either / either
        if at < joint.insult_only:
            return True, ()
        return at >= joint.insult_only + joint.moderation_only, self.categories(rng)

    def categories(self, rng: random.Random) -> tuple[str, ...]:
        """Return moderation categories, mostly sexual; never sexual/minors."""
        sexual = rng.random() < self._targets.sexual
        first = "sexual" if sexual else self._categories.draw(rng)
        if rng.random() < SHARE_SECOND_CATEGORY:
            second = self._categories.draw(rng)
            return tuple(name for name in MODERATION_CATEGORIES if name in (first, second))
        return (first,)


def _lognormal(mean: float, variation: float) -> tuple[float, float]:
    """Return location and spread of the lognormal with this mean and coefficient of variation."""
    variance = math.log1p(variation**2)
    return math.log(mean) - variance / 2, math.sqrt(variance)


def _other_categories(targets: Targets) -> Choice:
    """Return the moderation categories beside `sexual`, weighed as in Table 13."""
    names = {"harassment": "harassment", "hate": "hate", "self-harm": "self_harm",
             "violence": "violence"}  # fmt: skip
    return Choice(
        (name, targets.values[f"table-13.wildchat.{printed}"]) for printed, name in names.items()
    )
