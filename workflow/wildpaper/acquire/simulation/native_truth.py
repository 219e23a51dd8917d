"""What the simulator planted in a comparison set, counted while it writes."""

import hashlib
import math
from collections import Counter
from collections.abc import Callable
from fractions import Fraction

from wildpaper.acquire.simulation.moderation_answers import Answers
from wildpaper.acquire.simulation.native_author import ROLES, TABLE_5, Said
from wildpaper.acquire.simulation.toxicity_truth import count_conversation, toxicity_by_dataset

CountTokens = Callable[[list[str]], list[int]]
_IN_TABLE_5 = ("open_assistant", "sharegpt", "lmsys_chat_1m")
_BUFFERED_TEXTS = 2000
_BUFFERED_CHARACTERS = 2_000_000


class Truth:
    """Counts over the conversations that a reader shall find, and the rows it shall refuse.

    Parameters
    ----------
    dataset : str
        Key of the data set.
    count_tokens : callable, optional
        Llama-2 tokens of texts; without it, nothing is said of lengths.

    Attributes
    ----------
    answers : Answers
        Of a moderation API to all texts that were counted.
    """

    def __init__(self, dataset: str, count_tokens: CountTokens | None) -> None:
        self.dataset, self._count = dataset, count_tokens
        self.answers = Answers()
        self.n_conversations = self.n_users = 0
        self.quarantined: Counter[str] = Counter()
        self._n: Counter[str] = Counter()
        self._languages: Counter[str] = Counter()
        self._moments = {role: [0, 0, 0] for role in ROLES}
        self._waiting: dict[str, list[str]] = {role: [] for role in ROLES}
        self._waiting_characters = 0
        self._seen: set[bytes] = set()

    def keep(self, messages: list[Said]) -> None:
        """Count one conversation."""
        self.n_conversations += 1
        digest = hashlib.blake2b(digest_size=16)
        count_conversation(
            self._n, ((ROLES[said.role], said.insult, said.moderation) for said in messages)
        )
        for said in messages:
            digest.update(f"{said.role} {len(said.text)} {said.text}".encode())
            self.answers.store(said.text, said.moderation)
            if said.role == "user":
                self._languages[said.language] += 1
            if self._count is not None:
                self._waiting[said.role].append(said.text)
                self._waiting_characters += len(said.text)
        self._n["duplicates"] += digest.digest() in self._seen
        self._seen.add(digest.digest())
        n_waiting = sum(len(texts) for texts in self._waiting.values())
        if n_waiting > _BUFFERED_TEXTS or self._waiting_characters > _BUFFERED_CHARACTERS:
            self._weigh()

    def refuse(self, reason: str) -> None:
        """Count one row that a reader must quarantine."""
        self.quarantined[reason] += 1

    def values(self) -> dict[str, float | int | str]:
        """Return what was planted, by claim id and by ids that begin with ``simulated.``."""
        self._weigh()
        name, n_user = self.dataset, self._n["flags.user.all"]
        found: dict[str, float | int | str] = {
            f"table-01.{name}.conversations": self.n_conversations,
            f"table-01.{name}.turns-per-conversation": n_user / self.n_conversations,
        }
        if self.n_users:
            found[f"table-01.{name}.users"] = self.n_users
        if self._count is not None:
            found.update(self._lengths())
        if name in _IN_TABLE_5:
            found.update(self._shares())
        for language, n in sorted(self._languages.items()):
            found[f"simulated.user-messages.{name}.{language}"] = n
        for title in ROLES.values():
            found[f"simulated.flagged-messages.{name}.{title}"] = self._n[
                f"flags.{title}.moderation"
            ]
            found[f"simulated.insult-messages.{name}.{title}"] = self._n[f"flags.{title}.detoxify"]
        found |= toxicity_by_dataset(name, self._n)
        found[f"simulated.duplicates.{name}"] = self._n["duplicates"]
        for reason, n in sorted(self.quarantined.items()):
            found[f"simulated.quarantined.{name}.{reason}"] = n
        return found

    def _lengths(self) -> dict[str, float | int | str]:
        found: dict[str, float | int | str] = {}
        for role, title in ROLES.items():
            n, total, squares = self._moments[role]
            if n:
                variance = Fraction(squares * n - total**2, n * n)
                found[f"table-01.{self.dataset}.{title}-tokens-mean"] = total / n
                found[f"table-01.{self.dataset}.{title}-tokens-std"] = math.sqrt(variance)
        return found

    def _shares(self) -> dict[str, float | int | str]:
        total = sum(self._languages.values())
        named = {language: self._languages[language] for language in TABLE_5}
        named["Other"] = total - sum(named.values())
        return {
            f"table-05.{self.dataset}.{language.lower()}": 100 * n / total
            for language, n in named.items()
        }

    def _weigh(self) -> None:
        """Count the tokens of the texts that wait for it."""
        for role, texts in self._waiting.items():
            if texts and self._count is not None:
                for n_tokens in map(int, self._count(texts)):
                    sums = self._moments[role]
                    sums[0] += 1
                    sums[1] += n_tokens
                    sums[2] += n_tokens**2
            self._waiting[role] = []
        self._waiting_characters = 0
