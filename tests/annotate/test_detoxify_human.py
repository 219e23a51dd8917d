"""Scores beside judgments: counts as an independent calculation has them."""

import csv
import json
import os

import numpy as np
import pytest
from detoxify import Detoxify
from detoxify_forms import write_form
from labelled_corpus import messages, write_lines
from sklearn import metrics

from wildpaper.annotate.detoxify.calibration import THRESHOLDS, assess_scores, auc_of
from wildpaper.annotate.detoxify.human import assess_human_labels
from wildpaper.annotate.detoxify.judgments import read_judgments
from wildpaper.errors import WildpaperError


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    return write_form("multilingual", tmp_path_factory.mktemp("model"))


def write_csv(path, rows, header=("text", "is_toxic")):
    with path.open("w", encoding="utf-8", newline="") as handle:
        csv.writer(handle).writerows([header, *rows])
    return path


def own_scores(checkpoint, texts):
    """Scores by Detoxify itself, one text after the other."""
    os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"] = "1"
    before = os.getcwd()
    os.chdir(checkpoint.parent)
    try:
        classifier = Detoxify(checkpoint=checkpoint.name)
    finally:
        os.chdir(before)
        del os.environ["TORCH_FORCE_WEIGHTS_ONLY_LOAD"]
    return np.array([classifier.predict(text)["toxicity"] for text in texts])


def check_against(found, scores, toxic):
    """Compare a report with scikit-learn and plain counts of the same scores."""
    assert (found["n"], found["n_toxic"]) == (len(toxic), toxic.sum())
    assert found["auc"]["value"] == pytest.approx(metrics.roc_auc_score(toxic, scores), abs=1e-4)
    expected = metrics.average_precision_score(toxic, scores)
    assert found["average_precision"] == pytest.approx(expected, abs=1e-3)
    assert found["brier"] == pytest.approx(metrics.brier_score_loss(toxic, scores), abs=1e-4)
    assert found["auc"]["low"] < found["auc"]["value"] < found["auc"]["high"]
    assert [point["threshold"] for point in found["sweep"]] == list(THRESHOLDS)
    for point in found["sweep"]:
        sure = np.abs(scores - point["threshold"]) > 1e-5
        above = scores > point["threshold"]
        for name, kind in (("n_toxic_flagged", toxic), ("n_other_flagged", ~toxic)):
            least = (above & kind & sure).sum()
            assert least <= point[name] <= least + (kind & ~sure).sum()


@pytest.mark.realdata
def test_real_judgments_are_counted_whatever_the_model_says(checkpoint, realdata, tmp_path):
    path = realdata / "toxicity" / "surge_toxicity_en.csv"
    if not path.is_file():
        pytest.skip("toxicity/surge_toxicity_en.csv is absent from WILDPAPER_REALDATA")
    with path.open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle))
    toxic = np.array([row["is_toxic"] == "Toxic" for row in rows])
    scores = own_scores(checkpoint, [row["text"] for row in rows])
    assess_human_labels(checkpoint, path, tmp_path / "found.json")
    found = json.loads((tmp_path / "found.json").read_bytes())
    assert (found["n"], found["kind"], found["judgments"]) == (1000, "people", path.name)
    check_against(found, scores, toxic)


def test_planted_judgments_and_no_text_in_the_report(checkpoint, tmp_path):
    lines = messages(150, seed=6)
    assess_human_labels(
        checkpoint, write_lines(tmp_path / "assess.jsonl", lines), tmp_path / "found.json"
    )
    content = (tmp_path / "found.json").read_text(encoding="utf-8")
    found = json.loads(content)
    toxic = np.array([line["insult"] for line in lines])
    assert found["kind"] == "planted"
    check_against(found, own_scores(checkpoint, [line["text"] for line in lines]), toxic)
    assert not [line for line in lines if line["text"] and line["text"] in content]
    assert str(tmp_path) not in content


def test_judgments_of_all_spellings_and_rows_without(tmp_path):
    good = [("a", "Toxic"), ("b", "not toxic"), ("c", "1"), ("d", "0"), ("e", "TRUE"),
            ("f", " false "), ("g, \"h\"\n", "Not  Toxic")]  # fmt: skip
    bad = [("", "Toxic"), ("  ", "0"), ("x",), ("y", ""), ("z", "maybe"), ("z", "2")]
    judged = read_judgments(write_csv(tmp_path / "in.csv", [*good, *bad]))
    assert judged.texts == [text for text, _ in good]
    assert judged.toxic == [True, False, True, False, True, False, False]
    assert judged.unusable == {"no judgment": 2, "no text": 2, "unknown judgment": 2}


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (None, "FileNotFoundError"),
        (b"", "'text'"),
        (b"text,label\nzzsecret,1\n", "'is_toxic'"),
        (b"text,is_toxic\nzzsecret,maybe\n", "none of its rows"),
        (b"text,is_toxic\nzzsecret\xff,1\n", "UTF-8"),
    ],
)
def test_files_without_judgments_are_refused(tmp_path, content, told):
    path = tmp_path / "in.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(WildpaperError, match=told) as caught:
        read_judgments(path)
    assert caught.value.where == str(path)
    assert "zzsecret" not in str(caught.value)


def test_bins_and_their_error_on_scores_known_by_heart():
    scores = np.array([0.05, 0.05, 0.15, 0.95, 1.0, 0.1])
    toxic = np.array([False, True, False, True, True, False])
    found = assess_scores(scores, toxic, 0.1)
    counts = [(one["n"], one["n_toxic"], round(one["score_sum"], 9)) for one in found["bins"]]
    assert counts == [(2, 1, 0.1), (2, 0, 0.25), *[(0, 0, 0)] * 7, (2, 2, 1.95)]
    assert found["calibration_error"] == pytest.approx((0.9 + 0.25 + 0.05) / 6)
    assert found["at_threshold"] == {
        "threshold": 0.1, "n_toxic_flagged": 2, "n_other_flagged": 1,
    }  # fmt: skip


@pytest.mark.parametrize("shift", [0.0, 1.0, 2.0])
def test_the_interval_of_the_area_holds_the_truth_as_often_as_it_says(shift):
    from scipy.stats import norm

    rng = np.random.default_rng(3)
    truth = norm.cdf(shift / np.sqrt(2))
    n_held, n_draws = 0, 400
    for _ in range(n_draws):
        toxic = np.arange(120) < 50
        auc = auc_of(rng.normal(size=120) + shift * toxic, toxic)
        n_held += auc.low <= truth <= auc.high
    assert 0.925 <= n_held / n_draws <= 0.98


@pytest.mark.parametrize(
    ("toxic", "value"), [([True] * 4, None), ([False] * 4, None), ([False, False, True, True], 1.0)]
)
def test_without_errors_or_without_a_kind_there_is_no_interval(toxic, value):
    found = assess_scores(np.array([0.1, 0.2, 0.3, 0.4]), np.array(toxic), 0.1)
    assert found["auc"] == {"value": value, "low": None, "high": None}
    assert (found["average_precision"] is None) == (value is None)
