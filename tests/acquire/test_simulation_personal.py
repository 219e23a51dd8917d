"""What is personal in simulated messages, and whether the rules of redaction reach it."""

import hashlib
import itertools
import random
import re
from collections import Counter, defaultdict

import pytest
import tldextract
import yaml
from detect_secrets.core.scan import scan_line
from detect_secrets.settings import transient_settings
from linking_oracle import Logs, link, texts_of
from presidio_analyzer.predefined_recognizers import (
    CreditCardRecognizer,
    EmailRecognizer,
    PhoneRecognizer,
    UrlRecognizer,
)
from simulating import PUBLISHED, Run, large_study, small_study

from wildpaper.acquire.simulation.compose import LANGUAGES, PERSONAL_KINDS, Traits
from wildpaper.acquire.simulation.personal import (
    PUBLIC,
    SHARE,
    Item,
    draw_personal,
    placeholder,
)
from wildpaper.acquire.simulation.personal_messages import SHORTEST_WITH_NAME, compose_personal
from wildpaper.acquire.simulation.personal_words import FAMILY, GIVEN
from wildpaper.acquire.simulation.text_lexicon import lexicon_of

RULES = PUBLISHED.parent / "redaction" / "rules.yaml"
RECOGNIZERS = {"PHONE_NUMBER": PhoneRecognizer, "EMAIL_ADDRESS": EmailRecognizer,
               "CREDIT_CARD": CreditCardRecognizer, "URL": UrlRecognizer}  # fmt: skip
REACHES = {
    "PERSON": {"within", "no-cue", "language"},
    "PHONE_NUMBER": {"within", "no-cue", "frequent"},
    "EMAIL_ADDRESS": {"within", "stop-pattern", "frequent"},
    "CREDIT_CARD": {"within", "no-cue"},
    "URL": {"within", "other-link"},
    "SECRET": {"within"},
}


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> Run:
    return large_study(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def large_logs(large) -> Logs:
    return link(large.rawlogs)


@pytest.fixture(scope="module")
def said(large) -> dict[str, str]:
    """Return the user messages by their SHA-256."""
    texts = {call["request"]["messages"][-1]["content"] for call in large.answered()}
    return {hashlib.sha256(text.encode()).hexdigest(): text for text in texts}


@pytest.fixture(scope="module")
def rules() -> dict[str, dict]:
    kinds = yaml.safe_load(RULES.read_text(encoding="utf-8"))["kinds"]
    return {rule["kind"]: rule for rule in kinds}


def cue_before(rule: dict, text: str, value: str) -> bool:
    """Say whether a cue of a rule stands around a value, reading the rule as it is described."""
    cue = rule["cue"]
    start = text.index(value)
    around = text[max(0, start - cue["before"]) : start]
    if "after" in cue:
        around += " \n " + text[start + len(value) :][: cue["after"]]
    patterns = (
        ("" if word.startswith("*") else r"(?<!\w)")
        + re.escape(word.strip("*")).replace(r"\ ", r"\s+")
        + ("" if word.endswith("*") else r"(?!\w)")
        for word in cue["words"]
    )
    return any(re.search(pattern, around, re.IGNORECASE) for pattern in patterns)


def test_personal_values_stand_where_personal_json_says(large):
    texts = {}
    for call in large.answered():
        text = call["request"]["messages"][-1]["content"]
        key = call["session"], call["time"], hashlib.sha256(text.encode()).hexdigest()
        texts[key] = text
    planted = large.json("personal.json")["planted"]
    elsewhere = [
        one["kind"]
        for one in planted
        if one["value"] not in texts[one["session"], one["time"], one["message_sha256"]]
    ]
    assert elsewhere == []
    found = defaultdict(set)
    for one in planted:
        assert list(one) == [
            "kind", "value", "language", "time", "session", "message_sha256", "reach",
        ]  # fmt: skip
        found[one["kind"]].add(one["reach"])
    assert found == REACHES
    messages = large.realised["simulated.personal.messages"]
    assert messages == pytest.approx(SHARE * large.realised["collection.turns-released"], rel=0.3)


def test_the_truth_counts_what_released_messages_hold(large, large_logs):
    planted = defaultdict(dict)
    for one in large.json("personal.json")["planted"]:
        planted[one["message_sha256"]][one["kind"]] = one["reach"]
    counts: Counter = Counter()
    for chain in large_logs.released:
        for text in texts_of(chain, "user"):
            for item in planted[hashlib.sha256(text.encode()).hexdigest()].items():
                counts[item] += 1
    truth = {
        tuple(name.split(".")[2:]): n
        for name, n in large.realised.items()
        if name.startswith("simulated.personal.") and not name.endswith(".messages")
    }
    assert truth == counts
    assert all(counts[kind, "within"] >= 25 for kind in PERSONAL_KINDS)


def test_public_values_turn_up_in_more_conversations_than_the_rules_allow(large, rules):
    planted = large.json("personal.json")["planted"]
    for item in PUBLIC:
        n = len({(o["session"], o["time"]) for o in planted if o["value"] == item.value})
        assert n >= max(12, rules[item.kind]["fewer_than"])
    rare = Counter(one["value"] for one in planted if one["reach"] == "within")
    assert max(rare.values()) < min(rule["fewer_than"] for rule in rules.values())


def test_public_values_turn_up_often_in_the_smallest_study_too(tmp_path_factory):
    planted = small_study(tmp_path_factory.getbasetemp()).json("personal.json")["planted"]
    counts = Counter(one["value"] for one in planted)
    assert all(counts[item.value] >= 12 for item in PUBLIC)


def test_values_are_no_parts_of_each_other_and_of_nothing_else(large, said):
    planted = large.json("personal.json")["planted"]
    values = {one["value"] for one in planted}
    parts = [(a, b) for a, b in itertools.permutations(values, 2) if a in b]
    assert parts == []
    for names in (GIVEN, FAMILY):
        lower = [name.lower() for name in names]
        pairs = itertools.permutations(lower, 2)
        assert not [a for a, b in pairs if b.startswith(a) or b.endswith(a)]
    holders = {one["message_sha256"] for one in planted}
    plain = "\n".join(text for key, text in said.items() if key not in holders)
    elsewhere = [value for value in values if value in plain]
    assert elsewhere == []


def test_replies_hold_nothing_personal_and_no_name_behind_a_cue(large_logs, large, rules):
    replies = "\n".join(t for c in large_logs.released for t in texts_of(c, "assistant"))
    told = [
        one["kind"] for one in large.json("personal.json")["planted"] if one["value"] in replies
    ]
    assert told == []
    cues = "|".join(rules["PERSON"]["cue"]["words"])
    named = re.findall(rf"\b(?i:{cues})\b[^\n]{{0,20}}?\b[A-Z]\w+ [A-Z]\w+", replies)
    assert named == []


@pytest.fixture(scope="module")
def recognizers():
    offline = tldextract.TLDExtract(suffix_list_urls=(), cache_dir=None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("tldextract.extract", offline)
        yield {kind: make() for kind, make in RECOGNIZERS.items()}


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_within_reach_is_recognised_whole_and_has_its_cue(language, recognizers, rules):
    draw = random.Random(language)
    missed = []
    for text, item in personal_texts(draw, language, 90):
        if item.kind in RECOGNIZERS and item.reach in ("within", "no-cue"):
            spans = recognizers[item.kind].analyze(text, [item.kind], None)
            if item.value not in {text[span.start : span.end] for span in spans}:
                missed.append((item.kind, item.value[:6]))
        if "cue" in rules[item.kind] if item.kind in rules else False:
            cued = cue_before(rules[item.kind], text, item.value) or item.value[0] == "+"
            wanted = item.reach == "within"
            if item.reach != "language" and cued != wanted:
                missed.append((item.kind, item.reach))
    assert missed == []


def personal_texts(draw: random.Random, language: str, n: int):
    """Yield (text, item) of what is drawn for a language."""
    for _ in range(n):
        personal = draw_personal(draw, language)
        traits = Traits(
            language, "user", draw.choice([5, 30, 100]), draw.randrange(24), personal=personal
        )
        text = compose_personal(draw, traits)
        yield from ((text, item) for item in personal)


def test_names_stand_in_messages_that_tell_their_language_and_no_story(rules):
    draw = random.Random(3)
    words = "|".join(word.strip("*") for word in rules["PERSON"]["refuse_texts"])
    n = 0
    for text, item in personal_texts(draw, "English", 500):
        if item.kind == "PERSON":
            n += 1
            assert len(text.split()) >= SHORTEST_WITH_NAME * 0.8
            assert not re.search(rf"\b(?:{words})", text, re.IGNORECASE)
    assert n > 80


def test_mail_addresses_and_links_within_reach_are_not_refused(rules):
    draw = random.Random(4)
    starts, ends = (tuple(rules["EMAIL_ADDRESS"]["refuse"][k]) for k in ("starts", "ends"))
    for _, item in personal_texts(draw, "English", 800):
        if item.kind == "EMAIL_ADDRESS":
            refused = item.value.startswith(starts) or item.value.endswith(ends)
            assert refused == (item.reach == "stop-pattern")
        if item.kind == "URL":
            profile = any(part in item.value for part in rules["URL"]["contains"])
            assert profile == (item.reach == "within")


def test_keys_are_found_under_the_name_that_their_mark_says():
    draw = random.Random(5)
    plugins = yaml.safe_load(RULES.read_text(encoding="utf-8"))["secrets"]["plugins"]
    names = [{"name": plugin["plugin"]} for plugin in plugins]
    marks = set()
    with transient_settings({"plugins_used": names}):
        for text, item in personal_texts(draw, "German", 400):
            if item.kind == "SECRET":
                line = next(line for line in text.split("\n") if item.value in line)
                (found,) = scan_line(line)
                name = found.type.upper().replace(" ", "_")
                # Of GitHub's the detector names the first letters only.
                assert item.value.startswith(found.secret_value)
                assert placeholder(item) == f"<DETECT_SECRETS_REDACTED_{name}>"
                marks.add(placeholder(item))
    assert len(marks) == 5


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_announces_every_kind(language):
    lexicon = lexicon_of(language)
    assert set(lexicon.cues) == set(PERSONAL_KINDS)
    assert {"PHONE_NUMBER", "CREDIT_CARD"} <= set(lexicon.bare)
    frames = (*lexicon.cues.values(), *lexicon.bare.values())
    assert all(frame.count("{v}") == 1 for group in frames for frame in group)


def test_names_are_left_in_languages_other_than_english_only_for_that():
    draw = random.Random(6)
    for language in LANGUAGES[1:]:
        reaches = {item.reach for _ in range(200) for item in draw_personal(draw, language)
                   if item.kind == "PERSON"}  # fmt: skip
        assert reaches == {"language"}


@pytest.mark.parametrize("language", ["German", "French", "Russian", "Portuguese"])
def test_a_number_without_a_cue_keeps_clear_of_words_that_would_be_one(language, rules):
    """A map is a card in many languages, and one topic is full of maps, another of letters."""
    draw = random.Random(language)
    item = Item("CREDIT_CARD", "4242 4300 0000 0000", "no-cue")
    texts = [
        compose_personal(
            draw, Traits(language, "user", 60, draw.choice([11, 15]), personal=(item,))
        )
        for _ in range(80)
    ]
    assert not any(cue_before(rules["CREDIT_CARD"], text, item.value) for text in texts)
    anywhere = {"cue": rules["CREDIT_CARD"]["cue"] | {"before": 10**6, "after": 10**6}}
    assert sum(cue_before(anywhere, text, item.value) for text in texts) > 10
