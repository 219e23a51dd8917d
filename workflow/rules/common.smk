# What all rules share: the configuration, the registries and the places of files.
#
# Purpose: validate the configuration once, say where things stand.
# Inputs:  config/<preset>.yaml, data/sources.yaml, data/artifacts.yaml
# Outputs: none; its functions serve the rules of all stages

import sys
from pathlib import Path

ROOT = Path(workflow.basedir)
sys.path.insert(0, str(ROOT / "workflow"))

# Snakemake imports nbformat for each job, and with it an optional check of addresses whose
# grammars take 1.5 s to compile; nothing here needs it.
sys.modules.setdefault("rfc3987_syntax", None)

from wildpaper import plan as _plan
from wildpaper.config import DATASETS
from wildpaper.digest import code_digest, files_digest, keep_facts, notebook_imports
from wildpaper.errors import WildpaperError
from wildpaper.plan import RAWLOGS
from wildpaper.plan_evaluation import published_rows
from wildpaper.plan_inputs import HUB_TOKENIZER, state_of_model

if Path.cwd() == ROOT:
    ROOT = Path()

keep_facts(Path(".snakemake/wildpaper-code.json"))


def repo(path):
    """Return a file of the project, relative where the run stands in the project."""
    return str(ROOT / path)


try:
    PLAN = _plan.make_plan(
        config, [Path(f) for f in workflow.configfiles], repo("."), "data/raw"
    )
except WildpaperError as error:
    raise WorkflowError(str(error)) from None

CONFIG = PLAN.config
PREFLIGHT = [ancient("data/raw/preflight.json")] if PLAN.needs else []
RESULTS = f"results/{CONFIG.preset}"
SHARDS = range(CONFIG.shards)
LABELS = (
    *("tokens", "language", "language_check", "detoxify", "moderation", "jailbreak"),
    *("category", "near_duplicate", "embedding", "detoxify_check"),
)
WILDCHAT = [name for name in PLAN.datasets if name == "wildchat"]
TRAINING = PLAN.training
TRAINED_ON = TRAINING.models if TRAINING else {}
EVALUATION = PLAN.evaluation
STUDIED = TRAINING.recipe.studied if TRAINING else "none"
RECORDS = {}  # {file of raw data: its copy from the archive}, in a run that restores
CHECKED = [f"{RESULTS}/publish/restored.json"] if CONFIG.restore else []


def files_of_project(folder, pattern):
    """Return the files of a folder of the project, by name."""
    return [
        repo(f"{folder}/{path.name}")
        for path in sorted(Path(ROOT, folder).glob(pattern))
    ]


def results(path):
    """Return a file of this run."""
    return f"{RESULTS}/{path}"


def private(path):
    """Return a file that holds what may not be released; only its owner may read the folder."""
    return f"data/private/{CONFIG.preset}/release/{path}"


def private_shards(table):
    """Return the shards of a table of the raw logs that may not be released."""
    return [private(f"{table}-{shard}.parquet") for shard in SHARDS]


def logs(path):
    """Return the log of a job; its provenance record stands beside it."""
    return f"{RESULTS}/logs/{path}.log"


def notebook_digest(name):
    """Return the digest of the code behind a notebook: the runner and what its cells import."""
    try:
        cells = notebook_imports(Path(repo(f"notebooks/{name}.ipynb")))
    except WildpaperError as error:
        raise WorkflowError(str(error)) from None
    return code_digest("wildpaper.present.notebook", *cells)


def datasets_from(source):
    """Return a pattern for the data sets of one source; one that never matches if none."""
    names = [d.name for d in PLAN.datasets.values() if d.source == source]
    return "|".join(names) or "none-(?!)"


def recorded(paths):
    """Return an input function for files of raw data, or their copies from an archive."""
    return lambda wildcards: [RECORDS.get(path, path) for path in paths]


ACQUIRED_FILES = [dataset.acquired for dataset in PLAN.datasets.values()]
ACQUIRED = recorded(ACQUIRED_FILES)


def acquired(wildcards):
    """Return the acquired.json of a data set."""
    return PLAN.datasets[wildcards.dataset].acquired


def shards_of(table, datasets):
    """Return the shards of a canonical table (conversations, messages), data set by data set."""
    return [
        _folder_of(name, f"{table}-{shard}.parquet")
        for name in datasets
        for shard in SHARDS
    ]


def labels_of(label, datasets):
    """Return the shards of a label, recorded or computed, data set by data set."""
    return [
        results(f"annotate/{label}@{PLAN.route(name, label)}/{name}-{shard}.parquet")
        for name in datasets
        for shard in SHARDS
    ]


def messages_shard(wildcards):
    """Return the shard of messages that a label file is about."""
    name, shard = wildcards.dataset, wildcards.shard
    return _folder_of(name, f"messages-{shard}.parquet")


def released(variant):
    """Return the files of a variant of the release, full or public."""
    n = CONFIG.shards
    return [
        results(f"release/wildchat-{variant}/train-{k:05d}-of-{n:05d}.parquet")
        for k in range(n)
    ]


def trained(file):
    """Return a file of each model of the run."""
    return [results(f"train/{model}/{file}") for model in TRAINED_ON]


def answering(source):
    """Return a pattern for the models whose answers come from one source."""
    names = list(EVALUATION.answering(source)) if EVALUATION else []
    return "|".join(names) or "none-(?!)"


def answering_model(wildcards):
    """Return what the configuration says of a model that the run does not train."""
    return CONFIG.evaluate.models[wildcards.model]


def _folder_of(dataset, file):
    """Return a file among a data set's canonical tables."""
    return private(file) if dataset == RAWLOGS else results(f"ingest/{dataset}/{file}")


wildcard_constraints:
    dataset="|".join([*DATASETS, RAWLOGS]),
    label="|".join(LABELS),
    model=r"[a-z0-9_]+",
    shard=r"\d+",
    version=r"[A-Za-z0-9._-]+",
    artifact=r"[a-z0-9-]+",
    notebook=r"[a-z0-9_]+",
