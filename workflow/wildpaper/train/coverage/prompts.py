"""First prompts of data sets as tokens, some of them held out (paper, section 3, Figure 3)."""

import datetime
import hashlib
import heapq
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from wildpaper.files import write_json
from wildpaper.progress import Progress
from wildpaper.train.conversations import (
    Conversation,
    count_conversations,
    read_conversations,
)
from wildpaper.train.examples import prompt_digest, write_examples
from wildpaper.train.exchange import PlainTokenizer
from wildpaper.train.prepare import first_prompt, is_apart
from wildpaper.train.recipe import load_recipe
from wildpaper.train.settings import CoverageSettings
from wildpaper.train.splitting import Example
from wildpaper.train.template import load_template

CUT = ("wildchat",)
"""Data sets of which the paper took a part of the time."""


def prepare_prompts(
    conversations: list[Path],
    messages: list[Path],
    tokenizer: Path,
    recipe: Path,
    prompts: list[Path],
    held_out: list[Path],
    reports: list[Path],
    datasets: list[str],
    seed: int,
) -> None:
    """Write the prompts of each data set: to train on, and to evaluate on.

    Parameters
    ----------
    conversations, messages : list of Path
        All shards of ingest, data set after data set, as many of each.
    tokenizer, recipe : Path
        The recipe has a section ``coverage``.
    prompts, held_out : list of Path
        To write, one a data set.
    reports : list of Path
        To write: counts, one a data set.
    datasets : list of str
    seed : int
        Decides what is held out, and which prompts are drawn.

    Notes
    -----
    A prompt is written as a token that begins, its text, and a token that ends; the loss is
    taken on all but the first. One that is longer than `max_length` is cut off, and then
    has no end. Equal prompts are held out together; where `max_prompts` draws some of all
    conversations, it draws exactly so many.
    """
    settings = load_recipe(recipe)
    assert settings.coverage is not None  # noqa: S101 - the rule exists for such recipes only
    plain = load_template(settings.data, tokenizer).plain
    n_shards = len(conversations) // len(datasets)
    for i, dataset in enumerate(datasets):
        own = slice(i * n_shards, (i + 1) * n_shards)
        shards = conversations[own], messages[own]
        counts: Counter[str] = Counter()
        with write_examples(prompts[i]) as train, write_examples(held_out[i]) as apart:
            for number, text in _chosen(shards, dataset, settings.coverage, seed, counts):
                example = _example(plain, text, settings.coverage, counts)
                is_held_out = is_apart(text, seed, settings.coverage.held_out_percent)
                counts["held-out" if is_held_out else "train"] += 1
                (apart if is_held_out else train).add(number, prompt_digest(text), [example])
        write_json(reports[i], {"dataset": dataset, "counts": dict(sorted(counts.items()))})


def _chosen(
    shards: tuple[list[Path], list[Path]],
    dataset: str,
    settings: CoverageSettings,
    seed: int,
    counts: Counter[str],
) -> Iterator[tuple[int, str]]:
    """Yield (conversation, prompt) of those that are used; count why others are not."""
    found = _usable(shards, dataset, settings, counts)
    if settings.max_prompts is None:
        yield from found
        return
    drawn = heapq.nsmallest(settings.max_prompts, found, lambda one: _lot(dataset, one[0], seed))
    n_other = counts["conversations"] - counts["empty"] - counts["other-time"] - len(drawn)
    counts["not-drawn"] = n_other
    yield from sorted(drawn)


def _usable(
    shards: tuple[list[Path], list[Path]],
    dataset: str,
    settings: CoverageSettings,
    counts: Counter[str],
) -> Iterator[tuple[int, str]]:
    """Yield (conversation, prompt) of those with a text, from the time that is looked at."""
    progress = Progress(f"{dataset}: prompts", count_conversations(shards[0]), "conversations")
    for conversation in read_conversations(*shards):
        progress.advance(1)
        counts["conversations"] += 1
        text = first_prompt(conversation.messages)
        if not text.strip():
            counts["empty"] += 1
        elif dataset in CUT and not _in_time(conversation, settings):
            counts["other-time"] += 1
        else:
            yield conversation.conversation_id, text


def _in_time(conversation: Conversation, settings: CoverageSettings) -> bool:
    """Say whether a conversation lies between two days (UTC), both included."""
    if conversation.timestamp is None:
        return True
    day = conversation.timestamp.astimezone(datetime.UTC).date()
    first, last = settings.first_day, settings.last_day
    return (first is None or first <= day) and (last is None or day <= last)


def _lot(dataset: str, number: int, seed: int) -> bytes:
    """Return what decides whether a prompt is drawn; shards make no difference."""
    return hashlib.sha256(f"{seed} drawn {dataset} {number}".encode()).digest()


def _example(
    plain: PlainTokenizer, text: str, settings: CoverageSettings, counts: Counter[str]
) -> Example:
    ids, ends = plain.encode(text)
    whole = [plain.begin_id, *ids, plain.end_id]
    example = Example(whole[: settings.max_length])
    n_text = min(len(ids), settings.max_length - 1)
    if len(whole) > settings.max_length:
        counts["truncated"] += 1
        counts["truncated-tokens"] += len(whole) - settings.max_length
    example.supervised = [False] + [True] * (len(example.input_ids) - 1)
    example.n_reply_characters = ends[n_text - 1] if n_text else 0
    counts["tokens"] += len(example.input_ids)
    return example
