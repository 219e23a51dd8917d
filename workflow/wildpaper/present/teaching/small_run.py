"""Small results for notebooks, made from the bundled simulator where no run is at hand."""

import inspect
import logging
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from wildpaper.artifacts import load_artifacts
from wildpaper.files import read_json, write_json
from wildpaper.ledger import merge_ledgers
from wildpaper.measure.coverage.matrix import measure_coverage
from wildpaper.measure.coverage.variants import measure_coverage_variants
from wildpaper.measure.data_size import measure_data_size
from wildpaper.measure.embedding_overlap import measure_overlap
from wildpaper.measure.figure_02a_turns import measure_turns
from wildpaper.measure.figure_02b_languages import measure_language_tail
from wildpaper.measure.figure_04_layout import measure_layout
from wildpaper.measure.linking_causes import measure_linking
from wildpaper.measure.loss_curve import measure_loss_curve
from wildpaper.measure.mtbench.categories import measure_categories
from wildpaper.measure.mtbench.pairs import measure_pairs
from wildpaper.measure.mtbench.robustness import measure_robustness
from wildpaper.measure.mtbench.scores import measure_scores
from wildpaper.measure.near_duplicates import measure_near_duplicates
from wildpaper.measure.release_text import measure_release
from wildpaper.measure.table_01_datasets import measure_datasets
from wildpaper.measure.token_lengths import measure_token_lengths
from wildpaper.measure.toxicity.classifier_agreement import measure_classifier_agreement
from wildpaper.measure.toxicity.figure_05_toxicity_by_month import measure_toxicity_by_month
from wildpaper.measure.toxicity.table_06_toxicity_overlap import measure_toxicity_overlap
from wildpaper.measure.toxicity.threshold_sweep import measure_threshold_sweep
from wildpaper.present.teaching.small_corpus import FORMATS, Corpus, make_corpus
from wildpaper.present.teaching.small_judge import MODELS, write_planted_judgments
from wildpaper.present.teaching.small_models import TRAINED_ON, train_small_models
from wildpaper.publish.claims import write_claims
from wildpaper.release.linking.linking_truth import assess_linking

PRESET = "small"
_DATA = Path(__file__).resolve().parents[4] / "data"
_REPLICATES, _PERMUTATIONS, _NEIGHBOURS, _PERPLEXITY = 200, 50, 10, 15.0
_THRESHOLD, _MINIMUM_PROMPTS = 0.1, 5
_NOT_RUN = "the small results for notebooks leave it out: run 'snakemake --cores all' for all"

# {artifact: what measures it}: of WildChat alone, and of all data sets
_OF_WILDCHAT: dict[str, Callable[..., None]] = {
    "figure-02a-turns": measure_turns,
    "figure-02b-languages": measure_language_tail,
    "table-06-toxicity-overlap": measure_toxicity_overlap,
    "figure-05-toxicity-by-month": measure_toxicity_by_month,
}
_OF_ALL: dict[str, Callable[..., None]] = {
    "table-01-datasets": measure_datasets,
    "token-lengths": measure_token_lengths,
    "threshold-sweep": measure_threshold_sweep,
    "classifier-agreement": measure_classifier_agreement,
    "near-duplicates": measure_near_duplicates,
    "embedding-overlap": measure_overlap,
    "figure-04-embeddings": measure_layout,
    "figure-03-coverage": measure_coverage,
    "coverage-variants": measure_coverage_variants,
    "loss-curve": measure_loss_curve,
    "data-size": measure_data_size,
    "table-09-mtbench-scores": measure_scores,
    "table-10-mtbench-pairs": measure_pairs,
    "figure-06-mtbench-categories": measure_categories,
    "judge-robustness": measure_robustness,
    "linking-causes": measure_linking,
    "release-text": measure_release,
}
_UNCLAIMED = ("token-lengths", "figure-04-embeddings", "loss-curve")


def make_small_results(folder: Path, seed: int) -> None:
    """Write small simulated results in the form of a run: measures, claims and ledger.

    Takes some ten seconds on one core and needs no network, tokenizer or model. What it leaves
    out (redaction, the labels of real classifiers, most tables) is said in its claims.

    Parameters
    ----------
    folder : Path
        To write, whole or not at all; it is left as it is if it is there.
    seed : int
        Of all randomness.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _quiet(), tempfile.TemporaryDirectory(prefix=".small-", dir=folder.parent) as name:
        work, made = Path(name, "work"), Path(name, "made")
        work.mkdir()
        corpus = make_corpus(work, _DATA / "published.yaml", seed)
        train_small_models(corpus, work, seed)
        write_planted_judgments(work / "judgments.parquet", seed)
        assess_linking(corpus.fates, corpus.true_calls, work / "linking-truth.json")
        _write_release_report(corpus, work)
        _measure(corpus, work, made / "measure", seed)
        _claim(corpus, made)
        merge_ledgers(corpus.ledgers, made / "ledger.json")
        if not folder.exists():
            shutil.move(made, folder)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep the library from reporting progress and the rows that the simulator made bad."""
    log = logging.getLogger("wildpaper")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


def _write_release_report(corpus: Corpus, work: Path) -> None:
    """Write what the release would come to, without redaction."""
    kept = next(row for row in read_json(corpus.ledgers[0]) if row["unit"] == "conversation")
    n = kept["kept"]
    report = dict.fromkeys(
        ("n_sexual_minors", "n_redacted_messages", "n_redacted_conversations"), 0
    )
    counts = {"n_conversations": n, "n_messages": 0, "n_public_conversations": n}
    write_json(work / "released.json", report | counts)


def _measure(corpus: Corpus, work: Path, measure: Path, seed: int) -> None:
    """Call each measure with those of the files and settings that it takes."""
    measure.mkdir(parents=True)
    labels = corpus.labels
    known: dict[str, Any] = {
        "tokens": labels["tokens"], "languages": labels["language"],
        "detoxify": labels["detoxify"], "moderation": labels["moderation"],
        "near_duplicates": labels["near_duplicate"], "embeddings": labels["embedding"],
        "reports": corpus.reports, "conversations": corpus.conversations,
        "messages": corpus.messages, "scored": corpus.names, "moderated": corpus.names,
        "threshold": _THRESHOLD, "minimum_prompts": _MINIMUM_PROMPTS, "deviation": "population",
        "n_replicates": _REPLICATES, "seed": seed, "neighbours": _NEIGHBOURS,
        "permutations": _PERMUTATIONS, "perplexity": _PERPLEXITY,
        "scores": [work / f"coverage-{name}.parquet" for name in corpus.names],
        "recipe": _DATA / "recipes/micro.yaml", "published": _DATA / "published.yaml",
        "judgments": work / "judgments.parquet", "models": list(MODELS), "trained": list(MODELS),
        "published_as": {}, "published_notes": {}, "assessment": work / "linking-truth.json",
        "linked": corpus.linked, "released": work / "released.json",
    }  # fmt: skip
    trained = {
        "losses": [work / f"{name}.losses.json" for name in TRAINED_ON],
        "trained": [work / f"{name}.trained.json" for name in TRAINED_ON],
    }
    sizes = {"losses": work / "data-size.parquet", "report": work / "data-size.json"}
    special: dict[str, dict[str, Any]] = {"loss-curve": trained, "data-size": sizes}
    only = ("tokens", "languages", "detoxify", "moderation", "conversations", "messages")
    wildchat = known | {name: known[name][:1] for name in only} | {"report": corpus.reports[0]}
    for artifact, function in (_OF_WILDCHAT | _OF_ALL).items():
        given = wildchat if artifact in _OF_WILDCHAT else known | special.get(artifact, {})
        files = {"table": measure / f"{artifact}.csv", "notes": measure / f"{artifact}.notes.json"}
        takes = inspect.signature(function).parameters
        function(**{name: value for name, value in (given | files).items() if name in takes})


def _claim(corpus: Corpus, made: Path) -> None:
    measured = sorted((made / "measure").glob("*.csv"))
    built = {path.stem for path in measured}
    write_claims(
        published=_DATA / "published.yaml",
        artifacts=_DATA / "artifacts.yaml",
        acquired=corpus.acquired,
        tables=[path for path in measured if path.stem not in _UNCLAIMED],
        notes=sorted((made / "measure").glob("*.notes.json")),
        truth=[], errors=[], redaction=[],
        claims=made / "publish/claims.json",
        markdown=made / "publish/claims.md",
        table=made / "publish/claims.csv",
        preset=PRESET,
        datasets=["wildchat", *FORMATS],
        blanks=_blanks(built),
        minimum_prompts=_MINIMUM_PROMPTS,
    )  # fmt: skip


def _blanks(built: set[str]) -> dict[str, str]:
    listed = load_artifacts(_DATA / "artifacts.yaml")
    return {artifact.id: _NOT_RUN for artifact in listed if artifact.id not in built}
