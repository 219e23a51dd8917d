"""What a report should hold and does not, and why: nothing is left out in silence."""

from wildpaper.artifacts import Artifact
from wildpaper.publish.report.jobs import Job, Unfinished
from wildpaper.publish.report.run import Missing, Run

_ARTICLE = {
    "claims": ("The claims (claims.json)", "write_claims"),
    "manifest": ("The manifest (manifest.json)", "manifest"),
    "ledger": ("The ledger of rows (ledger.json)", "merge_ledgers"),
}


def missing_parts(
    run: Run, artifacts: list[Artifact], jobs: list[Job], unfinished: list[Unfinished]
) -> list[Missing]:
    """Return the files that the run has not made, each with what is known of the cause."""
    found = []
    for name, (what, rule) in _ARTICLE.items():
        if not getattr(run, name).is_file():
            found.append(Missing(what, _why(rule, jobs, unfinished)))
    registry = {artifact.id: artifact for artifact in artifacts}
    for kind, paths in (("Table", run.tables), ("Figure", run.figures)):
        for path in paths:
            if not path.is_file() and path.stem not in run.blanks:
                artifact = registry.get(path.stem)
                title = f"{artifact.title} ({path.stem})" if artifact else path.stem
                why = _why(artifact.rule if artifact else "", jobs, unfinished)
                if artifact and artifact.not_built:
                    why = artifact.not_built
                found.append(Missing(f"{kind}: {title}", why, path.stem))
    for path in run.notebooks:
        if not path.is_file():
            why = _why("run_notebook", jobs, unfinished, path.stem)
            found.append(Missing(f"Notebook: {path.stem}", why))
    return found


def left_out(run: Run, artifacts: list[Artifact]) -> list[Missing]:
    """Return what the preset does not build, each with the reason."""
    return [
        Missing(f"{artifact.kind.capitalize()}: {artifact.title} ({artifact.id})",
                run.blanks[artifact.id], artifact.id)
        for artifact in artifacts
        if artifact.id in run.blanks
    ]  # fmt: skip


def _why(rule: str, jobs: list[Job], unfinished: list[Unfinished], name: str = "") -> str:
    for job in unfinished:
        if job.rule == rule and name in ("", job.name):
            return f"its rule {rule} failed: {job.why}" if job.said else f"rule {rule}: {job.why}"
    stopped = any(job.said for job in unfinished)
    after = " (see the jobs that did not finish)" if stopped else ""
    if any(job.rule == rule for job in jobs):
        return f"rule {rule} is done, but not what makes this of it{after}"
    return f"never run: rule {rule} was not reached{after}" if rule else f"never run{after}"
