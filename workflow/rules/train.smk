# Train: conversations and a recipe in, models out.
#
# Purpose: WildLLaMA on WildChat, and a baseline by the same recipe on ShareGPT; a model of the
#          prompts of each data set (Figure 3); the same model on more and more of the data.
# Inputs:  ingest/<dataset>/{conversations,messages}-<shard>.parquet, data/recipes/<recipe>.yaml,
#          data/raw/smollm2/ for a base on this machine
# Outputs: train/<model>/{examples,held-out}-<shard>.parquet, model.safetensors, config.json,
#          losses.json, report.json, speed.json, README.md
#          train/coverage/<dataset>/{prompts,held-out}.parquet, model.safetensors
#          train/data-size/{losses.parquet,report.json}

RECIPE = TRAINING.file if TRAINING else repo("data/recipes/none.yaml")
TRAINED_REPORTS = [
    results(f"ingest/{name}/report.json") for name in TRAINED_ON.values()
]
COMPARED = TRAINING.compared if TRAINING else []
COMPARED_REPORTS = [results(f"ingest/{name}/report.json") for name in COMPARED]
TRAIN_GPUS = TRAINING.n_gpus if TRAINING else 0
TRAIN_THREADS = TRAINING.n_threads if TRAINING else 1
BASE_FILES = TRAINING.base_files() if TRAINING else []
TRAIN_TOKENIZER = (
    BASE_FILES[2]
    if BASE_FILES and TRAINING.recipe.data.tokenizer == "base"
    else rules.convert_tokenizer.output.tokenizer
)
# A model of a few million parameters takes less time to train than its libraries to load: on
# a CPU one job trains those of all data sets.
COVERAGE_JOBS = [[name] for name in COMPARED]
if COMPARED and not TRAIN_GPUS:
    COVERAGE_JOBS = [COMPARED]


rule prepare_training:
    """Conversations as token ids; the loss is taken on assistant text and its end alone."""
    input:
        conversations=lambda wildcards: shards_of(
            "conversations", [TRAINED_ON[wildcards.model]]
        ),
        messages=lambda wildcards: shards_of("messages", [TRAINED_ON[wildcards.model]]),
        tokenizer=TRAIN_TOKENIZER,
        recipe=RECIPE,
    output:
        examples=expand(
            results("train/{{model}}/examples-{shard}.parquet"), shard=SHARDS
        ),
        held_out=expand(
            results("train/{{model}}/held-out-{shard}.parquet"), shard=SHARDS
        ),
        report=results("train/{model}/data.json"),
        ledger=results("train/{model}/ledger.json"),
    log:
        logs("prepare_training/{model}"),
    priority: 10
    conda:
        "../../environment.yml"
    threads: min(CONFIG.shards, 8)
    resources:
        mem_mb=2000,
    params:
        call="wildpaper.train.prepare:prepare_training",
        code=code_digest("wildpaper.train.prepare"),
        dataset=lambda wildcards: TRAINED_ON[wildcards.model],
        seed=CONFIG.seed,
    message:
        "Prepare the training data of {wildcards.model}"
    script:
        "../scripts/run.py"


rule train_model:
    """Fine-tune, or train from scratch, as the recipe says."""
    input:
        BASE_FILES[1:],
        base=BASE_FILES[:1],
        examples=rules.prepare_training.output.examples,
        held_out=rules.prepare_training.output.held_out,
        recipe=RECIPE,
        tokenizer=TRAIN_TOKENIZER,
    output:
        model=results("train/{model}/model.safetensors"),
        config=results("train/{model}/config.json"),
        losses=results("train/{model}/losses.json"),
        report=results("train/{model}/report.json"),
        speed=results("train/{model}/speed.json"),
    log:
        logs("train_model/{model}"),
    priority: 5
    conda:
        "../../environment.yml"
    threads: TRAIN_THREADS
    resources:
        mem_mb=4500,
        gpu=TRAIN_GPUS,
    params:
        call="wildpaper.train.fine_tune:train_model",
        code=code_digest("wildpaper.train.fine_tune"),
        model_name="{model}",
        seed=CONFIG.seed,
        n_gpus=TRAIN_GPUS,
    message:
        "Train {wildcards.model}"
    script:
        "../scripts/run.py"


rule prepare_prompts:
    """First prompts of each data set as token ids, some of them held out."""
    input:
        conversations=[shards_of("conversations", [name]) for name in COMPARED],
        messages=[shards_of("messages", [name]) for name in COMPARED],
        tokenizer=TRAIN_TOKENIZER,
        recipe=RECIPE,
    output:
        prompts=[results(f"train/coverage/{n}/prompts.parquet") for n in COMPARED],
        held_out=[results(f"train/coverage/{n}/held-out.parquet") for n in COMPARED],
        reports=[results(f"train/coverage/{n}/data.json") for n in COMPARED],
    log:
        logs("prepare_prompts/all"),
    priority: 10
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
    params:
        call="wildpaper.train.coverage.prompts:prepare_prompts",
        code=code_digest("wildpaper.train.coverage.prompts"),
        datasets=COMPARED,
        seed=CONFIG.seed,
    message:
        "Prepare the prompts of the coverage matrix"
    script:
        "../scripts/run.py"


for _names in COVERAGE_JOBS:

    rule:
        name:
            f"train_coverage_{'_'.join(_names) if TRAIN_GPUS else 'models'}"
        input:
            BASE_FILES[1:],
            base=BASE_FILES[:1],
            prompts=[results(f"train/coverage/{n}/prompts.parquet") for n in _names],
            held_out=[results(f"train/coverage/{n}/held-out.parquet") for n in _names],
            recipe=RECIPE,
            tokenizer=TRAIN_TOKENIZER,
        output:
            models=[results(f"train/coverage/{n}/model.safetensors") for n in _names],
            configs=[results(f"train/coverage/{n}/config.json") for n in _names],
            losses=[results(f"train/coverage/{n}/losses.json") for n in _names],
            reports=[results(f"train/coverage/{n}/report.json") for n in _names],
        log:
            logs(f"train_coverage/{'_'.join(_names) if TRAIN_GPUS else 'models'}"),
        priority: 10
        conda:
            "../../environment.yml"
        threads: TRAIN_THREADS
        resources:
            mem_mb=3000,
            gpu=TRAIN_GPUS,
        params:
            call="wildpaper.train.coverage.fine_tune:train_coverage",
            code=code_digest("wildpaper.train.coverage.fine_tune"),
            datasets=_names,
            seed=CONFIG.seed,
            n_gpus=TRAIN_GPUS,
        message:
            f"Train on the prompts of {', '.join(_names)}"
        script:
            "../scripts/run.py"


rule train_data_sizes:
    """The model under study once more on growing subsets of its data."""
    input:
        BASE_FILES[1:],
        base=BASE_FILES[:1],
        examples=expand(
            results(f"train/{STUDIED}/examples-{{shard}}.parquet"), shard=SHARDS
        ),
        held_out=expand(
            results(f"train/{STUDIED}/held-out-{{shard}}.parquet"), shard=SHARDS
        ),
        recipe=RECIPE,
        tokenizer=TRAIN_TOKENIZER,
    output:
        losses=results("train/data-size/losses.parquet"),
        report=results("train/data-size/report.json"),
    log:
        logs("train_data_sizes/all"),
    priority: 10
    conda:
        "../../environment.yml"
    threads: TRAIN_THREADS
    resources:
        mem_mb=3000,
        gpu=TRAIN_GPUS,
    params:
        call="wildpaper.train.data_size.fine_tune:train_data_sizes",
        code=code_digest("wildpaper.train.data_size.fine_tune"),
        seed=CONFIG.seed,
        n_gpus=TRAIN_GPUS,
    message:
        "Train on growing subsets"
    script:
        "../scripts/run.py"


rule write_model_card:
    """What a model is: its data, recipe, losses, speed and licences."""
    input:
        report=rules.train_model.output.report,
        losses=rules.train_model.output.losses,
        speed=rules.train_model.output.speed,
        data=rules.prepare_training.output.report,
        recipe=RECIPE,
        reports=lambda wildcards: [
            results(f"ingest/{TRAINED_ON[wildcards.model]}/report.json")
        ],
    output:
        card=results("train/{model}/README.md"),
    log:
        logs("write_model_card/{model}"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=500,
    params:
        call="wildpaper.train.card:write_card",
        code=code_digest("wildpaper.train.card"),
        licences={n: PLAN.sources.dataset(n).licence for n in PLAN.datasets},
        base_licence=TRAINING.base_licence if TRAINING else "",
    message:
        "Write the card of {wildcards.model}"
    script:
        "../scripts/run.py"
