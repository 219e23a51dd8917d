# Release: raw interaction logs in, an anonymised release in the published schema out.
#
# Purpose: check consent, link calls into conversations, locate and hash addresses, join labels.
# Inputs:  data/raw/simulated/<version>/rawlogs/acquired.json and the files beside it
# Outputs: release/rawlogs/{conversations,messages,turns}-<shard>.parquet, report, ledger
#          release/{wildchat-full,wildchat-public}/train-*.parquet, acquired.json


if PLAN.simulation:

    rule link_calls:
        """Link calls with consent into whole conversations; no raw address leaves this rule."""
        input:
            acquired=PLAN.simulation.file("rawlogs/acquired.json"),
        output:
            conversations=shards_of("conversations", [RAWLOGS]),
            messages=shards_of("messages", [RAWLOGS]),
            turns=shards_of("turns", [RAWLOGS]),
            report=results("release/rawlogs/report.json"),
            ledger=results("release/rawlogs/ledger.json"),
        log:
            logs("link_calls/rawlogs"),
        conda:
            "../../environment.yml"
        resources:
            mem_mb=2000,
        params:
            call="wildpaper.release.link:link_calls",
            code=code_digest("wildpaper.release.link"),
        message:
            "Link calls into conversations"
        script:
            "../scripts/run.py"

    rule assemble_release:
        """Join labels and write the release in the published schema, full and without toxic rows."""
        input:
            conversations=shards_of("conversations", [RAWLOGS]),
            messages=shards_of("messages", [RAWLOGS]),
            turns=shards_of("turns", [RAWLOGS]),
            language=labels_of("language", [RAWLOGS]),
            detoxify=labels_of("detoxify", [RAWLOGS]),
            moderation=labels_of("moderation", [RAWLOGS]),
            rawlogs=PLAN.simulation.file("rawlogs/acquired.json"),
        output:
            full=released("full"),
            public=released("public"),
            acquired=results("release/wildchat-full/acquired.json"),
            report=results("release/report.json"),
        log:
            logs("assemble_release/wildchat"),
        conda:
            "../../environment.yml"
        resources:
            mem_mb=2000,
        params:
            call="wildpaper.release.assemble:assemble_release",
            code=code_digest("wildpaper.release.assemble"),
            toxic_threshold=CONFIG.annotate.detoxify.threshold,
        message:
            "Write the release"
        script:
            "../scripts/run.py"
