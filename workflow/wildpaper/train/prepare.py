"""From conversations of a data set to examples to train on, and held-out ones."""

import datetime
import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

from wildpaper.files import write_json
from wildpaper.ledger import entry
from wildpaper.progress import Progress
from wildpaper.train.conversations import (
    Conversation,
    count_conversations,
    read_conversations,
)
from wildpaper.train.examples import write_examples
from wildpaper.train.recipe import load_recipe
from wildpaper.train.settings import DataSettings
from wildpaper.train.splitting import Split, split_conversation
from wildpaper.train.template import LeftOut, Template

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


def prepare_training(
    conversations: list[Path],
    messages: list[Path],
    tokenizer: Path,
    recipe: Path,
    examples: Path,
    held_out: Path,
    report: Path,
    ledger: Path,
    dataset: str,
    seed: int,
) -> None:
    """Write the examples of one data set; the same for any number of shards.

    Parameters
    ----------
    conversations, messages : list of Path
        All shards of ingest, in the same order.
    tokenizer : Path
        The Llama-2 ``tokenizer.json``.
    recipe : Path
        See `wildpaper.train.recipe`.
    examples, held_out : Path
        To write: examples to train on, examples to evaluate on.
    report, ledger : Path
        To write: counts, and what became of each conversation.
    dataset : str
    seed : int
        Decides what is held out.
    """
    settings = load_recipe(recipe).data
    template = Template(tokenizer)
    tally = Tally()
    progress = Progress(f"{dataset}: examples", count_conversations(conversations), "conversations")
    with write_examples(examples) as train, write_examples(held_out) as apart:
        for conversation in read_conversations(conversations, messages):
            progress.advance(1)
            reason = _why_not_used(conversation, settings)
            if reason:
                tally.dropped[reason] += 1
                continue
            exchanges, left_out = template.exchanges(conversation.messages)
            split = split_conversation(
                exchanges, template.header, template.end_id, settings.max_length
            )
            share = HELD_OUT if _is_held_out(conversation, settings, seed) else TRAIN
            if not tally.count(share, bool(exchanges), split, left_out):
                continue
            writer = train if share == TRAIN else apart
            writer.add(conversation.conversation_id, split.examples)
    write_json(report, tally.report(dataset, settings))
    dropped = dict(tally.dropped) | {HELD_OUT: tally.shares[HELD_OUT]["conversations"]}
    kept = tally.shares[TRAIN]["conversations"]
    write_json(ledger, [entry("train", dataset, "conversation", kept, dropped)])


def _why_not_used(conversation: Conversation, settings: DataSettings) -> str:
    """Return the reason why a conversation is left aside; empty if it is not."""
    if settings.cutoff and conversation.timestamp:
        after = datetime.datetime.combine(
            settings.cutoff + datetime.timedelta(days=1), datetime.time(), datetime.UTC
        )
        if conversation.timestamp >= after:
            return "after-cutoff"
    if settings.languages != "all" and conversation.language not in settings.languages:
        return "other-language"
    return ""


def _is_held_out(conversation: Conversation, settings: DataSettings, seed: int) -> bool:
    """Say whether a conversation is held out: by its first prompt.

    Duplicates, and conversations that go apart after a common beginning, stay together.
    """
    texts = [text for role, text in conversation.messages if role == "user"]
    digest = hashlib.sha256(f"{seed} {texts[0] if texts else ''}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < settings.held_out_percent / 100 * 2**64


class Tally:
    """What is counted while examples are made."""

    def __init__(self) -> None:
        self.dropped: Counter[str] = Counter()
        self.shares: dict[str, Counter[str]] = {TRAIN: Counter(), HELD_OUT: Counter()}
        self.left_out: Counter[str] = Counter()

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

    def report(self, dataset: str, settings: DataSettings) -> dict[str, Any]:
        """Return the counts as plain values."""
        n_dropped = sum(self.dropped.values())
        shares = {name: {k: c[k] for k in _COUNTED} for name, c in self.shares.items()}
        return {
            "dataset": dataset,
            "data": settings.model_dump(mode="json"),
            "n_conversations": n_dropped + sum(c["conversations"] for c in self.shares.values()),
            "dropped": dict(sorted(self.dropped.items())),
            "shares": shares,
            "messages_left_out": dict(sorted(self.left_out.items())),
        }
