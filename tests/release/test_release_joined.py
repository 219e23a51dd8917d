"""A release is refused whose tables or labels do not fit together, by name."""

import pytest
from assembling import assemble, rewrite, write_redacted, write_shards
from rawlog_writing import Logs, call, release

from wildpaper.errors import WildpaperError


@pytest.fixture(scope="module")
def linked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("linked")
    return folder, release(folder, Logs(chats(30)), 5)


def chats(n):
    """Return the calls of n chats of one to three turns."""
    texts = ["Hi.", "Hello.", "More?", "Yes.", "And?", "No."]
    return [
        call(i * 100 + turn, texts[: 2 * turn + 1], texts[2 * turn + 1], ip=f"240.0.0.{i}")
        for i in range(n)
        for turn in range(i % 3 + 1)
    ]


def drop(place):
    return lambda rows: [row for i, row in enumerate(rows) if i != place]


def double(place):
    return lambda rows: [row for i, row in enumerate(rows) for _ in range(1 + (i == place))]


def surplus(rows):
    return [*rows, rows[-1] | {"conversation_id": 10**6}]


def another(rows):
    return [*rows, rows[-1] | {"position": rows[-1]["position"] + 1}]


@pytest.mark.parametrize("label", ["language", "detoxify", "moderation"])
@pytest.mark.parametrize(
    ("change", "what"),
    [
        (drop(0), "conversation 0, position 0 not at all"),
        (drop(1), "conversation 0, position 1 not at all"),
        (double(1), "conversation 0, position 1 twice"),
        (surplus, "rows of conversations that do not exist"),
        (another, "but not among the messages"),
        (lambda rows: rows[:-1], "not at all"),
        (lambda rows: rows[::-1], "not in the order of conversation_id"),
        (lambda rows: [*rows[1:], rows[0]], "not in the order of conversation_id"),
    ],
)
def test_a_label_missing_doubled_or_too_many_is_an_error_by_name(
    tmp_path, linked, label, change, what
):
    folder, released = linked
    labels = write_shards(tmp_path, released)
    rewrite(labels[label][0], change)
    rawlogs = folder / "raw" / "rawlogs" / "acquired.json"
    with pytest.raises(WildpaperError, match=what) as caught:
        assemble(tmp_path, released, rawlogs, labels=labels)
    assert str(labels[label][0]) in str(caught.value)
    assert not list(tmp_path.glob("release/**/*.*"))


@pytest.mark.parametrize(
    ("kind", "change", "what"),
    [
        ("conversations", drop(3), "ids other than"),
        ("conversations", double(3), "ids other than"),
        ("redacted", drop(3), "not at all"),
        ("redacted", double(3), "twice"),
        ("turns", drop(3), "not at all"),
        ("turns", double(3), "twice"),
        ("redacted", lambda rows: [{**row, "role": "user"} for row in rows], "roles other than"),
    ],
)
def test_tables_that_do_not_fit_together_are_an_error(tmp_path, kind, change, what):
    released = release(tmp_path, Logs(chats(12)), 2)
    labels = write_shards(tmp_path, released)
    redacted = write_redacted(tmp_path, released)
    spoilt = (redacted if kind == "redacted" else released.paths[kind])[1]
    rewrite(spoilt, change)
    rawlogs = tmp_path / "raw" / "rawlogs" / "acquired.json"
    with pytest.raises(WildpaperError, match=what) as caught:
        assemble(tmp_path, released, rawlogs, labels=labels, redacted=redacted)
    assert str(spoilt) in str(caught.value)
    assert not list(tmp_path.glob("release/**/*.*"))


def test_messages_that_were_not_redacted_are_refused(tmp_path):
    """The tables of linking look alike, but lack the column that redaction adds."""
    released = release(tmp_path, Logs(chats(6)), 2)
    rawlogs = tmp_path / "raw" / "rawlogs" / "acquired.json"
    with pytest.raises(WildpaperError, match=r"missing columns \['redacted'\]"):
        assemble(tmp_path, released, rawlogs, redacted=released.paths["messages"])
    assert not list(tmp_path.glob("release/**/*.*"))
