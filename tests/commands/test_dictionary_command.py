"""The dictionary of all data is complete, says what is there, and is in sync with the schemas."""

import copy
import dataclasses
import json
import re

import pyarrow as pa
import pytest

from wildpaper import schema
from wildpaper.__main__ import main
from wildpaper.dictionary.columns import columns_of, fields_of
from wildpaper.dictionary.labels import LABEL_TABLES
from wildpaper.dictionary.models import JSON_FILES, LONG_TABLE, MODEL_TABLES
from wildpaper.dictionary.page import PARTS, dictionary, schema_file
from wildpaper.errors import WildpaperError
from wildpaper.long_table import COLUMNS
from wildpaper.publish.explain.rules import read_rules
from wildpaper.release.published_schema import PUBLISHED

TABLES = [table for tables in PARTS.values() for table in tables]
BY_SCHEMA = [table for table in TABLES if table.schema is not None]


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.file)
def test_every_column_has_a_meaning(table):
    for column in columns_of(table):
        assert column.meaning.endswith("."), column.name
        assert column.kind


@pytest.mark.parametrize("one", JSON_FILES, ids=lambda one: one.schema)
def test_every_field_of_a_json_file_has_a_description(one):
    fields = fields_of(json.loads(schema_file(one).read_text("utf-8")), one.schema)
    assert fields
    assert all(field.meaning for field in fields)


def test_all_schemas_are_in_it(project):
    known = [table.schema for table in BY_SCHEMA]
    for name, value in vars(schema).items():
        if isinstance(value, pa.Schema):
            assert any(value is one for one in known), name
    labels = [table.schema for table in LABEL_TABLES]
    assert all(any(value is one for one in labels) for value in schema.LABELS.values())
    assert any(PUBLISHED is one for one in known)
    files = {path.name for path in (project / "data/schemas").glob("*.json")}
    assert files == {schema_file(one).name for one in JSON_FILES}


def test_types_and_nulls_are_those_of_the_schema():
    for table in BY_SCHEMA:
        shown = {one.name: one.optional for one in columns_of(table)}
        assert {f.name: f.nullable for f in table.schema} == {
            name: null for name, null in shown.items() if name in table.schema.names
        }
    assert [column.name for column in columns_of(LONG_TABLE)] == list(COLUMNS)


def test_schemas_read_from_the_source_are_those_of_the_module():
    from wildpaper.evaluate.scores import SCORES

    (table,) = [t for t in MODEL_TABLES if t.source == ("wildpaper.evaluate.scores", "SCORES")]
    found = [(one.name, one.kind, one.optional) for one in columns_of(table)]
    assert found == [(f.name, str(f.type), f.nullable) for f in SCORES]


def test_each_table_is_written_by_rules_that_there_are(project):
    rules = {rule.name for rule in read_rules(project)}
    named = {rule for one in (*TABLES, *JSON_FILES) for rule in one.rules}
    assert named <= rules


def test_a_column_without_a_meaning_and_a_meaning_without_a_column_are_named():
    table = LABEL_TABLES[0]
    more = table.schema.append(pa.field("n_words", pa.int32()))
    with pytest.raises(WildpaperError, match="n_words") as caught:
        columns_of(dataclasses.replace(table, schema=more))
    assert caught.value.where == table.file
    with pytest.raises(WildpaperError, match="n_tokens"):
        columns_of(dataclasses.replace(table, schema=table.schema.remove(2)))


def test_a_field_without_a_description_is_named():
    whole = json.loads(schema_file(JSON_FILES[0]).read_text("utf-8"))
    fewer = copy.deepcopy(whole)
    del fewer["properties"]["files"]["items"]["properties"]["sha256"]["description"]
    with pytest.raises(WildpaperError, match=re.escape("files[].sha256")):
        fields_of(fewer, "acquired")


def test_the_page_is_in_sync(project, monkeypatch):
    monkeypatch.chdir(project)
    assert main(["dictionary", "--check"]) == 0


def test_a_page_that_drifted_or_is_missing_is_refused(tmp_path, capsys):
    page = tmp_path / "page.md"
    assert main(["dictionary", "--check", "--file", str(page)]) == 1
    assert main(["dictionary", "--write", "--file", str(page)]) == 0
    assert page.read_text("utf-8") == dictionary()
    assert main(["dictionary", "--check", "--file", str(page)]) == 0
    page.write_text(dictionary().replace("int64", "int32", 1), encoding="utf-8")
    capsys.readouterr()
    assert main(["dictionary", "--check", "--file", str(page)]) == 1
    assert "make docs" in capsys.readouterr().err


def test_rows_of_the_page_have_as_many_cells_as_their_head():
    for line in dictionary().splitlines():
        if line.startswith("|"):
            assert len(re.split(r"(?<!\\)\|", line)) == 6, line
