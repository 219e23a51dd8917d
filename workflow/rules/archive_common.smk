# What the rules of archive.smk share: this run as an archive's index sees it.
#
# Purpose: expand rules for wildcards and name files as the index does; say what a run that restores
#          takes over from other rules.
# Inputs:  none
# Outputs: none; its functions serve archive.smk

from snakemake.iocontainers import Wildcards

from wildpaper.archive.decide import COMPUTED, RESTORED, Now, decide
from wildpaper.archive.layout import open_archive
from wildpaper.archive.pack import normal, source_file
from wildpaper.archive.restorations import (
    computed_as_known,
    draw_restored,
    restorations,
)
from wildpaper.archive.tell import statuses, told
from wildpaper.bridge import RESERVED, relative_path
from wildpaper.param_digests import param_digests
from wildpaper.plan_restore import origins, path_names, records

PRIVATE = private("").rstrip("/")
PATH_NAMES = path_names(PLAN, RESULTS, PRIVATE)


def only_computed(wildcards):
    """Return what has to be done before a run is packed; one that restored cannot be."""
    if CONFIG.restore:
        raise WorkflowError(
            "A run that starts from an archive is not packed again.\n"
            f"  Hint:  Copy {CONFIG.restore}, or leave out the config key restore."
        )
    return rules.scan_results.output.report if PLAN.rawlogs else []


def expanded(made_by, wildcards):
    """Return the input, output and params of a rule for wildcards."""
    found = Wildcards(fromdict=wildcards)
    output = made_by.expand_output(found)[0]
    needed = made_by.expand_input(found)[0]
    return needed, output, made_by.expand_params(found, needed, output, None)[0]


def as_recorded(paths):
    """Return paths as an archive's index names them."""
    return tuple(normal(relative_path(str(path)), PATH_NAMES) for path in paths)


def rule_now(name, wildcards):
    """Return what a rule of this run is like; None if the run does not have it."""
    if not workflow.is_rule(name):
        return None
    try:
        needed, output, params = expanded(workflow.get_rule(name), wildcards)
    except (WorkflowError, LookupError):
        return None  # it is about a data set or a model that this run does not have
    return Now(
        params.get("code", ""),
        param_digests(params.items()),
        as_recorded(needed),
        as_recorded(output),
    )


def named(group):
    """Return the named files of a rule as JSON."""
    return {
        name: str(value) if isinstance(value, str) else [str(one) for one in value]
        for name, value in group.items()
    }


def lacks(job):
    """Return why an archived job cannot be repeated in this run; empty if it can."""
    made_by = workflow.get_rule(job.rule)
    if getattr(made_by.resources.get("gpu"), "value", 0):
        return "it needs a GPU"
    provided = {file for one in RESTORATIONS for file in one.files}
    made = {file for one in DECISIONS.having(COMPUTED) for file in one.outputs}
    if Path(PLAN.tokenizer_file).exists():
        made.add("{results}/acquire/llama2-tokenizer.json")
    for path in map(str, expanded(made_by, job.wildcards)[0]):
        if Path(path).name == "acquired.json":
            return "it reads raw data or a release"
        there = path in provided or as_recorded([path])[0] in made
        if not (there or (Path(path).exists() and not path.startswith(f"{RESULTS}/"))):
            return f"this run does not have {Path(path).name}"
    return ""


def repeated(job):
    """Return what is passed to the function of an archived job when it is repeated."""
    needed, output, params = expanded(workflow.get_rule(job.rule), job.wildcards)
    return {
        "rule": job.rule,
        "call": params.call,
        "inputs": named(needed),
        "outputs": named(output),
        "params": {n: value for n, value in params.items() if n not in RESERVED},
    }


def needed_by(jobs):
    """Return all files that archived jobs read and made."""
    rules_of = [(workflow.get_rule(job.rule), job.wildcards) for job in jobs]
    found = [expanded(*one)[:2] for one in rules_of]
    return sorted({str(path) for groups in found for group in groups for path in group})


def take_over(restored):
    """Let restoring rules go before those that made the files.

    A rule that names another rule's output is bound to that one; such bonds are loosened.
    """
    for one in restored:
        for maker in one.makers:
            workflow.ruleorder(one.name, maker)
            if one.lacking:
                workflow.ruleorder(one.refusal, maker)
    taken_over = {maker for one in restored for maker in one.makers}
    for reader in workflow.rules:
        for file, maker in list(reader.dependencies.items()):
            if str(maker) in taken_over:
                del reader.dependencies[file]
