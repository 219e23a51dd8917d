# Archive: the results of a finished run that took long, packed; and runs that start from them.
#
# Purpose: pack with checksums; take from an archive what belongs to this run, and try it.
# Inputs:  ingest/, annotate/, release/, train/, evaluate/ of a finished run; an archive
# Outputs: archives/<preset>.tar
#          restored/{archive.json,truth.json,<dataset>/acquired.json}, publish/restored.json,
#          and what the archive holds, at its places


rule write_archive:
    """Pack what took long; of a run with raw logs only after the last scan for leaks."""
    input:
        only_computed,
        results("publish/report.html"),
        files=[
            rules.build_paper.output.pdf,
            *rules.write_claims.output,
            rules.merge_ledgers.output.ledger,
            *TABLE_FILES,
            *FIGURE_FILES,
            *NOTEBOOK_FILES,
            *trained("README.md"),
        ],
        manifest=results("publish/manifest.json"),
    output:
        archive=f"archives/{CONFIG.preset}.tar",
    log:
        logs("write_archive/all"),
    conda:
        "../../environment.yml"
    params:
        call="wildpaper.archive.pack:write_archive",
        code=code_digest("wildpaper.archive.pack"),
        logs=[results("logs"), "data/raw"],
        preset=CONFIG.preset,
        version=PLAN.version,
        datasets=origins(PLAN),
        records=records(PLAN, RESULTS),
        folders=PATH_NAMES,
        texts=CONFIG.archive.texts,
        models=CONFIG.archive.models,
    message:
        "Pack the results"
    script:
        "../scripts/run.py"


SCANNED = [results("publish/leaks.json")] if PLAN.rawlogs else []


if CONFIG.restore:
    try:
        OPENED = open_archive(Path(CONFIG.restore))
        DECISIONS = decide(
            OPENED.index,
            rule_now,
            origins(PLAN),
            source_file,
            as_recorded(trained("README.md")),
        )
    except WildpaperError as error:
        raise WorkflowError(str(error)) from None
    RECORDS.update(
        (path, results(member))
        for member, path in records(PLAN, RESULTS).items()
        if as_recorded([path])[0] in DECISIONS.records
    )
    RESTORATIONS = restorations(DECISIONS, OPENED, RECORDS.values(), RESULTS, PRIVATE)
    if DECISIONS.status_of("assemble_release") == RESTORED:
        SCANNED.clear()
    if workflow.is_main_process:
        UNSCANNED = PLAN.rawlogs is not None and not SCANNED
        print(told(OPENED, DECISIONS, UNSCANNED), file=sys.stderr)

    rule verify_archive:
        """Check every byte of the archive before anything is taken from it."""
        input:
            archive=ancient(CONFIG.restore),
        output:
            report=results("restored/archive.json"),
        log:
            logs("verify_archive/all"),
        conda:
            "../../environment.yml"
        params:
            call="wildpaper.archive.verify:verify_archive",
            code=code_digest("wildpaper.archive.verify"),
            watch=OPENED.digest,
        message:
            "Verify the archive"
        script:
            "../scripts/run.py"

    for _one in RESTORATIONS:

        rule:
            name:
                _one.name
            input:
                rules.verify_archive.output.report,
                archive=ancient(CONFIG.restore),
            output:
                files=_one.files,
            log:
                logs(f"{_one.name}/all"),
            conda:
                "../../environment.yml"
            params:
                call="wildpaper.archive.unpack:restore_files",
                code=code_digest("wildpaper.archive.unpack"),
                folder=RESULTS,
                unfinished=_one.unfinished,
            message:
                f"Restore {_one.name.removeprefix('restore_')}"
            script:
                "../scripts/run.py"

    for _one in [one for one in RESTORATIONS if one.lacking]:

        rule:
            name:
                _one.refusal
            input:
                _one.refuse,
            output:
                _one.lacking,
            log:
                logs(f"{_one.refusal}/all"),
            conda:
                "../../environment.yml"
            params:
                call="wildpaper.archive.unpack:restore_files",
                code=code_digest("wildpaper.archive.unpack"),
            message:
                "The archive leaves this out"
            script:
                "../scripts/run.py"

    take_over(RESTORATIONS)
    DRAWN, UNTRIED = draw_restored(
        DECISIONS, lacks, CONFIG.seed, CONFIG.archive.check_seconds
    )

    rule check_restored:
        """Compute some of what was restored anew, and compare."""
        input:
            needed_by(DRAWN),
            archive=ancient(CONFIG.restore),
            verified=rules.verify_archive.output.report,
            computed=computed_as_known(DECISIONS, OPENED, RESULTS),
        output:
            report=results("publish/restored.json"),
        log:
            logs("check_restored/all"),
        priority: 10
        conda:
            "../../environment.yml"
        resources:
            mem_mb=4000,
        params:
            call="wildpaper.archive.recompute:check_restored",
            code=code_digest("wildpaper.archive.recompute"),
            drawn=[repeated(job) for job in DRAWN],
            untried=UNTRIED,
            statuses=statuses(DECISIONS),
            folder=RESULTS,
        message:
            "Compute some of what was restored anew"
        script:
            "../scripts/run.py"
