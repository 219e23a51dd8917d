"""The card of a model: what it was made of, by which recipe, how well, how fast."""

from pathlib import Path
from typing import Any

import yaml

from wildpaper.files import read_json, write_text
from wildpaper.releases import route_of
from wildpaper.train.hardware import kind_of
from wildpaper.train.recipe import SCRATCH, load_recipe

_POINTS = 10


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
    simulated = route_of(read_json(path)["release"] for path in reports) == "simulated"
    front = {"library_name": "transformers", "pipeline_tag": "text-generation", "language": "en"}
    if settings.base != SCRATCH:
        front["base_model"] = settings.base_title or settings.base
    parts = [
        f"---\n{yaml.safe_dump(front, sort_keys=False)}---\n\n# {about['title']}",
        "Trained on simulated conversations: it shows that the workflow runs, and knows nothing."
        if simulated
        else "Fine-tuned by wildpaper, which recomputes the WildChat paper.",
        _data(counts, licences.get(about["dataset"], "not known")),
        _recipe(about, settings.title),
        _losses(read_json(losses)),
        _speed(read_json(speed)),
        _licences(about["dataset"], licences, base_licence),
    ]
    write_text(card, "\n\n".join(parts) + "\n")


def _table(rows: list[tuple[str, Any]]) -> str:
    lines = ["| | |", "|---|---|", *(f"| {name} | {_shown(value)} |" for name, value in rows)]
    return "\n".join(lines)


def _shown(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def _data(counts: dict[str, Any], licence: str) -> str:
    train, apart = counts["shares"]["train"], counts["shares"]["held-out"]
    rows = [
        ("data set", f"{counts['dataset']} (licence: {licence})"),
        ("last day", counts["data"]["cutoff"] or "no cutoff"),
        ("conversations trained on", train["conversations"]),
        ("held out", apart["conversations"]),
        ("examples, of these conversations that were split", train["examples"]),
        ("split conversations", train["split_conversations"]),
        ("tokens kept", train["tokens"]),
        ("tokens with loss", train["supervised_tokens"]),
        ("tokens without loss", train["masked_tokens"]),
        ("tokens cut off", train["truncated_tokens"]),
        *((f"conversations left out: {why}", n) for why, n in counts["dropped"].items()),
    ]
    return "## Data\n\n" + _table(rows)


def _recipe(about: dict[str, Any], title: str) -> str:
    settings = about["settings"]
    optimiser = settings["optimiser"]
    rows = [
        ("recipe", f"{about['recipe']}: {title}"),
        ("base", about["base"]),
        ("parameters", about["n_parameters"]),
        ("batch", f"{optimiser['batch']} examples"),
        ("learning rate", f"{optimiser['learning_rate']:g}, {optimiser['schedule']}"),
        ("steps", about["n_steps"]),
        ("tokens seen", about["n_tokens"]),
        ("adapter", f"LoRA, rank {settings['adapter']['rank']}" if settings["adapter"] else "none"),
        ("seed", about["seed"]),
        ("hardware", about["hardware"]),
    ]
    return "## Recipe\n\n" + _table(rows)


def _losses(recorded: dict[str, Any]) -> str:
    training, held_out = recorded["training"], recorded["held_out"]
    every = max(len(training) // _POINTS, 1)
    apart = {point["step"]: f"{point['loss_nats']:.3f}" for point in held_out}
    steps = {point["step"]: f"{point['loss_nats']:.3f}" for point in training}
    chosen = sorted({*apart, *(step for step in steps if step % every == 0 or step == 1)})
    lines = [f"| {step} | {steps.get(step, '')} | {apart.get(step, '')} |" for step in chosen]
    head = (
        "## Loss\n\nNats per token of replies.\n\n| step | training | held out |\n|---|---|---|\n"
    )
    return head + "\n".join(lines)


def _speed(speed: dict[str, Any]) -> str:
    device = speed["devices"][0]
    on_cpu = device.startswith("CPU")
    rate = speed["tokens_per_s"] / speed["n_devices"]
    used = "not stated for a CPU"
    if not on_cpu:
        kind = kind_of(device)
        used = "not known: the peak of this GPU is not"
        if kind:
            share = 100 * rate * speed["flops_per_token"] / kind.peak_flops
            used = f"{share:.1f} % of {kind.peak_flops / 1e12:g} TFLOP/s"
    hours = speed["seconds"] / 3600 * speed["n_devices"]
    rows = [
        ("device", f"{speed['n_devices']} x {device}"),
        ("tokens a second", f"{speed['tokens_per_s']:,.0f}"),
        ("model FLOP utilisation", used),
        ("core hours" if on_cpu else "GPU hours", f"{hours:.3f}"),
        ("peak memory", f"{speed['peak_memory_bytes'] / 1e9:.2f} GB"),
        ("went on from step", speed["resumed_from_step"]),
    ]
    return "## Speed\n\n" + _table(rows)


def _licences(dataset: str, licences: dict[str, str], base_licence: str) -> str:
    lines = [f"- Data ({dataset}): {licences.get(dataset, 'not known')}."]
    if base_licence:
        lines.append(f"- Base model: {base_licence}.")
    lines.append("- What the licences of data and base ask of derived models holds for this one.")
    return "## Licences\n\n" + "\n".join(lines)
