"""A data card tells the Hub and the reader what a release holds, and nothing that it hides."""

from datetime import UTC, datetime

import pyarrow as pa
import pytest
import yaml
from assembling import (
    NAME,
    PLACEHOLDER,
    assemble,
    language_of,
    random_calls,
    read_json,
    read_release,
)
from rawlog_writing import RELEASE, SALT, Logs, chat, release

from wildpaper.config_release import ReleaseConfig
from wildpaper.release.data_card import CardFacts, data_card
from wildpaper.release.published_counts import VariantCounts
from wildpaper.release.published_features import FIELDS, MESSAGE_FIELDS, hub_features
from wildpaper.release.published_front_matter import size_category
from wildpaper.release.published_schema import MESSAGE, PUBLISHED

OWN = RELEASE | {"name": "own", "simulated": False, "licence": "unknown"}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("linked")
    released = release(folder, Logs(random_calls(7, 40)), 3)
    return folder, assemble(folder, released, folder / "raw" / "rawlogs" / "acquired.json")


def parts(card):
    """Return the front matter and the text of a card."""
    start, head, text = card.split("---\n", 2)
    assert start == ""
    return yaml.safe_load(head), text


def read_card(out, variant):
    return parts((out / f"wildchat-{variant}" / "README.md").read_text(encoding="utf-8"))


def card_of(
    variant="full", counts=None, simulated=True, licence="CC0-1.0", annotators=None, **set_
):
    facts = CardFacts(
        variant=variant,
        counts=counts or VariantCounts(),
        n_file_bytes=7,
        simulated=simulated,
        licence=licence,
        toxic_threshold=0.1,
        settings=ReleaseConfig(**set_),
        annotators=annotators or {},
    )
    return parts(data_card(facts))


@pytest.mark.parametrize("variant", ["full", "public"])
def test_the_head_counts_what_the_files_hold(whole, variant):
    rows = read_release(whole[1], variant)
    head, text = read_card(whole[1], variant)
    info = head["dataset_info"]
    assert [split["num_examples"] for split in info["splits"]] == [len(rows)]
    files = sorted((whole[1] / f"wildchat-{variant}").glob("train-*.parquet"))
    assert info["download_size"] == sum(path.stat().st_size for path in files)
    assert info["dataset_size"] == info["splits"][0]["num_bytes"]
    arrow = pa.Table.from_pylist(rows, PUBLISHED).nbytes
    assert info["dataset_size"] == pytest.approx(arrow, rel=0.05)
    assert head["size_categories"] == ["n<1K"]
    spoken = {language_of(m["content"]) for row in rows for m in row["conversation"]}
    codes = {"English": "en", "French": "fr"}
    assert head["language"] == sorted(codes[name] for name in spoken - {"Nolang"})
    assert variant == "public" or spoken == {"English", "French", "Nolang"}
    assert f"| conversations | {len(rows)} |" in text
    assert f"| turns | {sum(row['turn'] for row in rows)} |" in text
    redacted = sum(m["redacted"] for row in rows for m in row["conversation"])
    assert f"Redacted: {redacted} messages in" in text


def test_the_files_that_the_head_names_are_all_there_are(whole):
    for variant in ("full", "public"):
        (config,) = read_card(whole[1], variant)[0]["configs"]
        (data,) = config["data_files"]
        folder = whole[1] / f"wildchat-{variant}"
        assert sorted(folder.glob(data["path"])) == sorted(folder.glob("*.parquet"))


def test_only_the_full_variant_warns_of_toxic_conversations(whole):
    n_toxic = read_json(whole[1] / "report.json")["n_toxic_conversations"]
    assert f"**Toxic content** in {n_toxic} conversations" in read_card(whole[1], "full")[1]
    assert "Toxic content" not in read_card(whole[1], "public")[1]


def test_a_simulated_release_says_so_and_an_own_one_does_not():
    assert "**Simulated.**" in card_of()[1]
    head, text = card_of(simulated=False, licence="unknown")
    assert "imulated" not in text + head["pretty_name"]
    assert "withdraw" in text


@pytest.mark.parametrize(
    ("licence", "simulated", "wanted"),
    [
        ("CC0-1.0", True, {"license": "cc0-1.0"}),
        ("ODC-BY-1.0", True, {"license": "odc-by"}),
        ("Our: own\nterms", True, {"license": "other", "license_name": "our-own-terms"}),
        ("ODC-BY-1.0", False, {"license": "other", "license_name": "odc-by-1.0"}),
        ("unknown", False, {"license": "other", "license_name": "unknown"}),
    ],
)
def test_the_licence_is_that_of_the_raw_logs(licence, simulated, wanted):
    head, _ = card_of(licence=licence, simulated=simulated)
    assert {k: v for k, v in head.items() if k.startswith("license")} == wanted


def test_all_fields_are_described_and_no_others():
    assert list(FIELDS) == PUBLISHED.names
    assert list(MESSAGE_FIELDS) == [field.name for field in MESSAGE]
    text = card_of()[1]
    for name in [*FIELDS, *(f"conversation.{name}" for name in MESSAGE_FIELDS)]:
        assert f"| `{name}` |" in text


def test_a_type_that_the_hub_has_no_name_for_is_refused():
    with pytest.raises(ValueError, match="decimal"):
        hub_features(pa.schema({"x": pa.decimal128(5)}))


@pytest.mark.parametrize(
    ("n", "name"),
    [(0, "n<1K"), (999, "n<1K"), (1_000, "1K<n<10K"), (837_989, "100K<n<1M"),
     (9_999_999, "1M<n<10M"), (10_000_000, "n>10M")],
)  # fmt: skip
def test_the_size_is_one_of_the_hubs_categories(n, name):
    assert size_category(n) == name


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"linking": {"address_hash": "hmac"}}, "HMAC-SHA-256"),
        ({"linking": {"within_hours": 6}}, "at most 6 hours"),
        ({"linking": {"same_model": False}}, "of the same client that"),
        ({"linking": {"across_addresses": False}}, "exchange, from the same address. "),
        ({"linking": {"continued_parents": "branch"}}, "branches are conversations of their own"),
        ({"linking": {"missing_turn": "keep-rest"}}, "the rest is kept"),
        ({"linking": {"withdrawal": "session"}}, "conversation of that session. "),
        ({"redaction": {"secrets": False}}, "were **not** looked for"),
        ({"redaction": {"patterns": "analysed"}}, "in messages in these languages only"),
        ({"redaction": {"name_models": {}}}, "names in messages in no language"),
        ({"timestamp": "first"}, "that of its first turn"),
        ({"unknown_places": "skip"}, "turns without a place do not count"),
        ({"nolang": "skip"}, "messages without a language do not count"),
        ({"blank_texts": "ignore"}, "holds white space only"),
        ({"sexual_minors": "keep"}, "**Conversations in which the moderation labels flag"),
    ],
)
def test_each_choice_is_told_and_only_where_it_was_made(settings, says):
    assert says in card_of(simulated=False, **settings)[1]
    assert says not in card_of(simulated=False)[1]


def test_texts_from_outside_stay_on_their_line_and_mark_nothing_up():
    counts = VariantCounts(n_conversations=1, n_turns=1)
    counts.models.update(["gpt|x`<b>\n# Head\n---", "\n"])
    _, text = card_of(counts=counts, annotators={"language": "a`\n---\nb"})
    assert "gpt x b Head --- 1" in text
    assert "unnamed 1" in text
    assert "language by `a --- b`" in text


def test_a_card_holds_the_days_of_the_data_and_not_today(whole):
    text = read_card(whole[1], "full")[1]
    assert "| first and last turn (UTC) | 2023-04-10, 2023-04-10 |" in text
    assert datetime.now(UTC).date().isoformat() not in text
    late = datetime(2024, 5, 1, 23, tzinfo=UTC)
    counts = VariantCounts(first=datetime(2023, 4, 9, tzinfo=UTC), last=late)
    assert "2023-04-09, 2024-05-01" in card_of(counts=counts)[1]
    assert "none, none" in card_of()[1]


def test_a_card_and_a_report_hold_no_address_session_salt_or_text(tmp_path):
    text = f"I am {NAME} and this is a long message."
    released = release(tmp_path, Logs(chat(0, text, "Hello there.", ip="240.77.66.55")), 1)
    out = assemble(tmp_path, released, tmp_path / "raw" / "rawlogs" / "acquired.json")
    (row,) = read_release(out, "full")
    assert row["conversation"][0]["content"] == text.replace(NAME, PLACEHOLDER)
    for path in (p for p in out.rglob("*") if p.suffix in (".md", ".json")):
        written = path.read_text(encoding="utf-8")
        for secret in ("240.77.66.55", SALT, NAME, "long message", "Hello there"):
            assert secret not in written
    for path in out.rglob("*.parquet"):
        assert NAME.encode() not in path.read_bytes()
