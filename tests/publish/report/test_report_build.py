"""What the report says of a whole run and of a stopped one, and that it holds nothing unsafe."""

import json
import os
import re
from html.parser import HTMLParser

import pytest
from report_folder import (
    BLANK,
    HOSTILE,
    NOTEBOOK,
    SECRET,
    claims_of_run,
    make_run,
    report_of,
)

from wildpaper.__main__ import main
from wildpaper.artifacts import load_artifacts
from wildpaper.errors import WildpaperError
from wildpaper.ledger import entry
from wildpaper.long_table import Cell, write_long_table
from wildpaper.publish.report.claims import FIELDS, claim_rows, reasons, tallies
from wildpaper.publish.report.flow import WIDTH, draw_lanes
from wildpaper.publish.report.jobs import unfinished_jobs
from wildpaper.publish.report.notebooks import read_notebooks, strip_remote
from wildpaper.publish.report.render import embed
from wildpaper.publish.report.tables import read_grid


@pytest.fixture(scope="module")
def whole(tmp_path_factory, project):
    folder = make_run(tmp_path_factory.mktemp("whole"), whole=True)
    return report_of(folder, project, blanks={"loss-curve": BLANK}).read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def stopped(tmp_path_factory, project):
    folder = make_run(tmp_path_factory.mktemp("stopped"), whole=False)
    return report_of(folder, project, datasets=["wildchat"]).read_text(encoding="utf-8")


class Reader(HTMLParser):
    """Collects the elements of a page, their ids and their text outside of scripts."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.ids, self.words, self.quiet = [], [], [], 0
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]
        self.quiet += tag in ("script", "style")

    def handle_endtag(self, tag):
        self.quiet -= tag in ("script", "style")

    def handle_data(self, data):
        if not self.quiet:
            self.words.append(data)

    @property
    def words_apart(self):
        return [word.strip() for word in self.words if word.strip()]

    @property
    def text(self):
        return " ".join("".join(self.words).split())


def test_a_whole_run_lacks_nothing(whole):
    read = Reader(whole)
    assert "Partial run" not in read.text
    assert "Simulated data, not findings" in read.text
    assert "Of 4 published values, this run obtained 3" in read.text
    assert f"Not built in this run: {BLANK}" in read.text
    assert f"Figure: Training loss (loss-curve) {BLANK}" in " ".join(read.words_apart)
    assert {"claim-toxicity.share", "figure-figure-02a-turns", "table-table-01-datasets"} <= set(
        read.ids
    )
    assert len(read.ids) == len(set(read.ids))
    assert "A small notebook" in read.text
    assert "2.4 to 2.6" in read.text.replace("2.4000", "2.4").replace("2.6000", "2.6")


def test_a_title_stays_text(whole):
    read = Reader(whole)
    scripts = [attrs for tag, attrs in read.tags if tag == "script"]
    assert [one.get("type") for one in scripts] == ["application/json", "application/json", None]
    assert HOSTILE in read.text
    assert not [tag for tag, _ in read.tags if tag in ("b", "iframe")]
    assert not [a for _, attrs in read.tags for a in attrs if a.startswith("on")]


def test_the_embedded_data_can_be_read_back(whole):
    data = re.search(r'id="report-data">(.*?)</script>', whole, re.S).group(1)
    assert "<" not in data
    content = json.loads(data)
    assert content["titles"]["figure-02a-turns"] == HOSTILE
    assert len(content["claims"]) == 6
    assert all(len(facts) == len(content["fields"]) for facts in content["claims"])


def test_embedded_json_ends_no_script():
    text = embed({"a": "</script><!--<script>", "b": "\u2028 &amp;"})
    assert not set("<>&\u2028") & set(text)
    assert json.loads(text) == {"a": "</script><!--<script>", "b": "\u2028 &amp;"}


def test_a_stopped_run_says_what_is_missing_and_why(stopped):
    text = Reader(stopped).text
    assert "Partial run. 6 parts are missing" in text
    assert "its rule measure_losses failed: No GPU found" in text
    assert "Where: config.yaml" in text
    assert "Hint: Set train.device." in text
    assert "Unexpected ValueError in rule measure_concentration" in text
    assert "Notebook cell 3 failed: KeyError" in text
    assert "never run: rule write_claims was not reached" in text
    assert "rule measure_toxicity_text" not in text
    assert "it was stopped, or it is still at work" in text
    assert "not in this run (source: none)" in text
    assert "There is no ledger.json" in text


def test_of_a_log_only_our_own_words_are_shown(stopped):
    assert SECRET not in stopped
    assert "/home/" not in stopped


def test_nothing_at_all_gives_a_page_too(tmp_path, project):
    (tmp_path / "artifacts.yaml").write_text("artifacts: []", encoding="utf-8")
    page = report_of(
        tmp_path, project, trouble="Unknown key 'sead'\n  Where: /home/me/run/demo.yaml"
    )
    text = Reader(page.read_text(encoding="utf-8")).text
    assert "Unknown key 'sead' Where: demo.yaml" in text
    assert "No job of this run left a record" in text


def test_two_builds_are_the_same_and_dated_by_the_epoch_alone(tmp_path, project, monkeypatch):
    folder = make_run(tmp_path, whole=True)
    undated = report_of(folder, project).read_bytes()
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1714521600")
    first, second = (report_of(folder, project).read_bytes() for _ in range(2))
    assert first == second
    assert b"2024-05-01" in first
    assert b"2024-05-01" not in undated
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "yesterday")
    with pytest.raises(WildpaperError, match="SOURCE_DATE_EPOCH"):
        report_of(folder, project)


def test_a_manifest_of_an_earlier_run_is_named(tmp_path, project):
    folder = make_run(tmp_path, whole=True)
    figure = folder / "results/tiny/present/figures/figure-02a-turns.png"
    figure.write_bytes(figure.read_bytes() + b"more")
    text = Reader(report_of(folder, project).read_text(encoding="utf-8")).text
    assert "it is of an earlier run: 1 table or figure has changed since" in text


def test_a_broken_file_is_named(tmp_path, project):
    folder = make_run(tmp_path, whole=True)
    (folder / "results/tiny/ledger.json").write_text("[", encoding="utf-8")
    with pytest.raises(WildpaperError, match="not JSON") as error:
        report_of(folder, project)
    assert error.value.where.endswith("ledger.json")


def test_a_job_that_was_done_again_has_not_failed(tmp_path):
    log, record = tmp_path / "rule/all.log", tmp_path / "rule/all.provenance.json"
    log.parent.mkdir()
    log.write_text("10:00:00 ERROR old\n", encoding="utf-8")
    assert [job.why for job in unfinished_jobs(tmp_path)] == ["old"]
    record.write_text('{"outputs": []}', encoding="utf-8")
    os.utime(log, (1, 1))
    assert not unfinished_jobs(tmp_path)
    os.utime(record, (0, 0))
    assert [job.why for job in unfinished_jobs(tmp_path)] == ["old"]
    log.write_text("10:00:00 INFO copied, later than its record\n", encoding="utf-8")
    assert not unfinished_jobs(tmp_path)


def test_notebooks_load_nothing(tmp_path):
    path = tmp_path / "n.html"
    path.write_text(NOTEBOOK, encoding="utf-8")
    (found,), styles = read_notebooks([path, tmp_path / "absent.html"])
    assert found.title == "A small notebook"
    tags = Reader(found.html).tags
    assert not {tag for tag, _ in tags} & {"script", "link", "iframe", "base", "object"}
    held = [value for _, attrs in tags for name, value in attrs.items() if name == "src"]
    assert held == ["data:image/gif;base64,R0lGODlhAQABAAAAACw="]
    assert "example.org" not in found.html.replace('href="https://example.org/doc"', "")
    assert "javascript:" not in found.html
    assert "onload" not in found.html
    assert "5 &lt; 6 &amp; more" in found.html
    assert len(styles) == 1
    assert "{{style:0}}" in found.html


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("<p>a</p><script>x < y</script><p>b</p>", "<p>a</p><p>b</p>"),
        ('<img src="HTTPS://h/p.png"/>', "<img/>"),
        ('<img src="//h/p.png" srcset="x 2x" alt="&quot;">', '<img alt="&quot;">'),
        ('<svg><use href="#a"/><image xlink:href="http://h/i"/></svg>',
         '<svg><use href="#a"/><image/></svg>'),
        ('<meta http-equiv="refresh" content="0; url=http://h">', ""),
        ("<style>a{b:url( 'http://h/x' )} @IMPORT 'y';</style>", "<style>a{b:} </style>"),
        ('<style>a{b:url("data:x")}</style>', '<style>a{b:url("data:x")}</style>'),
        ("<!DOCTYPE html><!-- c --><input disabled>", "<!DOCTYPE html><input disabled>"),
    ],
)  # fmt: skip
def test_what_loads_or_runs_is_taken_out(before, after):
    assert strip_remote(before) == after


def test_claims_become_rows(tmp_path):
    path = tmp_path / "artifacts.yaml"
    make_run(tmp_path, whole=True)
    artifacts = load_artifacts(path)
    claims = claims_of_run()
    rows = claim_rows(claims, artifacts)
    first = rows[0]
    assert (first.published, first.obtained) == ("2.54", "2.5000")
    facts = [dict(zip(FIELDS, row.facts, strict=True)) for row in rows]
    assert facts[0]["datasets"] == ["wildchat"]
    assert facts[0]["target"] == "table-01-datasets"
    assert facts[3]["target"] == "claims"
    assert [one["truth_tolerance"] for one in facts[:2]] == ["exact", ""]
    assert [(one.id, one.n) for one in tallies(claims, artifacts)] == [
        ("table-01-datasets", 3),
        ("toxicity-text", 1),
    ]
    assert [(verdict, n) for verdict, _, n in reasons(claims)] == [
        ("deviates", 1),
        ("not-comparable", 1),
        ("not-run", 1),
    ]


def test_a_sparse_table_has_one_value_a_row(tmp_path):
    path = tmp_path / "t.csv"
    cells = [Cell(f"r{i}", f"c{i}", i, None, None, None, "rows", "", "computed") for i in range(5)]
    write_long_table(path, cells)
    grid = read_grid(path, {})
    assert [row.name for row, _ in grid.rows] == [f"r{i}: c{i}" for i in range(5)]
    assert [cells[0].unit for _, cells in grid.rows] == ["rows"] * 5
    write_long_table(path, [])
    assert read_grid(path, {}) is None


def test_a_table_of_many_columns_is_turned(tmp_path):
    path = tmp_path / "t.csv"
    write_long_table(path, [
        Cell(row, f"c-{i}", i, None, None, None, f"u{i}", "", "computed")
        for row in ("a", "b") for i in range(12)
    ])  # fmt: skip
    grid = read_grid(path, {})
    assert [heading.name for heading in grid.headings] == ["a", "b"]
    assert [(head.name, head.unit) for head, _ in grid.rows[:2]] == [("c 0", "u0"), ("c 1", "u1")]
    assert [cell.value for cell in grid.rows[11][1]] == ["11", "11"]


def test_the_flow_is_drawn_to_scale():
    (lane,) = draw_lanes([entry("ingest", "dolly", "message", 25, {"a": 50, "b": 25})], {})
    widths = [float(shape.points.split(" ")[1].split(",")[0]) for shape in lane.shapes]
    assert widths == [100, 25, 25]
    assert [ribbon.width for ribbon in lane.ribbons] == [50, 25]
    assert lane.height > max(text.y for text in lane.texts)
    assert all(text.x < WIDTH for text in lane.texts)
    assert "dropped by ingest: 75 (75 %), leaving 25 messages" in lane.label
    (empty,) = draw_lanes([entry("ingest", "dolly", "message", 0, {})], {"dolly": "Dolly"})
    assert empty.title == "Dolly"


def test_the_command_writes_the_report_of_what_is_there(tmp_path, project, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["report", "--preset", "micro"]) == 0
    page = (tmp_path / "results/micro/publish/report.html").read_text(encoding="utf-8")
    assert "Partial run" in Reader(page).text
    assert str(project) not in page
    assert main(["report", "--preset", "nosuch"]) == 1
    assert "no preset 'nosuch'" in capsys.readouterr().err
