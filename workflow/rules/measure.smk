# Measure: small tidy tables, one per artifact, with confidence intervals.
#
# Purpose: everything that the tables and figures show, before any drawing.
# Inputs:  all shards of ingest and annotate
# Outputs: measure/<artifact>.csv, measure/<artifact>.notes.json


REPORTS = [results(f"ingest/{name}/report.json") for name in PLAN.datasets]
CONVERSATIONS = all_shards("ingest/{dataset}/conversations-{shard}.parquet")
MESSAGES = all_shards("ingest/{dataset}/messages-{shard}.parquet")
TOKENS = all_shards("annotate/tokens@computed/{dataset}-{shard}.parquet")
LANGUAGES = all_shards("annotate/language@computed/{dataset}-{shard}.parquet")


rule measure_datasets:
    """Table 1: size, turns, message lengths, languages, with intervals of the means."""
    input:
        reports=REPORTS,
        conversations=CONVERSATIONS,
        messages=MESSAGES,
        tokens=TOKENS,
        languages=LANGUAGES,
    output:
        table=results("measure/table-01-datasets.csv"),
        notes=results("measure/table-01-datasets.notes.json"),
    log:
        logs("measure_datasets/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=4000,
    params:
        call="wildpaper.measure.table_01_datasets:measure_datasets",
        code=code_digest("wildpaper.measure.table_01_datasets"),
        deviation=CONFIG.measure.deviation,
        minimum_prompts=CONFIG.measure.minimum_prompts,
        n_replicates=CONFIG.measure.bootstrap_replicates,
        seed=CONFIG.seed,
    message:
        "Measure Table 1"
    script:
        "../scripts/run.py"


rule measure_token_lengths:
    """Message lengths in bins that double."""
    input:
        reports=REPORTS,
        conversations=CONVERSATIONS,
        messages=MESSAGES,
        tokens=TOKENS,
        languages=LANGUAGES,
    output:
        table=results("measure/token-lengths.csv"),
    log:
        logs("measure_token_lengths/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=4000,
    params:
        call="wildpaper.measure.token_lengths:measure_token_lengths",
        code=code_digest("wildpaper.measure.token_lengths"),
    message:
        "Measure message lengths"
    script:
        "../scripts/run.py"
