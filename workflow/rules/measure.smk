# Measure: small tidy tables, one per artifact, with confidence intervals.
#
# Purpose: everything that the tables and figures show, before any drawing.
# Inputs:  all shards of ingest and annotate
# Outputs: measure/<artifact>.csv, measure/<artifact>.notes.json


REPORTS = [results(f"ingest/{name}/report.json") for name in PLAN.datasets]
WILDCHAT_REPORT = results("ingest/wildchat/report.json")
SCORED = PLAN.having("detoxify")
MODERATED = PLAN.having("moderation")
RESCORED = PLAN.having("detoxify_check")
AS_PUBLISHED = published_rows(CONFIG, EVALUATION.models if EVALUATION else [])


rule measure_datasets:
    """Table 1: size, turns, message lengths, languages, with intervals of the means."""
    input:
        reports=REPORTS,
        conversations=shards_of("conversations", PLAN.datasets),
        messages=shards_of("messages", PLAN.datasets),
        tokens=labels_of("tokens", PLAN.datasets),
        languages=labels_of("language", PLAN.datasets),
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
        conversations=shards_of("conversations", PLAN.datasets),
        messages=shards_of("messages", PLAN.datasets),
        tokens=labels_of("tokens", PLAN.datasets),
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


rule measure_apis:
    """Table 2: conversations by the model version that answered."""
    input:
        report=WILDCHAT_REPORT,
        conversations=shards_of("conversations", WILDCHAT),
    output:
        table=results("measure/table-02-apis.csv"),
        notes=results("measure/table-02-apis.notes.json"),
    log:
        logs("measure_apis/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
    params:
        call="wildpaper.measure.table_02_apis:measure_apis",
        code=code_digest("wildpaper.measure.table_02_apis"),
        n_replicates=CONFIG.measure.bootstrap_replicates,
        seed=CONFIG.seed,
    message:
        "Measure Table 2"
    script:
        "../scripts/run.py"


rule measure_countries:
    """Table 3: users by country."""
    input:
        report=WILDCHAT_REPORT,
        conversations=shards_of("conversations", WILDCHAT),
    output:
        table=results("measure/table-03-countries.csv"),
        notes=results("measure/table-03-countries.notes.json"),
    log:
        logs("measure_countries/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
    params:
        call="wildpaper.measure.table_03_countries:measure_countries",
        code=code_digest("wildpaper.measure.table_03_countries"),
        n_replicates=CONFIG.measure.bootstrap_replicates,
        seed=CONFIG.seed,
    message:
        "Measure Table 3"
    script:
        "../scripts/run.py"


rule measure_languages:
    """Table 5: user messages by language."""
    input:
        reports=REPORTS,
        conversations=shards_of("conversations", PLAN.datasets),
        messages=shards_of("messages", PLAN.datasets),
        languages=labels_of("language", PLAN.datasets),
    output:
        table=results("measure/table-05-languages.csv"),
        notes=results("measure/table-05-languages.notes.json"),
    log:
        logs("measure_languages/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=4000,
    params:
        call="wildpaper.measure.table_05_languages:measure_languages",
        code=code_digest("wildpaper.measure.table_05_languages"),
        n_replicates=CONFIG.measure.bootstrap_replicates,
        seed=CONFIG.seed,
    message:
        "Measure Table 5"
    script:
        "../scripts/run.py"


rule measure_turns:
    """Figure 2a: conversations by number of turns."""
    input:
        report=WILDCHAT_REPORT,
        conversations=shards_of("conversations", WILDCHAT),
    output:
        table=results("measure/figure-02a-turns.csv"),
        notes=results("measure/figure-02a-turns.notes.json"),
    log:
        logs("measure_turns/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
    params:
        call="wildpaper.measure.figure_02a_turns:measure_turns",
        code=code_digest("wildpaper.measure.figure_02a_turns"),
        n_replicates=CONFIG.measure.bootstrap_replicates,
        seed=CONFIG.seed,
    message:
        "Measure Figure 2a"
    script:
        "../scripts/run.py"


rule measure_language_tail:
    """Figure 2b: the languages of WildChat, down to the rare ones."""
    input:
        report=WILDCHAT_REPORT,
        conversations=shards_of("conversations", WILDCHAT),
        messages=shards_of("messages", WILDCHAT),
        languages=labels_of("language", WILDCHAT),
    output:
        table=results("measure/figure-02b-languages.csv"),
        notes=results("measure/figure-02b-languages.notes.json"),
    log:
        logs("measure_language_tail/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
    params:
        call="wildpaper.measure.figure_02b_languages:measure_language_tail",
        code=code_digest("wildpaper.measure.figure_02b_languages"),
        minimum_prompts=CONFIG.measure.minimum_prompts,
        n_replicates=CONFIG.measure.bootstrap_replicates,
        seed=CONFIG.seed,
    message:
        "Measure Figure 2b"
    script:
        "../scripts/run.py"


rule measure_toxicity_overlap:
    """Table 6: messages flagged by either classifier, by role."""
    input:
        report=WILDCHAT_REPORT,
        conversations=shards_of("conversations", WILDCHAT),
        messages=shards_of("messages", WILDCHAT),
        detoxify=labels_of("detoxify", WILDCHAT),
        moderation=labels_of("moderation", WILDCHAT),
    output:
        table=results("measure/table-06-toxicity-overlap.csv"),
        notes=results("measure/table-06-toxicity-overlap.notes.json"),
    log:
        logs("measure_toxicity_overlap/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
    params:
        call="wildpaper.measure.toxicity.table_06_toxicity_overlap:measure_toxicity_overlap",
        code=code_digest("wildpaper.measure.toxicity.table_06_toxicity_overlap"),
        threshold=CONFIG.annotate.detoxify.threshold,
        n_replicates=CONFIG.measure.bootstrap_replicates,
        seed=CONFIG.seed,
    message:
        "Measure Table 6"
    script:
        "../scripts/run.py"


rule measure_toxicity_by_month:
    """Figure 5: flagged messages by month and role."""
    input:
        report=WILDCHAT_REPORT,
        conversations=shards_of("conversations", WILDCHAT),
        messages=shards_of("messages", WILDCHAT),
        detoxify=labels_of("detoxify", WILDCHAT),
        moderation=labels_of("moderation", WILDCHAT),
    output:
        table=results("measure/figure-05-toxicity-by-month.csv"),
        notes=results("measure/figure-05-toxicity-by-month.notes.json"),
    log:
        logs("measure_toxicity_by_month/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
    params:
        call="wildpaper.measure.toxicity.figure_05_toxicity_by_month:measure_toxicity_by_month",
        code=code_digest("wildpaper.measure.toxicity.figure_05_toxicity_by_month"),
        threshold=CONFIG.annotate.detoxify.threshold,
        n_replicates=CONFIG.measure.bootstrap_replicates,
        seed=CONFIG.seed,
    message:
        "Measure Figure 5"
    script:
        "../scripts/run.py"


rule measure_toxicity_datasets:
    """Table 7: messages flagged in each data set, by role."""
    input:
        reports=REPORTS,
        conversations=shards_of("conversations", PLAN.datasets),
        messages=shards_of("messages", PLAN.datasets),
        detoxify=labels_of("detoxify", SCORED),
        moderation=labels_of("moderation", MODERATED),
    output:
        table=results("measure/table-07-toxicity-datasets.csv"),
        notes=results("measure/table-07-toxicity-datasets.notes.json"),
    log:
        logs("measure_toxicity_datasets/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=4000,
    params:
        call="wildpaper.measure.toxicity.table_07_toxicity_datasets:measure_toxicity_datasets",
        code=code_digest("wildpaper.measure.toxicity.table_07_toxicity_datasets"),
        scored=SCORED,
        moderated=MODERATED,
        threshold=CONFIG.annotate.detoxify.threshold,
        n_replicates=CONFIG.measure.bootstrap_replicates,
        seed=CONFIG.seed,
    message:
        "Measure Table 7"
    script:
        "../scripts/run.py"


rule measure_detoxify_categories:
    """Table 12: messages by category of Detoxify."""
    input:
        reports=REPORTS,
        conversations=shards_of("conversations", PLAN.datasets),
        messages=shards_of("messages", PLAN.datasets),
        detoxify=labels_of("detoxify", SCORED),
    output:
        table=results("measure/table-12-detoxify-categories.csv"),
        notes=results("measure/table-12-detoxify-categories.notes.json"),
    log:
        logs("measure_detoxify_categories/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=4000,
    params:
        call="wildpaper.measure.toxicity.table_12_detoxify_categories:measure_detoxify_categories",
        code=code_digest("wildpaper.measure.toxicity.table_12_detoxify_categories"),
        scored=SCORED,
        threshold=CONFIG.annotate.detoxify.threshold,
        category_share=CONFIG.measure.category_share,
        n_replicates=CONFIG.measure.bootstrap_replicates,
        seed=CONFIG.seed,
    message:
        "Measure Table 12"
    script:
        "../scripts/run.py"


rule measure_moderation_categories:
    """Table 13: messages by category of the moderation labels."""
    input:
        reports=REPORTS,
        conversations=shards_of("conversations", PLAN.datasets),
        messages=shards_of("messages", PLAN.datasets),
        moderation=labels_of("moderation", MODERATED),
    output:
        table=results("measure/table-13-moderation-categories.csv"),
        notes=results("measure/table-13-moderation-categories.notes.json"),
    log:
        logs("measure_moderation_categories/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=4000,
    params:
        call="wildpaper.measure.toxicity.table_13_moderation_categories:measure_moderation_categories",
        code=code_digest("wildpaper.measure.toxicity.table_13_moderation_categories"),
        moderated=MODERATED,
        category_share=CONFIG.measure.category_share,
        n_replicates=CONFIG.measure.bootstrap_replicates,
        seed=CONFIG.seed,
    message:
        "Measure Table 13"
    script:
        "../scripts/run.py"


rule measure_toxicity_text:
    """The numbers of the text on toxicity."""
    input:
        report=WILDCHAT_REPORT,
        conversations=shards_of("conversations", WILDCHAT),
        messages=shards_of("messages", WILDCHAT),
        moderation=labels_of("moderation", WILDCHAT),
    output:
        table=results("measure/toxicity-text.csv"),
        notes=results("measure/toxicity-text.notes.json"),
    log:
        logs("measure_toxicity_text/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
    params:
        call="wildpaper.measure.toxicity.toxicity_text:measure_toxicity_text",
        code=code_digest("wildpaper.measure.toxicity.toxicity_text"),
        threshold=CONFIG.annotate.detoxify.threshold,
        n_replicates=CONFIG.measure.bootstrap_replicates,
        seed=CONFIG.seed,
    message:
        "Measure the text on toxicity"
    script:
        "../scripts/run.py"


rule measure_june_update:
    """Flagged replies and user messages before and after the update of June 2023."""
    input:
        report=WILDCHAT_REPORT,
        conversations=shards_of("conversations", WILDCHAT),
        messages=shards_of("messages", WILDCHAT),
        detoxify=labels_of("detoxify", WILDCHAT),
        moderation=labels_of("moderation", WILDCHAT),
        published=repo("data/published.yaml"),
    output:
        table=results("measure/june-update.csv"),
        notes=results("measure/june-update.notes.json"),
    log:
        logs("measure_june_update/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
    params:
        call="wildpaper.measure.toxicity.june_update:measure_june_update",
        code=code_digest("wildpaper.measure.toxicity.june_update"),
        threshold=CONFIG.annotate.detoxify.threshold,
        newey_west_days=CONFIG.measure.newey_west_days,
        n_replicates=CONFIG.measure.bootstrap_replicates,
        seed=CONFIG.seed,
    message:
        "Test the update of June"
    script:
        "../scripts/run.py"


rule measure_recorded_scores:
    """Recorded Detoxify scores beside computed ones."""
    input:
        reports=[results(f"ingest/{name}/report.json") for name in RESCORED],
        conversations=shards_of("conversations", RESCORED),
        messages=shards_of("messages", RESCORED),
        detoxify=labels_of("detoxify", RESCORED),
        checks=labels_of("detoxify_check", RESCORED),
    output:
        table=results("measure/recorded-scores.csv"),
        notes=results("measure/recorded-scores.notes.json"),
    log:
        logs("measure_recorded_scores/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
    params:
        call="wildpaper.measure.toxicity.recorded_scores:measure_recorded_scores",
        code=code_digest("wildpaper.measure.toxicity.recorded_scores"),
        threshold=CONFIG.annotate.detoxify.threshold,
        n_replicates=CONFIG.measure.bootstrap_replicates,
        seed=CONFIG.seed,
    message:
        "Compare recorded and computed scores"
    script:
        "../scripts/run.py"


rule measure_threshold_sweep:
    """Share of messages above each threshold on toxicity."""
    input:
        reports=REPORTS,
        conversations=shards_of("conversations", PLAN.datasets),
        messages=shards_of("messages", PLAN.datasets),
        detoxify=labels_of("detoxify", SCORED),
    output:
        table=results("measure/threshold-sweep.csv"),
        notes=results("measure/threshold-sweep.notes.json"),
    log:
        logs("measure_threshold_sweep/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=4000,
    params:
        call="wildpaper.measure.toxicity.threshold_sweep:measure_threshold_sweep",
        code=code_digest("wildpaper.measure.toxicity.threshold_sweep"),
        scored=SCORED,
        n_replicates=CONFIG.measure.bootstrap_replicates,
        seed=CONFIG.seed,
    message:
        "Vary the threshold"
    script:
        "../scripts/run.py"


rule measure_classifier_agreement:
    """Detoxify against the moderation labels."""
    input:
        reports=REPORTS,
        conversations=shards_of("conversations", PLAN.datasets),
        messages=shards_of("messages", PLAN.datasets),
        detoxify=labels_of("detoxify", SCORED),
        moderation=labels_of("moderation", MODERATED),
    output:
        table=results("measure/classifier-agreement.csv"),
        notes=results("measure/classifier-agreement.notes.json"),
    log:
        logs("measure_classifier_agreement/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=4000,
    params:
        call="wildpaper.measure.toxicity.classifier_agreement:measure_classifier_agreement",
        code=code_digest("wildpaper.measure.toxicity.classifier_agreement"),
        scored=SCORED,
        moderated=MODERATED,
        threshold=CONFIG.annotate.detoxify.threshold,
        n_replicates=CONFIG.measure.bootstrap_replicates,
        seed=CONFIG.seed,
    message:
        "Measure the agreement of the classifiers"
    script:
        "../scripts/run.py"


rule measure_toxicity_strata:
    """Flagged messages by language, API version, country, turn and duplication."""
    input:
        report=WILDCHAT_REPORT,
        conversations=shards_of("conversations", WILDCHAT),
        messages=shards_of("messages", WILDCHAT),
        detoxify=labels_of("detoxify", WILDCHAT),
        moderation=labels_of("moderation", WILDCHAT),
        language=labels_of("language", WILDCHAT),
        near_duplicates=labels_of("near_duplicate", WILDCHAT),
    output:
        table=results("measure/toxicity-strata.csv"),
        notes=results("measure/toxicity-strata.notes.json"),
    log:
        logs("measure_toxicity_strata/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
    params:
        call="wildpaper.measure.toxicity.toxicity_strata:measure_toxicity_strata",
        code=code_digest("wildpaper.measure.toxicity.toxicity_strata"),
        threshold=CONFIG.annotate.detoxify.threshold,
        trained_languages=CONFIG.annotate.detoxify.trained_languages,
        n_replicates=CONFIG.measure.bootstrap_replicates,
        seed=CONFIG.seed,
    message:
        "Measure toxicity by stratum"
    script:
        "../scripts/run.py"


if JUDGED_TEXTS:

    rule measure_calibration:
        """Detoxify against known judgments: calibration, ROC, sweep."""
        input:
            assessed=rules.assess_human_labels.output.assessed,
        output:
            table=results("measure/detoxify-calibration.csv"),
            notes=results("measure/detoxify-calibration.notes.json"),
        log:
            logs("measure_calibration/all"),
        conda:
            "../../environment.yml"
        resources:
            mem_mb=500,
        params:
            call="wildpaper.measure.toxicity.detoxify_calibration:measure_calibration",
            code=code_digest("wildpaper.measure.toxicity.detoxify_calibration"),
        message:
            "Measure the calibration of Detoxify"
        script:
            "../scripts/run.py"


rule measure_jailbreaks:
    """Table 8: jailbreak prompts, who sends them, and how often the reply is flagged."""
    input:
        report=WILDCHAT_REPORT,
        conversations=shards_of("conversations", WILDCHAT),
        messages=shards_of("messages", WILDCHAT),
        detoxify=labels_of("detoxify", WILDCHAT),
        moderation=labels_of("moderation", WILDCHAT),
        jailbreak=labels_of("jailbreak", WILDCHAT),
        patterns=repo("data/jailbreaks.yaml"),
    output:
        table=results("measure/table-08-jailbreaks.csv"),
        notes=results("measure/table-08-jailbreaks.notes.json"),
    log:
        logs("measure_jailbreaks/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
    params:
        call="wildpaper.measure.toxicity.table_08_jailbreaks:measure_jailbreaks",
        code=code_digest("wildpaper.measure.toxicity.table_08_jailbreaks"),
        threshold=CONFIG.annotate.detoxify.threshold,
    message:
        "Measure Table 8"
    script:
        "../scripts/run.py"


rule measure_discovery:
    """Long first prompts that several users share, found without a list."""
    input:
        report=WILDCHAT_REPORT,
        conversations=shards_of("conversations", WILDCHAT),
        messages=shards_of("messages", WILDCHAT),
        detoxify=labels_of("detoxify", WILDCHAT),
        moderation=labels_of("moderation", WILDCHAT),
        jailbreak=labels_of("jailbreak", WILDCHAT),
        near_duplicate=labels_of("near_duplicate", WILDCHAT),
        patterns=repo("data/jailbreaks.yaml"),
    output:
        table=results("measure/jailbreak-discovery.csv"),
        notes=results("measure/jailbreak-discovery.notes.json"),
    log:
        logs("measure_discovery/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
    params:
        call="wildpaper.measure.toxicity.jailbreak_discovery:measure_discovery",
        code=code_digest("wildpaper.measure.toxicity.jailbreak_discovery"),
        threshold=CONFIG.annotate.detoxify.threshold,
        least_characters=CONFIG.measure.discovery_characters,
        least_users=CONFIG.measure.discovery_users,
        n_replicates=CONFIG.measure.bootstrap_replicates,
        seed=CONFIG.seed,
    message:
        "Look for prompts that are passed around"
    script:
        "../scripts/run.py"


rule measure_collection:
    """The numbers of the text on collection."""
    input:
        report=WILDCHAT_REPORT,
        conversations=shards_of("conversations", WILDCHAT),
        messages=shards_of("messages", WILDCHAT),
        linked=[results("release/rawlogs/report.json")] if PLAN.rawlogs else [],
    output:
        table=results("measure/collection-text.csv"),
        notes=results("measure/collection-text.notes.json"),
    log:
        logs("measure_collection/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
    params:
        call="wildpaper.measure.collection_text:measure_collection",
        code=code_digest("wildpaper.measure.collection_text"),
        n_replicates=CONFIG.measure.bootstrap_replicates,
        seed=CONFIG.seed,
    message:
        "Measure the collection"
    script:
        "../scripts/run.py"


rule measure_training_text:
    """The settings of the training, from the recipe that was used."""
    input:
        trained=results(f"train/{STUDIED}/report.json"),
        reports=TRAINED_REPORTS[:1],
    output:
        table=results("measure/training-text.csv"),
        notes=results("measure/training-text.notes.json"),
    log:
        logs("measure_training_text/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=500,
    params:
        call="wildpaper.measure.training_text:measure_training_text",
        code=code_digest("wildpaper.measure.training_text"),
    message:
        "Note the settings of the training"
    script:
        "../scripts/run.py"


rule measure_loss_curve:
    """Training and held-out loss of each model by step."""
    input:
        losses=trained("losses.json"),
        trained=trained("report.json"),
        reports=TRAINED_REPORTS,
    output:
        table=results("measure/loss-curve.csv"),
    log:
        logs("measure_loss_curve/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=500,
    params:
        call="wildpaper.measure.loss_curve:measure_loss_curve",
        code=code_digest("wildpaper.measure.loss_curve"),
    message:
        "Measure the training losses"
    script:
        "../scripts/run.py"


if PLAN.rawlogs:

    rule measure_release:
        """The numbers of the text on linking, consent and redaction."""
        input:
            linked=rules.link_calls.output.report,
            released=rules.assemble_release.output.report,
        output:
            table=results("measure/release-text.csv"),
            notes=results("measure/release-text.notes.json"),
        log:
            logs("measure_release/all"),
        conda:
            "../../environment.yml"
        params:
            call="wildpaper.measure.release_text:measure_release",
            code=code_digest("wildpaper.measure.release_text"),
        message:
            "Measure the release"
        script:
            "../scripts/run.py"


if PLAN.planted:

    rule measure_linking:
        """What linking makes of true conversations, by cause."""
        input:
            assessment=rules.assess_linking.output.assessment,
        output:
            table=results("measure/linking-causes.csv"),
            notes=results("measure/linking-causes.notes.json"),
        log:
            logs("measure_linking/all"),
        conda:
            "../../environment.yml"
        params:
            call="wildpaper.measure.linking_causes:measure_linking",
            code=code_digest("wildpaper.measure.linking_causes"),
        message:
            "Measure linking"
        script:
            "../scripts/run.py"

    rule measure_privacy:
        """Recall and precision of redaction by kind, with intervals."""
        input:
            assessment=rules.assess_redaction.output.assessment,
            leaks=[rules.scan_release.output.report],
        output:
            table=results("measure/privacy-report.csv"),
            notes=results("measure/privacy-report.notes.json"),
        log:
            logs("measure_privacy/all"),
        conda:
            "../../environment.yml"
        params:
            call="wildpaper.measure.privacy:measure_privacy",
            code=code_digest("wildpaper.measure.privacy"),
        message:
            "Measure redaction"
        script:
            "../scripts/run.py"

    rule measure_privacy_languages:
        """The same by kind and language."""
        input:
            assessment=rules.assess_redaction.output.assessment,
        output:
            table=results("measure/privacy-languages.csv"),
            notes=results("measure/privacy-languages.notes.json"),
        log:
            logs("measure_privacy_languages/all"),
        conda:
            "../../environment.yml"
        params:
            call="wildpaper.measure.privacy_languages:measure_privacy_languages",
            code=code_digest("wildpaper.measure.privacy_languages"),
        message:
            "Measure redaction by language"
        script:
            "../scripts/run.py"


rule measure_scores:
    """Table 9: mean grades by turn."""
    input:
        judgments=results("evaluate/judgments.parquet"),
        reports=TRAINED_REPORTS,
    output:
        table=results("measure/table-09-mtbench-scores.csv"),
        notes=results("measure/table-09-mtbench-scores.notes.json"),
    log:
        logs("measure_scores/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=500,
    params:
        call="wildpaper.measure.mtbench.scores:measure_scores",
        code=code_digest("wildpaper.measure.mtbench.scores"),
        models=EVALUATION.models if EVALUATION else [],
        trained=EVALUATION.trained if EVALUATION else [],
        published_as=AS_PUBLISHED[0],
        published_notes=AS_PUBLISHED[1],
        n_replicates=CONFIG.measure.bootstrap_replicates,
        seed=CONFIG.seed,
    message:
        "Measure Table 9"
    script:
        "../scripts/run.py"


rule measure_pairs:
    """Table 10: pairs of models in both units, and the bias to a position."""
    input:
        judgments=results("evaluate/judgments.parquet"),
        reports=TRAINED_REPORTS,
    output:
        table=results("measure/table-10-mtbench-pairs.csv"),
        notes=results("measure/table-10-mtbench-pairs.notes.json"),
    log:
        logs("measure_pairs/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=500,
    params:
        call="wildpaper.measure.mtbench.pairs:measure_pairs",
        code=code_digest("wildpaper.measure.mtbench.pairs"),
        models=EVALUATION.models if EVALUATION else [],
        trained=EVALUATION.trained if EVALUATION else [],
        published_as=AS_PUBLISHED[0],
        published_notes=AS_PUBLISHED[1],
        n_replicates=CONFIG.measure.bootstrap_replicates,
        seed=CONFIG.seed,
    message:
        "Measure Table 10"
    script:
        "../scripts/run.py"


rule measure_categories:
    """Figure 6: mean grades by category."""
    input:
        judgments=results("evaluate/judgments.parquet"),
        reports=TRAINED_REPORTS,
    output:
        table=results("measure/figure-06-mtbench-categories.csv"),
    log:
        logs("measure_categories/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=500,
    params:
        call="wildpaper.measure.mtbench.categories:measure_categories",
        code=code_digest("wildpaper.measure.mtbench.categories"),
        models=EVALUATION.models if EVALUATION else [],
        trained=EVALUATION.trained if EVALUATION else [],
        n_replicates=CONFIG.measure.bootstrap_replicates,
        seed=CONFIG.seed,
    message:
        "Measure Figure 6"
    script:
        "../scripts/run.py"


rule measure_robustness:
    """What leads the judge astray."""
    input:
        judgments=results("evaluate/judgments.parquet"),
        reports=TRAINED_REPORTS,
    output:
        table=results("measure/judge-robustness.csv"),
    log:
        logs("measure_robustness/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=500,
    params:
        call="wildpaper.measure.mtbench.robustness:measure_robustness",
        code=code_digest("wildpaper.measure.mtbench.robustness"),
        models=EVALUATION.models if EVALUATION else [],
        trained=EVALUATION.trained if EVALUATION else [],
        n_replicates=CONFIG.measure.bootstrap_replicates,
        seed=CONFIG.seed,
    message:
        "Measure what leads the judge astray"
    script:
        "../scripts/run.py"


rule measure_likelihood_judge:
    """What the likelihood stand-in judge found, with intervals."""
    input:
        scores=rules.judge_likelihood.output.scores,
        verdicts=rules.judge_likelihood.output.verdicts,
        reports=TRAINED_REPORTS,
    output:
        table=results("measure/likelihood-judge.csv"),
    log:
        logs("measure_likelihood_judge/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=500,
    params:
        call="wildpaper.measure.likelihood_judge:measure_likelihood_judge",
        code=code_digest("wildpaper.measure.likelihood_judge"),
        n_replicates=CONFIG.measure.bootstrap_replicates,
        seed=CONFIG.seed,
    message:
        "Measure the stand-in judge"
    script:
        "../scripts/run.py"


rule measure_coverage:
    """Figure 3: the loss of each model on the prompts of each data set."""
    input:
        scores=[results(f"evaluate/coverage-{n}.parquet") for n in COMPARED],
        reports=COMPARED_REPORTS,
        recipe=RECIPE,
    output:
        table=results("measure/figure-03-coverage.csv"),
        notes=results("measure/figure-03-coverage.notes.json"),
    log:
        logs("measure_coverage/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=1000,
    params:
        call="wildpaper.measure.coverage.matrix:measure_coverage",
        code=code_digest("wildpaper.measure.coverage.matrix"),
        n_replicates=CONFIG.measure.bootstrap_replicates,
        seed=CONFIG.seed,
    message:
        "Measure the coverage matrix"
    script:
        "../scripts/run.py"


rule measure_coverage_variants:
    """How ways to state that loss agree with the published matrix."""
    input:
        scores=[results(f"evaluate/coverage-{n}.parquet") for n in COMPARED],
        reports=COMPARED_REPORTS,
        published=repo("data/published.yaml"),
    output:
        table=results("measure/coverage-variants.csv"),
    log:
        logs("measure_coverage_variants/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=1000,
    params:
        call="wildpaper.measure.coverage.variants:measure_coverage_variants",
        code=code_digest("wildpaper.measure.coverage.variants"),
        n_replicates=CONFIG.measure.bootstrap_replicates,
        seed=CONFIG.seed,
    message:
        "Measure variants of the coverage matrix"
    script:
        "../scripts/run.py"


rule measure_data_size:
    """Held-out loss by size and choice of the training data."""
    input:
        losses=results("train/data-size/losses.parquet"),
        report=results("train/data-size/report.json"),
        reports=TRAINED_REPORTS[:1],
    output:
        table=results("measure/data-size.csv"),
    log:
        logs("measure_data_size/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=1000,
    params:
        call="wildpaper.measure.data_size:measure_data_size",
        code=code_digest("wildpaper.measure.data_size"),
        n_replicates=CONFIG.measure.bootstrap_replicates,
        seed=CONFIG.seed,
    message:
        "Measure loss by size of the data"
    script:
        "../scripts/run.py"


rule measure_contamination:
    """Questions of the benchmark that stand in the training data."""
    input:
        overlaps=rules.find_contamination.output.overlaps,
        reports=TRAINED_REPORTS[:1],
    output:
        table=results("measure/contamination.csv"),
    log:
        logs("measure_contamination/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=1000,
    params:
        call="wildpaper.measure.contamination:measure_contamination",
        code=code_digest("wildpaper.measure.contamination"),
        n_replicates=CONFIG.measure.bootstrap_replicates,
        seed=CONFIG.seed,
    message:
        "Measure contamination"
    script:
        "../scripts/run.py"


rule measure_prompt_categories:
    """Table 4: sampled first prompts by category."""
    input:
        report=WILDCHAT_REPORT,
        conversations=shards_of("conversations", WILDCHAT),
        messages=shards_of("messages", WILDCHAT),
        languages=labels_of("language", WILDCHAT),
        categories=labels_of("category", WILDCHAT),
    output:
        table=results("measure/table-04-prompt-categories.csv"),
        notes=results("measure/table-04-prompt-categories.notes.json"),
    log:
        logs("measure_prompt_categories/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
    params:
        call="wildpaper.measure.table_04_prompt_categories:measure_prompt_categories",
        code=code_digest("wildpaper.measure.table_04_prompt_categories"),
        n_sample=CONFIG.annotate.category.sample,
        seed=CONFIG.seed,
    message:
        "Measure Table 4"
    script:
        "../scripts/run.py"


rule measure_layout:
    """Figure 4: first prompts of all data sets, laid out in the plane by t-SNE."""
    input:
        reports=REPORTS,
        embeddings=labels_of("embedding", PLAN.datasets),
    output:
        table=results("measure/figure-04-embeddings.csv"),
    log:
        logs("measure_layout/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
    params:
        call="wildpaper.measure.figure_04_layout:measure_layout",
        code=code_digest("wildpaper.measure.figure_04_layout"),
        perplexity=CONFIG.measure.perplexity,
        seed=CONFIG.seed,
    message:
        "Lay out Figure 4"
    script:
        "../scripts/run.py"


rule measure_overlap:
    """How far the prompts of WildChat and of each other data set mix and cover each other."""
    input:
        reports=REPORTS,
        embeddings=labels_of("embedding", PLAN.datasets),
    output:
        table=results("measure/embedding-overlap.csv"),
        notes=results("measure/embedding-overlap.notes.json"),
    log:
        logs("measure_overlap/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
    params:
        call="wildpaper.measure.embedding_overlap:measure_overlap",
        code=code_digest("wildpaper.measure.embedding_overlap"),
        neighbours=CONFIG.measure.neighbours,
        permutations=CONFIG.measure.permutations,
        seed=CONFIG.seed,
    message:
        "Measure the overlap of prompts"
    script:
        "../scripts/run.py"


rule measure_language_agreement:
    """Recorded languages beside lingua's."""
    input:
        reports=REPORTS,
        conversations=shards_of("conversations", PLAN.datasets),
        messages=shards_of("messages", PLAN.datasets),
        languages=labels_of("language", PLAN.datasets),
        checks=labels_of("language_check", PLAN.checked()),
    output:
        table=results("measure/language-agreement.csv"),
        notes=results("measure/language-agreement.notes.json"),
    log:
        logs("measure_language_agreement/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=4000,
    params:
        call="wildpaper.measure.language_agreement:measure_language_agreement",
        code=code_digest("wildpaper.measure.language_agreement"),
        checked=PLAN.checked(),
        n_replicates=CONFIG.measure.bootstrap_replicates,
        seed=CONFIG.seed,
    message:
        "Measure the agreement on languages"
    script:
        "../scripts/run.py"


rule measure_near_duplicates:
    """Near-duplicates, and Table 1 without conversations that begin alike."""
    input:
        reports=REPORTS,
        conversations=shards_of("conversations", PLAN.datasets),
        messages=shards_of("messages", PLAN.datasets),
        tokens=labels_of("tokens", PLAN.datasets),
        languages=labels_of("language", PLAN.datasets),
        near_duplicates=labels_of("near_duplicate", PLAN.datasets),
    output:
        table=results("measure/near-duplicates.csv"),
        notes=results("measure/near-duplicates.notes.json"),
    log:
        logs("measure_near_duplicates/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=4000,
    params:
        call="wildpaper.measure.near_duplicates:measure_near_duplicates",
        code=code_digest("wildpaper.measure.near_duplicates"),
        deviation=CONFIG.measure.deviation,
        minimum_prompts=CONFIG.measure.minimum_prompts,
        n_replicates=CONFIG.measure.bootstrap_replicates,
        seed=CONFIG.seed,
    message:
        "Measure near-duplicates"
    script:
        "../scripts/run.py"


rule measure_concentration:
    """How the turns of WildChat are spread over its users."""
    input:
        report=WILDCHAT_REPORT,
        conversations=shards_of("conversations", WILDCHAT),
    output:
        table=results("measure/use-concentration.csv"),
        notes=results("measure/use-concentration.notes.json"),
    log:
        logs("measure_concentration/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
    params:
        call="wildpaper.measure.use_concentration:measure_concentration",
        code=code_digest("wildpaper.measure.use_concentration"),
        top_users=list(CONFIG.measure.top_users),
    message:
        "Measure the concentration of use"
    script:
        "../scripts/run.py"


rule measure_conversations_by_month:
    """Conversations of WildChat by month and API."""
    input:
        report=WILDCHAT_REPORT,
        conversations=shards_of("conversations", WILDCHAT),
    output:
        table=results("measure/conversations-by-month.csv"),
        notes=results("measure/conversations-by-month.notes.json"),
    log:
        logs("measure_conversations_by_month/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
    params:
        call="wildpaper.measure.conversations_by_month:measure_conversations_by_month",
        code=code_digest("wildpaper.measure.conversations_by_month"),
    message:
        "Count conversations by month"
    script:
        "../scripts/run.py"


rule measure_interval_coverage:
    """How often the intervals hold the true value, on simulated populations."""
    input:
        published=repo("data/published.yaml"),
    output:
        table=results("measure/interval-coverage.csv"),
    log:
        logs("measure_interval_coverage/all"),
    conda:
        "../../environment.yml"
    resources:
        mem_mb=2000,
    params:
        call="wildpaper.measure.interval_coverage:measure_interval_coverage",
        code=code_digest("wildpaper.measure.interval_coverage"),
        n_seeds=40,
        n_conversations=300,
        n_replicates=400,
        seed=CONFIG.seed,
    message:
        "Measure the coverage of the intervals"
    script:
        "../scripts/run.py"
