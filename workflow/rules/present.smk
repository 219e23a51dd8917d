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
NOTEBOOKS = ["01_statistics"] if PLAN.datasets else []
NOTEBOOK_FILES = expand(
    results("present/notebooks/{notebook}.{suffix}"),
    notebook=NOTEBOOKS,
    suffix=["ipynb", "html"],
)


ruleorder: leave_tables_blank > render_datasets
ruleorder: leave_figures_blank > draw_token_lengths


rule render_datasets:
    """Table 1 in the paper's layout, each value above the published one."""
    input:
        measured=rules.measure_datasets.output.table,
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


rule draw_token_lengths:
    """Histograms of message lengths."""
    input:
        measured=rules.measure_token_lengths.output.table,
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
        needs=[
            rules.measure_datasets.output.table,
            rules.measure_token_lengths.output.table,
            results("publish/claims.json"),
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
        parameters={"results": RESULTS},
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
