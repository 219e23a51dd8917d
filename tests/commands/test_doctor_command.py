"""What a machine lacks is named for each preset, with the way to mend it and no secret."""

import importlib
import json
import shutil
from types import SimpleNamespace

import pytest

from wildpaper import __main__ as entry
from wildpaper.__main__ import main
from wildpaper.acquire import hub, preflight
from wildpaper.acquire.preflight import Finding
from wildpaper.commands import doctor
from wildpaper.doctor import environment, presets
from wildpaper.doctor.coverage import coverage
from wildpaper.doctor.stand_ins import try_plan
from wildpaper.publish.published import load_published
from wildpaper.train import hardware
from wildpaper.train.hardware import Gpu

SECRETS = ("hf_planted-4711", "sk-planted-0815")
_GB = 10**9


class Machine:
    """Fakes what the doctor looks at."""

    def __init__(self, monkeypatch):
        self._patch = monkeypatch
        for name in ("HF_TOKEN", "OPENAI_API_KEY", "CUDA_VISIBLE_DEVICES", "WILDPAPER_REALDATA"):
            monkeypatch.delenv(name, raising=False)
        self.token(None)
        self.disk(2000 * _GB)
        self.gpus(0)
        self.tools("latexmk", "pdflatex", "npm", "git")

    def disk(self, n_bytes):
        state = SimpleNamespace(f_bavail=n_bytes, f_frsize=1)
        self._patch.setattr(preflight.os, "statvfs", lambda _: state)
        self._patch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=n_bytes))

    def gpus(self, n, name="NVIDIA H200", gigabytes=140):
        found = tuple(Gpu(i, name, gigabytes * _GB) for i in range(n))
        self._patch.setattr(hardware, "_all_gpus", lambda: found)

    def tools(self, *names):
        self._patch.setattr(shutil, "which", lambda name: name if name in names else None)

    def token(self, value):
        self._patch.setattr(hub, "get_token", lambda: value)

    def lets(self, module, name, value):
        self._patch.setattr(module, name, value)


@pytest.fixture
def machine(monkeypatch, project):
    monkeypatch.chdir(project)
    return Machine(monkeypatch)


@pytest.fixture
def ask(capsys):
    """Return a function that asks the doctor; by preset, and the exit status."""

    def call(*arguments):
        status = main(["doctor", "--json", *arguments])
        found = json.loads(capsys.readouterr().out)
        return {one["name"]: one for one in found["presets"]}, status

    return call


def lacks(preset):
    return [f"{one['what']}: {one['found']}" for one in preset["lacks"]]


def naming(preset, *words):
    """Return the mends of all that is lacking and named by the words."""
    return [
        one["mend"] for one in preset["lacks"]
        if all(word in f"{one['what']} {one['found']}" for word in words)
    ]  # fmt: skip


def test_the_demo_runs_where_there_is_neither_gpu_nor_token(machine, ask):
    found, status = ask()
    assert lacks(found["demo"]) == []
    assert found["demo"]["can_run"]
    assert status == 0


def test_all_that_the_whole_paper_lacks_is_said_at_once(machine, ask):
    machine.disk(3 * _GB)
    found, status = ask("--preset", "full")
    full = found["full"]
    assert status == 1
    for words in (["token"], ["GPU(s)", "found none"], ["of disk", "3.0 GB are free"], ["key"]):
        assert naming(full, *words), (words, lacks(full))
        assert all(naming(full, *words))
    assert full["claims"]["compared"] > 0
    assert full["network_not_asked"]


def test_what_is_there_is_not_lacking(machine, ask, monkeypatch):
    machine.gpus(8)
    machine.token("hf_x")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    machine.lets(preflight, "_check_memory", lambda _: iter(()))
    found, status = ask("--preset", "full")
    assert lacks(found["full"]) == []
    assert status == 0


def test_gpus_that_are_too_few_small_or_old_are_lacking(machine, ask):
    for n, name, gigabytes in ((2, "NVIDIA H200", 140), (8, "NVIDIA T4", 16)):
        machine.gpus(n, name, gigabytes)
        found, _ = ask("--preset", "full")
        assert naming(found["full"], "GPU(s)", name)


def test_little_disk_and_no_tex_stop_every_preset(machine, ask):
    machine.disk(_GB // 2)
    machine.tools("npm")
    found, status = ask("--all")
    assert status == 1
    for preset in found.values():
        assert naming(preset, "free disk")
        assert any("make tex" in mend for mend in naming(preset, "TeX"))


def test_half_a_tex_is_none_and_tectonic_is_one(machine, ask):
    machine.tools("latexmk")
    assert naming(ask()[0]["demo"], "TeX")
    machine.tools("tectonic")
    assert ask()[1] == 0


def test_all_missing_files_of_a_preset_are_named_and_its_claims_counted(
    machine, ask, monkeypatch, tmp_path
):
    monkeypatch.setenv("WILDPAPER_REALDATA", str(tmp_path))
    found, status = ask("--preset", "realdata")
    preset = found["realdata"]
    assert status == 1
    said = " ".join(one["what"] + one["where"] for one in preset["lacks"])
    for name in ("alpaca", "wildchat", "open_assistant"):
        assert f"datasets.{name}.path" in said
    assert "evaluate.judge.judgments" in said
    assert preset["claims"]["computed"] > 0
    assert preset["claims"]["computed"] == preset["claims"]["real"]


def test_packages_that_are_missing_or_other_are_named(machine, ask, monkeypatch):
    known = environment._installed
    monkeypatch.setattr(environment, "_installed", lambda n: None if n == "duckdb" else known(n))
    found, status = ask()
    assert status == 1
    assert naming(found["demo"], "duckdb") == ["Run 'make setup'."]
    monkeypatch.setattr(environment, "_installed", lambda n: "0.1" if n == "duckdb" else known(n))
    checks = environment.check_environment(doctor.PROJECT)
    assert "duckdb 0.1" in checks[1].found
    assert not checks[1].stops, "another version may do"


def test_the_lock_is_read_for_this_python_and_machine(project):
    wanted = environment.pinned(project)
    assert len(wanted) > 100
    assert "torch" in wanted
    assert not {"pywinpty", "appnope"} & set(wanted) or environment.sys.platform != "linux"


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_secrets_are_never_printed(machine, capsys, monkeypatch, form):
    for name, value in zip(("HF_TOKEN", "OPENAI_API_KEY"), SECRETS, strict=True):
        monkeypatch.setenv(name, value)
    machine.token(SECRETS[0])
    main(["doctor", "--preset", "full", *form])
    captured = capsys.readouterr()
    assert "HF_TOKEN" in captured.out
    assert not any(secret in captured.out + captured.err for secret in SECRETS)


def test_a_key_that_is_none_is_refused_without_being_shown(machine, capsys, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "two words-0815")
    assert main(["doctor", "--preset", "full"]) == 1
    said = " ".join(capsys.readouterr().out.split())  # lines are wrapped
    assert "characters that no key has" in said
    assert "words-0815" not in said


def test_nobody_is_asked_unless_that_is_wanted(machine, ask, monkeypatch):
    asked = []

    def answer(needs):
        asked.append(needs)
        return [Finding("the hub", "here", "it is silent", "Check the network.")]

    monkeypatch.setattr(presets, "network_findings", answer)
    monkeypatch.setattr(preflight, "send", lambda *_, **__: pytest.fail("a request was made"))
    found, status = ask("--preset", "release")
    assert (status, asked) == (0, [])
    assert found["release"]["network_not_asked"]
    found, status = ask("--preset", "release", "--network")
    assert status == 1
    assert len(asked) == 1
    assert naming(found["release"], "it is silent") == ["Check the network."]


def test_invalid_presets_are_reported_beside_valid_ones(machine, ask, project, tmp_path):
    shutil.copy(project / "config/demo.yaml", tmp_path)
    bad = {
        "unknown-key": "preset: x\nshrads: 2\n",
        "not-yaml": "preset: [\n",
        "a-list": "- 1\n",
        "not-text": None,
        "no-recipe": "preset: x\ntrain: {recipe: none-such}\n",
    }
    for name, text in bad.items():
        data = b"\xff\xfe\x00" if text is None else text.encode()
        (tmp_path / f"{name}.yaml").write_bytes(data)
    found, status = ask("--all", "--config-folder", str(tmp_path))
    assert status == 1
    assert set(found) == {"demo", *bad}
    assert found["demo"]["can_run"]
    for name in bad:
        assert not found[name]["can_run"]
        assert found[name]["lacks"][0]["what"]
    assert "shrads" in found["unknown-key"]["lacks"][0]["what"]
    assert main(["doctor", "--all", "--config-folder", str(tmp_path)]) == 1


def test_a_broken_registry_is_reported(machine, capsys, monkeypatch, project, tmp_path):
    shutil.copytree(project / "data", tmp_path / "data", ignore=shutil.ignore_patterns("raw"))
    for name in ("requirements.lock", "Makefile", "pyproject.toml"):
        shutil.copy(project / name, tmp_path)
    (tmp_path / "data/sources.yaml").write_text("datasets: [\n", encoding="utf-8")
    monkeypatch.setattr(doctor, "PROJECT", tmp_path)
    assert main(["doctor", "--config-folder", str(project / "config")]) == 1
    assert "sources.yaml" in capsys.readouterr().out


def test_an_unknown_preset_is_refused_with_those_that_there_are(machine, capsys):
    assert main(["doctor", "--preset", "dmeo"]) == 1
    assert "demo" in capsys.readouterr().err


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_without_packages_the_doctor_says_so_and_no_more(machine, capsys, monkeypatch, form):
    def broken(*_):
        raise ModuleNotFoundError("No module named 'yaml'", name="yaml")

    monkeypatch.setattr(doctor, "_examine", broken)
    assert main(["doctor", *form]) == 1
    said = capsys.readouterr().out
    assert "Python packages" in said
    assert "demo" in said or not form


def test_a_command_whose_package_is_missing_does_not_take_the_doctor_along(monkeypatch):
    def partly(name):
        if name.endswith("plan_training"):
            raise ModuleNotFoundError("No module named 'pydantic'", name="pydantic")
        return importlib.import_module(name)

    monkeypatch.setattr(entry, "import_module", partly)
    known = entry._commands()
    assert "doctor" in known
    assert "plan-training" not in known


def test_claims_of_a_preset_add_up(project, machine):
    listed, _ = load_published(project / "data/published.yaml")
    for file in sorted((project / "config").glob("*.yaml")):
        plan = try_plan(file, project).plan
        covered = coverage(plan, project)
        ids = [i for one in covered for i in (*one.computed, *one.blank)]
        assert sorted(ids) == sorted(claim.id for claim in listed)
        assert all(set(one.compared) <= set(one.real) <= set(one.computed) for one in covered)
        assert all(reason for one in covered for reason in one.blank.values())


def test_the_official_file_is_compared_and_an_extract_is_not(project, realdata, monkeypatch):
    monkeypatch.chdir(project)
    monkeypatch.setenv("WILDPAPER_REALDATA", str(realdata))
    plan = try_plan(project / "config/realdata.yaml", project).plan
    compared = {i for one in coverage(plan, project) for i in one.compared}
    assert "table-01.alpaca.user-tokens-mean" in compared
    assert "table-01.wildchat.user-tokens-mean" not in compared
    computed = {i for one in coverage(plan, project) for i in one.computed}
    scored = {i.split(".")[1] for i in computed if i.startswith("table-12.")}
    assert scored == {"open_assistant"}, "only its files record scores"


def test_simulated_data_are_compared_with_nothing(project, machine):
    plan = try_plan(project / "config/demo.yaml", project).plan
    assert not any(one.real for one in coverage(plan, project))


def test_files_that_make_fetches_are_missing_without_hiding_each_other(machine, tmp_path, project):
    bare = tmp_path / "project"
    bare.mkdir()
    shutil.copytree(
        project / "data", bare / "data", ignore=shutil.ignore_patterns("raw", "private")
    )
    shutil.copy(project / "pyproject.toml", bare)
    (tmp_path / "alpaca.json").write_text("[]", encoding="utf-8")
    preset = tmp_path / "mine.yaml"
    preset.write_text(
        "preset: mine\n"
        "datasets: {alpaca: {source: path, path: " + str(tmp_path / "alpaca.json") + "}}\n"
        "train: {recipe: smollm2-135m}\n"
        "evaluate: {questions: mtbench}\n",
        encoding="utf-8",
    )
    tried = try_plan(preset, bare)
    said = " ".join(one.what + one.hint for one in tried.missing)
    assert tried.plan is not None
    for words in ("llama-tokenizer-js", "SmolLM2", "make mtbench"):
        assert words in said
    assert str(tmp_path / "project" / "data") in tried.missing[0].where
    assert not (bare / "data/raw").exists(), "nothing is put into the project"
