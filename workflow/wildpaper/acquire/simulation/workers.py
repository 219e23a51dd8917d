"""Processes that simulate: each makes what it shares once, then block after block."""

import os
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from wildpaper.acquire.simulation.block import Simulator, generate_block
from wildpaper.acquire.simulation.block_files import BlockResult, write_block
from wildpaper.acquire.simulation.labelled import write_labelled, write_prompts
from wildpaper.acquire.simulation.population import Block
from wildpaper.acquire.simulation.targets import Targets
from wildpaper.acquire.simulation.token_truth import CountTokens, sum_tokens, token_counter
from wildpaper.processes import worker_pool

_COMPARISON_SCALE = 1.0
"""Comparison sets are small, and their prompts short: shortened, they would be a word or two."""


@dataclass(frozen=True, slots=True)
class Study:
    """What is simulated and where to; the same for every process."""

    targets: Targets
    tokenizer: Path | None
    rawlogs: Path
    parts: Path
    n_conversations: int
    length_scale: float
    seed: int
    salt: str


class Worker:
    """Does the pieces of a study's work."""

    def __init__(self, study: Study) -> None:
        self.study = study
        self._simulator = Simulator(
            study.targets, study.n_conversations, study.length_scale, study.seed, study.salt
        )
        self.count_tokens: CountTokens | None = None
        if study.tokenizer is not None:
            self.count_tokens = token_counter(study.tokenizer)

    def block(self, block: Block) -> BlockResult:
        """Generate and write one block."""
        log = generate_block(self._simulator, block)
        if self.count_tokens is not None:
            log.tally.tally.tokens = sum_tokens(log.released, self.count_tokens)
        return write_block(self.study.rawlogs, self.study.parts, block.index, log)

    def comparison(
        self, dataset: str, folder: Path, n: int, answers: Path | None = None
    ) -> dict[str, Any]:
        """Write one comparison set, messages in their published lengths; return its truth."""
        from wildpaper.acquire.simulation.native_sets import write_simulated

        study = self.study
        return dict(
            write_simulated(
                dataset, folder, n, _COMPARISON_SCALE, study.seed, study.targets.numbers(),
                self.count_tokens, answers,
            )
        )  # fmt: skip

    def labelled(self, paths: list[Path], n: int) -> None:
        """Write the labelled messages: `n` that measure errors, twice as many that train.

        `paths` are those that train and that measure errors, then the same of first prompts.
        """
        study, speech = self.study, self._simulator.speech
        train, assess, prompts_train, prompts_assess = paths
        for path, part, n_part in ((train, "train", 2 * n), (assess, "assess", n)):
            write_labelled(path, part, n_part, speech, study.targets, study.seed)
        write_prompts(
            prompts_train, prompts_assess, n, study.length_scale, study.targets, study.seed
        )


_WORKER: list[Worker] = []


def _begin(study: Study) -> None:
    os.environ["RAYON_NUM_THREADS"] = "1"
    os.environ["TOKENIZERS_PARALLELISM"] = "false"
    _WORKER[:] = [Worker(study)]


def _work(block: Block) -> BlockResult:
    return _WORKER[0].block(block)


def work_blocks(
    worker: Worker, blocks: list[Block], n_workers: int
) -> Generator[BlockResult, None, None]:
    """Yield the results of all blocks in their order.

    With one worker in this process, else in `n_workers` new ones. What is written does not
    depend on it.
    """
    n_workers = min(n_workers, len(blocks))
    if n_workers == 1:
        yield from map(worker.block, blocks)
        return
    with worker_pool(n_workers, _begin, (worker.study,)) as submit:
        for work in [submit(_work, block) for block in blocks]:
            yield work.result()
