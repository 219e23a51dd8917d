# Train: conversations and a recipe in, a model out.
#
# Purpose: WildLLaMA on WildChat, and a baseline by the same recipe on ShareGPT.
# Inputs:  ingest/<dataset>/{conversations,messages}-<shard>.parquet, data/recipes/<recipe>.yaml
# Outputs: train/<model>/{examples,held-out}.parquet, model.safetensors, config.json,
#          losses.json, report.json

RECIPE = repo(f"data/recipes/{CONFIG.train.recipe}.yaml")
TRAINED_REPORTS = [
    results(f"ingest/{name}/report.json") for name in TRAINED_ON.values()
]


rule prepare_training:
    """Conversations as token ids; the loss is taken on assistant text and its end alone."""
    input:
        conversations=lambda wildcards: shards_of(
            "conversations", [TRAINED_ON[wildcards.model]]
        ),
        messages=lambda wildcards: shards_of("messages", [TRAINED_ON[wildcards.model]]),
        tokenizer=rules.convert_tokenizer.output.tokenizer,
        recipe=RECIPE,
    output:
        examples=results("train/{model}/examples.parquet"),
        held_out=results("train/{model}/held-out.parquet"),
        report=results("train/{model}/data.json"),
        ledger=results("train/{model}/ledger.json"),
    log:
        logs("prepare_training/{model}"),
    conda:
        "../../environment.yml"
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
        examples=rules.prepare_training.output.examples,
        held_out=rules.prepare_training.output.held_out,
        recipe=RECIPE,
        tokenizer=rules.convert_tokenizer.output.tokenizer,
    output:
        model=results("train/{model}/model.safetensors"),
        config=results("train/{model}/config.json"),
        losses=results("train/{model}/losses.json"),
        report=results("train/{model}/report.json"),
    log:
        logs("train_model/{model}"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=3000,
    params:
        call="wildpaper.train.fine_tune:train_model",
        code=code_digest("wildpaper.train.fine_tune"),
        model_name="{model}",
        seed=CONFIG.seed,
    message:
        "Train {wildcards.model}"
    script:
        "../scripts/run.py"
