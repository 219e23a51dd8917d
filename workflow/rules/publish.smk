# Publish: the claims ledger, the paper and the manifest.
#
# Purpose: join what the run obtained to what was published, and print it.
# Inputs:  measure/, present/, data/published.yaml, data/artifacts.yaml, paper/
# Outputs: publish/{claims.json,claims.md,claims.csv,paper.pdf,manifest.json,report.html,
#          ro-crate.zip,ro-crate-metadata.json}, ledger.json; on demand publish/arxiv.tar.gz

GENERATED = results("publish/tex/generated")

PAPER_SOURCES = [
    repo(f"paper/{path.relative_to(ROOT / 'paper')}")
    for path in sorted(Path(ROOT, "paper").rglob("*"))
    if path.suffix in (".tex", ".sty", ".bib")
]
PAGE_DIGEST = files_digest(
    [
        path
        for path in sorted(Path(ROOT, "workflow/wildpaper/publish/report").rglob("*"))
        if path.suffix in (".j2", ".css", ".js")
    ]
)
UNCLAIMED = ("token-lengths", "flow-ledger", "loss-curve", "figure-04-embeddings")
UNNOTED = (
    *("likelihood-judge", "interval-coverage", "coverage-variants", "data-size"),
    *("contamination", "figure-06-mtbench-categories", "judge-robustness"),
)
CLAIMED = [a.id for a in PLAN.artifacts if PLAN.built(a.id) and a.id not in UNCLAIMED]


rule merge_ledgers:
    """What each stage kept and dropped, checked to add up."""
    input:
        parts=[
            *(
                [
                    results("release/rawlogs/ledger.json"),
                    results("release/ledger.json"),
                ]
                if PLAN.rawlogs
                else []
            ),
            *[results(f"ingest/{name}/ledger.json") for name in PLAN.datasets],
            *trained("ledger.json"),
        ],
    output:
        ledger=results("ledger.json"),
    log:
        logs("merge_ledgers/all"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.ledger:merge_ledgers",
        code=code_digest("wildpaper.ledger"),
        branches=CONFIG.release.linking.continued_parents == "branch",
    message:
        "Add up the ledger"
    script:
        "../scripts/run.py"


rule write_claims:
    """Every published value beside the one obtained, with verdict and reason."""
    input:
        *CHECKED,
        published=repo("data/published.yaml"),
        artifacts=repo("data/artifacts.yaml"),
        acquired=ACQUIRED,
        tables=[results(f"measure/{name}.csv") for name in CLAIMED],
        notes=[results(f"measure/{n}.notes.json") for n in CLAIMED if n not in UNNOTED],
        truth=recorded([PLAN.simulation.file("truth.json")] if PLAN.simulation else []),
        errors=[rules.assess_annotators.output.errors] if PLAN.simulation else [],
        redaction=[rules.assess_redaction.output.assessment] if PLAN.planted else [],
    output:
        claims=results("publish/claims.json"),
        markdown=results("publish/claims.md"),
        table=results("publish/claims.csv"),
    log:
        logs("write_claims/all"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.publish.claims:write_claims",
        code=code_digest("wildpaper.publish.claims"),
        preset=CONFIG.preset,
        datasets=list(PLAN.datasets),
        blanks=PLAN.blanks("table", "figure", "numbers"),
        minimum_prompts=CONFIG.measure.minimum_prompts,
    message:
        "Compare with the published values"
    script:
        "../scripts/run.py"


rule write_numbers:
    """The macros behind every number of the prose."""
    input:
        claims=rules.write_claims.output.claims,
    output:
        numbers=f"{GENERATED}/numbers.tex",
    log:
        logs("write_numbers/all"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.publish.numbers:write_numbers",
        code=code_digest("wildpaper.publish.numbers"),
    message:
        "Write the number macros"
    script:
        "../scripts/run.py"


rule write_claims_table:
    """The appendix: all claims, and what was not run."""
    input:
        claims=rules.write_claims.output.claims,
        prose=[path for path in PAPER_SOURCES if path.endswith(".tex")],
    output:
        table=f"{GENERATED}/claims-table.tex",
        not_run=f"{GENERATED}/not-run.tex",
    log:
        logs("write_claims_table/all"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.publish.claims_tex:write_claims_table",
        code=code_digest("wildpaper.publish.claims_tex"),
    message:
        "Write the claims table"
    script:
        "../scripts/run.py"


rule write_context:
    """What the paper says of this run: its data, their releases, the routes of its artifacts."""
    input:
        acquired=ACQUIRED,
        reports=REPORTS,
        sources=ancient(repo("data/sources.yaml")),
        tables=[results(f"present/tables/{name}.csv") for name in PLAN.ids("table")],
        measured=[
            results(f"measure/{name}.csv")
            for name in PLAN.ids("figure")
            if name in CLAIMED
        ],
    output:
        run=f"{GENERATED}/run.tex",
        routes=f"{GENERATED}/routes.tex",
        read_table=f"{GENERATED}/read-table.tex",
        availability=f"{GENERATED}/availability.tex",
    log:
        logs("write_context/all"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.publish.context:write_context",
        code=code_digest("wildpaper.publish.context"),
        watch=PLAN.registry(),
        preset=CONFIG.preset,
        version=PLAN.version,
        blank_figures=list(PLAN.blanks("figure")),
        figures=PLAN.ids("figure"),
    message:
        "Describe the run"
    script:
        "../scripts/run.py"


rule write_origins:
    """The line under each caption: rule, source file, notebook, claims."""
    input:
        artifacts=repo("data/artifacts.yaml"),
        rules=files_of_project("workflow/rules", "*.smk"),
        notebooks=files_of_project("notebooks", "*.ipynb"),
        claims=rules.write_claims.output.claims,
        citation=repo("CITATION.cff"),
    output:
        origins=f"{GENERATED}/origins.tex",
    log:
        logs("write_origins/all"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.publish.origins:write_origins",
        code=code_digest("wildpaper.publish.origins"),
    message:
        "Write where tables and figures come from"
    script:
        "../scripts/run.py"


rule write_costs:
    """What training and judging would cost, and speeds that were measured: nothing of this run."""
    input:
        recipes=files_of_project("data/recipes", "*.yaml"),
        published=repo("data/published.yaml"),
        benchmarks=files_of_project("benchmarks/results", "*.md"),
    output:
        costs=f"{GENERATED}/costs.tex",
        measured=f"{GENERATED}/measured.tex",
    log:
        logs("write_costs/all"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.publish.costs:write_costs",
        code=code_digest("wildpaper.publish.costs"),
    message:
        "Write what it costs"
    script:
        "../scripts/run.py"


PARTS_OF_PAPER = {
    "sources": PAPER_SOURCES,
    "generated": [
        *rules.write_numbers.output,
        *rules.write_claims_table.output,
        *rules.write_context.output,
        *rules.write_origins.output,
        *rules.write_costs.output,
    ],
    "tables": [f for f in TABLE_FILES if f.endswith(".tex")],
    "figures": [f for f in FIGURE_FILES if f.endswith(".pdf")],
}


rule build_paper:
    """The paper, from its sources and what the run generated."""
    input:
        **PARTS_OF_PAPER,
    output:
        pdf=results("publish/paper.pdf"),
    log:
        logs("build_paper/all"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.publish.paper:build_paper",
        code=code_digest("wildpaper.publish.paper"),
    message:
        "Compile the paper"
    script:
        "../scripts/run.py"


rule bundle_arxiv:
    """The paper as one flat archive that compiles by itself to the same bytes."""
    input:
        **PARTS_OF_PAPER,
        pdf=rules.build_paper.output.pdf,
    output:
        bundle=results("publish/arxiv.tar.gz"),
    log:
        logs("bundle_arxiv/all"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.publish.arxiv:bundle_arxiv",
        code=code_digest("wildpaper.publish.arxiv"),
    message:
        "Pack the paper for arXiv, and compile the archive"
    script:
        "../scripts/run.py"


rule manifest:
    """Every output with its checksum, rule, inputs, time and memory."""
    input:
        files=[
            rules.build_paper.output.pdf,
            *rules.write_claims.output,
            rules.merge_ledgers.output.ledger,
            *TABLE_FILES,
            *FIGURE_FILES,
            *NOTEBOOK_FILES,
        ],
        acquired=ACQUIRED,
    output:
        manifest=results("publish/manifest.json"),
    log:
        logs("manifest/all"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.publish.manifest:write_manifest",
        code=code_digest("wildpaper.publish.manifest"),
        logs=[results("logs"), "data/raw"],
        preset=CONFIG.preset,
        version=PLAN.version,
        config_digest=PLAN.config_digest,
    message:
        "Write the manifest"
    script:
        "../scripts/run.py"


rule write_crate:
    """The run as a Workflow Run RO-Crate: sources, results, checksums, times, licences."""
    input:
        manifest=rules.manifest.output.manifest,
        configuration=[str(path) for path in workflow.configfiles],
        acquired=recorded(
            [*ACQUIRED_FILES, *([PLAN.rawlogs.acquired] if PLAN.rawlogs else [])]
        ),
        sources=ancient(repo("data/sources.yaml")),
        models=ancient(repo("data/models.yaml")),
    output:
        crate=results("publish/ro-crate.zip"),
        metadata=results("publish/ro-crate-metadata.json"),
    log:
        logs("write_crate/all"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.publish.crate:write_crate",
        code=code_digest("wildpaper.publish.crate"),
        project=repo("."),
        logs=[results("logs"), "data/raw"],
    message:
        "Pack the run as a crate"
    script:
        "../scripts/run.py"


rule write_report:
    """One page with everything: verdicts, claims, figures, tables, ledger, times, notebooks."""
    input:
        claims=rules.write_claims.output.claims,
        manifest=rules.manifest.output.manifest,
        ledger=rules.merge_ledgers.output.ledger,
        tables=TABLE_FILES,
        figures=FIGURE_FILES,
        notebooks=NOTEBOOK_FILES,
        acquired=ACQUIRED,
        artifacts=repo("data/artifacts.yaml"),
        sources=ancient(repo("data/sources.yaml")),
    output:
        report=results("publish/report.html"),
    log:
        logs("write_report/all"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.publish.report.build:write_report",
        code=code_digest("wildpaper.publish.report.build"),
        watch=PAGE_DIGEST,
        logs=[results("logs"), "data/raw"],
        preset=CONFIG.preset,
        version=PLAN.version,
        datasets=list(PLAN.datasets),
        blanks=PLAN.blanks("table", "figure"),
    message:
        "Write the report"
    script:
        "../scripts/run.py"


if PLAN.rawlogs:

    rule scan_results:
        """Look through everything the run wrote for what may not be released."""
        input:
            ancient(results("publish/manifest.json")),
            ancient(results("publish/report.html")),
            ancient(results("publish/ro-crate.zip")),
            rules.build_paper.output.pdf,
            personal=[PLAN.simulation.file("personal.json")] if PLAN.planted else [],
            rawlogs=[PLAN.rawlogs.acquired],
            assessment=(
                [rules.assess_redaction.output.assessment] if PLAN.planted else []
            ),
            elsewhere=shards_of(
                "messages", [name for name in PLAN.datasets if name != "wildchat"]
            ),
        output:
            report=results("publish/leaks.json"),
        log:
            logs("scan_results/all"),
        conda:
            "../../environment.yml"
        threads: 2
        resources:
            mem_mb=2000,
        params:
            call="wildpaper.publish.leaks:scan_results",
            code=code_digest("wildpaper.publish.leaks"),
            folder=lambda wildcards, output: str(Path(output.report).parents[1]),
            patterns=CONFIG.release.redaction.patterns,
            name_models=CONFIG.release.redaction.name_models,
            withdrawal=CONFIG.release.linking.withdrawal,
            client_address=CONFIG.release.linking.client_address,
        message:
            "Scan all results for leaks"
        script:
            "../scripts/run.py"
