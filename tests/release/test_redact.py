"""From messages to redacted messages: search, counts and rules together, on true models."""

import logging
import random

import pyarrow.parquet as pq
import pytest
from entity_files import KINDS, MODELS, entities_of, write_shard

from wildpaper.errors import WildpaperError
from wildpaper.release.redaction.entities import find_entities, find_in_texts
from wildpaper.release.redaction.frequencies import count_entities
from wildpaper.release.redaction.redact import redact_messages
from wildpaper.release.redaction.redaction_rules import load_rules, redactions_of
from wildpaper.schema import MESSAGES, REDACTED, REDACTIONS

NAME, PHONE, MAIL = "Mara Lindqvist", "+1 202-555-0143", "mara.l@mail.example.net"
CARD, LINK = "4242 4242 4242 4242", "https://www.linkedin.com/in/invented-mara-1"
KEY = "gh" + "p_" + "Ab3" * 12
TEXT = (
    f"😀 字𝔘 Hello, my name is {NAME}, I live in Uppsala. Call {PHONE} or write to {MAIL}. "
    f"My credit card is {CARD}, and my profile is {LINK} if you need it.\nMy key: {KEY}\nThanks"
)
WANTED = (
    "😀 字𝔘 Hello, my name is <PRESIDIO_ANONYMIZED_PERSON>, I live in Uppsala. "
    "Call <PRESIDIO_ANONYMIZED_PHONE_NUMBER> or write to <PRESIDIO_ANONYMIZED_EMAIL_ADDRESS>. "
    "My credit card is <PRESIDIO_ANONYMIZED_CREDIT_CARD>, and my profile is "
    "<PRESIDIO_ANONYMIZED_URL> if you need it.\n"
    "My key: <DETECT_SECRETS_REDACTED_GITHUB_TOKEN>\nThanks"
)


def redact(folder, *shards, secrets=True):
    """Find, count and redact the rows of shards; return the tables of both outputs."""
    found, files = [], []
    for name, rows in enumerate(shards):
        found.append(entities_of(folder, rows, str(name)))
        files.append(write_shard(folder, rows, str(name)))
    count_entities(found, folder / "frequencies.parquet")
    tables = []
    for name, ((messages, language), entities) in enumerate(zip(files, found, strict=True)):
        paths = folder / f"redacted-{name}.parquet", folder / f"redactions-{name}.parquet"
        redact_messages(
            messages, language, entities, folder / "frequencies.parquet", None, *paths, secrets
        )
        tables.append(tuple(pq.read_table(path) for path in paths))
    return tables


def texts_of(tables):
    return [text for redacted, _ in tables for text in redacted["text"].to_pylist()]


def test_a_message_loses_what_is_personal_and_nothing_else(tmp_path):
    rows = [(1, TEXT, "English"), (1, "Nothing personal here.", "English"), (3, "", "Nolang")]
    [(redacted, redactions)] = redact(tmp_path, rows)
    assert redacted.schema.remove_metadata().equals(REDACTED)
    assert redactions.schema.remove_metadata().equals(REDACTIONS)
    assert redacted["text"].to_pylist() == [WANTED, rows[1][1], ""]
    assert redacted["redacted"].to_pylist() == [True, False, False]
    before = pq.read_table(tmp_path / "messages-0.parquet")
    kept = [name for name in MESSAGES.names if name != "text"]
    assert redacted.select(kept).equals(before.select(kept))
    found = redactions.to_pylist()
    assert [(TEXT[row["start"] : row["end"]], row["kind"], row["detail"]) for row in found] == [
        (NAME, "PERSON", ""),
        (PHONE, "PHONE_NUMBER", ""),
        (MAIL, "EMAIL_ADDRESS", ""),
        (CARD, "CREDIT_CARD", ""),
        (LINK, "URL", ""),
        (KEY, "SECRET", "GITHUB_TOKEN"),
    ]


def test_secrets_can_be_left(tmp_path):
    [(redacted, _)] = redact(tmp_path, [(1, TEXT, "English")], secrets=False)
    assert redacted["text"].to_pylist() == [WANTED.replace(
        "<DETECT_SECRETS_REDACTED_GITHUB_TOKEN>", KEY)]  # fmt: skip


def test_names_are_left_in_other_languages_and_patterns_are_not(tmp_path):
    [(redacted, _)] = redact(tmp_path, [(1, TEXT, "German")])
    assert redacted["text"].to_pylist() == [WANTED.replace("<PRESIDIO_ANONYMIZED_PERSON>", NAME)]


@pytest.mark.parametrize(("n", "hidden"), [(9, True), (10, False)])
def test_more_conversations_lift_a_value_above_the_threshold(tmp_path, n, hidden):
    text = f"write to {MAIL}"
    shards = [(id_, text, "Thai") for id_ in range(n)], [(n - 1, text.upper(), "Thai")]
    found = texts_of(redact(tmp_path, *shards))
    assert all(("ANONYMIZED" in one) is hidden for one in found)


def test_many_messages_of_one_conversation_do_not(tmp_path):
    found = texts_of(redact(tmp_path, [(1, f"write to {MAIL}", "Thai")] * 30))
    assert all("ANONYMIZED" in one for one in found)


def test_the_cut_into_shards_and_the_order_do_not_matter(tmp_path):
    rng = random.Random(3)
    bits = [NAME, PHONE, MAIL, CARD, LINK, "my name is", "card", "phone", ".\n", "and so on"]
    rows = [(n, " ".join(rng.choices(bits, k=6)), rng.choice(["English", "Thai"]))
            for n in range(40)]  # fmt: skip
    whole = texts_of(redact(tmp_path, rows))
    assert 0 < sum("<" in text for text in whole) < len(whole)
    parts = redact(tmp_path, rows[1::2], rows[0::2])
    assert [text for pair in zip(texts_of(parts[1:]), texts_of(parts[:1]), strict=True)
            for text in pair] == whole  # fmt: skip


def card_number(n):
    digits = f"42424242424{n:04d}"
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(digits)]
    return digits + str(-sum(value // 10 + value % 10 for value in doubled) % 10)


def test_a_redacted_text_holds_nothing_that_the_rules_would_redact(tmp_path):
    rng = random.Random(11)
    joints = ["I am", "card", "tel", ",", "/", "@", "-", "x", "\n", "(", ".", "+", "1", "www."]
    rows = []
    for n in range(200):
        phone = f"+1 202-555-01{n % 100:02d}"
        own = [f"mara{n}@mail.example.net", f"{LINK}{n}", card_number(n), phone]
        bits = rng.choices([*own, *joints], k=12)
        rows.append((n, "".join(bit + rng.choice(["", " "]) for bit in bits), "Thai"))
    rules = load_rules()
    [(redacted, redactions)] = redact(tmp_path, rows)
    assert set(redactions["kind"].to_pylist()) >= set(KINDS) - {"PERSON"}
    counted = pq.read_table(tmp_path / "frequencies.parquet").to_pylist()
    known = {(row["entity"], row["value"]): row["n_conversations"] for row in counted}
    pairs = [(text, "Thai") for text in redacted["text"].to_pylist()]
    searched = find_in_texts(pairs, KINDS, {})
    left = [
        (text, redactions_of(text, "Thai", spans, known, rules))
        for (text, _), spans in zip(pairs, searched, strict=True)
    ]
    assert [one for one in left if one[1]] == []


def test_what_a_placeholder_uncovers_is_redacted_too(tmp_path):
    [(redacted, redactions)] = redact(tmp_path, [(1, f"😀 {MAIL}{LINK} x", "Thai")])
    mail, link = "<PRESIDIO_ANONYMIZED_EMAIL_ADDRESS>", "<PRESIDIO_ANONYMIZED_URL>"
    assert redacted["text"].to_pylist() == [f"😀 {mail}{link} x"]
    places = [(row["start"], row["end"]) for row in redactions.to_pylist()]
    middle = 2 + len(MAIL)
    assert places == [(2, middle), (middle, middle + len(LINK))]


def test_a_placeholder_is_no_cue_to_what_stands_beside_it(tmp_path):
    other = "202-555-0178"
    text = f"My phone: {PHONE}, and then comes a spare part with {other} on it."
    far = text.index(other) - text.index("phone") - len("phone")
    near = text.index(other) - text.index(PHONE) - len(PHONE)
    assert near < 40 < far
    tables = redact(tmp_path, [(1, text, "English")])
    [found] = texts_of(tables)
    assert found == text.replace(PHONE, "<PRESIDIO_ANONYMIZED_PHONE_NUMBER>")


def test_an_empty_shard_gives_empty_files(tmp_path):
    [(redacted, redactions)] = redact(tmp_path, [])
    assert (redacted.num_rows, redactions.num_rows) == (0, 0)
    assert redacted.schema.remove_metadata().equals(REDACTED)


def test_a_message_of_five_megabytes_is_redacted(tmp_path):
    long = "lorem ipsum dolor sit amet " * 190_000
    [(redacted, _)] = redact(tmp_path, [(1, long + TEXT + long[:50], "Latin")])
    text = redacted["text"].to_pylist()[0]
    assert text.startswith(long)
    assert text[len(long) : -50] == WANTED.replace("<PRESIDIO_ANONYMIZED_PERSON>", NAME)


def test_nothing_personal_is_logged(tmp_path, caplog):
    with caplog.at_level(logging.DEBUG):
        redact(tmp_path, [(1, TEXT, "English")])
    assert not [value for value in (NAME, PHONE, MAIL, CARD, LINK, KEY) if value in caplog.text]


def test_findings_of_other_messages_are_refused_without_their_values(tmp_path):
    redact(tmp_path, [(1, TEXT, "English")])
    others = {"text": [(1, TEXT[1:], "English")], "place": [(2, TEXT, "English")]}
    for name, rows in others.items():
        messages, language = write_shard(tmp_path, rows, name)
        with pytest.raises(WildpaperError, match="Files of different runs") as caught:
            redact_messages(
                messages, language, tmp_path / "entities-0.parquet",
                tmp_path / "frequencies.parquet", None, tmp_path / "a", tmp_path / "b",
            )  # fmt: skip
        assert NAME not in str(caught.value)
    assert not (tmp_path / "a").exists()


def test_counts_without_a_found_value_are_refused(tmp_path):
    redact(tmp_path, [(1, "Nothing.", "English")])
    messages, language = write_shard(tmp_path, [(1, TEXT, "English")], "x")
    find_entities(messages, language, tmp_path / "e.parquet", None, MODELS)
    with pytest.raises(WildpaperError, match="no count of"):
        redact_messages(
            messages, language, tmp_path / "e.parquet", tmp_path / "frequencies.parquet", None,
            tmp_path / "a", tmp_path / "b",
        )  # fmt: skip
