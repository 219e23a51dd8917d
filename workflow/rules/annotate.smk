# Annotate: labels beside the text, never in it.
#
# Purpose: one label file a shard, keyed by (conversation_id, position).
# Inputs:  ingest/<dataset>/messages-<shard>.parquet,
#          data/private/<preset>/release/messages-<shard>.parquet
# Outputs: annotate/{tokens,language,detoxify,jailbreak}@computed/<dataset>-<shard>.parquet
#          annotate/moderation@replayed/rawlogs-<shard>.parquet
#          annotate/{language,detoxify,moderation}@recorded/<dataset>-<shard>.parquet
#          annotate/detoxify-small/, annotate/annotator-errors.json

CHECKPOINT = CONFIG.annotate.detoxify.checkpoint or results(
    "annotate/detoxify-small/checkpoint.ckpt"
)


rule count_tokens:
    """Count Llama-2 tokens exactly, each distinct unit of text once."""
    input:
        messages=messages_shard,
        tokenizer=rules.convert_tokenizer.output.tokenizer,
    output:
        labels=results("annotate/tokens@computed/{dataset}-{shard}.parquet"),
    log:
        logs("count_tokens/{dataset}-{shard}"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=1500,
    params:
        call="wildpaper.annotate.tokens:count_tokens",
        code=code_digest("wildpaper.annotate.tokens"),
        memo_max_units=CONFIG.annotate.tokens.memo_max_units,
    message:
        "Count tokens of {wildcards.dataset}, shard {wildcards.shard}"
    script:
        "../scripts/run.py"


rule detect_language:
    """Identify the language of each message with lingua."""
    input:
        messages=messages_shard,
    output:
        labels=results("annotate/language@computed/{dataset}-{shard}.parquet"),
    log:
        logs("detect_language/{dataset}-{shard}"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
    params:
        call="wildpaper.annotate.language:detect_language",
        code=code_digest("wildpaper.annotate.language"),
        dataset="{dataset}",
        languages=CONFIG.annotate.language.model_dump(mode="json")["languages"],
        accuracy=CONFIG.annotate.language.accuracy,
    message:
        "Identify languages of {wildcards.dataset}, shard {wildcards.shard}"
    script:
        "../scripts/run.py"


rule match_jailbreaks:
    """Find the prompts of seven known jailbreak families among the user messages."""
    input:
        messages=messages_shard,
        patterns=repo("data/jailbreaks.yaml"),
    output:
        labels=results("annotate/jailbreak@computed/{dataset}-{shard}.parquet"),
    log:
        logs("match_jailbreaks/{dataset}-{shard}"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=1000,
    params:
        call="wildpaper.annotate.jailbreak:match_jailbreaks",
        code=code_digest("wildpaper.annotate.jailbreak"),
    message:
        "Match jailbreak prompts in {wildcards.dataset}, shard {wildcards.shard}"
    script:
        "../scripts/run.py"


rule replay_moderation:
    """Join the stored answers of the moderation interface to the messages of the raw logs."""
    input:
        messages=messages_shard,
        acquired=PLAN.rawlogs.acquired if PLAN.rawlogs else [],
    output:
        labels=results("annotate/moderation@replayed/{dataset}-{shard}.parquet"),
    log:
        logs("replay_moderation/{dataset}-{shard}"),
    wildcard_constraints:
        dataset=RAWLOGS,
    conda:
        "../../environment.yml"
    resources:
        mem_mb=1000,
    params:
        call="wildpaper.annotate.moderation:replay_moderation",
        code=code_digest("wildpaper.annotate.moderation"),
    message:
        "Replay moderation of {wildcards.dataset}, shard {wildcards.shard}"
    script:
        "../scripts/run.py"


for _name in [name for name, planned in PLAN.datasets.items() if planned.recorded]:

    rule:
        name:
            f"keep_recorded_{_name}"
        input:
            acquired=PLAN.datasets[_name].acquired,
        output:
            labels=[
                results(f"annotate/{label}@recorded/{_name}-{shard}.parquet")
                for label in PLAN.datasets[_name].recorded
                for shard in SHARDS
            ],
        log:
            logs(f"keep_recorded/{_name}"),
        conda:
            "../../environment.yml"
        resources:
            mem_mb=2000,
        params:
            call="wildpaper.annotate.recorded:keep_recorded",
            code=code_digest("wildpaper.annotate.recorded"),
            names=PLAN.datasets[_name].recorded,
            dataset=_name,
            native_format=PLAN.datasets[_name].native_format,
        message:
            f"Take the labels that {_name} records"
        script:
            "../scripts/run.py"


rule score_detoxify:
    """Score toxicity with Detoxify, each distinct text once."""
    input:
        messages=messages_shard,
        checkpoint=CHECKPOINT,
    output:
        labels=results("annotate/detoxify@computed/{dataset}-{shard}.parquet"),
    log:
        logs("score_detoxify/{dataset}-{shard}"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2500,
    params:
        call="wildpaper.annotate.detoxify:score_detoxify",
        code=code_digest("wildpaper.annotate.detoxify"),
        dataset="{dataset}",
        batch_tokens=CONFIG.annotate.detoxify.batch_tokens,
        threshold=CONFIG.annotate.detoxify.threshold,
    message:
        "Score toxicity of {wildcards.dataset}, shard {wildcards.shard}"
    script:
        "../scripts/run.py"


if PLAN.simulation:

    rule train_detoxify:
        """Train a small checkpoint in Detoxify's own format on simulated labels."""
        input:
            labelled=PLAN.simulation.file("labelled/train.jsonl"),
        output:
            checkpoint=results("annotate/detoxify-small/checkpoint.ckpt"),
            model_config=results("annotate/detoxify-small/config.json"),
            tokenizer=results("annotate/detoxify-small/tokenizer.json"),
            tokenizer_config=results("annotate/detoxify-small/tokenizer_config.json"),
        log:
            logs("train_detoxify/all"),
        conda:
            "../../environment.yml"
        resources:
            mem_mb=2500,
        params:
            call="wildpaper.annotate.detoxify_training:train_detoxify",
            code=code_digest("wildpaper.annotate.detoxify_training"),
            seed=CONFIG.seed,
        message:
            "Train a small Detoxify checkpoint"
        script:
            "../scripts/run.py"

    rule assess_annotators:
        """Measure the errors of lingua and Detoxify on texts whose labels are known."""
        input:
            labelled=PLAN.simulation.file("labelled/assess.jsonl"),
            checkpoint=CHECKPOINT,
        output:
            errors=results("annotate/annotator-errors.json"),
        log:
            logs("assess_annotators/all"),
        conda:
            "../../environment.yml"
        resources:
            mem_mb=2500,
        params:
            call="wildpaper.annotate.assess:assess_annotators",
            code=code_digest("wildpaper.annotate.assess"),
            languages=CONFIG.annotate.language.model_dump(mode="json")["languages"],
            accuracy=CONFIG.annotate.language.accuracy,
            threshold=CONFIG.annotate.detoxify.threshold,
            batch_tokens=CONFIG.annotate.detoxify.batch_tokens,
        message:
            "Measure the errors of the classifiers"
        script:
            "../scripts/run.py"
