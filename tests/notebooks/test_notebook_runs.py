"""Each notebook runs with other values and on a poor run; its figures are the paper's."""

from functools import cache

import pytest
from running_notebooks import NAMES, run_here

from wildpaper.errors import WildpaperError
from wildpaper.files import write_json
from wildpaper.present.data_size import render_data_size
from wildpaper.present.figure_02a_turns import render_turns
from wildpaper.present.figure_03_coverage import render_coverage
from wildpaper.present.figure_04_embeddings import render_layout
from wildpaper.present.figure_05_toxicity_by_month import render_toxicity_by_month
from wildpaper.present.figure_06_mtbench_categories import render_categories
from wildpaper.present.flow_ledger import render_flow
from wildpaper.present.loss_curve import render_loss_curve
from wildpaper.present.threshold_sweep import render_threshold_sweep
from wildpaper.present.token_lengths import render_token_lengths
from wildpaper.publish.claims import FIELDS
from wildpaper.publish.published import load_published

OTHERS = {
    "00_tour": [{"prefix": "table-01."}, {"prefix": "figure-03."}],
    "01_statistics": [{"role": "chatbot", "level": 0.8}, {"level": 0.975}],
    "02_release": [{"guess": "kept in a safe"}, {"salt": "a", "guess": "b"}],
    "03_toxicity": [{"threshold": 0.1}, {"threshold": 0.99}],
    "04_embeddings": [{"dataset": "dolly"}, {"dataset": "lmsys_chat_1m"}],
    "05_training": [{"dataset": "alpaca"}, {"dataset": "sharegpt"}],
    "06_evaluation": [{"tie_worth": 0}, {"tie_worth": 1.0, "titles": {"planted_a": "A"}}],
}
FIGURES = {
    "00_tour": ["flow-ledger"],
    "01_statistics": ["token-lengths", "figure-02a-turns"],
    "03_toxicity": ["threshold-sweep", "figure-05-toxicity-by-month"],
    "04_embeddings": ["figure-04-embeddings"],
    "05_training": ["loss-curve", "figure-03-coverage", "data-size"],
    "06_evaluation": ["figure-06-mtbench-categories"],
}
WRONG = [
    ("00_tour", {"prefix": "table-99."}, "No published value has an id that begins with"),
    ("01_statistics", {"role": "bot"}, "role is 'bot'; it must be 'user' or 'chatbot'"),
    ("01_statistics", {"level": 1.0}, "level is 1.0 (float); it must be a number"),
    ("02_release", {"salt": ""}, "salt is '' (str); it must be a text"),
    ("03_toxicity", {"threshold": 0.0}, "threshold is 0.0 (float); it must be a number"),
    ("04_embeddings", {"dataset": "wildchat"}, "dataset is 'wildchat'; it must be 'lmsys_chat_1m'"),
    ("05_training", {"dataset": "all"}, "dataset is 'all'; it must be 'wildchat'"),
    ("06_evaluation", {"tie_worth": 2}, "tie_worth is 2 (int); it must be a number"),
    ("06_evaluation", {"titles": {"a": 1}}, "titles is {'a': 1} (dict); it must be a dictionary"),
    ("06_evaluation", {"results": "results/none"}, "There are no results in 'results/none'"),
]  # fmt: skip


def path_of(project, name):
    return project / f"notebooks/{name}.ipynb"


@pytest.mark.usefixtures("unrendered")
@pytest.mark.parametrize("name", NAMES)
def test_it_runs_with_other_values(name, project, small):
    """What it shows with the second ones is looked at below, with its figures."""
    for values in OTHERS[name][: 1 if name in FIGURES else None]:
        ran = run_here(path_of(project, name), results=str(small.folder), **values)
        check_shown(ran)


def check_shown(ran):
    assert "Simulated data" in ran.cells[1]
    assert ran.cells[-1].strip()
    assert "no such values" not in ran.all


@pytest.mark.parametrize(("name", "values", "fault"), WRONG)
def test_a_wrong_value_is_named(name, values, fault, project, small):
    with pytest.raises(WildpaperError) as caught:
        run_here(path_of(project, name), **({"results": str(small.folder)} | values))
    assert fault in str(caught.value)


@pytest.mark.parametrize("name", NAMES)
def test_a_run_that_lacks_all_artifacts_says_so(name, project, small, tmp_path):
    published = [c for c in small.claims if c["kind"] == "published"]
    lacking = {"obtained": None, "verdict": "not-run", "reason": "made up for a test"}
    rows = [claim | lacking | {"route": None} for claim in published]
    own = dict.fromkeys(FIELDS) | {"id": "own.x", "kind": "own", "obtained": 1}
    document = {"preset": "poor", "release": {}, "claims": [*rows, own]}
    write_json(tmp_path / "publish/claims.json", document)
    ran = run_here(path_of(project, name), results=str(tmp_path))
    assert "Simulated" not in ran.all
    assert ran.pictures == []
    if name != "00_tour":
        assert "This run has no `" in ran.cells[-1] or name == "02_release"
        assert "made up for a test" in ran.all or name == "02_release"
        assert ran.all.count("This run cannot tell: it has no ") == 3


@pytest.fixture(scope="module")
def rendered(small, project, tmp_path_factory):
    """Return {artifact: PNG}, drawn as the rules of the workflow draw them."""
    read = cache(load_published)  # it takes a second
    with pytest.MonkeyPatch.context() as patch:
        for module in ("figure_02a_turns", "figure_03_coverage", "figure_05_toxicity_by_month"):
            patch.setattr(f"wildpaper.present.{module}.load_published", read)
        return render_all(small, project, tmp_path_factory)


def render_all(small, project, tmp_path_factory):
    folder = tmp_path_factory.mktemp("figures")
    published, titles = project / "data/published.yaml", small.titles
    acquired = folder / "acquired.json"
    write_json(acquired, {"dataset": "wildchat", "release": {"simulated": True}})
    pdf = folder / "x.pdf"
    jobs = {
        "token-lengths": (render_token_lengths, {"titles": titles}),
        "figure-02a-turns": (render_turns, {"published": published}),
        "figure-03-coverage": (render_coverage, {"published": published, "titles": titles}),
        "figure-04-embeddings": (render_layout, {"titles": titles}),
        "figure-05-toxicity-by-month": (render_toxicity_by_month, {"published": published}),
        "figure-06-mtbench-categories": (render_categories, {"titles": {"planted_a": "A"}}),
        "threshold-sweep": (render_threshold_sweep, {"titles": titles, "threshold": 0.1}),
        "loss-curve": (render_loss_curve, {}),
        "data-size": (render_data_size, {}),
    }
    for artifact, (function, options) in jobs.items():
        measured = small.folder / f"measure/{artifact}.csv"
        function(measured=measured, pdf=pdf, png=folder / f"{artifact}.png", **options)
    ledger = small.folder / "ledger.json"
    render_flow(ledger, [acquired], pdf, folder / "flow-ledger.png", titles)
    return {path.stem: path.read_bytes() for path in folder.glob("*.png")}


@pytest.mark.parametrize("name", FIGURES)
def test_the_pictures_are_the_files_of_the_paper(name, project, small, rendered):
    ran = run_here(path_of(project, name), results=str(small.folder), **OTHERS[name][1])
    check_shown(ran)
    shown = [picture for picture in ran.pictures if picture in rendered.values()]
    assert shown == [rendered[artifact] for artifact in FIGURES[name]]
