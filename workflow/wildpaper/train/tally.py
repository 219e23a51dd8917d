"""What is counted while conversations become examples."""

from collections import Counter
from typing import Any

from wildpaper.train.exchange import LeftOut
from wildpaper.train.settings import DataSettings
from wildpaper.train.splitting import Split

TRAIN, HELD_OUT = "train", "held-out"
_COUNTED = (
    "conversations",
    "examples",
    "split_conversations",
    "tokens",
    "supervised_tokens",
    "truncated_examples",
    "truncated_tokens",
    "exchanges_without_room",
)


class Tally:
    """What is counted while examples are made."""

    def __init__(self) -> None:
        self.dropped: Counter[str] = Counter()
        self.shares: dict[str, Counter[str]] = {TRAIN: Counter(), HELD_OUT: Counter()}
        self.left_out: Counter[str] = Counter()

    def add(self, other: "Tally") -> None:
        """Add what was counted elsewhere."""
        self.dropped += other.dropped
        self.left_out += other.left_out
        for name, counts in other.shares.items():
            self.shares[name] += counts

    def count(self, share: str, has_reply: bool, split: Split, left_out: LeftOut) -> bool:
        """Count a conversation; say whether it gives any example."""
        if not split.examples:
            self.dropped["prompt-fills-context" if has_reply else "no-reply"] += 1
            return False
        self.left_out["system"] += left_out.system
        self.left_out["leading-assistant"] += left_out.leading_assistant
        self.left_out["unanswered-user"] += left_out.unanswered_user
        counts = self.shares[share]
        counts["conversations"] += 1
        counts["examples"] += len(split.examples)
        counts["split_conversations"] += len(split.examples) > 1
        counts["tokens"] += sum(len(example.input_ids) for example in split.examples)
        counts["supervised_tokens"] += sum(sum(e.supervised) for e in split.examples)
        counts["truncated_examples"] += split.n_truncated
        counts["truncated_tokens"] += split.n_truncated_tokens
        counts["exchanges_without_room"] += split.n_exchanges_without_room
        return True

    def tokens(self) -> tuple[int, dict[str, int]]:
        """Return the tokens that are learnt from, and {why: tokens} of the others.

        Those of held-out conversations are in neither.
        """
        counts = self.shares[TRAIN]
        without_loss = counts["tokens"] - counts["supervised_tokens"]
        others = {"no-loss-on-them": without_loss, "truncated": counts["truncated_tokens"]}
        return counts["supervised_tokens"], others

    def report(self, dataset: str, settings: DataSettings) -> dict[str, Any]:
        """Return the counts as plain values."""
        n_dropped = sum(self.dropped.values())
        shares = {name: {k: c[k] for k in _COUNTED} for name, c in self.shares.items()}
        for counts in shares.values():
            counts["masked_tokens"] = counts["tokens"] - counts["supervised_tokens"]
        return {
            "dataset": dataset,
            "data": settings.model_dump(mode="json"),
            "n_conversations": n_dropped + sum(c["conversations"] for c in self.shares.values()),
            "dropped": dict(sorted(self.dropped.items())),
            "shares": shares,
            "messages_left_out": dict(sorted(self.left_out.items())),
        }
