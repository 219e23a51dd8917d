# Present: tables, figures and executed notebooks.
#
# Purpose: draw what measure computed; label what nobody computed as a blank.
# Inputs:  measure/<artifact>.csv, notebooks/<name>.ipynb
# Outputs: present/tables/<id>.{csv,tex}, present/figures/<id>.{pdf,png},
#          present/notebooks/<name>.{ipynb,html}

TABLE_FILES = expand(
    results("present/tables/{artifact}.{suffix}"),
    artifact=PLAN.ids("table"),
    suffix=["csv", "tex"],
)
FIGURE_FILES = expand(
    results("present/figures/{artifact}.{suffix}"),
    artifact=PLAN.ids("figure"),
    suffix=["pdf", "png"],
)
# What each notebook reads besides the claims, which wait for nearly all that is measured.
NOTEBOOK_READS = {
    "00_tour": [],
    "01_statistics": ["token-lengths"],
    "02_release": [],
    "03_toxicity": [],
    "04_embeddings": ["figure-04-embeddings"],
    "05_training": ["loss-curve"],
    "06_evaluation": ["loss-curve"],
}
NOTEBOOKS = list(NOTEBOOK_READS) if PLAN.datasets else []
NOTEBOOK_FILES = expand(
    results("present/notebooks/{notebook}.{suffix}"),
    notebook=NOTEBOOKS,
    suffix=["ipynb", "html"],
)


# What this run cannot build is left blank, whatever rule there is for it.
ruleorder: leave_tables_blank > render_datasets
ruleorder: leave_tables_blank > render_apis
ruleorder: leave_tables_blank > render_countries
ruleorder: leave_tables_blank > render_languages
ruleorder: leave_tables_blank > render_toxicity_overlap
ruleorder: leave_tables_blank > render_jailbreaks
ruleorder: leave_tables_blank > render_linking
ruleorder: leave_tables_blank > render_privacy
ruleorder: leave_tables_blank > render_privacy_languages
ruleorder: leave_tables_blank > render_likelihood_judge
ruleorder: leave_tables_blank > render_scores
ruleorder: leave_tables_blank > render_pairs
ruleorder: leave_tables_blank > render_robustness
ruleorder: leave_tables_blank > render_coverage_variants
ruleorder: leave_tables_blank > render_contamination
ruleorder: leave_tables_blank > render_prompt_categories
ruleorder: leave_tables_blank > render_overlap
ruleorder: leave_tables_blank > render_language_agreement
ruleorder: leave_tables_blank > render_near_duplicates
ruleorder: leave_tables_blank > render_interval_coverage
ruleorder: leave_tables_blank > render_toxicity_datasets
ruleorder: leave_tables_blank > render_detoxify_categories
ruleorder: leave_tables_blank > render_moderation_categories
ruleorder: leave_tables_blank > render_recorded_scores
ruleorder: leave_tables_blank > render_classifier_agreement
ruleorder: leave_tables_blank > render_toxicity_strata
ruleorder: leave_tables_blank > render_discovery
ruleorder: leave_figures_blank > draw_token_lengths
ruleorder: leave_figures_blank > draw_turns
ruleorder: leave_figures_blank > draw_language_tail
ruleorder: leave_figures_blank > draw_toxicity_by_month
ruleorder: leave_figures_blank > draw_losses
ruleorder: leave_figures_blank > draw_coverage
ruleorder: leave_figures_blank > draw_data_size
ruleorder: leave_figures_blank > draw_categories
ruleorder: leave_figures_blank > draw_flow
ruleorder: leave_figures_blank > draw_layout
ruleorder: leave_figures_blank > draw_concentration
ruleorder: leave_figures_blank > draw_conversations_by_month
ruleorder: leave_figures_blank > draw_june_update
ruleorder: leave_figures_blank > draw_calibration
ruleorder: leave_figures_blank > draw_threshold_sweep


rule render_datasets:
    """Table 1 in the paper's layout, each value above the published one."""
    input:
        measured=results("measure/table-01-datasets.csv"),
        published=repo("data/published.yaml"),
        acquired=ACQUIRED,
    output:
        csv=results("present/tables/table-01-datasets.csv"),
        tex=results("present/tables/table-01-datasets.tex"),
    log:
        logs("render_datasets/table-01-datasets"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.table_01_datasets:render_datasets",
        code=code_digest("wildpaper.present.table_01_datasets"),
        titles=PLAN.titles(),
    message:
        "Set Table 1"
    script:
        "../scripts/run.py"


rule render_apis:
    """Table 2: shares by model version beside the published ones."""
    input:
        measured=results("measure/table-02-apis.csv"),
        published=repo("data/published.yaml"),
        acquired=ACQUIRED,
    output:
        csv=results("present/tables/table-02-apis.csv"),
        tex=results("present/tables/table-02-apis.tex"),
    log:
        logs("render_apis/table-02-apis"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.table_02_apis:render_apis",
        code=code_digest("wildpaper.present.table_02_apis"),
        titles=PLAN.titles(),
    message:
        "Set Table 2"
    script:
        "../scripts/run.py"


rule render_countries:
    """Table 3: shares by country beside the published ones."""
    input:
        measured=results("measure/table-03-countries.csv"),
        published=repo("data/published.yaml"),
        acquired=ACQUIRED,
    output:
        csv=results("present/tables/table-03-countries.csv"),
        tex=results("present/tables/table-03-countries.tex"),
    log:
        logs("render_countries/table-03-countries"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.table_03_countries:render_countries",
        code=code_digest("wildpaper.present.table_03_countries"),
        titles=PLAN.titles(),
    message:
        "Set Table 3"
    script:
        "../scripts/run.py"


rule render_languages:
    """Table 5: shares by language, each value above the published one."""
    input:
        measured=results("measure/table-05-languages.csv"),
        published=repo("data/published.yaml"),
        acquired=ACQUIRED,
    output:
        csv=results("present/tables/table-05-languages.csv"),
        tex=results("present/tables/table-05-languages.tex"),
    log:
        logs("render_languages/table-05-languages"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.table_05_languages:render_languages",
        code=code_digest("wildpaper.present.table_05_languages"),
        titles=PLAN.titles(),
    message:
        "Set Table 5"
    script:
        "../scripts/run.py"


rule render_toxicity_overlap:
    """Table 6: flagged messages by classifier and role."""
    input:
        measured=results("measure/table-06-toxicity-overlap.csv"),
        published=repo("data/published.yaml"),
        acquired=ACQUIRED,
    output:
        csv=results("present/tables/table-06-toxicity-overlap.csv"),
        tex=results("present/tables/table-06-toxicity-overlap.tex"),
    log:
        logs("render_toxicity_overlap/table-06-toxicity-overlap"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.table_06_toxicity_overlap:render_toxicity_overlap",
        code=code_digest("wildpaper.present.table_06_toxicity_overlap"),
        titles=PLAN.titles(),
    message:
        "Set Table 6"
    script:
        "../scripts/run.py"


rule render_toxicity_datasets:
    """Table 7: flagged messages by data set."""
    input:
        measured=results("measure/table-07-toxicity-datasets.csv"),
        published=repo("data/published.yaml"),
        acquired=ACQUIRED,
    output:
        csv=results("present/tables/table-07-toxicity-datasets.csv"),
        tex=results("present/tables/table-07-toxicity-datasets.tex"),
    log:
        logs("render_toxicity_datasets/table-07-toxicity-datasets"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.table_07_toxicity_datasets:render_toxicity_datasets",
        code=code_digest("wildpaper.present.table_07_toxicity_datasets"),
        titles=PLAN.titles(),
    message:
        "Set Table 7"
    script:
        "../scripts/run.py"


rule render_detoxify_categories:
    """Table 12: categories of Detoxify by data set."""
    input:
        measured=results("measure/table-12-detoxify-categories.csv"),
        published=repo("data/published.yaml"),
        acquired=ACQUIRED,
    output:
        csv=results("present/tables/table-12-detoxify-categories.csv"),
        tex=results("present/tables/table-12-detoxify-categories.tex"),
    log:
        logs("render_detoxify_categories/table-12-detoxify-categories"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.table_12_detoxify_categories:render_detoxify_categories",
        code=code_digest("wildpaper.present.table_12_detoxify_categories"),
        titles=PLAN.titles(),
    message:
        "Set Table 12"
    script:
        "../scripts/run.py"


rule render_moderation_categories:
    """Table 13: categories of moderation by data set."""
    input:
        measured=results("measure/table-13-moderation-categories.csv"),
        published=repo("data/published.yaml"),
        acquired=ACQUIRED,
    output:
        csv=results("present/tables/table-13-moderation-categories.csv"),
        tex=results("present/tables/table-13-moderation-categories.tex"),
    log:
        logs("render_moderation_categories/table-13-moderation-categories"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.table_13_moderation_categories:render_moderation_categories",
        code=code_digest("wildpaper.present.table_13_moderation_categories"),
        titles=PLAN.titles(),
    message:
        "Set Table 13"
    script:
        "../scripts/run.py"


rule render_recorded_scores:
    """Recorded scores and computed ones."""
    input:
        measured=results("measure/recorded-scores.csv"),
        acquired=ACQUIRED,
    output:
        csv=results("present/tables/recorded-scores.csv"),
        tex=results("present/tables/recorded-scores.tex"),
    log:
        logs("render_recorded_scores/recorded-scores"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.recorded_scores:render_recorded_scores",
        code=code_digest("wildpaper.present.recorded_scores"),
        titles=PLAN.titles(),
    message:
        "Set the table on recorded scores"
    script:
        "../scripts/run.py"


rule draw_june_update:
    """Toxicity before and after the update of June 2023."""
    input:
        measured=results("measure/june-update.csv"),
    output:
        pdf=results("present/figures/june-update.pdf"),
        png=results("present/figures/june-update.png"),
    log:
        logs("draw_june_update/june-update"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.june_update:render_june_update",
        code=code_digest("wildpaper.present.june_update"),
    message:
        "Draw the update of June"
    script:
        "../scripts/run.py"


rule render_classifier_agreement:
    """Agreement of the two classifiers."""
    input:
        measured=results("measure/classifier-agreement.csv"),
        acquired=ACQUIRED,
    output:
        csv=results("present/tables/classifier-agreement.csv"),
        tex=results("present/tables/classifier-agreement.tex"),
    log:
        logs("render_classifier_agreement/classifier-agreement"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.classifier_agreement:render_classifier_agreement",
        code=code_digest("wildpaper.present.classifier_agreement"),
        titles=PLAN.titles(),
    message:
        "Set the table on the agreement of the classifiers"
    script:
        "../scripts/run.py"


rule render_toxicity_strata:
    """Flagged messages by stratum."""
    input:
        measured=results("measure/toxicity-strata.csv"),
        acquired=ACQUIRED,
    output:
        csv=results("present/tables/toxicity-strata.csv"),
        tex=results("present/tables/toxicity-strata.tex"),
    log:
        logs("render_toxicity_strata/toxicity-strata"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.toxicity_strata:render_toxicity_strata",
        code=code_digest("wildpaper.present.toxicity_strata"),
        titles=PLAN.titles(),
        trained_languages=CONFIG.annotate.detoxify.trained_languages,
    message:
        "Set the table on strata"
    script:
        "../scripts/run.py"


rule draw_threshold_sweep:
    """Share of messages above each threshold."""
    input:
        measured=results("measure/threshold-sweep.csv"),
    output:
        pdf=results("present/figures/threshold-sweep.pdf"),
        png=results("present/figures/threshold-sweep.png"),
    log:
        logs("draw_threshold_sweep/threshold-sweep"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.threshold_sweep:render_threshold_sweep",
        code=code_digest("wildpaper.present.threshold_sweep"),
        titles=PLAN.titles(),
        threshold=CONFIG.annotate.detoxify.threshold,
    message:
        "Draw the threshold sweep"
    script:
        "../scripts/run.py"


rule render_jailbreaks:
    """Table 8: jailbreak prompts beside the published counts."""
    input:
        measured=results("measure/table-08-jailbreaks.csv"),
        published=repo("data/published.yaml"),
        acquired=ACQUIRED,
        patterns=repo("data/jailbreaks.yaml"),
    output:
        csv=results("present/tables/table-08-jailbreaks.csv"),
        tex=results("present/tables/table-08-jailbreaks.tex"),
    log:
        logs("render_jailbreaks/table-08-jailbreaks"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.table_08_jailbreaks:render_jailbreaks",
        code=code_digest("wildpaper.present.table_08_jailbreaks"),
        titles=PLAN.titles(),
    message:
        "Set Table 8"
    script:
        "../scripts/run.py"


rule render_discovery:
    """Long first prompts that several users share."""
    input:
        measured=results("measure/jailbreak-discovery.csv"),
        acquired=ACQUIRED,
        patterns=repo("data/jailbreaks.yaml"),
    output:
        csv=results("present/tables/jailbreak-discovery.csv"),
        tex=results("present/tables/jailbreak-discovery.tex"),
    log:
        logs("render_discovery/jailbreak-discovery"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.jailbreak_discovery:render_discovery",
        code=code_digest("wildpaper.present.jailbreak_discovery"),
        titles=PLAN.titles(),
    message:
        "Set the table on shared prompts"
    script:
        "../scripts/run.py"


rule render_linking:
    """What linking makes of true conversations, by cause."""
    input:
        measured=results("measure/linking-causes.csv"),
    output:
        csv=results("present/tables/linking-causes.csv"),
        tex=results("present/tables/linking-causes.tex"),
    log:
        logs("render_linking/linking-causes"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.linking_causes:render_linking",
        code=code_digest("wildpaper.present.linking_causes"),
    message:
        "Set the table on linking"
    script:
        "../scripts/run.py"


rule render_privacy:
    """Recall and precision of redaction on what was planted."""
    input:
        measured=results("measure/privacy-report.csv"),
    output:
        csv=results("present/tables/privacy-report.csv"),
        tex=results("present/tables/privacy-report.tex"),
    log:
        logs("render_privacy/privacy-report"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.privacy:render_privacy",
        code=code_digest("wildpaper.present.privacy"),
    message:
        "Set the table on redaction"
    script:
        "../scripts/run.py"


rule render_privacy_languages:
    """Redaction by kind and language."""
    input:
        measured=results("measure/privacy-languages.csv"),
    output:
        csv=results("present/tables/privacy-languages.csv"),
        tex=results("present/tables/privacy-languages.tex"),
    log:
        logs("render_privacy_languages/privacy-languages"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.privacy_languages:render_privacy_languages",
        code=code_digest("wildpaper.present.privacy_languages"),
    message:
        "Set the table on redaction by language"
    script:
        "../scripts/run.py"


rule render_scores:
    """Table 9: grades of MT-bench."""
    input:
        measured=results("measure/table-09-mtbench-scores.csv"),
        published=repo("data/published.yaml"),
    output:
        csv=results("present/tables/table-09-mtbench-scores.csv"),
        tex=results("present/tables/table-09-mtbench-scores.tex"),
    log:
        logs("render_scores/table-09-mtbench-scores"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.mtbench_scores:render_scores",
        code=code_digest("wildpaper.present.mtbench_scores"),
        titles=EVALUATION.titles if EVALUATION else {},
    message:
        "Set Table 9"
    script:
        "../scripts/run.py"


rule render_pairs:
    """Table 10: pairs of models."""
    input:
        measured=results("measure/table-10-mtbench-pairs.csv"),
        published=repo("data/published.yaml"),
    output:
        csv=results("present/tables/table-10-mtbench-pairs.csv"),
        tex=results("present/tables/table-10-mtbench-pairs.tex"),
    log:
        logs("render_pairs/table-10-mtbench-pairs"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.mtbench_pairs:render_pairs",
        code=code_digest("wildpaper.present.mtbench_pairs"),
        titles=EVALUATION.titles if EVALUATION else {},
    message:
        "Set Table 10"
    script:
        "../scripts/run.py"


rule render_robustness:
    """What leads the judge astray."""
    input:
        measured=results("measure/judge-robustness.csv"),
    output:
        csv=results("present/tables/judge-robustness.csv"),
        tex=results("present/tables/judge-robustness.tex"),
    log:
        logs("render_robustness/judge-robustness"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.judge_robustness:render_robustness",
        code=code_digest("wildpaper.present.judge_robustness"),
    message:
        "Set the table of what leads the judge astray"
    script:
        "../scripts/run.py"


rule draw_categories:
    """Figure 6: grades by category."""
    input:
        measured=results("measure/figure-06-mtbench-categories.csv"),
    output:
        pdf=results("present/figures/figure-06-mtbench-categories.pdf"),
        png=results("present/figures/figure-06-mtbench-categories.png"),
    log:
        logs("draw_categories/figure-06-mtbench-categories"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.figure_06_mtbench_categories:render_categories",
        code=code_digest("wildpaper.present.figure_06_mtbench_categories"),
        titles=EVALUATION.titles if EVALUATION else {},
    message:
        "Draw Figure 6"
    script:
        "../scripts/run.py"


rule render_likelihood_judge:
    """How the run's models compare by the likelihood stand-in for a judge."""
    input:
        measured=results("measure/likelihood-judge.csv"),
    output:
        csv=results("present/tables/likelihood-judge.csv"),
        tex=results("present/tables/likelihood-judge.tex"),
    log:
        logs("render_likelihood_judge/likelihood-judge"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.likelihood_judge:render_likelihood_judge",
        code=code_digest("wildpaper.present.likelihood_judge"),
        titles=TRAINING.titles() if TRAINING else {},
    message:
        "Set the table of the stand-in judge"
    script:
        "../scripts/run.py"


rule render_coverage_variants:
    """Ways to state the loss of the coverage matrix."""
    input:
        measured=results("measure/coverage-variants.csv"),
    output:
        csv=results("present/tables/coverage-variants.csv"),
        tex=results("present/tables/coverage-variants.tex"),
    log:
        logs("render_coverage_variants/coverage-variants"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.coverage_variants:render_coverage_variants",
        code=code_digest("wildpaper.present.coverage_variants"),
    message:
        "Set the table of the variants of coverage"
    script:
        "../scripts/run.py"


rule render_contamination:
    """Questions of the benchmark that stand in the training data."""
    input:
        measured=results("measure/contamination.csv"),
    output:
        csv=results("present/tables/contamination.csv"),
        tex=results("present/tables/contamination.tex"),
    log:
        logs("render_contamination/contamination"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.contamination:render_contamination",
        code=code_digest("wildpaper.present.contamination"),
    message:
        "Set the table on contamination"
    script:
        "../scripts/run.py"


rule render_prompt_categories:
    """Table 4: categories of prompts beside the published ones."""
    input:
        measured=results("measure/table-04-prompt-categories.csv"),
        published=repo("data/published.yaml"),
        acquired=ACQUIRED,
    output:
        csv=results("present/tables/table-04-prompt-categories.csv"),
        tex=results("present/tables/table-04-prompt-categories.tex"),
    log:
        logs("render_prompt_categories/table-04-prompt-categories"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.table_04_prompt_categories:render_prompt_categories",
        code=code_digest("wildpaper.present.table_04_prompt_categories"),
        titles=PLAN.titles(),
    message:
        "Set Table 4"
    script:
        "../scripts/run.py"


rule render_overlap:
    """Mixing and coverage of the prompts of two data sets."""
    input:
        measured=results("measure/embedding-overlap.csv"),
        acquired=ACQUIRED,
    output:
        csv=results("present/tables/embedding-overlap.csv"),
        tex=results("present/tables/embedding-overlap.tex"),
    log:
        logs("render_overlap/embedding-overlap"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.embedding_overlap:render_overlap",
        code=code_digest("wildpaper.present.embedding_overlap"),
        titles=PLAN.titles(),
    message:
        "Set the table on the overlap of prompts"
    script:
        "../scripts/run.py"


rule render_language_agreement:
    """Agreement of recorded and detected languages."""
    input:
        measured=results("measure/language-agreement.csv"),
        acquired=ACQUIRED,
    output:
        csv=results("present/tables/language-agreement.csv"),
        tex=results("present/tables/language-agreement.tex"),
    log:
        logs("render_language_agreement/language-agreement"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.language_agreement:render_language_agreement",
        code=code_digest("wildpaper.present.language_agreement"),
        titles=PLAN.titles(),
    message:
        "Set the table on the agreement on languages"
    script:
        "../scripts/run.py"


rule render_near_duplicates:
    """Near-duplicates, and Table 1 without them."""
    input:
        measured=results("measure/near-duplicates.csv"),
        datasets_measured=results("measure/table-01-datasets.csv"),
        acquired=ACQUIRED,
    output:
        csv=results("present/tables/near-duplicates.csv"),
        tex=results("present/tables/near-duplicates.tex"),
    log:
        logs("render_near_duplicates/near-duplicates"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.near_duplicates:render_near_duplicates",
        code=code_digest("wildpaper.present.near_duplicates"),
        titles=PLAN.titles(),
    message:
        "Set the table on near-duplicates"
    script:
        "../scripts/run.py"


rule render_interval_coverage:
    """How often intervals hold the true value."""
    input:
        measured=results("measure/interval-coverage.csv"),
    output:
        csv=results("present/tables/interval-coverage.csv"),
        tex=results("present/tables/interval-coverage.tex"),
    log:
        logs("render_interval_coverage/interval-coverage"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.interval_coverage:render_interval_coverage",
        code=code_digest("wildpaper.present.interval_coverage"),
    message:
        "Set the table on the coverage of intervals"
    script:
        "../scripts/run.py"


rule draw_token_lengths:
    """Histograms of message lengths."""
    input:
        measured=results("measure/token-lengths.csv"),
    output:
        pdf=results("present/figures/token-lengths.pdf"),
        png=results("present/figures/token-lengths.png"),
    log:
        logs("draw_token_lengths/token-lengths"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.token_lengths:render_token_lengths",
        code=code_digest("wildpaper.present.token_lengths"),
        titles=PLAN.titles(),
    message:
        "Draw message lengths"
    script:
        "../scripts/run.py"


rule draw_turns:
    """Figure 2a: conversations by number of turns."""
    input:
        measured=results("measure/figure-02a-turns.csv"),
        published=repo("data/published.yaml"),
    output:
        pdf=results("present/figures/figure-02a-turns.pdf"),
        png=results("present/figures/figure-02a-turns.png"),
    log:
        logs("draw_turns/figure-02a-turns"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.figure_02a_turns:render_turns",
        code=code_digest("wildpaper.present.figure_02a_turns"),
    message:
        "Draw Figure 2a"
    script:
        "../scripts/run.py"


rule draw_language_tail:
    """Figure 2b: languages by number of user messages."""
    input:
        measured=results("measure/figure-02b-languages.csv"),
    output:
        pdf=results("present/figures/figure-02b-languages.pdf"),
        png=results("present/figures/figure-02b-languages.png"),
    log:
        logs("draw_language_tail/figure-02b-languages"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.figure_02b_languages:render_language_tail",
        code=code_digest("wildpaper.present.figure_02b_languages"),
    message:
        "Draw Figure 2b"
    script:
        "../scripts/run.py"


rule draw_toxicity_by_month:
    """Figure 5: flagged messages by month and role."""
    input:
        measured=results("measure/figure-05-toxicity-by-month.csv"),
        published=repo("data/published.yaml"),
    output:
        pdf=results("present/figures/figure-05-toxicity-by-month.pdf"),
        png=results("present/figures/figure-05-toxicity-by-month.png"),
    log:
        logs("draw_toxicity_by_month/figure-05-toxicity-by-month"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.figure_05_toxicity_by_month:render_toxicity_by_month",
        code=code_digest("wildpaper.present.figure_05_toxicity_by_month"),
    message:
        "Draw Figure 5"
    script:
        "../scripts/run.py"


rule draw_calibration:
    """Detoxify against known judgments."""
    input:
        measured=results("measure/detoxify-calibration.csv"),
    output:
        pdf=results("present/figures/detoxify-calibration.pdf"),
        png=results("present/figures/detoxify-calibration.png"),
    log:
        logs("draw_calibration/detoxify-calibration"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.detoxify_calibration:render_calibration",
        code=code_digest("wildpaper.present.detoxify_calibration"),
    message:
        "Draw the calibration of Detoxify"
    script:
        "../scripts/run.py"


rule draw_layout:
    """Figure 4: prompts of WildChat and of each other data set in the plane."""
    input:
        measured=results("measure/figure-04-embeddings.csv"),
    output:
        pdf=results("present/figures/figure-04-embeddings.pdf"),
        png=results("present/figures/figure-04-embeddings.png"),
    log:
        logs("draw_layout/figure-04-embeddings"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.figure_04_embeddings:render_layout",
        code=code_digest("wildpaper.present.figure_04_embeddings"),
        titles=PLAN.titles(),
    message:
        "Draw Figure 4"
    script:
        "../scripts/run.py"


rule draw_concentration:
    """Share of turns by share of users."""
    input:
        measured=results("measure/use-concentration.csv"),
    output:
        pdf=results("present/figures/use-concentration.pdf"),
        png=results("present/figures/use-concentration.png"),
    log:
        logs("draw_concentration/use-concentration"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.use_concentration:render_concentration",
        code=code_digest("wildpaper.present.use_concentration"),
    message:
        "Draw the concentration of use"
    script:
        "../scripts/run.py"


rule draw_conversations_by_month:
    """Conversations by month and API."""
    input:
        measured=results("measure/conversations-by-month.csv"),
        published=repo("data/published.yaml"),
    output:
        pdf=results("present/figures/conversations-by-month.pdf"),
        png=results("present/figures/conversations-by-month.png"),
    log:
        logs("draw_conversations_by_month/conversations-by-month"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.conversations_by_month:render_conversations_by_month",
        code=code_digest("wildpaper.present.conversations_by_month"),
    message:
        "Draw conversations by month"
    script:
        "../scripts/run.py"


rule draw_losses:
    """Loss of the models while they train."""
    input:
        measured=results("measure/loss-curve.csv"),
    output:
        pdf=results("present/figures/loss-curve.pdf"),
        png=results("present/figures/loss-curve.png"),
    log:
        logs("draw_losses/loss-curve"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.loss_curve:render_loss_curve",
        code=code_digest("wildpaper.present.loss_curve"),
    message:
        "Draw the training losses"
    script:
        "../scripts/run.py"


rule draw_coverage:
    """Figure 3: the coverage matrix beside the published one."""
    input:
        measured=results("measure/figure-03-coverage.csv"),
        published=repo("data/published.yaml"),
    output:
        pdf=results("present/figures/figure-03-coverage.pdf"),
        png=results("present/figures/figure-03-coverage.png"),
    log:
        logs("draw_coverage/figure-03-coverage"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.figure_03_coverage:render_coverage",
        code=code_digest("wildpaper.present.figure_03_coverage"),
        titles=PLAN.titles(),
    message:
        "Draw the coverage matrix"
    script:
        "../scripts/run.py"


rule draw_data_size:
    """Held-out loss by size and choice of the training data."""
    input:
        measured=results("measure/data-size.csv"),
    output:
        pdf=results("present/figures/data-size.pdf"),
        png=results("present/figures/data-size.png"),
    log:
        logs("draw_data_size/data-size"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.data_size:render_data_size",
        code=code_digest("wildpaper.present.data_size"),
    message:
        "Draw loss by size of the data"
    script:
        "../scripts/run.py"


rule draw_flow:
    """What each stage kept and dropped, and why."""
    input:
        ledger=results("ledger.json"),
        acquired=ACQUIRED,
    output:
        pdf=results("present/figures/flow-ledger.pdf"),
        png=results("present/figures/flow-ledger.png"),
    log:
        logs("draw_flow/flow-ledger"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.flow_ledger:render_flow",
        code=code_digest("wildpaper.present.flow_ledger"),
        titles=PLAN.titles(),
    message:
        "Draw the ledger"
    script:
        "../scripts/run.py"


rule leave_tables_blank:
    """Labelled blanks in place of the tables that this run does not build, and why."""
    output:
        csvs=expand(
            results("present/tables/{artifact}.csv"), artifact=PLAN.blanks("table")
        ),
        texs=expand(
            results("present/tables/{artifact}.tex"), artifact=PLAN.blanks("table")
        ),
    log:
        logs("leave_tables_blank/all"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.blanks:leave_tables_blank",
        code=code_digest("wildpaper.present.blanks"),
        reasons=PLAN.blanks("table"),
    message:
        "Leave blank the tables that this run does not build"
    script:
        "../scripts/run.py"


rule leave_figures_blank:
    """Labelled blanks in place of the figures that this run does not build, and why."""
    output:
        pdfs=expand(
            results("present/figures/{artifact}.pdf"), artifact=PLAN.blanks("figure")
        ),
        pngs=expand(
            results("present/figures/{artifact}.png"), artifact=PLAN.blanks("figure")
        ),
    log:
        logs("leave_figures_blank/all"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.blanks:leave_figures_blank",
        code=code_digest("wildpaper.present.blanks"),
        reasons=PLAN.blanks("figure"),
    message:
        "Leave blank the figures that this run does not build"
    script:
        "../scripts/run.py"


rule run_notebook:
    """Execute a notebook with the parameters of this run; unknown ones are errors."""
    input:
        notebook=repo("notebooks/{notebook}.ipynb"),
        needs=lambda wildcards: [
            results("publish/claims.json"),
            results("ledger.json"),
            *(
                results(f"measure/{artifact}.csv")
                for artifact in NOTEBOOK_READS[wildcards.notebook]
                if PLAN.built(artifact)
            ),
        ],
    output:
        executed=results("present/notebooks/{notebook}.ipynb"),
        html=results("present/notebooks/{notebook}.html"),
    log:
        logs("run_notebook/{notebook}"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.present.notebook:run_notebook",
        code=lambda wildcards: notebook_digest(wildcards.notebook),
        parameters=lambda wildcards: {
            "results": RESULTS,
            **(
                {"titles": EVALUATION.titles}
                if EVALUATION and wildcards.notebook == "06_evaluation"
                else {}
            ),
        },
        timeout_s=CONFIG.present.notebook_timeout_s,
        failed=results("logs/run_notebook/{notebook}.failed.ipynb"),
    message:
        "Run notebook {wildcards.notebook}"
    script:
        "../scripts/run.py"


for _artifact in [a for a in PLAN.artifacts if a.kind != "numbers"]:

    rule:
        name:
            _artifact.id
        input:
            [f for f in TABLE_FILES + FIGURE_FILES if Path(f).stem == _artifact.id],
