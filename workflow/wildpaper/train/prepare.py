"""From conversations of a data set to examples to train on, and held-out ones."""

import datetime
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

from wildpaper.errors import WildpaperError
from wildpaper.files import write_json
from wildpaper.ledger import entry
from wildpaper.processes import worker_pool
from wildpaper.progress import Progress
from wildpaper.train.conversations import (
    Conversation,
    count_conversations,
    count_unjudged,
    read_conversations,
)
from wildpaper.train.examples import prompt_digest, write_examples
from wildpaper.train.exchange import Message
from wildpaper.train.recipe import load_recipe
from wildpaper.train.settings import DataSettings
from wildpaper.train.splitting import split_conversation
from wildpaper.train.tally import HELD_OUT, TRAIN, Tally
from wildpaper.train.template import load_template

_WORTH_A_PROCESS = 20_000


def prepare_training(
    conversations: list[Path],
    messages: list[Path],
    tokenizer: Path,
    recipe: Path,
    examples: list[Path],
    held_out: list[Path],
    report: Path,
    ledger: Path,
    dataset: str,
    seed: int,
    n_workers: int = 1,
) -> None:
    """Write the examples of one data set, shard by shard; what they are does not depend on that.

    Parameters
    ----------
    conversations, messages : list of Path
        All shards of ingest, in the same order.
    tokenizer : Path
        The ``tokenizer.json`` that the recipe names.
    recipe : Path
        See `wildpaper.train.recipe`.
    examples, held_out : list of Path
        To write, a file a shard: examples to train on, examples to evaluate on.
    report, ledger : Path
        To write: counts, and what became of each conversation.
    dataset : str
    seed : int
        Decides what is held out.
    n_workers : int
        Processes; few conversations are not worth a second one.

    Raises
    ------
    WildpaperError
        If toxic conversations are to be dropped and some have no label, shards do not belong
        together, or the tokenizer does not go with the template.
    """
    settings = load_recipe(recipe).data
    if settings.toxic == "drop":
        _check_judged(conversations, dataset)
    n = count_conversations(conversations)
    progress = Progress(f"{dataset}: examples", n, "conversations")
    shards = list(zip(conversations, messages, examples, held_out, strict=True))
    tally = Tally()
    n_workers = min(n_workers, len(shards))
    if n_workers == 1 or n < _WORTH_A_PROCESS:
        for shard in shards:
            tally.add(prepare_shard(shard, tokenizer, settings, seed, progress.advance))
    else:
        with worker_pool(n_workers, _begin, ()) as submit:
            waiting = [submit(prepare_shard, shard, tokenizer, settings, seed) for shard in shards]
            for shard, future in zip(shards, waiting, strict=True):
                tally.add(future.result())
                progress.advance(count_conversations([shard[0]]))
    write_json(report, tally.report(dataset, settings))
    dropped = dict(tally.dropped) | {HELD_OUT: tally.shares[HELD_OUT]["conversations"]}
    kept = tally.shares[TRAIN]["conversations"]
    rows = [entry("train", dataset, "conversation", kept, dropped)]
    write_json(ledger, [*rows, entry("train", dataset, "token", *tally.tokens())])


def _check_judged(conversations: list[Path], dataset: str) -> None:
    """Raise if a conversation has no label, before hours go into the others."""
    n = count_unjudged(conversations)
    if n:
        raise WildpaperError(
            f"{n:,} conversations of {dataset} have no record of being toxic or not",
            where="data.toxic in the recipe",
            hint="Choose 'keep', or a release that records it.",
        )


def _begin() -> None:
    """Do nothing: a process that encodes needs nothing first."""


def prepare_shard(
    shard: tuple[Path, Path, Path, Path],
    tokenizer: Path,
    settings: DataSettings,
    seed: int,
    advance: Callable[[int], None] = lambda _: None,
) -> Tally:
    """Write the examples of one shard; return what was counted.

    Parameters
    ----------
    shard : tuple of Path
        Conversations, messages; examples and held-out ones to write.
    tokenizer, settings, seed
        See `prepare_training`.
    advance : callable
        Told of each conversation.
    """
    conversations, messages, examples, held_out = shard
    template, tally = load_template(settings, tokenizer), Tally()
    with write_examples(examples) as train, write_examples(held_out) as apart:
        for conversation in read_conversations([conversations], [messages]):
            advance(1)
            reason = _why_not_used(conversation, settings)
            if reason:
                tally.dropped[reason] += 1
                continue
            exchanges, left_out = template.exchanges(conversation.messages)
            split = split_conversation(
                exchanges, template.header, template.end_id, settings.max_length
            )
            share = HELD_OUT if _is_held_out(conversation, settings, seed) else TRAIN
            if tally.count(share, bool(exchanges), split, left_out):
                writer = train if share == TRAIN else apart
                number = prompt_digest(first_prompt(conversation.messages))
                writer.add(conversation.conversation_id, number, split.examples)
    return tally


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
    if settings.toxic == "drop" and conversation.toxic:
        return "toxic"
    return ""


def _is_held_out(conversation: Conversation, settings: DataSettings, seed: int) -> bool:
    """Say whether a conversation is held out: by its first prompt.

    Duplicates, and conversations that go apart after a common beginning, stay together.
    """
    return is_apart(first_prompt(conversation.messages), seed, settings.held_out_percent)


def first_prompt(messages: Sequence[Message]) -> str:
    """Return the first text of a user; empty if there is none."""
    return next((text for role, text in messages if role == "user"), "")


def is_apart(prompt: str, seed: int, percent: float) -> bool:
    """Say whether a prompt is among so many percent of all, by a hash of it and the seed."""
    digest = hashlib.sha256(f"{seed} {prompt}".encode()).digest()
    return int.from_bytes(digest[:8], "big") < percent / 100 * 2**64
