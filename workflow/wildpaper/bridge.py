"""What `workflow/scripts/run.py` does with a job: call, log, explain, record."""

import importlib
import inspect
import logging
import os
import resource
import sys
import time
import traceback
from pathlib import Path
from typing import Any

from wildpaper.devices import hold
from wildpaper.errors import WildpaperError
from wildpaper.files import write_json
from wildpaper.param_digests import param_digests

RESERVED = ("call", "code", "watch", "n_gpus")
_MB = 1024


def run(job: Any) -> int:
    """Run one Snakemake job; return the exit status.

    Parameters
    ----------
    job : snakemake.script.Snakemake
        The object that Snakemake gives to a script.

    Returns
    -------
    int
        0, or 1 after an error, which then stands in the log and on stderr.
    """
    log = _log_to(Path(job.log[0]))
    try:
        return _run(job, log)
    finally:
        for handler in list(log.handlers):
            handler.close()
            log.removeHandler(handler)


def _run(job: Any, log: logging.Logger) -> int:
    started = time.time()
    try:
        module, _, name = job.params.call.partition(":")
        function = getattr(importlib.import_module(module), name)
        arguments = _arguments(job)
        if "n_workers" in inspect.signature(function).parameters:
            arguments["n_workers"] = job.threads
        # Snakemake cuts a resource down to its limit in the profile, but no parameter
        with hold(int(job.params.get("n_gpus", getattr(job.resources, "gpu", 0)))):
            function(**arguments)
    except WildpaperError as error:
        log.error("%s", error)
        return 1
    except Exception:  # noqa: BLE001 - the last resort: say where the traceback is
        with Path(job.log[0]).open("a", encoding="utf-8") as file:
            file.write(traceback.format_exc())
        kind, value = sys.exc_info()[:2]
        log.error(
            "Unexpected %s in rule %s: %s\n  Hint:  The traceback is in %s. If a file of "
            "yours looks right, please report it.",
            kind.__name__ if kind else "error",
            job.rule,
            str(value)[:300],
            job.log[0],
        )
        return 1
    _record(job, time.time() - started)
    return 0


def record_path(log: Path) -> Path:
    """Return where the provenance record of a job stands, given its log."""
    return log.with_suffix(".provenance.json")


def _arguments(job: Any) -> dict[str, Any]:
    arguments: dict[str, Any] = {}
    for group in (job.input, job.output):
        arguments |= {name: _paths(value) for name, value in group.items()}
    arguments |= {name: v for name, v in job.params.items() if name not in RESERVED}
    return arguments


def _paths(value: Any) -> Path | list[Path]:
    return Path(value) if isinstance(value, str) else [Path(item) for item in value]


def _record(job: Any, seconds: float) -> None:
    """Write which rule made which files, from what, with which code, how long and how big."""
    peak = max(
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
        resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss,
    )
    record = {
        "rule": job.rule,
        "wildcards": dict(job.wildcards.items()),
        "inputs": [relative_path(path) for path in job.input],
        "outputs": [relative_path(path) for path in job.output],
        "code_digest": job.params.get("code", ""),
        "params": param_digests(job.params.items()),
        "seconds": round(seconds, 3),
        "peak_mb": round(peak / _MB, 1),
    }
    write_json(record_path(Path(job.log[0])), record)


def relative_path(path: str) -> str:
    """Return a path without the folder of this machine: by the project or the run."""
    for base in (Path.cwd(), Path(__file__).resolve().parents[2]):
        if Path(path).is_absolute() and Path(path).is_relative_to(base):
            return str(Path(path).relative_to(base))
    return path if not Path(path).is_absolute() else Path(path).name


def _log_to(path: Path) -> logging.Logger:
    path.parent.mkdir(parents=True, exist_ok=True)
    log = logging.getLogger("wildpaper")
    log.setLevel(os.environ.get("WILDPAPER_LOG_LEVEL", "INFO"))
    form = logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%H:%M:%S")
    path.write_bytes(b"")
    # appending, so that a traceback written beside the handler is not written over
    for handler in (logging.StreamHandler(), logging.FileHandler(path, encoding="utf-8")):
        handler.setFormatter(form)
        log.addHandler(handler)
    return log
