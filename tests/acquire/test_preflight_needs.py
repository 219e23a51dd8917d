"""What a run needs of its surroundings, known from its configuration alone."""

from needing import ROOT, SOURCES, Planned, gpu_need, plan_needs, recipe

from wildpaper.acquire.preflight_needs import RESULTS_PER_RAW
from wildpaper.train.recipe import load_recipe


def test_a_run_of_own_or_invented_files_needs_no_check() -> None:
    own = [Planned("alpaca", "path", "local-1"), Planned("wildchat", "simulate", "3000-1")]
    assert plan_needs(*own) == {}
    assert plan_needs(*own, how=load_recipe(ROOT / "data/recipes/tiny.yaml")) == {}


def test_registered_sizes_make_the_disk() -> None:
    found = plan_needs(Planned("wildchat", "hub", "wildchat-1m"), Planned("dolly", "hub", ""))
    raw = {need["folder"]: need for need in found["disk"]}
    files = SOURCES.datasets.wildchat.versions["wildchat-1m"].files
    assert raw["data/raw/wildchat/wildchat-1m"]["bytes"] == sum(f.size_bytes or 0 for f in files)
    assert not any(need["estimated"] for need in found["disk"])
    n_raw = sum(need["bytes"] for folder, need in raw.items() if folder.startswith("data/raw"))
    assert raw["results/full/ingest"]["bytes"] == int(RESULTS_PER_RAW * n_raw)
    assert [need["repo"] for need in found["hub"]] == [
        "allenai/WildChat-1M", "databricks/databricks-dolly-15k"
    ]  # fmt: skip
    assert not any(need["gated"] for need in found["hub"])
    assert found["hub"][0]["file"] == files[0].hub_path


def test_every_registered_release_can_be_planned() -> None:
    for name, entry in SOURCES.datasets:
        for key, version in entry.versions.items():
            if version.hub_repo:
                found = plan_needs(Planned(name, "hub", key))
                (need,) = found["hub"]
                assert need["gated"] == version.gated
                assert bool(need["file"]) != bool(need["glob"])
                assert found["disk"][0]["estimated"] == bool(version.hub_glob)
                assert found["disk"][0]["bytes"] > 10**6


def test_an_address_is_asked_and_not_the_hub() -> None:
    found = plan_needs(Planned("alpaca", "url", "official"))
    assert found["hub"] == []
    assert found["addresses"][0]["url"].endswith("/alpaca_data.json")


def test_the_paper_s_training_needs_gpus_its_base_and_disk() -> None:
    found = plan_needs(how=recipe(), tokenizer="hub")
    assert found["gpus"] == gpu_need(4, 75.0, bf16=True) | {"what": "the recipe wildllama-7b"}
    assert [(need["repo_type"], need["file"], need["gated"]) for need in found["hub"]] == [
        ("model", "tokenizer.json", True), ("model", "config.json", True)
    ]  # fmt: skip
    folders = [need["folder"] for need in found["disk"]]
    assert folders == ["results/full/train", None]
    local = recipe().model_copy(update={"base": "./weights"})
    assert plan_needs(how=local)["hub"] == []
    assert plan_needs(how=recipe(device="cpu", n_gpus=0))["gpus"] is None


def test_memory_and_disk_of_a_training_come_from_its_plan() -> None:
    modest = recipe(min_gpu_memory_gb=1.0, min_disk_gb=0.0)
    sets = [Planned("alpaca", "path", "local-1"), Planned("dolly", "path", "local-1")]
    found = plan_needs(*sets, how=modest)
    assert 30 < found["gpus"]["memory_gb"] < 40
    assert 100 < found["memory_gb"] < 120, "four processes load all weights in 32 bits"
    disk = {need["folder"]: need["bytes"] for need in found["disk"]}
    n = 6_738_415_616
    assert disk["results/full/train"] == (1 + 2) * 4 * n + 3 * 12 * n
    assert disk[None] == 2 * n
    alone = plan_needs(*sets, how=modest.model_copy(update={"coverage": None}))
    assert alone["disk"][0]["bytes"] == 4 * n + 3 * 12 * n


def test_a_base_that_the_run_makes_itself_is_not_asked_of_the_hub() -> None:
    assert plan_needs(how=load_recipe(ROOT / "data/recipes/smollm2-135m.yaml")) == {}
