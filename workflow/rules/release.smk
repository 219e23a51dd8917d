# Release: raw interaction logs in, an anonymised release in the published schema out.
#
# Purpose: check consent, link calls into conversations, locate and hash addresses, hide what is
#          personal, join labels.
# Inputs:  acquired.json of the raw logs and the files beside it, data/redaction/rules.yaml
# Outputs: data/private/<preset>/release/: what may not be released, for its owner's eyes alone
#          {conversations,messages,turns,entities,redacted,redactions}-<shard>.parquet
#          {fates,frequencies}.parquet
#          release/rawlogs/{report,ledger}.json
#          release/{wildchat-full,wildchat-public}/train-*.parquet, README.md; acquired.json
#          release/{report,ledger,leaks}.json
#          release/{linking,redaction}-truth.json, where the logs are simulated

REDACTION_RULES = CONFIG.release.redaction.rules or repo("data/redaction/rules.yaml")


if PLAN.rawlogs:

    rule link_calls:
        """Link calls with consent into whole conversations; no raw address leaves this rule."""
        input:
            acquired=PLAN.rawlogs.acquired,
        output:
            conversations=private_shards("conversations"),
            messages=private_shards("messages"),
            turns=private_shards("turns"),
            fates=private("fates.parquet"),
            report=results("release/rawlogs/report.json"),
            ledger=results("release/rawlogs/ledger.json"),
        log:
            logs("link_calls/rawlogs"),
        priority: 10
        conda:
            "../../environment.yml"
        threads: min(CONFIG.shards, 2)
        resources:
            mem_mb=4000,
        params:
            call="wildpaper.release.linking.link:link_calls",
            code=code_digest("wildpaper.release.linking.link"),
            settings=CONFIG.release.linking.model_dump(mode="json"),
        message:
            "Link calls into conversations"
        script:
            "../scripts/run.py"

    rule find_entities:
        """Find names, telephone numbers, addresses, cards and links with Presidio and spaCy."""
        input:
            messages=private("messages-{shard}.parquet"),
            language=results("annotate/language@computed/rawlogs-{shard}.parquet"),
            rules=REDACTION_RULES,
        output:
            entities=private("entities-{shard}.parquet"),
        log:
            logs("find_entities/rawlogs-{shard}"),
        priority: 10
        conda:
            "../../environment.yml"
        resources:
            mem_mb=2000,
        params:
            call="wildpaper.release.redaction.entities:find_entities",
            code=code_digest("wildpaper.release.redaction.entities"),
            name_models=CONFIG.release.redaction.name_models,
            patterns=CONFIG.release.redaction.patterns,
            chunk_characters=CONFIG.release.redaction.chunk_characters,
        message:
            "Find personal information in shard {wildcards.shard}"
        script:
            "../scripts/run.py"

    rule count_entities:
        """Count in how many conversations each entity occurs: what many name is nobody's own."""
        input:
            entities=private_shards("entities"),
        output:
            frequencies=private("frequencies.parquet"),
        log:
            logs("count_entities/rawlogs"),
        conda:
            "../../environment.yml"
        resources:
            mem_mb=1000,
        params:
            call="wildpaper.release.redaction.frequencies:count_entities",
            code=code_digest("wildpaper.release.redaction.frequencies"),
        message:
            "Count entities"
        script:
            "../scripts/run.py"

    rule redact_messages:
        """Replace by placeholders what the rules say is personal, and keys of known services."""
        input:
            messages=private("messages-{shard}.parquet"),
            language=results("annotate/language@computed/rawlogs-{shard}.parquet"),
            entities=private("entities-{shard}.parquet"),
            frequencies=rules.count_entities.output.frequencies,
            rules=REDACTION_RULES,
        output:
            redacted=private("redacted-{shard}.parquet"),
            redactions=private("redactions-{shard}.parquet"),
        log:
            logs("redact_messages/rawlogs-{shard}"),
        priority: 10
        conda:
            "../../environment.yml"
        resources:
            mem_mb=1500,
        params:
            call="wildpaper.release.redaction.redact:redact_messages",
            code=code_digest("wildpaper.release.redaction.redact"),
            secrets=CONFIG.release.redaction.secrets,
        message:
            "Redact shard {wildcards.shard}"
        script:
            "../scripts/run.py"

    rule assemble_release:
        """Join labels and write the release in the published schema, full and without toxic rows."""
        input:
            conversations=private_shards("conversations"),
            redacted=private_shards("redacted"),
            turns=private_shards("turns"),
            language=labels_of("language", [RAWLOGS]),
            detoxify=labels_of("detoxify", [RAWLOGS]),
            moderation=labels_of("moderation", [RAWLOGS]),
            rawlogs=PLAN.rawlogs.acquired,
        output:
            full=released("full"),
            public=released("public"),
            acquired=results("release/wildchat-full/acquired.json"),
            card_full=results("release/wildchat-full/README.md"),
            card_public=results("release/wildchat-public/README.md"),
            report=results("release/report.json"),
            ledger=results("release/ledger.json"),
        log:
            logs("assemble_release/wildchat"),
        priority: 10
        conda:
            "../../environment.yml"
        resources:
            mem_mb=2000,
        params:
            call="wildpaper.release.assemble:assemble_release",
            code=code_digest("wildpaper.release.assemble"),
            toxic_threshold=CONFIG.annotate.detoxify.threshold,
            settings=CONFIG.release.model_dump(mode="json"),
        message:
            "Write the release"
        script:
            "../scripts/run.py"


if PLAN.planted:

    rule assess_linking:
        """Which true conversations linking recovers, splits, cuts short or discards, by cause."""
        input:
            fates=rules.link_calls.output.fates,
            true_calls=PLAN.simulation.file("true-calls.parquet"),
        output:
            assessment=results("release/linking-truth.json"),
        log:
            logs("assess_linking/rawlogs"),
        conda:
            "../../environment.yml"
        resources:
            mem_mb=1000,
        params:
            call="wildpaper.release.linking.linking_truth:assess_linking",
            code=code_digest("wildpaper.release.linking.linking_truth"),
        message:
            "Compare linked with true conversations"
        script:
            "../scripts/run.py"

    rule assess_redaction:
        """Recall and precision of redaction on what was planted; counts, never a value."""
        input:
            messages=private_shards("messages"),
            redacted=private_shards("redacted"),
            redactions=private_shards("redactions"),
            entities=private_shards("entities"),
            language=labels_of("language", [RAWLOGS]),
            personal=PLAN.simulation.file("personal.json"),
        output:
            assessment=results("release/redaction-truth.json"),
        log:
            logs("assess_redaction/rawlogs"),
        conda:
            "../../environment.yml"
        resources:
            mem_mb=1500,
        params:
            call="wildpaper.release.redaction.redaction_truth:assess_redaction",
            code=code_digest("wildpaper.release.redaction.redaction_truth"),
        message:
            "Measure redaction on what was planted"
        script:
            "../scripts/run.py"


if PLAN.rawlogs:

    rule scan_release:
        """Look through the release for what may not be in it; a leak stops the run."""
        input:
            full=released("full"),
            public=released("public"),
            others=[
                rules.assemble_release.output.card_full,
                rules.assemble_release.output.card_public,
                rules.assemble_release.output.acquired,
            ],
            personal=[PLAN.simulation.file("personal.json")] if PLAN.planted else [],
            rawlogs=[PLAN.rawlogs.acquired],
            assessment=(
                [rules.assess_redaction.output.assessment] if PLAN.planted else []
            ),
            frequencies=rules.count_entities.output.frequencies,
            rules=REDACTION_RULES,
        output:
            report=results("release/leaks.json"),
        log:
            logs("scan_release/wildchat"),
        priority: 10
        conda:
            "../../environment.yml"
        resources:
            mem_mb=2000,
        params:
            call="wildpaper.publish.leaks:scan_release",
            code=code_digest("wildpaper.publish.leaks"),
            patterns=CONFIG.release.redaction.patterns,
            name_models=CONFIG.release.redaction.name_models,
            secrets=CONFIG.release.redaction.secrets,
            chunk_characters=CONFIG.release.redaction.chunk_characters,
            withdrawal=CONFIG.release.linking.withdrawal,
            client_address=CONFIG.release.linking.client_address,
        message:
            "Scan the release for leaks"
        script:
            "../scripts/run.py"
