"""What the rules of redaction are meant to catch may not stand in a released text."""

import json

import jsonschema
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from leak_planting import PROMPT, VALUES, study

from wildpaper.errors import WildpaperError
from wildpaper.files import read_json
from wildpaper.publish.leaks import scan_release
from wildpaper.schema import FREQUENCIES

OTHER_MAIL, OTHER_PHONE = "jonas.demir9@post.example.org", "+1 303-555-0122"
CARD = "5555 5555 5555 4444"


def release(folder, texts, toxic=(), n_files=1, **rows):
    """Write both variants; `toxic` texts stand in the full one only."""
    paths = {"full": [], "public": []}
    for variant, chosen in (("full", [*texts, *toxic]), ("public", texts)):
        for k in range(n_files):
            part = [
                {"conversation": [{"content": text, "language": language, "role": "user"}]}
                for text, language in (
                    one if isinstance(one, tuple) else (one, "English") for one in chosen
                )
            ][k::n_files]
            path = folder / f"wildchat-{variant}" / f"train-{k}.parquet"
            path.parent.mkdir(exist_ok=True, parents=True)
            schema = pa.schema(
                {"conversation": pa.list_(pa.struct({"content": pa.string(),
                 "language": pa.string(), "role": pa.string()}))}
            )  # fmt: skip
            pq.write_table(pa.Table.from_pylist(part, schema), path)
            paths[variant].append(path)
    return paths


def scanned(folder, project, texts, toxic=(), n_files=1, frequent=(), card="A card.", **fields):
    folder.mkdir(exist_ok=True)
    paths = release(folder, texts, toxic, n_files)
    counts = [
        {"entity": kind, "value": value.lower(), "n_conversations": n}
        for kind, value, n in frequent
    ]
    pq.write_table(pa.Table.from_pylist(counts, FREQUENCIES), folder / "frequencies.parquet")
    (folder / "wildchat-full" / "README.md").write_text(card, encoding="utf-8")
    scan_release(
        **paths,
        **(study(folder) | fields),
        others=[folder / "wildchat-full" / "README.md"],
        assessment=[],
        frequencies=folder / "frequencies.parquet",
        rules=project / "data/redaction/rules.yaml",
        report=folder / "leaks.json",
    )
    return read_json(folder / "leaks.json")


LEFT = {
    "EMAIL_ADDRESS": f"Write to {OTHER_MAIL} soon.",
    "PHONE_NUMBER": f"My phone: {OTHER_PHONE}.",
    "CREDIT_CARD": f"My card is {CARD}.",
    "URL": "See https://www.linkedin.com/in/jonas-invented for more.",
    "SECRET": "key " + "AK" + "IA" + "Z2B4" * 4 + " here",
}


@pytest.mark.parametrize("kind", LEFT)
def test_what_the_rules_would_redact_is_a_leak_that_is_told_by_kind(tmp_path, project, kind):
    with pytest.raises(WildpaperError, match=f"{kind} by the rules") as caught:
        scanned(tmp_path, project, ["Hello."], toxic=[LEFT[kind]])
    message = str(caught.value)
    assert "found 1 times" in message
    assert "wildchat-full/train-0.parquet" in message
    assert not any(word in message for word in LEFT[kind].split() if len(word) > 9)
    assert not (tmp_path / "leaks.json").exists()


@pytest.mark.parametrize("name", ["TEXT", "SESSION", "EMAIL_ADDRESS"])
def test_needles_are_looked_for_in_texts_and_in_the_card(tmp_path, project, name):
    with pytest.raises(WildpaperError, match=rf"public/train-0.parquet: {name} \(1\)"):
        scanned(tmp_path / "text", project, [f"so: {VALUES[name]}"])
    with pytest.raises(WildpaperError, match=rf"README.md: {name} \(1\)"):
        scanned(tmp_path / "card", project, ["Hi."], card=f"# Card\n\n{VALUES[name]}")


def test_what_the_rules_leave_is_counted_by_kind_and_in_any_files_the_same(tmp_path, project):
    texts = [
        f"Write to info@post.example.org or {OTHER_MAIL}.",
        f"Again: {OTHER_MAIL}.",
        f"Once more: {OTHER_MAIL}.",
        ("Voir https://post.example.org/fr et rien de plus.", "French"),
        "<PRESIDIO_ANONYMIZED_PERSON> and <DETECT_SECRETS_REDACTED_GITHUB_TOKEN> were here.",
    ]
    known = {"frequent": [("EMAIL_ADDRESS", OTHER_MAIL, 10)]}
    one, three = (
        scanned(tmp_path / f"{n}", project, texts, n_files=n, toxic=texts[1:2], **known)
        for n in (1, 3)
    )
    assert one == three
    schema = read_json(project / "data/schemas/leaks.schema.json")
    jsonschema.validate(one, schema)
    assert one["n_texts"] == 5
    assert one["left_by_rules"]["EMAIL_ADDRESS"] == 5
    assert one["left_by_rules"]["URL"] >= 1
    assert OTHER_MAIL not in json.dumps(one)


def test_a_value_is_left_from_the_threshold_on_and_not_below(tmp_path, project):
    with pytest.raises(WildpaperError, match="EMAIL_ADDRESS by the rules"):
        scanned(tmp_path, project, [OTHER_MAIL], frequent=[("EMAIL_ADDRESS", OTHER_MAIL, 9)])


def test_a_placeholder_is_no_cue_and_brings_none_nearer(tmp_path, project):
    """Each number was too far from its cue before the redaction, or had none."""
    texts = [
        f"<PRESIDIO_ANONYMIZED_CREDIT_CARD> {CARD}",
        f"Card: <DETECT_SECRETS_REDACTED_PRIVATE_KEY> {CARD}",
    ]
    found = scanned(tmp_path, project, texts)
    assert found["left_by_rules"]["CREDIT_CARD"] == 2


def test_texts_are_read_in_covered_languages_only_where_the_option_says_so(tmp_path, project):
    text = [(f"Ysgrifennwch at {OTHER_MAIL}.", "Welsh")]
    with pytest.raises(WildpaperError, match="EMAIL_ADDRESS by the rules"):
        scanned(tmp_path / "all", project, text)
    fields = {"patterns": "analysed", "name_models": {"English": "x"}}
    found = scanned(tmp_path / "some", project, text, **fields)
    assert "EMAIL_ADDRESS" not in found["left_by_rules"]


def test_a_released_text_of_somebody_who_withdrew_is_a_leak_though_redacted_elsewhere(
    tmp_path, project
):
    text = f"{PROMPT} <PRESIDIO_ANONYMIZED_PHONE_NUMBER>"
    with pytest.raises(WildpaperError, match=r"TEXT \(1\)"):
        scanned(tmp_path, project, [text])
