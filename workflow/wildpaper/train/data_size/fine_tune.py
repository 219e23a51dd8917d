"""Train the model under study on one subset after the other."""

import gc
import hashlib
import json
import logging
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch
import transformers

from wildpaper.digest import code_digest
from wildpaper.errors import WildpaperError
from wildpaper.evaluate.token_scores import ready_to_score
from wildpaper.files import atomic_path, open_unfinished, sha256_file, write_json
from wildpaper.progress import Progress
from wildpaper.train.data_size.losses import LOSSES, write_losses
from wildpaper.train.data_size.subsets import Passed, Subset, plan_subsets
from wildpaper.train.examples import Examples, read_examples
from wildpaper.train.fine_tune import started_on_all_devices
from wildpaper.train.fit import fit
from wildpaper.train.how import How, how_of
from wildpaper.train.launch import is_first
from wildpaper.train.model import build_model, check_hardware, quieten
from wildpaper.train.order import training_order
from wildpaper.train.recipe import Recipe, load_recipe
from wildpaper.train.settings import DataSizeSettings
from wildpaper.train.template import load_template

_LOG = logging.getLogger("wildpaper")
_FOLDER = "data-size"


@dataclass(frozen=True, slots=True)
class _Run:
    """A subset, and the order in which a training sees its examples."""

    subset: Subset
    order: list[int]
    n_seen: int
    """Tokens that the training sees, over all passes."""


def train_data_sizes(
    examples: list[Path],
    held_out: list[Path],
    recipe: Path,
    tokenizer: Path,
    losses: Path,
    report: Path,
    seed: int,
    base: list[Path] | None = None,
) -> None:
    """Train on each subset from the same start; on a CPU the same input gives the same bytes.

    Parameters
    ----------
    examples, held_out : list of Path
        Shards of the data set of the model under study.
    recipe, tokenizer : Path
    losses : Path
        To write: `LOSSES`. No text.
    report : Path
        To write: what the rule left out and why, and what was trained on what.
    seed : int
        Of the first weights, the same for all, of the subsets, and of the order of examples.
    base : list of Path, optional
        Weights of a pretrained base on this machine, if there is one.

    Raises
    ------
    WildpaperError
        If there is nothing to train on or no held-out example, or the machine lacks what the
        recipe needs.

    Notes
    -----
    A subset whose losses are known is not trained on again when this was killed. What is
    kept until the end stands in a folder beside `losses`, named after a digest of all that
    decides the result.
    """
    given = dict(locals())
    settings = load_recipe(recipe)
    asked = _asked(settings, recipe)
    quieten()
    check_hardware(settings.hardware, losses.parent)
    data, apart = read_examples(examples), read_examples(held_out)
    apart = some_conversations(apart, asked.max_held_out, seed)
    _check(data, apart, examples[0].parent)
    if started_on_all_devices(train_data_sizes, given, settings):
        return
    subsets, passed = plan_subsets(data, asked, seed)
    runs = [_run(subset, data, asked, seed) for subset in subsets]
    template, start = load_template(settings.data, tokenizer), base[0] if base else None
    how = how_of(settings, asked.optimiser)
    files = [tokenizer, *(base or [])]
    folder = losses.parent / f"{_FOLDER}-{_digest(settings, how, data, apart, seed, files)}"
    open_unfinished(folder)
    _train(runs, data, apart, how, lambda: build_model(settings, template, start), seed, folder)
    if is_first():
        write_json(report, _report(settings, asked, passed, runs, data, apart, seed))
        tables = [pq.read_table(_file(folder, run.subset), schema=LOSSES) for run in runs]
        with atomic_path(losses) as temporary:
            pq.write_table(pa.concat_tables(tables), temporary, compression="zstd")
        shutil.rmtree(folder, ignore_errors=True)


def some_conversations(data: Examples, most: int | None, seed: int) -> Examples:
    """Return the examples of at most so many conversations, drawn whole; all if None."""
    numbers = np.unique(data.conversation_ids)
    if most is None or len(numbers) <= most:
        return data

    def lot(number: int) -> bytes:
        return hashlib.sha256(f"{seed} held out {number}".encode()).digest()

    drawn = sorted(numbers.tolist(), key=lot)[:most]
    return data.take(np.flatnonzero(np.isin(data.conversation_ids, drawn)))


def _asked(recipe: Recipe, path: Path) -> DataSizeSettings:
    if recipe.data_size is None:
        raise WildpaperError(
            "The recipe compares no sizes of training data",
            where=str(path),
            hint="Give it a section data_size.",
        )
    return recipe.data_size


def _check(data: Examples, apart: Examples, folder: Path) -> None:
    if not len(data):
        raise WildpaperError(
            "There is no example to train on",
            where=str(folder),
            hint="The report beside it says why; look at data.cutoff in the recipe.",
        )
    if not len(apart):
        raise WildpaperError(
            "There is no held-out example to compare sizes of training data on",
            where=str(folder),
            hint="Raise data.held_out_percent in the recipe, or take more conversations.",
        )


def _run(subset: Subset, data: Examples, asked: DataSizeSettings, seed: int) -> _Run:
    lengths = data.lengths[subset.rows]
    order = training_order(lengths.tolist(), asked.optimiser, seed, subset.name)
    return _Run(subset, order, int(lengths[order].sum()))


def _train(
    runs: list[_Run],
    data: Examples,
    apart: Examples,
    how: How,
    build: Callable[[], Any],
    seed: int,
    folder: Path,
) -> None:
    """Train on the subsets that have no losses yet, and keep those of each.

    Which have is asked before the first training: all processes must do the same ones.
    """
    done = {run.subset.name for run in runs if _file(folder, run.subset).is_file()}
    progress = Progress("how much data: training", sum(run.n_seen for run in runs), "tokens")
    progress.resume_from(sum(run.n_seen for run in runs if run.subset.name in done))
    nothing = apart.take([])
    for i, run in enumerate(runs):
        name = run.subset.name
        if name in done:
            _LOG.info("%s: trained before, not again", name)
            continue
        _LOG.info("%s: subset %d of %d", name, i + 1, len(runs))
        part = data.take(run.subset.rows)
        model = fit(build, part, nothing, run.order, how, name, seed, folder).model
        if is_first():
            model = ready_to_score(model, how.hardware.device)
            write_losses(_file(folder, run.subset), run.subset, int(part.starts[-1]), model, apart)
        progress.advance(run.n_seen)
        del model
        gc.collect()
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


def _file(folder: Path, subset: Subset) -> Path:
    return folder / f"{subset.name}.parquet"


def _digest(
    recipe: Recipe, how: How, data: Examples, apart: Examples, seed: int, files: list[Path]
) -> str:
    """Return 16 hex digits over all that decides the losses."""
    about = {
        "recipe": recipe.model_dump(mode="json"),
        "how": how.settings(),
        "seed": seed,
        "files": [sha256_file(path) for path in files],
        "code": code_digest(__name__),
        "versions": [torch.__version__, transformers.__version__],
    }
    digest = hashlib.sha256(json.dumps(about, sort_keys=True).encode())
    columns = ("conversation_ids", "first_prompts", "starts", "input_ids", "supervised")
    for part in (data, apart):
        for column in columns:
            digest.update(np.ascontiguousarray(getattr(part, column)).tobytes())
    return digest.hexdigest()[:16]


def _report(
    recipe: Recipe,
    asked: DataSizeSettings,
    passed: Passed,
    runs: list[_Run],
    data: Examples,
    apart: Examples,
    seed: int,
) -> dict[str, Any]:
    return {
        "recipe": recipe.name,
        "seed": seed,
        "settings": asked.model_dump(mode="json"),
        "training": _counts(data),
        "held_out": _counts(apart),
        "rule": {**_counts(data.take(passed.rows)), "left_out": passed.left_out},
        "subsets": [
            {
                "selection": run.subset.selection,
                "size": run.subset.size,
                "share": run.subset.share,
                **_counts(data.take(run.subset.rows)),
                "epochs": len(run.order) / len(run.subset.rows),
                "n_steps": -(-len(run.order) // asked.optimiser.batch),
                "n_tokens_seen": run.n_seen,
            }
            for run in runs
        ],
    }


def _counts(examples: Examples) -> dict[str, int]:
    return {
        "n_conversations": len(np.unique(examples.conversation_ids)),
        "n_examples": len(examples),
        "n_tokens": int(examples.starts[-1]),
        "n_supervised_tokens": int(examples.supervised.sum()),
    }
