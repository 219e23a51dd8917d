"""Files that a configuration names, found or refused before any job starts."""

import re
from pathlib import Path

from wildpaper.acquire.sources import Sources
from wildpaper.annotate.names import PUBLISHED_DETOXIFY
from wildpaper.config import Config
from wildpaper.errors import WildpaperError
from wildpaper.plan_parts import DetoxifyDownload

HUB_TOKENIZER = "data/raw/llama2-tokenizer/hub/tokenizer.json"


def state_of(files: list[str]) -> str:
    """Return names, sizes and times of files, those that are absent left out."""
    states = ((file, Path(file).stat()) for file in files if Path(file).exists())
    return repr([(file, state.st_size, state.st_mtime_ns) for file, state in states])


RAW_LOG_FILES = re.compile(
    r"((calls|consents|moderation)-.*\.jsonl|wildbench\.jsonl)(\.(gz|bz2|xz|zst|lz4))?|.*\.mmdb"
)


def raw_log_files(path: str, absent_ok: bool = False) -> list[str]:
    """Return the files of raw logs in a folder, databases of places also from its ``geoip/``.

    A run that restores an archive may lack the folder (`absent_ok`): its path stands for them.

    Raises
    ------
    WildpaperError
        If there is no such folder, or no calls are in it.
    """
    where, folder = "config key datasets.wildchat.path", Path(path)
    if "{" in path or "}" in path:
        raise _no_braces(path, where)
    if absent_ok and not folder.exists():
        return [path]
    if not folder.is_dir():
        raise WildpaperError(
            f"No such folder: {path}",
            where=where,
            hint="Name the folder that holds calls-….jsonl (docs/raw-logs.md).",
        )
    found = [
        str(file)
        for place in (folder, folder / "geoip")
        if place.is_dir()
        for file in sorted(place.iterdir())
        if file.is_file() and RAW_LOG_FILES.fullmatch(file.name)
    ]
    if not any(Path(file).name.startswith("calls-") for file in found):
        raise WildpaperError(
            f"No calls-….jsonl in the folder {path}",
            where=where,
            hint="The format of raw logs is described in docs/raw-logs.md.",
        )
    return found


def _no_braces(path: str, where: str) -> WildpaperError:
    return WildpaperError(
        f"Snakemake cannot take a path with braces: {path}",
        where=where,
        hint="Rename the file or folder, or link to it from elsewhere.",
    )


def files_of(name: str, path: str, suffixes: tuple[str, ...], absent_ok: bool = False) -> list[str]:
    """Return the file at a path, or those with a suffix in the folder at it, by name.

    A run that restores an archive may lack them (`absent_ok`): the path stands for them.

    Raises
    ------
    WildpaperError
        If there is none, or Snakemake cannot take the path.
    """
    where = f"config key datasets.{name}.path"
    found = Path(path)
    if "{" in path or "}" in path:
        raise _no_braces(path, where)
    if found.is_file() or (absent_ok and not found.exists()):
        return [path]
    if found.is_dir():
        files = sorted(
            str(file)
            for file in found.iterdir()
            if file.name.endswith(suffixes) and file.is_file() and not file.name.startswith(".")
        )
        if files:
            return files
        raise WildpaperError(
            f"No {' or '.join(suffixes)} file in the folder {path}",
            where=where,
            hint=f"The files of {name} end in {suffixes[0]}; name the folder that holds them.",
        )
    raise WildpaperError(
        f"No such file or folder: {path}",
        where=where,
        hint="Correct the path, set the environment variable that it names, or set the source "
        "to 'none'.",
    )


def tokenizer_file(
    config: Config, sources: Sources, project: str, absent_ok: bool = False
) -> tuple[str, str]:
    """Return the tokenizer's source file, and its checksum where the registry states one.

    Raises
    ------
    WildpaperError
        If the file is not there, unless `absent_ok`.
    """
    if config.tokenizer.path:
        if not (absent_ok or Path(config.tokenizer.path).is_file()):
            raise WildpaperError(
                f"No such file: {config.tokenizer.path}",
                where="config key tokenizer.path",
                hint="Correct the path, or set the tokenizer's source to 'npm'.",
            )
        return config.tokenizer.path, ""
    if config.tokenizer.source == "hub":
        return HUB_TOKENIZER, ""
    npm = sources.tokenizers.llama2.npm
    found = Path(project, "data", "raw", "llama2-tokenizer", npm.archive)
    if not (absent_ok or found.is_file()):
        raise WildpaperError(
            f"The Llama-2 tokenizer's package is not there: {npm.archive}",
            where=str(found.parent),
            hint="Run 'make setup', or name a tokenizer.model under the config key tokenizer.",
        )
    return str(found), npm.sha256


MTBENCH = {
    "questions": {
        "own": "data/mtbench/demo-questions.jsonl",
        "mtbench": "data/raw/mtbench/question.jsonl",
    },
    "judge.prompts": {
        "own": "data/mtbench/judge-prompts.jsonl",
        "mtbench": "data/raw/mtbench/judge_prompts.jsonl",
    },
    "judge.references": {"mtbench": "data/raw/mtbench/reference_answer_gpt-4.jsonl"},
}
"""By key of the section `evaluate`: the files that have names; any other name is a path."""


def mtbench_file(key: str, name: str, project: str, absent_ok: bool = False) -> str:
    """Return the file that a key of the section `evaluate` names.

    Raises
    ------
    WildpaperError
        If it is not there, unless `absent_ok`.
    """
    known = MTBENCH[key]
    found = str(Path(project, known[name])) if name in known else name
    if absent_ok or Path(found).is_file():
        return found
    choose = ", or choose 'own'" if "own" in known else ""
    hint = "Run 'make mtbench'." if name in known else f"Correct the path{choose}."
    raise WildpaperError(f"No such file: {found}", where=f"config key evaluate.{key}", hint=hint)


def from_hub(model: str) -> bool:
    """Say whether the name of a model is that of a repository of the hub."""
    local = model.startswith(("/", ".")) or Path(model).is_dir()
    return "/" in model and not local


def state_of_model(model: str | None) -> str:
    """Return names, sizes and times of the files of a model that is a folder; else its name."""
    folder = Path(model or "")
    if not model or not folder.is_dir():
        return str(model)
    return state_of([str(file) for file in sorted(folder.rglob("*")) if file.is_file()])


def detoxify_download(
    checkpoint: str | None, project: str, raw_folder: str, absent_ok: bool = False
) -> DetoxifyDownload | None:
    """Return how the checkpoint is fetched that is chosen by the name Detoxify gives it.

    Raises
    ------
    WildpaperError
        If the registry is invalid, or there is no such file where a path is given, unless
        `absent_ok`.
    """
    if checkpoint not in PUBLISHED_DETOXIFY:
        if checkpoint and not (absent_ok or Path(checkpoint).exists()):
            raise WildpaperError(
                f"No such file or folder: {checkpoint}",
                where="config key annotate.detoxify.checkpoint",
                hint=f"Correct the path, or name one of {', '.join(PUBLISHED_DETOXIFY)}.",
            )
        return None
    from wildpaper.annotate.detoxify.published import published_paths, read_published

    registry = Path(project, "data", "detoxify.yaml")
    model, files = read_published(registry)[checkpoint], published_paths(registry, checkpoint)
    folder = f"{raw_folder}/detoxify/{checkpoint}"
    return DetoxifyDownload(
        checkpoint,
        f"Detoxify {checkpoint}",
        folder,
        f"{folder}/{files['checkpoint']}",
        [f"{folder}/{file}" for file in files["base"]],
        model.url,
        model.repo,
        model.revision,
        model.n_bytes,
    )


def answer_files(folder: str, absent_ok: bool = False) -> list[str]:
    """Return the files of stored moderation answers in a folder, by name.

    Raises
    ------
    WildpaperError
        If there are none, unless `absent_ok`.
    """
    found = sorted(str(path) for path in Path(folder).glob("moderation-*.jsonl"))
    if not found and not absent_ok:
        raise WildpaperError(
            f"No moderation-….jsonl in the folder {folder}",
            where="config key annotate.moderation.answers",
            hint="docs/moderation.md describes the files; annotate.moderation.ask makes them.",
        )
    return found
