# The whole study as one DAG; its root is the paper.
#
#   snakemake --cores all                                    the demo, results/demo/
#   snakemake --cores all --configfile config/realdata.yaml  real files
#   snakemake -n                                             what would run, and why
#
# Targets besides `all`: claims, tables, figures, notebooks, manifest, crate, arxiv, and one
# per artifact id (table-01-datasets, token-lengths, ...).

from snakemake.utils import min_version

min_version("9.0")


if "preset" not in config:

    configfile: "config/demo.yaml"


onstart:
    # Snakemake limits how many jobs start in a second (`max-jobs-per-timespan`) by looking at
    # all waiting jobs again after each second, once more for each job that has ended: after a
    # hundred it takes a good part of a core. On one machine the limit has no use.
    if workflow.local_exec:
        workflow.scheduler.job_rate_limiter = None


include: "workflow/rules/common.smk"
include: "workflow/rules/acquire.smk"
include: "workflow/rules/release.smk"
include: "workflow/rules/ingest.smk"
include: "workflow/rules/annotate.smk"
include: "workflow/rules/train.smk"
include: "workflow/rules/evaluate.smk"
include: "workflow/rules/measure.smk"
include: "workflow/rules/present.smk"
include: "workflow/rules/publish.smk"
include: "workflow/rules/archive_common.smk"
include: "workflow/rules/archive.smk"


rule all:
    """The paper and everything in it."""
    default_target: True
    input:
        rules.manifest.output.manifest,
        rules.build_paper.output.pdf,
        rules.merge_ledgers.output.ledger,
        rules.write_report.output.report,
        rules.write_crate.output.crate,
        trained("README.md"),
        SCANNED,
        CHECKED,


rule claims:
    """The claims ledger: every published value beside the one obtained."""
    input:
        rules.write_claims.output,


rule report:
    """The report: one self-contained page, also of a part of the run."""
    input:
        rules.write_report.output,


rule tables:
    """All tables, as .csv and .tex."""
    input:
        TABLE_FILES,


rule figures:
    """All figures, as .pdf and .png."""
    input:
        FIGURE_FILES,


rule archive:
    """What took long, packed: other runs can start from it (config key restore)."""
    input:
        rules.write_archive.output.archive,


rule notebooks:
    """All notebooks, executed."""
    input:
        NOTEBOOK_FILES,


rule crate:
    """The manifest as a Workflow Run RO-Crate."""
    input:
        rules.write_crate.output,


rule arxiv:
    """The paper as arXiv takes it; proved to compile to the same PDF."""
    input:
        rules.bundle_arxiv.output,
