"""Recall, precision and misses are counted as they are, and no value is written."""

import json
import math

import jsonschema
import pytest
from redacting import Message, assess

from wildpaper.errors import WildpaperError
from wildpaper.files import read_json
from wildpaper.release.redaction.redaction_truth import MISSES, rate

NAME, OTHER = "Mara Novak", "Jonas Demir"
MAIL, PHONE = "mara.novak7@mail.example.net", "+1 202-555-0147"
KEY = "gh" + "p_" + "A1b2" * 9


def named(before="My name is ", name=NAME, reach="within", **fields):
    return Message(f"{before}{name}, hello.", [("PERSON", name, reach)], **fields)


def counts(part):
    return part["recall"]["n_found"], part["recall"]["n"]


def right(part):
    return part["precision"]["n_found"], part["precision"]["n"]


def test_an_item_is_recalled_if_its_value_is_gone_from_the_whole_text(tmp_path, project):
    text = f"Write to {MAIL} or again {MAIL}."
    planted = [("EMAIL_ADDRESS", MAIL, "within")]
    half = Message(text, planted)
    half.text, half.hidden = text, [("EMAIL_ADDRESS", f"to {MAIL}")]
    messages = [
        Message(text + " One.", planted, hidden=[("EMAIL_ADDRESS", MAIL)]),
        Message(text + " Two.", planted),
        half,
    ]
    found = assess(tmp_path, messages)
    schema = read_json(project / "data/schemas/redaction-truth.schema.json")
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(found, schema)
    mail = found["kinds"]["EMAIL_ADDRESS"]
    assert counts(mail) == (1, 3)
    assert mail["recall"]["share"] == 1 / 3
    assert right(mail) == (3, 3)
    assert found["kinds"]["PERSON"]["recall"] == rate(0, 0)


def test_recall_counts_what_is_within_reach_and_the_rest_stands_apart(tmp_path):
    messages = [
        named(hidden=[("PERSON", NAME)]),
        named("I met ", OTHER, reach="no-cue"),
        named("Wir sahen ", OTHER, reach="language", language="German"),
        named("Ich heiße ", NAME, reach="language", language="German", hidden=[("PERSON", NAME)]),
    ]
    person = assess(tmp_path, messages)["kinds"]["PERSON"]
    assert counts(person) == (1, 1)
    assert person["left_by_design"] == {
        "language": {"n": 2, "n_left": 1},
        "no-cue": {"n": 1, "n_left": 1},
    }
    assert counts(person["by_language"]["English"]) == (1, 1)
    assert counts(person["by_language"]["German"]) == (0, 0)
    assert person["by_language"]["German"]["recall"]["share"] is None


def test_messages_that_are_not_released_do_not_count(tmp_path):
    messages = [named(hidden=[("PERSON", NAME)]), named("This is ", released=False)]
    assert counts(assess(tmp_path, messages)["kinds"]["PERSON"]) == (1, 1)


def test_a_text_that_two_conversations_hold_counts_in_both_and_no_more(tmp_path):
    twice = [named(hidden=[("PERSON", NAME)]), named(hidden=[("PERSON", NAME)])]
    assert counts(assess(tmp_path, twice)["kinds"]["PERSON"]) == (2, 2)


def test_precision_counts_redactions_on_a_planted_value_of_their_kind(tmp_path):
    messages = [
        named(hidden=[("PERSON", f"is {NAME}")]),
        Message("Dear Grand Hotel, hello.", hidden=[("PERSON", "Grand Hotel")]),
        Message(f"Call {PHONE}.", [("PHONE_NUMBER", PHONE, "within")], [("PERSON", PHONE)]),
        named("Hier ist ", OTHER, "language", hidden=[("PERSON", OTHER)], language="German"),
        named("Moi c'est ", OTHER, hidden=[("PERSON", "Moi c'")], label="French"),
    ]
    found = assess(tmp_path, messages)["kinds"]
    assert right(found["PERSON"]) == (2, 5)
    assert {name: right(part) for name, part in found["PERSON"]["by_language"].items()} == {
        "English": (1, 3),
        "French": (0, 1),
        "German": (1, 1),
    }
    assert right(found["PHONE_NUMBER"]) == (0, 0)
    assert counts(found["PHONE_NUMBER"]) == (1, 1)


def test_a_missed_name_is_put_down_to_the_first_cause_that_applies(tmp_path):
    phone = [("PHONE_NUMBER", NAME)]
    messages = [
        named("a ", label="German", seen=[("PERSON", NAME)]),
        named("b "),
        named("c ", seen=[("PERSON", "hello")]),
        named("d ", seen=phone),
        named("e ", seen=[*phone, ("PERSON", "Novak")]),
        named("f ", seen=[("PERSON", "Novak"), ("PERSON", NAME)]),
        named("g ", hidden=[("PERSON", NAME)], seen=[("PERSON", NAME)]),
        named("h ", reach="no-cue"),
    ]
    english = assess(tmp_path, messages)["kinds"]["PERSON"]["by_language"]["English"]
    assert english["misses"] == {
        "other-language": 1, "not-found": 2, "other-type": 1, "other-borders": 1, "refused": 1,
    }  # fmt: skip
    assert counts(english) == (1, 7)


def test_the_label_of_a_language_excuses_no_missed_key_or_address(tmp_path):
    messages = [
        Message(f"k {KEY}", [("SECRET", KEY, "within")], label="Welsh"),
        Message(f"m {MAIL}", [("EMAIL_ADDRESS", MAIL, "within")], label="Welsh"),
    ]
    found = assess(tmp_path, messages)["kinds"]
    for kind in ("SECRET", "EMAIL_ADDRESS"):
        assert found[kind]["misses"] == dict.fromkeys(MISSES, 0) | {"not-found": 1}


def test_offsets_are_characters_also_behind_astral_ones(tmp_path):
    messages = [named("😀😀😀 漢字 My name is ", hidden=[("PERSON", NAME)])]
    person = assess(tmp_path, messages)["kinds"]["PERSON"]
    assert right(person) == (1, 1) == counts(person)


def test_shards_make_no_difference(tmp_path):
    messages = [
        named(f"{i} My name is ", hidden=[("PERSON", NAME)] * (i % 3 > 0), label=label)
        for i in range(20)
        for label in ("English", "German")
    ]
    one = assess(tmp_path / "1", messages, 1)
    assert one == assess(tmp_path / "7", messages, 7)
    assert counts(one["kinds"]["PERSON"]) == (26, 40)


def test_no_value_is_written_or_shown_by_an_error(tmp_path):
    messages = [named(), Message(f"{MAIL} {KEY}", [("SECRET", KEY, "within")])]
    written = json.dumps(assess(tmp_path, messages), ensure_ascii=False)
    for value in (NAME, MAIL, KEY, "Novak"):
        assert value not in written
    (tmp_path / "spoilt.json").write_text(
        json.dumps({"salt": NAME, "ips": [], "sessions": [], "planted": [{"kind": NAME}]})
    )
    with pytest.raises(WildpaperError, match="cannot be read") as caught:
        assess(tmp_path, messages, personal=tmp_path / "spoilt.json")
    assert NAME not in str(caught.value)
    with pytest.raises(WildpaperError, match="Redacted messages cannot be read") as caught:
        assess(tmp_path, messages, redacted=[tmp_path / "messages-0.parquet", tmp_path / "none"])
    assert NAME not in str(caught.value)


def test_intervals_hold_the_shares_at_which_so_few_or_many_are_a_rarity():
    """Clopper and Pearson by their definition: each end leaves 2.5 % on its side."""

    def at_most(k, n, p):
        return sum(math.comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k + 1))

    for k, n in [(3, 10), (29, 30), (1, 50)]:
        found = rate(k, n)
        assert found["low"] < found["share"] == k / n < found["high"]
        assert at_most(k, n, found["high"]) == pytest.approx(0.025, abs=1e-6)
        assert 1 - at_most(k - 1, n, found["low"]) == pytest.approx(0.025, abs=1e-6)
    assert rate(5, 5)["high"] == 1
    assert rate(5, 5)["low"] == pytest.approx(0.025 ** (1 / 5))
