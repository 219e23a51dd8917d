"""Each table and figure says which rule, file and notebook it comes from; all of these exist."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from paper_inputs import ROOT, make_claim, origin_inputs, published_claims, write_claims

from wildpaper.errors import WildpaperError
from wildpaper.publish.origins import HERE, base_of, calls_of, notebook_of, write_origins

_ORIGIN = re.compile(r"^\\wpdeforigin\{([^}]*)\}\{(.*)\}$", re.MULTILINE)
_FILE = re.compile(r"\\wpfile\{([^}]*)\}")


def origins(tmp_path: Path, claims: list[dict[str, Any]] | None = None, **changed: Any) -> str:
    listed = write_claims(tmp_path / "claims.json", claims or [])
    path = tmp_path / "origins.tex"
    write_origins(**origin_inputs() | changed, claims=listed, origins=path)
    return path.read_text(encoding="utf-8")


def registry(tmp_path: Path, **artifact: Any) -> Path:
    known = {"id": "a-b", "kind": "table", "section": "s", "title": "t", "datasets": ["wildchat"]}
    known |= {"claims": [], "rule": "measure_it"}
    path = tmp_path / "artifacts.yaml"
    path.write_text(yaml.safe_dump({"artifacts": [known | artifact]}), encoding="utf-8")
    return path


def rules_file(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "x.smk"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_table_and_figure_has_a_line_and_its_files_exist(tmp_path: Path) -> None:
    lines = dict(_ORIGIN.findall(origins(tmp_path)))
    artifacts = yaml.safe_load((ROOT / "data/artifacts.yaml").read_text("utf-8"))["artifacts"]
    assert set(lines) == {a["id"] for a in artifacts if a["kind"] != "numbers"}
    for name, line in lines.items():
        files = _FILE.findall(line)
        assert len(files) >= 2, name
        for file in files:
            assert (ROOT / file).is_file(), (name, file)


def test_every_float_of_the_paper_has_a_line(tmp_path: Path) -> None:
    lines = dict(_ORIGIN.findall(origins(tmp_path)))
    prose = "".join(p.read_text("utf-8") for p in (ROOT / "paper/sections").glob("*.tex"))
    floats = re.findall(r"\\paper(?:table|figure)(?:\[[^\]]*\])?\{([^}]*)\}", prose)
    assert floats
    assert set(floats) <= set(lines)


def test_a_line_leads_to_the_first_claim_of_its_artifact(tmp_path: Path) -> None:
    claims = [
        make_claim(id="own.first", artifact="table-05-languages"),
        make_claim(id="b", kind="published", artifact="table-05-languages"),
        make_claim(id="c", kind="published", artifact="table-05-languages"),
    ]
    lines = dict(_ORIGIN.findall(origins(tmp_path, claims)))
    assert lines["table-05-languages"].endswith(r"\wpclaimsof{b}")
    assert "wpclaimsof" not in lines["table-03-countries"]


def test_all_first_claims_are_published_ones(tmp_path: Path) -> None:
    claims = published_claims(simulated=True)
    text = origins(tmp_path, claims)
    assert set(re.findall(r"\\wpclaimsof\{([^}]*)\}", text)) <= {claim["id"] for claim in claims}


def test_a_rule_that_is_nowhere_is_named(tmp_path: Path) -> None:
    rules = [rules_file(tmp_path, 'rule measure_other:\n    params:\n        call="a.b:c",\n')]
    with pytest.raises(WildpaperError, match="rule measure_it of a-b"):
        origins(tmp_path, artifacts=registry(tmp_path), rules=rules)


def test_an_artifact_that_no_rule_builds_says_so(tmp_path: Path) -> None:
    artifacts = registry(tmp_path, rule="", not_built="nobody did")
    assert r"\wpdeforigin{a-b}{no rule builds it}" in origins(tmp_path, artifacts=artifacts)


def test_the_call_is_that_of_the_rule_also_within_a_condition(tmp_path: Path) -> None:
    text = (
        'rule without:\n    shell: "true"\n\n\nif X:\n\n    rule within:\n        params:\n'
        '            call="wildpaper.a:f",\n'
    )
    path = rules_file(tmp_path, text)
    assert calls_of([path]) == {"within": ("workflow/rules/x.smk", "wildpaper.a")}


@pytest.mark.parametrize(
    ("cells", "found"),
    [
        ({}, ""),
        ({"01_x": "read('table-01-datasets')"}, "01_x"),
        ({"01_x": "from wildpaper.measure.a import f"}, "01_x"),
        ({"01_x": "'other-table-01-datasets-more'"}, ""),
        ({"00_tour": "'table-01-datasets'", "02_y": "'table-01-datasets'"}, "02_y"),
        ({"00_tour": "'table-01-datasets'", "02_y": ""}, "00_tour"),
    ],
)
def test_the_notebook_is_the_one_that_names_it(cells: dict[str, str], found: str) -> None:
    assert notebook_of("table-01-datasets", "wildpaper.measure.a", cells) == found


def test_only_code_of_notebooks_counts(tmp_path: Path) -> None:
    notebook = tmp_path / "05_n.ipynb"
    prose = {"cell_type": "markdown", "source": ["near-duplicates, table-03-countries"]}
    code = {"cell_type": "code", "source": ["show('near-", "duplicates')"]}
    notebook.write_text(json.dumps({"cells": [prose, code]}), encoding="utf-8")
    lines = dict(_ORIGIN.findall(origins(tmp_path, notebooks=[notebook])))
    assert r"\wpfile{notebooks/05_n.ipynb}" in lines["near-duplicates"]
    assert "notebook" not in lines["table-03-countries"]


def test_links_lead_to_the_repository_once_there_is_one(tmp_path: Path) -> None:
    citation = tmp_path / "CITATION.cff"
    citation.write_text("version: 1.2.3\n", encoding="utf-8")
    assert base_of(citation) == HERE
    citation.write_text("version: 1.2.3\nrepository-code: https://x.org/a/b/\n", encoding="utf-8")
    assert base_of(citation) == "https://x.org/a/b/blob/v1.2.3/"
