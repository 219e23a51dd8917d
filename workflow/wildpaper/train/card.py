"""The card of a model: what it was made of, by which recipe, how well, how fast."""

from pathlib import Path
from typing import Any

import yaml

from wildpaper.files import read_json, write_text
from wildpaper.releases import route_of
from wildpaper.train.hardware import kind_of
from wildpaper.train.recipe import SCRATCH, Recipe, load_recipe

_POINTS = 10
_HUB_NAMES = {"LLAMA 2 Community License": "llama2", "Apache-2.0": "apache-2.0", "MIT": "mit"}
"""How the hub names the licence of a base, which a model derived from it keeps."""
_OBLIGATIONS = {
    "LLAMA 2": "derived models keep this licence with its notice, and its acceptable use policy",
    "Apache-2.0": "keep the notices and say what was changed",
    "ODC-BY": "name the source",
    "CC-BY-NC": "not for commercial use; name the source",
    "CC-BY-SA": "name the source, and share adaptations of the data alike",
    "License Agreement": "the data must not be passed on",
}
"""What a licence asks, shortly, by a part of its name."""
_CLOSED = ("NC", "SA", "Agreement", "unclear", "not known")
"""Parts of the names of data licences that a model may not pass over in silence."""


def write_card(
    report: Path,
    losses: Path,
    speed: Path,
    data: Path,
    recipe: Path,
    reports: list[Path],
    card: Path,
    licences: dict[str, str],
    base_licence: str,
) -> None:
    """Write ``README.md`` beside a model, in the form of the hub's cards.

    Parameters
    ----------
    report, losses, speed : Path
        As `wildpaper.train.fine_tune.train_model` writes them.
    data : Path
        As `wildpaper.train.prepare.prepare_training` writes it.
    recipe : Path
    reports : list of Path
        Ingest report of the data set.
    card : Path
        To write.
    licences : dict
        {data set: licence}, of ``data/sources.yaml``.
    base_licence : str
        Of a pretrained base; empty if there is none.
    """
    about, counts = read_json(report), read_json(data)
    settings = load_recipe(recipe)
    licence = licences.get(about["dataset"], "not known")
    simulated = route_of(read_json(path)["release"] for path in reports) == "simulated"
    front = _front_matter(settings, licence, base_licence, simulated)
    parts = [
        f"---\n{yaml.safe_dump(front, sort_keys=False)}---\n\n# {about['title']}",
        "> **Simulated.** A program wrote the conversations that this model was trained on. It "
        "shows that the workflow runs; it knows nothing, and nothing follows from its numbers."
        if simulated
        else "Fine-tuned by wildpaper, which recomputes the WildChat paper (arXiv:2405.01470).",
        _data(counts, licence),
        _recipe(about, settings),
        _losses(read_json(losses)),
        _speed(read_json(speed)),
        _licences(about["dataset"], licence, base_licence, simulated),
    ]
    write_text(card, "\n\n".join(parts) + "\n")


def _front_matter(
    recipe: Recipe, licence: str, base_licence: str, simulated: bool
) -> dict[str, Any]:
    """Return what the hub reads: its name of the licence, or ``other`` where none says it all."""
    name = _HUB_NAMES.get(base_licence, "other")
    if any(part in licence for part in _CLOSED):
        name = "other"
    front: dict[str, Any] = {"library_name": "transformers", "pipeline_tag": "text-generation"}
    front["license"] = name
    if name == "other":
        front["license_name"] = "see-licences-below"
    if recipe.base != SCRATCH and recipe.base_revision is not None:
        front["base_model_revision"] = recipe.base_revision
    if recipe.base_repository:
        front["base_model"] = recipe.base_repository
    front["tags"] = ["wildpaper", *(["simulated"] if simulated else [])]
    return front


def _table(rows: list[tuple[str, Any]]) -> str:
    lines = ["| | |", "|---|---|", *(f"| {name} | {_shown(value)} |" for name, value in rows)]
    return "\n".join(lines)


def _shown(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _data(counts: dict[str, Any], licence: str) -> str:
    train, apart, settings = counts["shares"]["train"], counts["shares"]["held-out"], counts["data"]
    rows = [
        ("data set", f"{counts['dataset']} (licence: {licence})"),
        ("last day", settings["cutoff"] or "no cutoff"),
        ("template", settings["template"]),
        ("conversations trained on", train["conversations"]),
        ("conversations held out, by their first prompt", apart["conversations"]),
        (f"conversations split at {settings['max_length']:,} tokens", train["split_conversations"]),
        ("examples that they make", train["examples"]),
        ("tokens", train["tokens"]),
        ("tokens with loss: replies and their ends", train["supervised_tokens"]),
        ("tokens without loss (masked)", train["masked_tokens"]),
        ("tokens cut off, of exchanges too long for an example", train["truncated_tokens"]),
        *((f"conversations left out: {why}", n) for why, n in counts["dropped"].items()),
    ]
    return "## Data\n\n" + _table(rows)


def _recipe(about: dict[str, Any], recipe: Recipe) -> str:
    settings = about["settings"]
    optimiser, adapter = settings["optimiser"], settings["adapter"]
    base = recipe.base_title or (Path(recipe.base).name if recipe.base[0] == "/" else recipe.base)
    rows = [
        ("recipe", f"{about['recipe']}: {recipe.title}"),
        ("base", "none: random weights" if recipe.base == SCRATCH else base),
        ("parameters", about["n_parameters"]),
        ("trained", f"LoRA of rank {adapter['rank']}, merged in" if adapter else "all of them"),
        ("batch", f"{optimiser['batch']} examples"),
        ("learning rate", f"{optimiser['learning_rate']:g}, {optimiser['schedule']}"),
        ("steps", about["n_steps"]),
        ("passes over the data", f"{about['epochs']:.2f}"),
        ("tokens seen", about["n_tokens"]),
        ("seed", str(about["seed"])),
        ("hardware", about["hardware"]),
    ]
    return "## Recipe\n\n" + _table(rows)


def _losses(recorded: dict[str, Any]) -> str:
    training, held_out = recorded["training"], recorded["held_out"]
    every = -(-len(training) // _POINTS)
    apart = {point["step"]: f"{point['loss_nats']:.3f}" for point in held_out}
    steps = {point["step"]: f"{point['loss_nats']:.3f}" for point in training}
    chosen = {step for step in steps if step % every == 0} | {1, len(training)}
    lines = [
        f"| {step} | {steps.get(step, '')} | {apart.get(step, '')} |"
        for step in sorted({*apart, *chosen})
    ]
    return (
        "## Loss\n\nNats per token of replies: of a step's own examples, and of held-out "
        "conversations of the same data set.\n\n| step | training | held out |\n|---|---|---|\n"
    ) + "\n".join(lines)


def _speed(speed: dict[str, Any]) -> str:
    device, n = speed["devices"][0], speed["n_devices"]
    on_cpu = device.startswith("CPU")
    kind = kind_of(device)
    used = "not stated for a CPU" if on_cpu else "not stated: the peak of this GPU is not known"
    if kind and not on_cpu:
        share = 100 * speed["tokens_per_s"] * speed["flops_per_token"] / (n * kind.peak_flops)
        used = f"{share:.1f} % of {kind.peak_flops / 1e12:g} TFLOP/s each"
    first = speed["resumed_from_step"]
    hours = f"{speed['seconds'] / 3600 * n:.3f}" + (f", since step {first:,}" if first else "")
    rows = [
        ("devices", device if n == 1 else f"{n} x {device}"),
        ("tokens a second", f"{speed['tokens_per_s']:,.0f}"),
        ("model FLOP utilisation", used),
        ("hours on the CPU" if on_cpu else "GPU hours", hours),
        ("peak memory", f"{speed['peak_memory_bytes'] / 1e9:.2f} GB"),
    ]
    return "## Speed\n\n" + _table(rows)


def _licences(dataset: str, licence: str, base_licence: str, simulated: bool) -> str:
    lines = [f"- Base model: {_with_obligations(base_licence)}."] if base_licence else []
    lines.append(f"- Data ({dataset}): {_with_obligations(licence)}.")
    if simulated:
        lines.append("  The conversations here are simulated: it is the licence of the real ones.")
    return "## Licences\n\n" + "\n".join(lines)


def _with_obligations(licence: str) -> str:
    asked = [text for part, text in _OBLIGATIONS.items() if part in licence]
    return f"{licence} ({asked[0]})" if asked else licence
