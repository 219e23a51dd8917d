"""The card of a model: its numbers are those of the files, its head is what the hub reads."""

import json

import pytest
import yaml
from training_data import ROOT, tiny_recipe

from wildpaper.acquire.sources import load_sources
from wildpaper.train.card import write_card
from wildpaper.train.recipe import load_recipe

SOURCES = load_sources(ROOT / "data/sources.yaml")
LICENCES = {name: entry.licence for name, entry in SOURCES.datasets}
SHARE = {"conversations": 1500, "examples": 1700, "split_conversations": 150, "tokens": 90_000,
         "supervised_tokens": 60_000, "truncated_examples": 3, "truncated_tokens": 777,
         "exchanges_without_room": 1, "masked_tokens": 30_000}  # fmt: skip
SPEED = {"seconds": 7200.0, "n_tokens": 1, "tokens_per_s": 9750.0, "peak_memory_bytes": 10**9,
         "devices": ["NVIDIA A100-SXM4-80GB"] * 4, "n_devices": 4,
         "flops_per_token": 40 * 10**9, "resumed_from_step": 0}  # fmt: skip
HUB_LICENCES = {"llama2", "apache-2.0", "mit", "odc-by", "other"}


def card_of(folder, recipe=None, simulated=False, dataset="wildchat", licence="", speed=None):
    recipe = recipe or tiny_recipe(folder / "small.yaml")
    settings = load_recipe(recipe)
    steps = [{"step": i, "n_tokens": i, "loss_nats": 9 - i / 10} for i in range(1, 38)]
    apart = [{"step": i, "n_tokens": i, "loss_nats": 8 - i / 10} for i in (0, 18, 37)]
    files = {
        "report": {
            "model": "wildllama", "title": "WildLLaMA (test)", "dataset": dataset,
            "recipe": settings.name, "seed": 20240501, "n_parameters": 6_738_415_616,
            "epochs": 2.5, "n_steps": 37, "n_tokens": 123_456, "hardware": "4x A100",
            "settings": settings.model_dump(mode="json"),
        },
        "losses": {"model": "wildllama", "training": steps, "held_out": apart},
        "speed": SPEED | (speed or {}),
        "data": {
            "dataset": dataset, "data": settings.data.model_dump(mode="json"),
            "dropped": {"after-cutoff": 4321},
            "shares": {"train": SHARE, "held-out": SHARE | {"conversations": 42}},
        },
        "ingest": {"dataset": dataset, "release": {"title": "x", "simulated": simulated,
                                                   "comparable": not simulated}},
    }  # fmt: skip
    for name, value in files.items():
        (folder / f"{name}.json").write_text(json.dumps(value))
    paths = {name: folder / f"{name}.json" for name in ("report", "losses", "speed", "data")}
    write_card(**paths, recipe=recipe, reports=[folder / "ingest.json"],
               card=folder / "README.md", licences=LICENCES, base_licence=licence)  # fmt: skip
    text = (folder / "README.md").read_text(encoding="utf-8")
    _, head, body = text.split("---\n", 2)
    rows = [line.strip("|").split("|") for line in body.splitlines() if line.startswith("|")]
    cells = {row[0].strip(): row[1].strip() for row in rows if len(row) == 2}
    return yaml.safe_load(head), cells, body


def test_numbers_of_the_card_are_those_of_the_files(tmp_path):
    _, cells, body = card_of(tmp_path)
    for name, value in {
        "conversations trained on": "1,500",
        "conversations held out, by their first prompt": "42",
        "conversations split at 256 tokens": "150",
        "examples that they make": "1,700",
        "tokens without loss (masked)": "30,000",
        "tokens cut off, of exchanges too long for an example": "777",
        "conversations left out: after-cutoff": "4,321",
        "last day": "2023-07-16",
        "parameters": "6,738,415,616",
        "passes over the data": "2.50",
        "seed": "20240501",
        "tokens a second": "9,750",
        "GPU hours": "8.000",
        "peak memory": "1.00 GB",
    }.items():
        assert cells[name] == value, name
    # 9,750 tokens/s x 40 GFLOP over 4 x 312 TFLOP/s
    assert cells["model FLOP utilisation"] == "31.2 % of 312 TFLOP/s each"
    assert "| 0 |  | 8.000 |" in body
    assert "| 1 | 8.900 |  |" in body
    assert "| 37 | 5.300 | 4.300 |" in body
    assert body.count("\n| ") < 60, "a long training has a short table"


@pytest.mark.parametrize(
    ("speed", "used"),
    [({"devices": ["CPU, one core"], "n_devices": 1}, "not stated for a CPU"),
     ({"devices": ["Unheard-of 9"]}, "not stated: the peak")],
)  # fmt: skip
def test_no_utilisation_is_made_up(tmp_path, speed, used):
    assert card_of(tmp_path, speed=speed)[1]["model FLOP utilisation"].startswith(used)


def test_hours_of_a_resumed_training_say_so(tmp_path):
    assert card_of(tmp_path, speed={"resumed_from_step": 12})[1]["GPU hours"] == (
        "8.000, since step 12"
    )


@pytest.mark.parametrize(
    ("name", "dataset", "licence"),
    [("wildllama-7b", "wildchat", "llama2"), ("smollm2-135m", "alpaca", "other"),
     ("wildllama-7b", "sharegpt", "other"), ("tiny", "wildchat", "other"),
     ("wildllama-7b", "lmsys_chat_1m", "other")],
)  # fmt: skip
def test_the_head_has_a_licence_that_the_hub_knows(tmp_path, name, dataset, licence):
    path = ROOT / f"data/recipes/{name}.yaml"
    of_base = load_recipe(path).base_licence
    head, _, body = card_of(tmp_path, path, dataset=dataset, licence=of_base)
    assert head["license"] == licence
    assert head["license"] in HUB_LICENCES
    assert ("license_name" in head) == (licence == "other")
    assert head.get("base_model") == ("meta-llama/Llama-2-7b-hf" if "7b" in name else None)
    assert LICENCES[dataset] in body
    assert of_base in body


def test_obligations_of_the_licences_are_said(tmp_path):
    body = card_of(tmp_path, dataset="alpaca", licence="LLAMA 2 Community License")[2]
    assert "not for commercial use" in body
    assert "acceptable use policy" in body


def test_a_model_of_simulated_texts_is_marked_at_the_top(tmp_path):
    head, _, body = card_of(tmp_path, simulated=True)
    assert "simulated" in head["tags"]
    assert body.split("\n\n")[1].startswith("> **Simulated.**")
    head, _, body = card_of(tmp_path)
    assert "simulated" not in head["tags"]
    assert "Simulated" not in body


def test_no_folder_of_this_machine_is_told(tmp_path):
    path = tiny_recipe(tmp_path / "small.yaml", base="/home/somebody/models/llama")
    head, cells, body = card_of(tmp_path, path, licence="MIT")
    assert cells["base"] == "llama"
    assert "somebody" not in f"{head}{body}"
