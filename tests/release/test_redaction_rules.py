"""Each rule of data/redaction/rules.yaml on both of its sides; the file and its faults."""

import pytest
import yaml
from entity_files import KINDS, span_of

from wildpaper.errors import WildpaperError
from wildpaper.release.redaction.redaction_rules import (
    DEFAULT_RULES,
    frequency_key,
    load_rules,
    redactions_of,
    words_pattern,
)
from wildpaper.release.redaction.redaction_spans import Redaction, cover, without_overlaps

RULES = load_rules()
NAME, PHONE, MAIL = "Mara Lindqvist", "+1 202-555-0143", "mara@mail.example.net"
CARD, PROFILE = "4242 4242 4242 4242", "https://www.linkedin.com/in/invented-mara-1"


def is_redacted(text, value, kind, language="English", frequencies=None):
    found = redactions_of(text, language, [span_of(text, value, kind)], frequencies or {}, RULES)
    assert len(found) <= 1
    return bool(found)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (f"Hello, my name is {NAME}.", True),
        (f"Hello, MY NAME IS {NAME}.", True),
        (f"Hello, I’m {NAME}.", True),
        (f"Best regards,\n{NAME}", True),
        (f"Dear {NAME},", True),
        (f"My name is known to everybody here: {NAME}.", False),
        (f"We met {NAME} there.", False),
        (f"endear {NAME}", False),
        (f'My name is "{NAME}".', False),
        (f"My name is “{NAME}”.", False),
        (f"Please write a story. My name is {NAME}.", False),
        (f"My name is {NAME}. I wrote a\nfanfiction.", False),
        (f"My name is {NAME}. How many characters are that?", False),
    ],
)
def test_a_name_needs_a_cue_within_twenty_characters_and_no_fiction(text, wanted):
    assert is_redacted(text, NAME, "PERSON") is wanted


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("Mara Lindqvist", True),
        ("Mara J. Lindqvist-Demir", True),
        ("Zoë Żółć", True),
        ("Mara", False),
        ("mara lindqvist", False),
        ("Mara lindqvist", False),
        ("Mara Lindqvist 2", False),
        ("Mara O'Hara", False),
        ("Mara Lindqvist\nSender", False),
        ("The Great Mara", False),
        ("Mara The Great", False),
    ],
)
def test_a_name_has_two_capitalised_words_of_letters(name, wanted):
    assert is_redacted(f"My name is {name}, yes.", name, "PERSON") is wanted


def test_names_are_redacted_in_english_only():
    text = f"My name is {NAME}."
    assert not is_redacted(text, NAME, "PERSON", language="German")
    assert not is_redacted(text, NAME, "PERSON", language="Nolang")


@pytest.mark.parametrize(
    ("text", "value", "wanted"),
    [
        (f"reach {PHONE}", PHONE, True),
        ("Phone: 202-555-0143", "202-555-0143", True),
        ("my cellphone is 202-555-0143", "202-555-0143", True),
        ("Meine Telefonnummer: 030 23125 017", "030 23125 017", True),
        ("我的电话号码是 202-555-0143", "202-555-0143", True),
        ("Telefon numaram 202-555-0143", "202-555-0143", True),
        ("رقم هاتفي 202-555-0143", "202-555-0143", True),
        ("Order 202-555-0143", "202-555-0143", False),
        ("the hotel 202-555-0143", "202-555-0143", False),
        ("phone " + "x" * 40 + " 202-555-0143", "202-555-0143", False),
        ("phone 202-5550", "202-5550", False),
        ("phone 202-55501", "202-55501", True),
        ("phone 202-555-0143 ext 5", "202-555-0143 ext 5", False),
    ],
)
def test_a_telephone_number_is_long_enough_plain_and_announced_or_international(
    text, value, wanted
):
    assert is_redacted(text, value, "PHONE_NUMBER") is wanted


@pytest.mark.parametrize(
    ("mail", "wanted"),
    [
        (MAIL, True),
        ("info@mail.example.net", False),
        ("Info@mail.example.net", False),
        ("noreply@mail.example.net", False),
        ("myinfo@mail.example.net", True),
        ("mara@example.com", False),
        ("mara@EXAMPLE.com", False),
        ("mara@sub.example.com", True),
        ("mara@notexample.com", True),
    ],
)
def test_mail_addresses_of_nobody_are_left(mail, wanted):
    assert is_redacted(f"write to {mail} please", mail, "EMAIL_ADDRESS", "Thai") is wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (f"my credit card is {CARD}", True),
        (f"{CARD} is my card", True),
        (f"{CARD}, Kreditkarte", True),
        (f"我的信用卡号是 {CARD}", True),
        (f"トークン {CARD} カード", True),
        (f"serial number {CARD}", False),
        (f"card {'x' * 44} {CARD}", True),
        (f"card {'x' * 46} {CARD}", False),
        (f"{CARD} {'x' * 44} card", True),
        (f"{CARD} {'x' * 46} card", False),
        (f"{CARD} we stand à la carte de visite", True),
        (f"{CARD} descartes", False),
    ],
)
def test_a_card_number_needs_the_word_card_within_fifty_characters(text, wanted):
    assert is_redacted(text, CARD, "CREDIT_CARD", "French") is wanted


@pytest.mark.parametrize(
    ("link", "wanted"),
    [
        (PROFILE, True),
        ("LinkedIn.com/IN/Mara-1", True),
        ("https://www.linkedin.com/company/invented", False),
        ("https://lantern.example.net/~mara", False),
    ],
)
def test_only_links_to_profiles_are_redacted(link, wanted):
    assert is_redacted(f"see {link} there", link, "URL") is wanted


@pytest.mark.parametrize(
    ("text", "value", "kind", "limit"),
    [
        (f"My name is {NAME}.", NAME, "PERSON", 50),
        (f"call {PHONE}", PHONE, "PHONE_NUMBER", 10),
        (f"write to {MAIL}", MAIL, "EMAIL_ADDRESS", 10),
        (f"card {CARD}", CARD, "CREDIT_CARD", 10),
        (f"see {PROFILE}", PROFILE, "URL", 10),
    ],
)
def test_what_stands_in_many_conversations_is_public(text, value, kind, limit):
    key = (kind, frequency_key(f" {value.upper()} "))
    assert is_redacted(text, value, kind, frequencies={key: limit - 1})
    assert not is_redacted(text, value, kind, frequencies={key: limit})


@pytest.mark.parametrize("filler", ["", "x" * 100, " Nothing to see here. " * 50, "😀𝔘字" * 60])
def test_text_far_away_changes_nothing(filler):
    cases = [
        (f"My name is {NAME}.", NAME, "PERSON"),
        (f"We met {NAME}.", NAME, "PERSON"),
        ("phone 202-555-0143", "202-555-0143", "PHONE_NUMBER"),
        ("order 202-555-0143", "202-555-0143", "PHONE_NUMBER"),
        (f"card {CARD}", CARD, "CREDIT_CARD"),
        (f"number {CARD}", CARD, "CREDIT_CARD"),
    ]
    for text, value, kind in cases:
        alone = is_redacted(text, value, kind)
        assert is_redacted(f"{filler}\n{text}", value, kind) is alone
        assert is_redacted(f"{text}\n{filler}", value, kind) is alone


def test_kinds_without_a_rule_are_left():
    assert not is_redacted("in Lindqvist", "Lindqvist", "LOCATION")


def test_the_longest_wins_then_the_order_of_kinds_and_no_part_of_a_finding_is_left():
    def red(start, end, kind):
        return Redaction(start, end, kind, "")

    order = ["PERSON", "PHONE_NUMBER", "URL"]
    assert without_overlaps([red(0, 5, "URL"), red(1, 9, "PERSON")], order) == [
        red(0, 1, "URL"),
        red(1, 9, "PERSON"),
    ]
    assert without_overlaps([red(2, 4, "PERSON"), red(0, 9, "URL")], order) == [red(0, 9, "URL")]
    tie = [red(0, 4, "URL"), red(0, 4, "PHONE_NUMBER")]
    assert without_overlaps(tie, order) == [red(0, 4, "PHONE_NUMBER")]
    assert without_overlaps(reversed(tie), order) == [red(0, 4, "PHONE_NUMBER")]
    around = [red(2, 8, "PERSON"), red(0, 3, "URL"), red(7, 9, "URL")]
    assert without_overlaps(around, order) == [red(0, 2, "URL"), red(2, 8, "PERSON"),
                                               red(8, 9, "URL")]  # fmt: skip


def test_placeholders_take_the_place_of_exactly_the_redacted_characters():
    text = "😀 字 𝔘: a@b, 12345."
    found = [Redaction(7, 10, "EMAIL_ADDRESS", ""), Redaction(12, 17, "SECRET", "GITHUB_TOKEN")]
    assert cover(text, found) == (
        "😀 字 𝔘: <PRESIDIO_ANONYMIZED_EMAIL_ADDRESS>, <DETECT_SECRETS_REDACTED_GITHUB_TOKEN>."
    )
    assert cover(text, []) == text


def test_words_are_whole_unless_a_star_says_otherwise():
    found = words_pattern(("tel", "mobil*", "*phone*", "call me"))
    for text in ("Tel.", "mobilnummer", "MICROPHONES", "call\n me"):
        assert found.search(text), text
    for text in ("hotel", "telly", "immobil", "recall me", "call men"):
        assert not found.search(text), text


def test_the_rules_are_those_of_the_five_kinds():
    assert tuple(RULES.names) == KINDS


def faulty(folder, change):
    raw = yaml.safe_load(DEFAULT_RULES.read_text(encoding="utf-8"))
    change(raw)
    path = folder / "rules.yaml"
    path.write_text(yaml.safe_dump(raw), encoding="utf-8")
    with pytest.raises(WildpaperError) as caught:
        load_rules(path)
    assert str(path) in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda raw: raw["kinds"][0].update(fewer=3), "kinds.0.fewer"),
        (lambda raw: raw["kinds"][1].pop("fewer_than"), "kinds.1.fewer_than"),
        (lambda raw: raw["kinds"][1]["cue"].update(before=-1), "kinds.1.cue.before"),
        (lambda raw: raw["kinds"][0].update(characters="["), "no regular expression"),
        (lambda raw: raw["kinds"].append(raw["kinds"][0]), "each kind may stand here once"),
        (lambda raw: raw["secrets"].update(entropy=3), "secrets.entropy"),
    ],
)
def test_faults_of_the_file_are_named_by_file_and_key(tmp_path, change, named):
    assert named in faulty(tmp_path, change)


def test_a_file_that_is_no_yaml_is_an_error(tmp_path):
    (tmp_path / "rules.yaml").write_text("a: [", encoding="utf-8")
    with pytest.raises(WildpaperError, match="Cannot read the rules"):
        load_rules(tmp_path / "rules.yaml")
