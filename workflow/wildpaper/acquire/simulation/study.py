"""Simulate a study: raw logs with planted truth, comparison sets, labelled messages."""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from wildpaper.acquire.record import Held, write_acquired
from wildpaper.acquire.simulation import dialogue
from wildpaper.acquire.simulation.addresses import DATABASE, LATER_DATABASE, write_database
from wildpaper.acquire.simulation.block_files import (
    BlockResult,
    remove_stale,
    write_lines,
    write_personal,
)
from wildpaper.acquire.simulation.compose import SHARE_CODE
from wildpaper.acquire.simulation.population import Block, draw_blocks
from wildpaper.acquire.simulation.schedule import WINDOWS, iso
from wildpaper.acquire.simulation.tally import Tally
from wildpaper.acquire.simulation.targets import jailbreak_raise, read_targets
from wildpaper.acquire.simulation.true_calls import join_parts
from wildpaper.acquire.simulation.truth import rates, realised, scaled
from wildpaper.acquire.simulation.workers import Study, Worker, work_blocks
from wildpaper.errors import WildpaperError
from wildpaper.files import scratch_folder, sha256_file, write_json
from wildpaper.progress import Progress

LEAST_CONVERSATIONS = 200
"""Fewer have no room for all that is planted."""

RECORD_MODERATION = ("lmsys_chat_1m",)
"""Comparison sets whose releases hold the moderation of their messages."""

_RELEASE = {
    "name": "simulated",
    "title": "Simulated raw interaction logs",
    "comparable": False,
    "why_not": "simulated corpus written by this project",
    "simulated": True,
    "licence": "CC0-1.0",
    "gated": False,
    "citation": "zhao2024wildchat",
    "revision": None,
}


def simulate_study(
    tokenizer: Path | None,
    published: Path,
    truth: Path,
    personal: Path,
    true_calls: Path,
    rawlogs: Path,
    datasets: list[Path],
    labelled: list[Path],
    n_conversations: int,
    n_per_dataset: int,
    n_labelled: int,
    length_scale: float,
    seed: int,
    n_workers: int = 1,
    moderation: Path | None = None,
) -> None:
    """Write a simulated study; the bytes of all files depend on the parameters only.

    Parameters
    ----------
    tokenizer : Path or None
        ``tokenizer.json`` of Llama 2, for the true token counts; None leaves them out.
    published : Path
        ``data/published.yaml``, whose marginals the study aims at.
    truth, personal : Path
        Counts and rates that were planted; what is personal and was planted.
    true_calls : Path
        Parquet file of `wildpaper.schema.TRUE_CALLS`: the conversation that each answered
        call truly belongs to.
    rawlogs : Path
        ``rawlogs/acquired.json``; the logs are written beside it.
    datasets : list of Path
        ``<name>/acquired.json`` of each comparison set to write.
    labelled : list of Path
        ``train.jsonl`` and ``assess.jsonl``, ``prompts-train.jsonl`` and
        ``prompts-assess.jsonl``; none of them are written if the list is empty.
    n_conversations, n_per_dataset, n_labelled : int
        Conversations in the logs (planned; what linking makes of them is in `truth`), about
        as many in each comparison set, messages in ``assess.jsonl``; ``train.jsonl`` has
        twice as many. First prompts: see `wildpaper.acquire.simulation.labelled`.
    length_scale : float
        Message lengths in the logs, as a share of the published ones. The comparison sets
        have the published lengths.
    seed : int
        Of all randomness.
    n_workers : int
        Processes.
    moderation : Path, optional
        ``moderation/acquired.json``; stored answers of a moderation API to the texts of the
        comparison sets that record none are written beside it, ``moderation-<name>.jsonl``.

    Raises
    ------
    WildpaperError
        If there are too few conversations, or too many for the reserved addresses.
    """
    if n_conversations < LEAST_CONVERSATIONS:
        raise WildpaperError(
            f"{n_conversations} conversations have no room for all that is planted",
            where="config key simulate.conversations",
            hint=f"Simulate at least {LEAST_CONVERSATIONS}.",
        )
    answers = [] if moderation is None else [moderation]
    _clear([truth, personal, true_calls, *datasets, *labelled, *answers], rawlogs.parent)
    targets = read_targets(published)
    salt = hashlib.sha256(f"wildpaper salt {seed}".encode()).hexdigest()
    blocks = draw_blocks(n_conversations, targets, seed)
    personal.parent.mkdir(parents=True, exist_ok=True)
    with scratch_folder(personal.parent, "parts") as parts:
        study = Study(targets, tokenizer, rawlogs.parent, parts, n_conversations,
                      length_scale, seed, salt)  # fmt: skip
        worker = Worker(study)
        files, tally = _write_logs(worker, blocks, n_workers)
        write_personal(personal, parts, len(blocks), salt)
        join_parts(parts, len(blocks), true_calls)
    found = realised(tally, targets)
    found |= _write_comparison_sets(worker, datasets, n_per_dataset, moderation)
    if labelled:
        worker.labelled(labelled, n_labelled)
    given = {"n_conversations": n_conversations, "n_per_dataset": n_per_dataset,
             "n_labelled": n_labelled, "length_scale": length_scale}  # fmt: skip
    write_json(truth, {
        "seed": seed,
        "parameters": given | parameters(n_conversations, length_scale),
        "realised": found,
        "scaled": scaled(found, n_conversations),
    })  # fmt: skip
    write_acquired(rawlogs, "wildchat", "simulate", "simulated", _RELEASE, files)


def _clear(paths: list[Path], rawlogs: Path) -> None:
    """Remove what an earlier run left, so that nothing of it passes for this one's."""
    for path in paths:
        path.unlink(missing_ok=True)
    remove_stale(rawlogs)


def _write_logs(worker: Worker, blocks: list[Block], n_workers: int) -> tuple[list[Held], Tally]:
    """Write all blocks, then what they share; return the files and the counts."""
    tally, files = Tally(), list[Held]()
    wildbench: list[str] = []
    results = _watched(work_blocks(worker, blocks, n_workers), blocks)
    for result in results:
        tally.add(result.tally)
        files += result.files
        wildbench += result.wildbench
    folder = worker.study.rawlogs
    files.sort(key=lambda one: one.name)
    files.append(write_lines(folder / "wildbench.jsonl", wildbench))
    for name in (DATABASE, LATER_DATABASE):
        database = folder / "geoip" / name
        write_database(database)
        files.append(Held(name, sha256_file(database), database.stat().st_size, "recorded"))
    return files, tally


def _write_comparison_sets(
    worker: Worker, datasets: list[Path], n: int, moderation: Path | None
) -> dict[str, Any]:
    """Write the comparison sets and the moderation answers; return what was planted."""
    found: dict[str, Any] = {}
    held = list[Held]()
    for acquired in datasets:
        name, path = acquired.parent.name, None
        if moderation is not None and name not in RECORD_MODERATION:
            path = moderation.with_name(f"moderation-{name}.jsonl")
        found |= worker.comparison(name, acquired.parent, n, path)
        if path is not None:
            held.append(Held(path.name, sha256_file(path), path.stat().st_size, "recorded"))
    if moderation is not None:
        release = {**_RELEASE, "title": "Simulated moderation answers"}
        write_acquired(moderation, "moderation", "simulate", "simulated", release, held)
    return found


def _watched(results: Iterator[BlockResult], blocks: list[Block]) -> Iterator[BlockResult]:
    n = sum(sum(block.n_conversations) for block in blocks)
    progress = Progress("simulated raw logs", n, "conversations")
    for block, result in zip(blocks, results, strict=True):
        progress.advance(sum(block.n_conversations))
        yield result


def parameters(n_conversations: int, length_scale: float) -> dict[str, Any]:
    """Return what the simulation assumes beyond the published values."""
    return {
        "jailbreak_raise": jailbreak_raise(n_conversations),
        "longest_words": int(dialogue.LONGEST_WORDS * length_scale),
        "shortest_words": dict(dialogue.SHORTEST_WORDS),
        "words_per_token": dialogue.WORDS_PER_TOKEN,
        "share_empty": dialogue.SHARE_EMPTY,
        "share_code_in_coding_prompts": SHARE_CODE,
        "toxicity_before_update": dict(dialogue.UPDATE_FACTOR),
        "reply_to_toxic": dialogue.REPLY_TO_TOXIC,
        "models": {name: [iso(w.start), iso(w.end)] for name, w in WINDOWS.items()},
        **rates(),
    }
