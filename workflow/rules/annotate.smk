# Annotate: labels beside the text, never in it.
#
# Purpose: one label file a shard, keyed by (conversation_id, position).
# Inputs:  ingest/<dataset>/messages-<shard>.parquet
# Outputs: annotate/tokens@computed/<dataset>-<shard>.parquet
#          annotate/language@computed/<dataset>-<shard>.parquet


rule count_tokens:
    """Count Llama-2 tokens exactly, each distinct unit of text once."""
    input:
        messages=results("ingest/{dataset}/messages-{shard}.parquet"),
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
        messages=results("ingest/{dataset}/messages-{shard}.parquet"),
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
