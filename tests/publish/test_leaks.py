"""A planted leak of each kind, in each sort of file, makes the scan fail, and shows no value."""

import html
import json
import random

import jsonschema
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from leak_planting import (
    CALLS,
    CONSENTS,
    CONTAINERS,
    GONE,
    KEPT,
    PROMPT,
    REPLY,
    SALT,
    SILENT,
    VALUES,
    call,
    far_inside,
    items,
    json_escaped,
    scan,
    steps,
    study,
    wide_ascii_in_binary,
)

from wildpaper.errors import WildpaperError
from wildpaper.files import read_json
from wildpaper.publish.leak_forms import spaced, squeezed
from wildpaper.publish.leak_rawlogs import beginning
from wildpaper.publish.leak_search import Searcher
from wildpaper.tex import escape

LONG = "What is the best way to bake a loaf of rye bread on a rainy day in the far north of town"


def leaks_of(folder, known, **fields):
    """Return the message of the error that a scan raises."""
    with pytest.raises(WildpaperError, match="The leak scan found") as caught:
        scan(folder, known, **fields)
    return str(caught.value)


def results(folder):
    (folder / "results").mkdir(exist_ok=True)
    return folder / "results"


@pytest.mark.parametrize("write", CONTAINERS, ids=lambda f: f.__name__)
def test_a_planted_leak_of_each_kind_is_found_in_each_sort_of_file(tmp_path, write):
    known = study(tmp_path)
    for number, value in enumerate(VALUES.values()):
        (results(tmp_path) / f"{number}").mkdir()
        write(results(tmp_path) / f"{number}" / CONTAINERS[write], value)
    message = leaks_of(tmp_path, known)
    for number, (name, value) in enumerate(VALUES.items()):
        assert f"{number}/{CONTAINERS[write]}: {name.split()[0]} (1)" in message
        assert value not in message
    assert f"found {len(VALUES)} times" in message
    assert not (results(tmp_path) / "leaks.json").exists()


@pytest.mark.parametrize("name", ["ADDRESS", "EMAIL_ADDRESS", "SALT"])
def test_wide_letters_amid_binary_data_are_read(tmp_path, name):
    known = study(tmp_path)
    wide_ascii_in_binary(results(tmp_path) / "a.bin", VALUES[name])
    assert f"a.bin: {name} (1)" in leaks_of(tmp_path, known)


def test_a_leak_between_two_pieces_of_a_long_file_is_found(tmp_path):
    known = study(tmp_path)
    far_inside(results(tmp_path) / "a.txt", VALUES["SECRET"])
    assert "a.txt: SECRET (1)" in leaks_of(tmp_path, known)


def test_the_salt_is_found_as_bytes_and_in_capitals(tmp_path):
    known = study(tmp_path)
    (results(tmp_path) / "a.bin").write_bytes(b"\x93" + bytes.fromhex(SALT) + b"\x01")
    (results(tmp_path) / "b.txt").write_text(SALT.upper())
    message = leaks_of(tmp_path, known)
    assert "a.bin: SALT (1); b.txt: SALT (1)" in message


def test_names_of_files_and_folders_are_looked_at(tmp_path):
    known = study(tmp_path)
    (results(tmp_path) / f"of-{VALUES['SESSION']}").mkdir()
    (results(tmp_path) / f"of-{VALUES['SESSION']}" / "a.txt").write_text("x")
    with pytest.raises(WildpaperError, match="SESSION"):
        scan(tmp_path, known)


def test_a_clean_folder_passes_and_the_report_counts(tmp_path, project):
    known = study(tmp_path)
    for write, name in CONTAINERS.items():
        write(results(tmp_path) / f"{write.__name__}-{name}", "nothing of anybody, 4242")
    found = scan(tmp_path, known)
    schema = read_json(project / "data/schemas/leaks.schema.json")
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(found, schema)
    assert found["n_files"] == len(CONTAINERS)
    assert found["n_needles"] == {
        "ADDRESS": 2, "CREDIT_CARD": 1, "EMAIL_ADDRESS": 1, "PHONE_NUMBER": 2, "SALT": 1,
        "SECRET": 1, "SESSION": 1, "TEXT": 2, "URL": 1,
    }  # fmt: skip
    assert found["leaks"] == []
    assert scan(tmp_path, known) == found


def test_a_longer_value_is_another_one(tmp_path):
    known = study(tmp_path)
    text = "240.77.66.550 1240.77.66.55 2001:db8:7:0:3::1ef 0.424242183051660712 (020) 7946 01234"
    (results(tmp_path) / "a.txt").write_text(text)
    scan(tmp_path, known)
    (results(tmp_path) / "b.txt").write_text("x240.77.66.55.")
    (results(tmp_path) / "c.txt").write_text("card:4242421830516607,")
    (results(tmp_path) / "d.txt").write_text("2001:0DB8:0007:0000:0003:0000:0000:001E")
    message = leaks_of(tmp_path, known)
    assert "b.txt: ADDRESS (1); c.txt: CREDIT_CARD (1); d.txt: ADDRESS (1)" in message


def test_what_the_rules_leave_by_design_is_counted_and_no_leak(tmp_path):
    known = study(tmp_path, planted=items("frequent"))
    mail = VALUES["EMAIL_ADDRESS"]
    json_escaped(results(tmp_path) / "a.json", f"{mail} {VALUES['SECRET']}")
    assessment = tmp_path / "redaction-truth.json"
    left = {"EMAIL_ADDRESS": {"left_by_design": {"frequent": {"n": 9, "n_left": 7}}}}
    assessment.write_text(json.dumps({"kinds": left}))
    found = scan(tmp_path, known, assessment=[assessment])
    assert found["left_by_design"] == {"EMAIL_ADDRESS": {"frequent": 7}}
    assert mail not in (results(tmp_path) / "leaks.json").read_text()


def test_patterns_count_in_covered_languages_only_and_keys_in_all(tmp_path):
    known = study(tmp_path, planted=items(language="Welsh"))
    json_escaped(results(tmp_path) / "a.json", VALUES["EMAIL_ADDRESS"])
    models = {"English": "model"}
    found = scan(tmp_path, known, patterns="analysed", name_models=models)
    assert "EMAIL_ADDRESS" not in found["n_needles"]
    assert found["n_needles"]["SECRET"] == 1
    leaks_of(tmp_path, known, patterns="analysed", name_models={"Welsh": "model"})
    leaks_of(tmp_path, known, patterns="all")


def test_names_are_no_needles(tmp_path):
    planted = [items()[0] | {"kind": "PERSON", "value": "Mara Novak"}]
    known = study(tmp_path, planted=planted)
    json_escaped(results(tmp_path) / "a.json", "My name is Mara Novak")
    scan(tmp_path, known)


def texts_looked_for(folder, calls, consents, **fields):
    known = study(folder, calls, consents)
    return scan(folder, known, **fields)["n_needles"].get("TEXT", 0)


@pytest.mark.parametrize("packed", ["", ".gz", ".xz"])
def test_texts_of_whoever_withdrew_or_never_consented_are_looked_for(tmp_path, packed):
    texts = {state: f"{state}: {LONG}" for state in ("kept", "silent", "half", "gone")}
    calls = [call(state * 4, [text, "Fine."]) for state, text in texts.items()]
    consents = [
        *steps("kept" * 4, "agree", "publish"),
        *steps("half" * 4, "agree"),
        *steps("gone" * 4, "withdraw", "publish", "agree"),
    ]
    calls = [one | {"headers": {"x-forwarded-for": f"240.9.9.{i}"}} for i, one in enumerate(calls)]
    known = study(tmp_path, calls, consents, packed=packed)
    assert scan(tmp_path, known)["n_needles"]["TEXT"] == 3
    for state, text in texts.items():
        json_escaped(results(tmp_path) / f"{state}.json", text)
    message = leaks_of(tmp_path, known)
    assert "found 3 times" in message
    assert "kept.json" not in message


def test_what_consenting_people_said_too_is_no_leak(tmp_path):
    calls = [
        call(KEPT, ["Hi.", "Hello.", f"I say: {LONG}! And more.", "Yes."]),
        call(SILENT, [LONG, REPLY], ip="240.9.9.9"),
    ]
    assert texts_looked_for(tmp_path, calls, CONSENTS) == 1


def test_short_texts_are_left_out(tmp_path):
    calls = [*CALLS, call(SILENT, ["x" * 39, "y" * 40], ip="240.9.9.9")]
    assert texts_looked_for(tmp_path, calls, CONSENTS) == 3


def test_a_withdrawal_reaches_as_far_as_the_option_says(tmp_path):
    calls = [
        call(GONE, [PROMPT, REPLY], ip="240.1.1.1"),
        call(KEPT, [LONG, "Fine."], ip="240.1.1.1"),
        call(KEPT, [LONG[::-1], "Fine."], ip="240.2.2.2"),
    ]
    known = study(tmp_path, calls, CONSENTS)
    assert scan(tmp_path, known, withdrawal="address")["n_needles"]["TEXT"] == 3
    assert scan(tmp_path, known, withdrawal="session")["n_needles"]["TEXT"] == 2
    shared = [one | {"headers": {"x-forwarded-for": "240.9.9.9, 10.0.0.1"}} for one in calls]
    known = study(tmp_path / "shared", shared, CONSENTS)
    found = scan(tmp_path / "shared", known, client_address="last")
    assert found["n_needles"]["TEXT"] == 4


def own_logs(folder, **fields):
    calls = [
        call("session-of-a-guest", ["Is 9.9.9.9 a resolver?", REPLY], ip="8.8.4.77"),
        call("session-of-a-guest", ["Hm?", "Yes."], ip="[2600:1f18::77]:443"),
        call("short", [PROMPT, "No."], ip="9.9.9.9:1234"),
        call("session-of-another", ["Hi.", "Hi."], ip="192.168.7.7"),
    ]
    return study(folder, calls, steps("session-of-a-guest", "agree"), simulated=False, **fields)


def test_of_peoples_logs_addresses_sessions_and_the_salt_are_looked_for(tmp_path, monkeypatch):
    monkeypatch.setenv("WILDPAPER_IP_SALT", SALT)
    known = own_logs(tmp_path)
    found = scan(tmp_path, known)
    assert found["n_needles"] == {"ADDRESS": 2, "SALT": 1, "SESSION": 2}
    assert (found["n_said"], found["n_too_short"]) == (1, 1)
    for i, value in enumerate(["8.8.4.77", "2600:1f18::77", "session-of-another", SALT, "9.9.9.9"]):
        (results(tmp_path) / f"{i}.log").write_text(f"of {value}\n")
    message = leaks_of(tmp_path, known)
    assert "0.log: ADDRESS (1); 1.log: ADDRESS (1); 2.log: SESSION (1); 3.log: SALT (1)" in message
    assert "4.log" not in message


def test_without_the_salt_of_peoples_logs_nothing_can_be_scanned(tmp_path, monkeypatch):
    monkeypatch.delenv("WILDPAPER_IP_SALT", raising=False)
    monkeypatch.delenv("WILDPAPER_IP_SALT_FILE", raising=False)
    with pytest.raises(WildpaperError, match="No salt"):
        scan(tmp_path, own_logs(tmp_path))


def test_a_run_without_raw_logs_has_nothing_to_look_for(tmp_path):
    json_escaped(results(tmp_path) / "a.json", PROMPT)
    assert scan(tmp_path, {"personal": [], "rawlogs": []})["n_needles"] == {}


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.gz", b"\x1f\x8b\x08\x00cut off"),
        ("a.parquet", b"PAR1 is not all there is to it PAR1"),
        ("a.zip", b"PK\x03\x04 and no end"),
        ("a.pdf", b"%PDF-1.7 and nothing"),
        ("a.png", b"\x89PNG\r\n\x1a\n\x00"),
        ("a.ipynb", b"{"),
    ],
)
def test_a_file_that_cannot_be_unpacked_is_not_called_clean(tmp_path, name, data):
    known = study(tmp_path)
    (results(tmp_path) / name).write_bytes(data)
    with pytest.raises(WildpaperError, match="cannot be unpacked") as caught:
        scan(tmp_path, known)
    assert name in caught.value.where


def test_the_search_finds_what_a_plain_search_finds():
    rng = random.Random(3)
    alphabet = b"ab\x00"
    needles = sorted({bytes(rng.choices(alphabet, k=rng.randint(6, 40))) for _ in range(400)})
    data = b"".join(
        rng.choice(needles) if rng.random() < 0.2 else bytes(rng.choices(alphabet, k=9))
        for _ in range(20_000)
    )
    found = sorted(Searcher(needles).find(data))
    wanted = []
    for index, needle in enumerate(needles):
        at = data.find(needle)
        while at >= 0:
            wanted.append((index, at))
            at = data.find(needle, at + 1)
    assert found == sorted(wanted)
    assert len(wanted) > 7_000
    with pytest.raises(ValueError, match="fewer than 6"):
        Searcher([b"short"])


def tight(text):
    return squeezed(spaced(text.encode("utf-8", "ignore")))


letters = st.text(st.characters(exclude_categories=["Cs"]), min_size=8, max_size=60)
plain = st.text(st.sampled_from("aZ09äß漢😀 .,:;_#%&{}\\\"'~^$<>|`@/+\n\t–—…"), max_size=60)


@settings(max_examples=300, deadline=None)
@given(st.one_of(letters, plain))
@example("00000\\b0")
def test_escapes_of_all_formats_come_to_the_same_form(text):
    form = tight(text)
    ways = (
        json.dumps(text),
        json.dumps(json.dumps(text)),
        json.dumps(text, ensure_ascii=False),
        html.escape(text),
        html.escape(json.dumps(text)),
        text.replace('"', '""'),
        escape(text),
    )
    for way in ways:
        assert form in tight(way)


def test_a_text_is_told_by_its_first_words():
    assert beginning("x" * 39) == ""
    assert beginning(f"  {'x' * 40}\n") == "x" * 40
    assert beginning("x" * 200) == "x" * 100
    assert beginning("words " * 30) == ("words " * 17).strip()


def test_a_text_that_a_data_set_from_elsewhere_holds_is_no_leak(tmp_path):
    known = study(tmp_path)
    json_escaped(results(tmp_path) / "a.json", REPLY)
    leaks_of(tmp_path, known)
    pq.write_table(pa.table({"text": ["a", f"- {REPLY}"]}), tmp_path / "messages-0.parquet")
    found = scan(tmp_path, known, elsewhere=[tmp_path / "messages-0.parquet"])
    assert found["n_needles"]["TEXT"] == 1
