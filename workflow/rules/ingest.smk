# Ingest: native formats in, one canonical schema out.
#
# Purpose: read, check against the row policy, number, cut into shards, report.
# Inputs:  data/raw/<dataset>/<version>/acquired.json and the files beside it
# Outputs: ingest/<dataset>/{conversations,messages}-<shard>.parquet
#          ingest/<dataset>/{quarantine.parquet,report.json,ledger.json}


rule ingest_dataset:
    """Read one data set; what cannot be read is quarantined and counted by reason."""
    input:
        acquired=acquired,
    output:
        conversations=expand(
            results("ingest/{{dataset}}/conversations-{shard}.parquet"), shard=SHARDS
        ),
        messages=expand(
            results("ingest/{{dataset}}/messages-{shard}.parquet"), shard=SHARDS
        ),
        quarantine=results("ingest/{dataset}/quarantine.parquet"),
        report=results("ingest/{dataset}/report.json"),
        ledger=results("ingest/{dataset}/ledger.json"),
    log:
        logs("ingest_dataset/{dataset}"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
    params:
        call="wildpaper.ingest.dataset:ingest_dataset",
        code=code_digest("wildpaper.ingest.dataset"),
        dataset="{dataset}",
        native_format=lambda wildcards: PLAN.datasets[wildcards.dataset].native_format,
        options=CONFIG.ingest.model_dump(mode="json"),
    message:
        "Read {wildcards.dataset}"
    script:
        "../scripts/run.py"
