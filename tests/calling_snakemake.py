"""How tests call Snakemake, and what it says that it would run."""

import re
import sys
from pathlib import Path

_JOBS = re.compile(r"^job +count\n-+ +-+\n(.*?)^total", re.MULTILINE | re.DOTALL)


def snakemake_command(project: Path, folder: Path, config: Path, *arguments: str) -> list[str]:
    """Return the command that runs the project's workflow in a folder."""
    return [sys.executable, "-m", "snakemake", "--snakefile", str(project / "Snakefile"),
            "--directory", str(folder), "--configfile", str(config),
            "--workflow-profile", str(project / "profiles" / "default"),
            *arguments]  # fmt: skip


def rules_of(output: str) -> set[str]:
    """Return the rules in the table of jobs; none where nothing is to be done."""
    table = _JOBS.search(output)
    return {line.split()[0] for line in table[1].splitlines()} if table else set()
