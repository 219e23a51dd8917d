"""Which archived jobs are repeated; it is light, for it is read at every call of Snakemake."""

import hashlib
from collections.abc import Sequence

from wildpaper.archive.layout import Job


def draw_jobs(jobs: Sequence[Job], seed: int, seconds: float) -> list[Job]:
    """Draw jobs at random, one of each rule before a second of any.

    Parameters
    ----------
    jobs : sequence of Job
    seed : int
    seconds : float
        They are drawn until those drawn took so long when their results were made; longer ones
        are passed over.
    """

    def place(job: Job) -> str:
        text = f"{seed} {job.rule} {sorted(job.wildcards.items())}"
        return hashlib.sha256(text.encode()).hexdigest()

    drawn: list[Job] = []
    left, todo = seconds, sorted(jobs, key=place)
    while todo:
        rules: set[str] = set()
        later: list[Job] = []
        for job in todo:
            if job.rule in rules:
                later.append(job)
                continue
            rules.add(job.rule)
            if job.seconds <= left:
                left -= job.seconds
                drawn.append(job)
        todo = later
    return drawn
