"""The update of June, measured on conversations whose flagged messages are known."""

import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from planting import Chat, Said, measure_chats, random_chats, run_measure, write_chats

from wildpaper.errors import WildpaperError
from wildpaper.measure.toxicity.judged import open_judged
from wildpaper.measure.toxicity.june_series import iso_of, number_of, read_turns
from wildpaper.measure.toxicity.june_update import CLAIM, VARIANTS, measure_june_update

UPDATE = date(2023, 6, 27)
OWN = "own.june-update"


def chats_around(before, after, user=0.1, days=30, per_day=8, seed=1, users=40):
    """Return one-turn conversations around the update; replies are flagged as often as told."""
    draw = random.Random(seed)
    chats = []
    for shift in range(-days, days):
        start = datetime(2023, 6, 27, tzinfo=UTC) + timedelta(days=shift)
        for i in range(per_day):
            when = start + timedelta(hours=i)
            rate = after if shift >= 0 else before
            asked = Said("user", flagged=draw.random() < user)
            reply = Said("assistant", flagged=draw.random() < rate, timestamp=when)
            model = "gpt-4-0314" if i == 0 else "gpt-3.5-turbo-0613"
            chats.append(Chat([asked, reply], f"u{draw.randrange(users)}", model, "Japan", when))
    return chats


def measure_june(folder, chats, project, **options):
    settings = {"newey_west_days": 7, "published": project / "data/published.yaml"}
    return measure_chats(measure_june_update, folder, chats, **(settings | options))


def test_a_plain_drop_makes_the_printed_date_the_obtained_one(tmp_path, project):
    measured = measure_june(tmp_path, chats_around(0.6, 0.1), project)
    claims = measured.claims
    assert claims[CLAIM].value == "2023-06-27"
    assert CLAIM not in measured.notes
    change = claims[f"{OWN}.difference.value"]
    assert change.ci_low < -50 < change.ci_high < 0
    for role in ("chatbot", "user"):
        own = {key: claims[f"{OWN}.{role}.{key}"] for key in ("before", "after", "change", "ratio")}
        assert own["change"].value == pytest.approx(own["after"].value - own["before"].value)
        assert own["ratio"].value == pytest.approx(own["after"].value / own["before"].value)
        assert all(cell.ci_low <= cell.value <= cell.ci_high for cell in own.values())
    assert claims[f"{OWN}.chatbot.p"].value < 1e-3 < 0.05 < claims[f"{OWN}.user.p"].value
    placebo = claims[f"{OWN}.placebo.p"]
    assert placebo.value == pytest.approx(1 / (1 + placebo.n))
    found = date.fromisoformat(claims[f"{OWN}.strongest-break"].value)
    assert abs((found - UPDATE).days) <= 2
    p = [claims[f"{OWN}.difference.p{kind}"].value for kind in ("", "-newey-west", "-by-user")]
    assert p[0] == max(p[1:])


@pytest.mark.parametrize(("before", "after", "user"), [(0.3, 0.3, 0.3), (0.1, 0.6, 0.1)])
def test_without_a_drop_the_claim_is_none_and_says_why(tmp_path, project, before, after, user):
    measured = measure_june(tmp_path, chats_around(before, after, user, seed=4), project)
    assert measured.claims[CLAIM].value == "none"
    assert "no drop at 2023-06-27" in measured.notes[CLAIM]
    assert f"p = {measured.claims[f'{OWN}.difference.p'].value:.2g}" in measured.notes[CLAIM]


@pytest.mark.parametrize(
    "chats",
    [
        chats_around(0.5, 0.1, days=13),
        [c for c in chats_around(0.5, 0.1) if c.timestamp.date() >= UPDATE],
        chats_around(0.5, 0.1, users=1),
        chats_around(0.0, 0.0, user=0.0),
        chats_around(1.0, 1.0, user=0.0),
        [],
    ],
    ids=["few days", "one side", "one user", "nothing flagged", "all replies", "nothing"],
)
def test_where_the_data_do_not_suffice_there_is_no_value_but_a_reason(tmp_path, project, chats):
    measured = measure_june(tmp_path, chats, project)
    assert measured.claims[CLAIM].value is None
    for key in ("chatbot.p", "difference.p", "placebo.p"):
        assert measured.claims[f"{OWN}.{key}"].value is None
    reason = "14 days" if chats else "no messages"
    assert reason in measured.notes[CLAIM] == measured.notes[f"{OWN}.difference.value"]


def test_missing_labels_are_the_reason_given(tmp_path, project):
    chats = chats_around(0.5, 0.1, days=16)
    for chat in chats:
        for said in chat.messages:
            said.toxicity = None
    measured = measure_june(tmp_path, chats, project)
    assert "no Detoxify score" in measured.notes[CLAIM]


@pytest.mark.parametrize("gaps", [False, True])
def test_turns_are_judged_prompts_with_their_judged_replies(tmp_path, gaps):
    chats = random_chats(150, seed=3, gaps=gaps)
    chats[5].timestamp = None
    for said in chats[6].messages:
        said.timestamp = None
    paths = write_chats(tmp_path, chats, n_shards=2, shuffle=1)
    names = ("report", "conversations", "messages", "detoxify", "moderation")
    with open_judged(*(paths[name] for name in names), 0.1) as opened:
        turns = read_turns(opened)

    def flagged(said):
        if said.toxicity is None or said.flagged is None:
            return None
        return said.text != "" and (said.toxicity > 0.1 or said.flagged)

    expected = Counter()
    for chat in chats:
        for asked, reply in zip(chat.messages, chat.messages[1:], strict=False):
            verdicts = flagged(asked), flagged(reply)
            when = reply.timestamp or chat.timestamp
            if (asked.role, reply.role) == ("user", "assistant") and None not in verdicts and when:
                api = (chat.model or "").startswith("gpt-3.5")
                expected[when.date().isoformat(), api, *verdicts] += 1
    found = Counter()
    columns = (turns.day, turns.gpt35, turns.n, turns.user, turns.chatbot)
    for day, api, n, user, chatbot in zip(*(c.tolist() for c in columns), strict=True):
        found[iso_of(day), api] += n
        found[iso_of(day), "user"] += user
        found[iso_of(day), "chatbot"] += chatbot
    told = Counter()
    for (day, api, asked, replied), n in expected.items():
        told[day, api] += n
        told[day, "user"] += n * asked
        told[day, "chatbot"] += n * replied
    assert +found == +told
    assert number_of(date(1970, 1, 2)) == 1


def test_parts_of_the_data_are_those_that_the_names_say(tmp_path, project):
    chats = chats_around(0.5, 0.1, users=300)
    claims = measure_june(tmp_path, chats, project).claims
    sides = {True: set(), False: set()}
    for chat in chats:
        sides[chat.timestamp.date() < UPDATE].add(chat.user)
    n = {
        "gpt-3.5": sum("3.5" in chat.model for chat in chats),
        "same-users": sum(chat.user in sides[True] & sides[False] for chat in chats),
        "eighty-days": len(chats),
    }
    assert 0 < n["same-users"] < len(chats)
    for name, expected in n.items():
        assert claims[f"{OWN}.{name}.p"].n == expected
    assert {name for name in VARIANTS if claims[f"{OWN}.{name}.value"].value < -20} == set(VARIANTS)


def test_weeks_are_counted_from_the_update(tmp_path, project):
    chats = chats_around(0.5, 0.1, days=20, per_day=4)
    measured = measure_june(tmp_path, chats, project)
    for start in (UPDATE - timedelta(days=7), UPDATE, UPDATE + timedelta(days=14)):
        inside = [c for c in chats if 0 <= (c.timestamp.date() - start).days < 7]
        for place, role in enumerate(("user", "chatbot")):
            cell = measured.cells[start.isoformat(), role]
            share = 100 * sum(c.messages[place].flagged for c in inside) / len(inside)
            assert (cell.value, cell.n) == (pytest.approx(share), len(inside))


def test_users_are_grouped_by_their_conversations(tmp_path, project):
    chats = [*random_chats(120, seed=5, users=30), Chat([Said("user", flagged=True)], "alone")]
    claims = measure_june(tmp_path, chats, project).claims
    often = Counter(chat.user for chat in chats)
    verdicts = {}
    for chat in chats:
        if chat.user is None:
            continue
        n = often[chat.user]
        group = "one" if n == 1 else "two-to-nine" if n < 10 else "ten-or-more"
        for said in chat.messages:
            flagged = said.text != "" and (said.flagged or said.toxicity > 0.1)
            verdicts.setdefault((group, said.role), []).append(flagged)
    for (group, role), known in verdicts.items():
        name = {"user": "user", "assistant": "chatbot"}.get(role)
        if name:
            cell = claims[f"own.anonymity.{group}.{name}"]
            assert (cell.value, cell.n) == (
                pytest.approx(100 * sum(known) / len(known)),
                len(known),
            )


def test_the_bytes_depend_on_neither_shards_nor_order(tmp_path, project):
    chats = chats_around(0.4, 0.2, days=20)
    written = [
        measure_june(tmp_path / str(i), chats, project, write=write).bytes
        for i, write in enumerate(({}, {"n_shards": 3}, {"n_shards": 2, "shuffle": 5}))
    ]
    assert written[0] == written[1] == written[2]


def test_a_published_date_that_is_missing_stops_the_run(tmp_path, project):
    text = (project / "data/published.yaml").read_text(encoding="utf-8")
    broken = tmp_path / "published.yaml"
    broken.write_text(text.replace("'2023-06-27'", "June"), encoding="utf-8")
    paths = write_chats(tmp_path, random_chats(5))
    with pytest.raises(WildpaperError, match="no date") as caught:
        run_measure(measure_june_update, tmp_path, paths, published=broken, newey_west_days=7)
    assert caught.value.where == str(broken)
