"""Samples of the simulated study without texts: sums by user, and the true values.

Users, their addresses, countries, languages and tempers, their conversations and messages
are drawn as `wildpaper.acquire.simulation` draws them, with two differences: countries are
drawn independently, while the simulator spreads them evenly (a sample that knows its shares
says nothing of intervals), and what the simulator plants beside (repeated calls, jailbreaks,
withdrawals) is left out. All true values are exact.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from wildpaper.acquire.simulation.dialogue import (
    REPLY_TO_TOXIC,
    SHARE_EMPTY,
    SHARE_OTHER_LANGUAGE,
)
from wildpaper.acquire.simulation.places import language_rows, place_shares
from wildpaper.acquire.simulation.population import (
    ADDRESSES,
    SHARE_OWN_LANGUAGE,
    TOXIC_FACTOR,
    TOXIC_USERS,
    draw_blocks,
)
from wildpaper.acquire.simulation.targets import Targets
from wildpaper.measure.coverage_lengths import (
    Floats,
    Lengths,
    dataset_lengths,
    dataset_turns,
    wildchat_lengths,
    wildchat_turns,
)

Integers = npt.NDArray[np.int64]
Kind = Literal["mean", "share", "deviation"]

OTHER = "other"
LONGEST_SHOWN = 10
"""Turns from which on Figure 2a has one bar for all."""

SHORT = 0.08
"""Length scale of the preset micro; the other is that of the paper."""
SCALES = {"": 1.0, "short-": SHORT}
DATASETS = ("lmsys_chat_1m", "sharegpt", "dolly", "alpaca")
"""Comparison sets. In Open Assistant paths of one tree share messages; it is left out."""


@dataclass(frozen=True, slots=True)
class Group:
    """Values that are taken over the same clusters, with what they truly are.

    Attributes
    ----------
    name, kind : str
        Of a deviation the variance is sampled: an interval of it covers if its root does.
    values : tuple of str
        Names of the values.
    truths, variations : ndarray, shape (n_values,)
        True values; true coefficients of variation of the units that a mean is taken over,
        NaN for shares.
    numerators, denominators : ndarray of int64, shapes (n_clusters, n_values), (n_clusters, k)
        k is n_values or 1.
    pooled : bool
        Whether the values stand in a table of the paper, taken over clusters as there.
    """

    name: str
    kind: Kind
    values: tuple[str, ...]
    truths: Floats
    variations: Floats
    numerators: Integers
    denominators: Integers
    pooled: bool = True


class Study:
    """Draws samples; `alike` is the share of the variance of log lengths between users.

    In the simulated study it is 0: users differ in how often they write, in country,
    language and temper, but not in how long their messages are.
    """

    def __init__(self, targets: Targets, alike: float = 0.0) -> None:
        self.targets, self.alike = targets, alike
        self.turns = wildchat_turns(targets)
        self.lengths = {
            f"{prefix}{role}": lengths
            for prefix, scale in SCALES.items()
            for role, lengths in wildchat_lengths(targets, scale).items()
        }
        self.datasets = {
            name: (dataset_turns(targets, name), dataset_lengths(targets, name))
            for name in DATASETS
        }
        self.places = np.array(place_shares(targets.countries))
        self.places /= self.places.sum()
        rows = language_rows(list(self.places), targets.languages)
        spoken = np.array([list(row.values()) for row in rows])
        self.languages = list(rows[0])
        in_table = {name.rpartition(".")[2] for name in targets.values if "table-05.wild" in name}
        self.printed_languages = [name for name in self.languages if name.lower() in in_table]
        self.spoken = spoken / spoken.sum(axis=1, keepdims=True)
        weights = np.array(list(targets.models.values()))
        self.models = weights / weights.sum()

    def draw(self, n_conversations: int, seed: int) -> list[Group]:
        """Return a sample of so many conversations, of WildChat and of each comparison set."""
        rng = np.random.default_rng([seed, n_conversations])
        sample = _Sample(self, n_conversations, rng)
        groups = [*sample.shares(), *sample.lengths()]
        for name, (turns, lengths) in self.datasets.items():
            groups += _dataset_groups(name, turns, lengths, n_conversations, rng)
        return groups


class _Sample:
    """One draw of WildChat: conversations and messages, in the order of their users."""

    def __init__(self, study: Study, n: int, rng: np.random.Generator) -> None:
        self.study, self.rng = study, rng
        blocks = draw_blocks(n, study.targets, int(rng.integers(2**32)))
        counts = np.concatenate([block.n_conversations for block in blocks])
        self.n_people = len(counts)
        self.person = np.repeat(np.arange(self.n_people), counts)
        shares = rng.random(self.n_people).tolist()
        n_addresses = np.array([int(ADDRESSES.at(share)) for share in shares])
        address = (rng.random(n) ** 2 * n_addresses[self.person]).astype(np.int64)
        of_address, self.cluster = np.unique(3 * self.person + address, return_inverse=True)
        self.owner = of_address // 3
        self.place = rng.choice(len(study.places), self.n_people, p=study.places)
        self.n_turns = rng.choice(len(study.turns), n, p=study.turns)
        self.conversation = np.repeat(np.arange(n), self.n_turns)

    def _speak(self, people: Integers) -> Integers:
        """Return languages drawn by the shares of the people's countries."""
        sums = self.study.spoken.cumsum(axis=1)[self.place[people]]
        drawn = (sums < self.rng.random(len(people))[:, None]).sum(axis=1)
        last = len(self.study.languages) - 1
        return np.asarray(np.minimum(drawn, last), np.int64)

    def _message_languages(self) -> Integers:
        """Return the language of each user message; -1 where it is empty."""
        rng, conversation = self.rng, self.conversation
        own = self._speak(np.arange(self.n_people))[self.person]
        other = rng.random(len(own)) >= SHARE_OWN_LANGUAGE
        language = np.where(other, self._speak(self.person), own)[conversation]
        first = np.diff(conversation, prepend=-1) > 0
        switched = ~first & (rng.random(len(first)) < SHARE_OTHER_LANGUAGE)
        language = np.where(switched, self._speak(self.person[conversation]), language)
        return np.where(rng.random(len(first)) < SHARE_EMPTY, -1, language)

    def shares(self) -> list[Group]:
        """Return the shares of Tables 2, 3, 5 and 6 and of Figure 2a."""
        study, rng = self.study, self.rng
        models = rng.choice(len(study.models), len(self.person), p=study.models)
        language, message = self._message_languages(), self.cluster[self.conversation]
        named = [study.languages.index(name) for name in study.printed_languages]
        column = np.full(len(study.languages) + 1, len(named))
        column[named] = range(len(named))
        truths = study.places @ study.spoken[:, named] * (1 - SHARE_EMPTY)
        names = (*map(str.lower, study.printed_languages), OTHER)
        truths = np.append(truths, 1 - truths.sum())
        values, turns = _turn_values(study.turns)
        people = np.arange(self.n_people)
        return [
            _shares("table-02", tuple(study.targets.models), study.models, self.cluster, models),
            self._countries("table-03", self.owner),
            _shares("table-05", names, truths, message, column[language]),
            _shares("figure-02a", values, turns, self.cluster, self.n_turns - 1),
            self._toxic(language == -1),
            self._countries("table-03-people", people, pooled=False),
            _shares("table-05-people", names, truths, self.person[self.conversation],
                    column[language], pooled=False),
        ]  # fmt: skip

    def _countries(self, name: str, users: Integers, pooled: bool = True) -> Group:
        """Return the shares of countries among users, each given by its person."""
        printed = tuple(self.study.targets.countries)
        truths = self.study.places
        n, last = len(printed), len(truths) - 1
        truths = np.array([*truths[:n], truths[n:last].sum(), truths[last]])
        place = self.place[users]
        place = np.where(place == last, n + 1, np.minimum(place, n))
        names = (*printed, OTHER, "unknown")
        return _shares(name, names, truths, np.arange(len(users)), place, pooled)

    def _toxic(self, empty: npt.NDArray[np.bool_]) -> Group:
        """Return the shares of messages that either classifier flags, of users and chatbot."""
        user, chatbot = (self.study.targets.toxicity[r].either for r in ("user", "chatbot"))
        clean = (chatbot - user * REPLY_TO_TOXIC) / (1 - user)
        rare = (1 - TOXIC_USERS * TOXIC_FACTOR) / (1 - TOXIC_USERS)
        rng, person = self.rng, self.person[self.conversation]
        temper = np.where(rng.random(self.n_people) < TOXIC_USERS, TOXIC_FACTOR, rare)
        asked = (rng.random(len(person)) < user * temper[person]) & ~empty
        replied = rng.random(len(person)) < np.where(asked, REPLY_TO_TOXIC, clean)
        cluster = self.cluster[self.conversation]
        counts = np.stack([_sums(cluster, flags) for flags in (asked, replied)], axis=1)
        share = user * (1 - SHARE_EMPTY)
        truths = np.array([share, share * REPLY_TO_TOXIC + (1 - share) * clean])
        none, totals = np.full(2, np.nan), _sums(cluster, np.ones_like(cluster))[:, None]
        return Group("table-06", "share", ("user", "chatbot"), truths, none, counts, totals)

    def lengths(self) -> list[Group]:
        """Return the means of Table 1, and the variances of message lengths."""
        study, cluster = self.study, self.cluster[self.conversation]
        author = self.rng.standard_normal(self.n_people)[self.person][self.conversation]
        words = {
            name: lengths.draw(self.rng, len(author), author, study.alike)
            for name, lengths in study.lengths.items()
        }
        turns = _sums(self.cluster, self.n_turns)
        n = _sums(self.cluster, np.ones_like(self.cluster))
        return _length_groups("wildchat", study.lengths, words, cluster, study.turns, turns, n)


def _dataset_groups(
    name: str, shares: Floats, lengths: dict[str, Lengths], n: int, rng: np.random.Generator
) -> list[Group]:
    turns = rng.choice(len(shares), n, p=shares)
    conversation = np.repeat(np.arange(n), turns)
    words = {role: own.draw(rng, len(conversation)) for role, own in lengths.items()}
    return _length_groups(name, lengths, words, conversation, shares, turns, np.ones_like(turns))


def _length_groups(
    name: str,
    lengths: dict[str, Lengths],
    words: dict[str, Integers],
    cluster: Integers,
    turn_shares: Floats,
    turns: Integers,
    n_conversations: Integers,
) -> list[Group]:
    """Return means of turns and words, and variances of words, over the same clusters.

    Where all conversations have one turn, the mean of turns is left out.
    """
    k = np.arange(len(turn_shares))
    n_turns = float(turn_shares @ k)
    one = lengths.values()
    truths = np.array([n_turns, *(own.mean for own in one)])
    variances = np.array([own.variance for own in one])
    spread = np.array([turn_shares @ k**2 - n_turns**2, *variances])
    messages = _sums(cluster, np.ones_like(cluster))
    above = np.stack([turns, *(_sums(cluster, own) for own in words.values())], axis=1)
    below = np.stack([n_conversations, *[messages] * len(words)], axis=1)
    squares = np.stack(
        [_sums(cluster, np.rint((own - own.mean()) ** 2)) for own in words.values()], axis=1
    )
    names = tuple(f"{role}-tokens" for role in words)
    values = ("turns", *names)
    variations = np.sqrt(spread) / truths
    first = int(spread[0] == 0)
    means = Group(name, "mean", values[first:], truths[first:], variations[first:],
                  above[:, first:], below[:, first:])  # fmt: skip
    none = np.full(len(names), np.nan)
    deviations = Group(
        name, "deviation", names, variances, none, squares, messages[:, None], pooled=False
    )
    return [means, deviations]


def _turn_values(turns: Floats) -> tuple[tuple[str, ...], Floats]:
    """Return the names and true values of the bars of Figure 2a."""
    values = (*(str(n) for n in range(1, LONGEST_SHOWN + 1)), f"more-than-{LONGEST_SHOWN}")
    return values, np.append(turns[1 : LONGEST_SHOWN + 1], turns[LONGEST_SHOWN + 1 :].sum())


def _shares(
    name: str,
    values: tuple[str, ...],
    truths: Floats,
    cluster: Integers,
    category: Integers,
    pooled: bool = True,
) -> Group:
    """Return shares of units by category; categories beyond the last one count as the last."""
    n_clusters = int(cluster.max()) + 1
    counts = np.zeros((n_clusters, len(values)), np.int64)
    np.add.at(counts, (cluster, np.minimum(category, len(values) - 1)), 1)
    totals = counts.sum(axis=1, keepdims=True)
    none = np.full(len(values), np.nan)
    return Group(name, "share", values, np.asarray(truths), none, counts, totals, pooled)


def _sums(cluster: Integers, values: npt.NDArray[np.generic]) -> Integers:
    """Return the sum of integers by cluster; every cluster occurs."""
    return np.rint(np.bincount(cluster, values)).astype(np.int64)
