"""What this machine has: tools, cores, memory, disk, GPUs, and whether tokens and files are there.

Of a secret only its presence is looked at. Nobody is asked over the network.
"""

import os
import shutil
from pathlib import Path

from wildpaper.doctor.environment import Check
from wildpaper.errors import WildpaperError

_GB = 1e9
_DISK_GB = 1.0
_MEMORY_GB = 4.0
"""What a run of the demo takes at least: 0.2 GB were written, its largest job took 1.7 GB."""
_SECRETS = {
    "HF_TOKEN": "for gated data sets and models of the hub",
    "OPENAI_API_KEY": "for moderation, answers and judgments that are asked for",
}


def check_machine(folder: Path) -> list[Check]:
    """Look at tools, cores, memory, free disk and GPUs.

    Parameters
    ----------
    folder : Path
        Where the run will write.
    """
    from wildpaper.train.hardware import this_machine

    machine = this_machine(folder)
    free, memory = machine.free_disk_bytes / _GB, machine.memory_bytes / _GB
    no_room = "" if free >= _DISK_GB else f"Make room: a run takes {_DISK_GB:g} GB at least."
    too_small = (
        "" if memory >= _MEMORY_GB else f"Use a machine with {_MEMORY_GB:g} GB of memory or more."
    )
    return [
        check_tex(),
        _check_tool("npm", "fetches the Llama-2 tokenizer"),
        _check_tool("git", "only for those who change the project"),
        Check("CPU cores", str(_cores())),
        Check("memory", f"{memory:.0f} GB", too_small, stops=bool(too_small)),
        Check("free disk", f"{free:.0f} GB", no_room, stops=bool(no_room)),
        _check_gpus(),
    ]


def check_tex() -> Check:
    """Say what compiles the paper."""
    if shutil.which("latexmk") and shutil.which("pdflatex"):
        return Check("TeX", "latexmk and pdflatex")
    if shutil.which("tectonic"):
        return Check("TeX", "tectonic")
    halves = [name for name in ("latexmk", "pdflatex") if shutil.which(name)]
    found = f"{halves[0]} only" if halves else "neither latexmk nor tectonic"
    return Check("TeX", found, "Run 'make tex', or install tectonic.", stops=True)


def check_secrets() -> list[Check]:
    """Say which secrets are set; never what they are."""
    return [
        Check(name, f"{'set' if os.environ.get(name, '').strip() else 'not set'}; {what}")
        for name, what in _SECRETS.items()
    ]


def check_files(project: Path) -> list[Check]:
    """Say which files that presets read are there already."""
    from wildpaper.acquire.base_models import read_base_models
    from wildpaper.acquire.sources import load_sources

    raw = project / "data" / "raw"
    try:
        archive = load_sources(project / "data" / "sources.yaml").tokenizers.llama2.npm.archive
        bases = [one.file for one in read_base_models(project / "data" / "models.yaml")]
    except WildpaperError as error:
        return [Check(error.where or "registries", error.what, error.hint or "Restore the file.",
                      stops=True)]  # fmt: skip
    return [
        _check_file("Llama-2 tokenizer", raw / "llama2-tokenizer" / archive, "make setup"),
        _check_file("questions of MT-bench", raw / "mtbench" / "question.jsonl", "make mtbench"),
        *(_check_file(Path(file).stem, raw / file, "make smollm2") for file in bases),
        _check_realdata(),
    ]


def _check_tool(name: str, what: str) -> Check:
    return Check(name, f"{'there' if shutil.which(name) else 'not there'}; {what}")


def _cores() -> int:
    """Return the cores that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system
        return os.cpu_count() or 1


def _check_gpus() -> Check:
    from wildpaper.train.hardware import kind_of, visible_gpus

    parts = []
    for gpu in visible_gpus():
        kind = kind_of(gpu.name)
        bf16 = "bf16 not known" if kind is None else "bf16" if kind.has_bf16 else "no bf16"
        parts.append(f"{gpu.name} with {gpu.memory_bytes / _GB:.0f} GB, {bf16}")
    return Check("GPUs", "; ".join(parts) or "none")


def _check_file(what: str, path: Path, made_by: str) -> Check:
    return Check(what, "there" if path.is_file() else f"not there; '{made_by}' fetches it")


def _check_realdata() -> Check:
    name = "WILDPAPER_REALDATA"
    chosen = os.environ.get(name)
    if not chosen:
        return Check(name, "not set; presets name a folder beside the project instead")
    return Check(name, "set, the folder is there" if Path(chosen).is_dir() else "set, no folder")
