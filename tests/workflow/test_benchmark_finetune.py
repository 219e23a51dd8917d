"""The benchmark of fine-tuning: what it compares, counts and says."""

import dataclasses
import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

pytestmark = pytest.mark.e2e

MODULES = ("lengths", "model", "steps", "table", "run")
Modules = dict[str, ModuleType]


@pytest.fixture(scope="module")
def finetune(project: Path) -> Iterator[Modules]:
    """The benchmark's modules; the folder leaves the path, its names are those of libraries."""
    before = list(sys.path)
    sys.path.append(str(project / "benchmarks"))
    yield {name: importlib.import_module(f"finetune_{name}") for name in MODULES}
    sys.path[:] = before


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def plan_of(finetune: Modules, batch: int = 4) -> object:
    run, model = finetune["run"], finetune["model"]
    return run.Plan("cpu", model.TINY, 256, batch, 512, 1, 1)


def pairs_of(finetune: Modules, n: int = 6, most: int = 256) -> list:
    sizes = finetune["lengths"].read_lengths("alpaca").evenly(n, most)
    return finetune["steps"].draw_pairs(sizes, finetune["model"].TINY.n_vocabulary, 1)


def test_check_runs_all_setups_and_writes_nothing(project: Path, finetune: Modules) -> None:
    results = project / "benchmarks" / "results"
    before = sorted(results.iterdir()) if results.is_dir() else []
    done = subprocess.run(
        [sys.executable, project / "benchmarks" / "finetune.py", "--check"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    for ways in (finetune["model"].ON_CPU, finetune["model"].ON_GPU):
        for setup in (one for some in ways.values() for one in some):
            assert f"- yes: {setup.title}, Stanford Alpaca" in done.stdout
    assert (sorted(results.iterdir()) if results.is_dir() else []) == before


def test_committed_lengths_are_those_of_whole_sources(finetune: Modules) -> None:
    read = finetune["lengths"].read_lengths
    assert read("alpaca").n_examples.sum() == 52_002
    assert read("wildchat").n_examples.sum() >= 300
    for name in finetune["lengths"].SOURCES:
        found = read(name)
        assert found.tokens.max() <= finetune["lengths"].MAX_LENGTH
        assert (found.supervised < found.tokens).all()
        assert (found.supervised > 0).all()
        drawn = [tokens for tokens, _ in found.evenly(200)]
        assert sum(drawn) / len(drawn) == pytest.approx(found.mean(), rel=0.02)


@pytest.mark.realdata
@pytest.mark.parametrize("name", ["wildchat", "oasst1"])
def test_committed_lengths_come_out_again(
    name: str, finetune: Modules, realdata: Path, tmp_path: Path
) -> None:
    lengths = finetune["lengths"]
    tokenizer = lengths.convert_tokenizer(realdata, tmp_path)
    committed = json.loads(lengths.FILE.read_text(encoding="utf-8"))["sources"][name]
    assert lengths.count_lengths(name, realdata, tokenizer) == committed


def test_every_contender_takes_the_same_tokens(finetune: Modules) -> None:
    steps, pairs = finetune["steps"], pairs_of(finetune)
    todo = steps.works(pairs, 256, 512)
    supervised = {}
    for name, work in todo.items():
        labels = torch.cat([batch["labels"].flatten() for batch in work.batches])
        supervised[name] = sorted(labels[labels != steps.IGNORED].tolist())
        assert max(batch["input_ids"].numel() for batch in work.batches) <= 512
    expected = sorted(token for ids, mask in pairs for token in ids[mask].tolist())
    assert all(found == expected for found in supervised.values())
    useful = sum(len(ids) for ids, _ in pairs)
    assert sum(todo[steps.OURS].positions) == useful
    assert sum(batch["input_ids"].numel() for batch in todo[steps.OURS].batches) == useful
    assert sum(todo[steps.MAXIMUM].positions) == 256 * len(pairs)
    for name in (steps.MAXIMUM, steps.LONGEST):
        cells = sum(batch["input_ids"].numel() for batch in todo[name].batches)
        assert sum(todo[name].positions) == cells
        assert sum(int(batch["attention_mask"].sum()) for batch in todo[name].batches) == useful


@pytest.mark.parametrize("n", [5, 64])
def test_operations_are_those_that_torch_counts(n: int, finetune: Modules) -> None:
    model, steps = finetune["model"], finetune["steps"]
    trainee = model.new_trainee(model.TINY, model.ON_CPU["full"][0], "cpu", 1)
    work = steps.works(steps.draw_pairs([(n, n - 1)], 128, 1), n, n)[steps.MAXIMUM]
    with FlopCounterMode(display=False) as counter:
        steps.mean_loss(trainee, work, learn=True)
    counted = counter.get_flop_counts()["Global"]
    products = sum(found for op, found in counted.items() if "attention" not in str(op))
    assert products == model.operations(model.TINY, False, [n])[0]
    assert products * 4 == model.operations(model.TINY, True, [n])[0] * 6


def test_attention_of_a_mask_is_twice_that_of_earlier_positions(finetune: Modules) -> None:
    model = finetune["model"]
    half, whole = (model.operations(model.TINY, False, [2_000], one)[1] for one in (False, True))
    assert whole / half == pytest.approx(2, rel=1e-3)
    two = model.operations(model.TINY, False, [2_000, 2_000])
    assert two[1] == 2 * half


@pytest.mark.parametrize("broken", ["", "borders", "positions"])
def test_a_packed_loss_that_is_wrong_stops_it(
    broken: str, finetune: Modules, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, steps, model = finetune["run"], finetune["steps"], finetune["model"]
    pack = steps.pack

    def wrong(pairs: list) -> dict:
        batch = pack(pairs)
        if broken == "borders":
            batch["borders"] = [0, batch["borders"][-1]]
        if broken == "positions":
            batch["position_ids"] = batch["position_ids"] * 2
        return batch

    monkeypatch.setattr(steps, "pack", wrong)
    trainee = model.new_trainee(model.TINY, model.ON_CPU["full"][0], "cpu", 1)
    run.sharpen(trainee)
    pairs, plan = pairs_of(finetune), plan_of(finetune)
    if not broken:
        assert "differ by at most" in run.require_equal_losses(trainee, pairs, plan)
        return
    with pytest.raises(SystemExit, match="NOT the same"):
        run.require_equal_losses(trainee, pairs, plan)


def test_a_step_learns_alike_packed_and_padded(finetune: Modules) -> None:
    model, steps = finetune["model"], finetune["steps"]
    pairs = pairs_of(finetune)
    after = {}
    for name, work in steps.works(pairs, 256, 512).items():
        trainee = model.new_trainee(model.TINY, model.ON_CPU["full"][0], "cpu", 1)
        start = torch.cat([part.detach().flatten().clone() for part in trainee.weights])
        steps.mean_loss(trainee, work, learn=True)
        end = torch.cat([part.detach().flatten() for part in trainee.weights])
        after[name] = end - start
    moved = after[steps.OURS].norm()
    assert moved > 0
    for name in (steps.MAXIMUM, steps.LONGEST):
        assert (after[name] - after[steps.OURS]).norm() < 0.02 * moved


@pytest.mark.parametrize("n_failing", [0, 1, 2])
def test_memory_that_runs_out_leads_to_the_next_setup(
    n_failing: int, finetune: Modules, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = finetune["run"]
    setups = finetune["model"].ON_GPU["full"]
    seen = []

    def short(setup: object, sources: list, plan: object) -> tuple[list, list]:
        seen.append(setup)
        if len(seen) <= n_failing:
            raise torch.OutOfMemoryError
        return [setup], ["done"]

    monkeypatch.setattr(run, "run_setup", short)
    runs, told = run.run_where_it_fits(setups, [], plan_of(finetune))
    assert runs == setups[n_failing : n_failing + 1]
    assert seen == setups[: n_failing + 1]
    assert ("NO" in told[0]) == (n_failing == 2)


def test_less_than_85_percent_of_the_ceiling_is_not_enough(finetune: Modules) -> None:
    table, model, steps = finetune["table"], finetune["model"], finetune["steps"]
    setup = model.ON_CPU["full"][0]
    run = table.Run(
        setup, "a source", steps.OURS, 100, 100, 2.0, 3.41, 4.0, 5.0, 1_000, 100, 0
    )  # fmt: skip
    told, kept = table.verdict([run], 1_000.0, on_gpu=True)
    assert kept
    assert "85 %" in told[0]
    assert "yes (an aim)" in told[1]
    assert run.share_of(1_000.0, with_attention=True) == 0.55
    slower = dataclasses.replace(run, gain=3.39, seconds=2.01)
    told, kept = table.verdict([slower], 1_000.0, on_gpu=True)
    assert not kept
    assert told[0].startswith("- NO")
    assert "NO (an aim)" in told[1]
