import pytest
import yaml

from wildpaper.config import Config, load_config
from wildpaper.config_docs import check_docs, write_docs
from wildpaper.config_section import expand_variables
from wildpaper.errors import WildpaperError


def error_of(raw, files=None):
    with pytest.raises(WildpaperError) as caught:
        load_config(raw, files)
    return str(caught.value)


def test_every_preset_is_valid(project):
    presets = sorted((project / "config").glob("*.yaml"))
    assert {p.stem for p in presets} >= {"demo", "realdata"}
    for path in presets:
        config = load_config(yaml.safe_load(path.read_text(encoding="utf-8")), [path])
        assert config.preset == path.stem


def test_unknown_key_names_file_line_and_what_was_meant(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("preset: mine\nmeasure:\n  bootstrap_replicate: 5\n", encoding="utf-8")
    text = error_of(yaml.safe_load(path.read_text(encoding="utf-8")), [path])
    assert "measure.bootstrap_replicate" in text
    assert "did you mean 'bootstrap_replicates'" in text
    assert f"{path}, line 3" in text


def test_all_faults_are_named_at_once():
    text = error_of({"preset": "x", "shard": 3, "seed": "lucky", "datasets": {"alpca": {}}})
    assert "'shard' (did you mean 'shards'?)" in text
    assert "'seed'" in text
    assert "(did you mean 'alpaca'?)" in text


@pytest.mark.parametrize(
    ("dataset", "words"),
    [
        ({"source": "path"}, "no path is given"),
        ({"path": "x"}, "did you mean 'source: path'?"),
        ({"source": "path", "path": "x", "revision": "main"}, "'url' and 'hub' only"),
        ({"source": "ftp"}, "'path', 'url', 'hub' or 'none'"),
    ],
)
def test_inconsistent_sources_are_refused(dataset, words):
    assert words in error_of({"preset": "x", "datasets": {"alpaca": dataset}})


@pytest.mark.parametrize("source", ["none", "url", "hub"])
def test_another_source_leaves_the_path_aside(source):
    raw = {"preset": "x", "datasets": {"alpaca": {"source": source, "path": "x"}}}
    assert load_config(raw).dataset("alpaca").source == source


def test_preset_names_a_folder_and_nothing_else():
    assert "'preset'" in error_of({"preset": "../elsewhere"})


def test_config_is_frozen():
    config = Config(preset="x")
    with pytest.raises(ValueError, match="frozen"):
        config.shards = 3


def test_variables_in_paths(monkeypatch):
    monkeypatch.setenv("WILDPAPER_TEST_FOLDER", "/somewhere")
    assert expand_variables("${WILDPAPER_TEST_FOLDER}/a") == "/somewhere/a"
    monkeypatch.delenv("WILDPAPER_TEST_FOLDER")
    assert expand_variables("${WILDPAPER_TEST_FOLDER:-../b}/a") == "../b/a"
    text = error_of(
        {
            "preset": "x",
            "datasets": {"alpaca": {"source": "path", "path": "${WILDPAPER_TEST_FOLDER}"}},
        }
    )
    assert "environment variable WILDPAPER_TEST_FOLDER is not set" in text


def test_manual_and_schema_are_in_sync(project):
    check_docs(project / "config")


def test_a_stale_manual_is_noticed(tmp_path):
    write_docs(tmp_path)
    (tmp_path / "README.md").write_text("stale", encoding="utf-8")
    with pytest.raises(WildpaperError, match="Out of date"):
        check_docs(tmp_path)


def test_a_value_of_the_command_line_is_not_blamed_on_the_file(tmp_path):
    path = tmp_path / "mine.yaml"
    path.write_text("preset: mine\nshards: 4\n", encoding="utf-8")
    text = error_of({"preset": "mine", "shards": 0}, [path])
    assert "command line" in text
    assert "line 2" not in text
    path.write_text("preset: mine\nshards: 0\n", encoding="utf-8")
    assert f"{path}, line 2" in error_of({"preset": "mine", "shards": 0}, [path])
