"""What the paper says of its run survives odd names and shows what was left out."""

import json
import re

import jsonschema
import pytest

from wildpaper.long_table import Cell, write_long_table
from wildpaper.publish.context import write_context

SPECIAL = r"50% of a_b & {c} #1 $x ~ ^ \end"
ESCAPED = r"50\% of a\_b \& \{c\} \#1 \$x \textasciitilde{} \textasciicircum{} \textbackslash{}end"


@pytest.fixture
def context(tmp_path, project):
    def make(reports=(), tables=(), preset="test", blank_figures=(), figures=(), measured=()):
        acquired, listed = [], []
        for report in reports:
            acquired.append(tmp_path / f"{report['dataset']}.acquired.json")
            acquired[-1].write_text(json.dumps(report), encoding="utf-8")
            listed.append(tmp_path / f"{report['dataset']}.report.json")
            listed[-1].write_text(json.dumps(report), encoding="utf-8")
        out = {n: tmp_path / f"{n}.tex" for n in ("run", "routes", "read_table", "availability")}
        write_context(acquired, listed, project / "data/sources.yaml", list(tables),
                      list(measured), preset=preset, version="0.1.0",
                      blank_figures=list(blank_figures), figures=list(figures), **out)  # fmt: skip
        return {name: path.read_text(encoding="utf-8") for name, path in out.items()}

    return make


def report(dataset="wildchat", changed_release=None, **fields):
    release = {"name": "r", "title": "A title", "comparable": False, "why_not": "w"}
    release |= {"simulated": False, "licence": "MIT", "gated": False, "citation": "c"}
    release |= {"revision": None} | (changed_release or {})
    known = {"dataset": dataset, "release": release}
    known["files"] = [{"name": "f.json", "rows": 1234, "kept": 1230, "quarantined": 4}]
    known |= {"n_conversations": 1230, "n_messages": 2460, "n_duplicates": 5, "quarantine": {}}
    known |= {"surrogates_removed": {"n_characters": 0, "n_messages": 0}}
    return known | {"checks": {}, "models": {}} | fields


def balanced(text):
    bare = re.sub(r"\\[\\{}]", "", text)
    return bare.count("{") == bare.count("}")


def test_specials_of_tex_are_printed_literally(context):
    odd = report(models={SPECIAL: 3}, quarantine={SPECIAL: 4}, changed_release={"title": SPECIAL})
    found = context([odd], preset="a_b")
    assert found["run"].count(ESCAPED) == 1
    assert found["read_table"].count(ESCAPED) == 3
    assert ESCAPED in found["availability"]
    assert r"\def\wpPreset{a\_b}" in found["run"]
    for text in found.values():
        assert balanced(text)
        assert SPECIAL not in text


def test_quarantine_is_shown_by_reason(context, project):
    bad = report(quarantine={"null-conversation": 3, "truncated-file": 1})
    schema = json.loads((project / "data/schemas/ingest-report.schema.json").read_text("utf-8"))
    jsonschema.validate(bad, schema)
    text = context([bad, report("alpaca")])["read_table"]
    assert r"{@{}r@{}}3 null-conversation\\1 truncated-file\end{tabular}" in text
    rows = [line for line in text.splitlines() if line.startswith("A title")]
    assert [line.count("&") for line in rows] == [6, 6]
    assert "1{,}234 & 1{,}230 & 0 & 5 & -- & not recorded" in rows[1]


def test_hashes_and_models(context):
    checks = {"conversation_hash": {"checked": 1230, "verified": 1229}}
    many = {f"gpt-{i}": 10 - i for i in range(7)}
    text = context([report(checks=checks, models=many)])["read_table"]
    assert "1{,}229 of 1{,}230" in text
    assert "gpt-0, gpt-1, gpt-2, gpt-3, gpt-4 and 2 more" in text


@pytest.mark.parametrize(("simulated", "word"), [(True, "true"), (False, "false")])
def test_a_simulated_run_says_so(context, simulated, word):
    reports = [report(), report("alpaca", {"simulated": simulated, "title": "Other"})]
    found = context(reports, figures=["one", "two"], blank_figures=["two"])
    assert f"\\wpsimulated{word}\n" in found["run"]
    route = "simulated" if simulated else "computed"
    assert f"\\wpdefroute{{one}}{{{route}}}\n\\wpdefroute{{two}}{{not-run}}\n" == found["routes"]


def test_a_table_takes_the_route_that_is_furthest_from_real_data(context, tmp_path):
    def table(name, *cells):
        path = tmp_path / f"{name}.csv"
        rows = [Cell("r", "c", value, None, None, 1, "u", "", route) for value, route in cells]
        write_long_table(path, rows)
        return path

    tables = [
        table("mixed", (1, "computed"), (2, "recorded"), (3, "computed")),
        table("made", (1, "recorded"), (2, "simulated")),
        table("absent", (None, "simulated"), (1, "computed")),
        table("empty"),
    ]
    assert context(tables=tables)["routes"] == (
        "\\wpdefroute{mixed}{recorded}\n\\wpdefroute{made}{simulated}\n"
        "\\wpdefroute{absent}{computed}\n\\wpdefroute{empty}{not-run}\n"
    )


def test_a_run_without_data(context):
    found = context()
    assert r"\def\wpReleases{no data set}" in found["run"]
    assert "This run read no data set." in found["read_table"]
    assert found["availability"].count("not read") == 6
