"""Counts of what was planted: made block by block, added up over blocks."""

import hashlib
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from wildpaper.acquire.simulation.dialogue import Message
from wildpaper.acquire.simulation.places import PLACES
from wildpaper.acquire.simulation.scenarios import Call
from wildpaper.acquire.simulation.schedule import END, START, month
from wildpaper.acquire.simulation.token_truth import TokenSums
from wildpaper.acquire.simulation.toxicity_truth import count_conversation

ROLES = ("user", "chatbot")


@dataclass(slots=True)
class Tally:
    """Counts by name, sums of token counts, first and last time of a released turn."""

    counts: Counter[str] = field(default_factory=Counter)
    tokens: dict[str, TokenSums] = field(default_factory=dict)
    first: int = END
    last: int = START
    users_by_turns: Counter[int] = field(default_factory=Counter)
    """{turns: number of users who have so many}, over released conversations."""
    digests: list[bytes] = field(default_factory=list)
    """One of 8 bytes for each released conversation's texts, joined for each block."""

    @property
    def n_duplicates(self) -> int:
        """Released conversations whose texts are exactly those of an earlier one."""
        digests = np.frombuffer(b"".join(self.digests), np.uint64)
        return len(digests) - len(np.unique(digests))

    def add(self, other: "Tally") -> None:
        """Add the counts of another part of the study."""
        self.counts.update(other.counts)
        for role, sums in other.tokens.items():
            self.tokens.setdefault(role, TokenSums()).add(sums)
        self.users_by_turns.update(other.users_by_turns)
        self.first = min(self.first, other.first)
        self.last = max(self.last, other.last)
        self.digests.append(b"".join(other.digests))


class BlockTally:
    """Tallies one block.

    Users are told apart within the block: none is in two.
    """

    def __init__(self) -> None:
        self.tally = Tally()
        self._users: dict[str, set[str]] = {}
        self._turns: Counter[str] = Counter()  # by user

    def drop(self, reason: str, n_calls: int, n_conversations: int = 0) -> None:
        """Count calls, and where whole conversations are dropped those too, by reason."""
        self.tally.counts[f"dropped.{reason}"] += n_calls
        if n_conversations:
            self.tally.counts[f"dropped-conversations.{reason}"] += n_conversations

    def release(self, chain: list[Call], place: int) -> None:
        """Count a conversation that is released; `place` says where its user lives."""
        counts, leaf = self.tally.counts, chain[-1]
        when, n_turns = month(leaf.time), len(chain)
        user = Counter(call.address for call in chain).most_common(1)[0][0]
        counts["conversations"] += 1
        counts["turns"] += n_turns
        counts["conversations.multi-turn"] += n_turns > 1
        counts["conversations.more-than-10"] += n_turns > 10
        counts[f"model.{leaf.model}"] += 1
        counts[f"month.{when}"] += 1
        counts[f"gpt4-month.{when}"] += leaf.model.startswith("gpt-4")
        self._meet("users", user)
        self._meet(f"users.{PLACES[place].slug}", user)
        self._talk(user, n_turns)
        if category := chain[0].exchange.user.category:
            counts[f"prompt-category.{category}"] += 1
        self._prompts(chain, user)
        count_conversation(counts, (
            (role, message.insult, message.moderation)
            for call in chain
            for role, message in (("user", call.exchange.user), ("chatbot", call.exchange.reply))
        ))  # fmt: skip
        for call in chain:
            self._message("user", call.exchange.user, when)
            self._message("chatbot", call.exchange.reply, when)
            self._jailbreak(call, user)
            self.tally.first = min(self.tally.first, call.time)
            self.tally.last = max(self.tally.last, call.time)
        texts = "\0".join(
            text for c in chain for text in (c.exchange.user.text, c.exchange.reply.text)
        )
        self.tally.digests.append(hashlib.blake2b(texts.encode(), digest_size=8).digest())

    def _message(self, role: str, message: Message, when: str) -> None:
        counts = self.tally.counts
        counts[f"messages.{role}"] += 1
        counts[f"language.{role}.{message.language}"] += 1
        counts[f"messages.{role}.{when}"] += 1
        if message.toxic:
            counts[f"toxic.{role}.{when}"] += 1
            counts[f"either.{role}"] += 1
            counts[f"detoxify.{role}"] += message.insult
            counts[f"moderation.{role}"] += bool(message.moderation)
            counts[f"both.{role}"] += message.insult and bool(message.moderation)
            for category in message.moderation:
                counts[f"category.{role}.{category}"] += 1
        if message.personal:
            counts["personal.messages"] += 1
            for item in message.personal:
                counts[f"personal.{item.kind}.{item.reach}"] += 1

    def _jailbreak(self, call: Call, user: str) -> None:
        family = call.exchange.user.jailbreak
        if family is not None:
            self.tally.counts[f"jailbreak.{family}.occurrences"] += 1
            self.tally.counts[f"jailbreak.{family}.successes"] += call.exchange.reply.toxic
            self._meet(f"jailbreak.{family}.users", user)

    def _prompts(self, chain: list[Call], user: str) -> None:
        """Count prompts that are passed on, and those that only seem to be jailbreaks."""
        if family := chain[0].exchange.user.jailbreak:
            self._meet(f"jailbreak.{family}.first-users", user)
        for asked in (call.exchange.user for call in chain):
            self.tally.counts["jailbreak-decoys"] += asked.decoy
            self.tally.counts["shared-prompts"] += asked.shared is not None

    def _talk(self, user: str, n_turns: int) -> None:
        """Count the turns of a user, who thereby has more than before."""
        users, before = self.tally.users_by_turns, self._turns[user]
        if before:
            users[before] -= 1
        self._turns[user] += n_turns
        users[self._turns[user]] += 1

    def _meet(self, name: str, user: str) -> None:
        met = self._users.setdefault(name, set())
        if user not in met:
            met.add(user)
            self.tally.counts[name] += 1
