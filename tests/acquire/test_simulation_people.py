import ipaddress
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import UTC, datetime

import maxminddb
import pyarrow as pa
import pytest
import yaml
from linking_oracle import Logs, Places, link, sha256, texts_of
from prompt_categories import categories_of
from recovering import toxicity
from simulating import PUBLISHED, Run, large_study, simulate, small_study

from wildpaper.acquire.simulation.addresses import (
    DATABASE,
    MAX_USERS,
    address,
    networks,
    write_database,
)
from wildpaper.acquire.simulation.compose import planted_in
from wildpaper.acquire.simulation.personal import Item, placeholder
from wildpaper.acquire.simulation.places import COUNTRIES, PLACES, language_rows, place_shares
from wildpaper.acquire.simulation.population import draw_blocks
from wildpaper.acquire.simulation.targets import jailbreak_raise, read_targets
from wildpaper.errors import WildpaperError

RESERVED = [ipaddress.ip_network("240.0.0.0/4"), ipaddress.ip_network("2001:db8::/32")]


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Run:
    return small_study(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def large(tmp_path_factory) -> Run:
    return large_study(tmp_path_factory.getbasetemp())


@pytest.fixture(scope="module")
def large_logs(large) -> Logs:
    return link(large.rawlogs)


@pytest.fixture(scope="module")
def tokenizer_json(tmp_path_factory):
    from wildpaper.acquire.tokenizer import from_npm

    sources = yaml.safe_load((PUBLISHED.parent / "sources.yaml").read_text(encoding="utf-8"))
    npm = sources["tokenizers"]["llama2"]["npm"]
    archive = PUBLISHED.parent / "raw" / "llama2-tokenizer" / npm["archive"]
    if not archive.is_file():
        pytest.skip("the Llama-2 tokenizer is absent: make setup")
    path = tmp_path_factory.mktemp("llama2") / "tokenizer.json"
    from_npm(archive, npm["sha256"], path)
    return path


def test_the_marginals_are_about_the_published_ones(large):
    truth = large.realised
    published = read_targets(PUBLISHED).values
    start = "simulated.prompt-categories."
    prompts = {name: n for name, n in truth.items() if name.startswith(start)}
    n_prompts = sum(prompts.values())
    truth |= {name.replace(start, "table-04."): 100 * n / n_prompts for name, n in prompts.items()}
    other = 100 - sum(v for name, v in published.items() if name.startswith("table-04."))
    published |= {"table-04.other": other}
    tolerances = {
        "table-02.": 3.0, "table-03.": 1.5, "table-05.wildchat.": 8.0, "table-06.": 3.0,
        "turns.multi-turn-share": 4.0, "turns.more-than-10-share": 1.5, "turns.mean-text": 0.25,
        "table-01.wildchat.turns-per-conversation": 0.25, "toxicity.sexual-share": 6.0,
        "apis.gpt4-share": 3.0, "table-04.": 3.0,
    }  # fmt: skip
    checked = 0
    for prefix, tolerance in tolerances.items():
        for name in (name for name in truth if name.startswith(prefix)):
            assert truth[name] == pytest.approx(published[name], abs=tolerance), name
            checked += 1
    assert checked > 35
    per_user = truth["collection.conversations-released"] / truth["collection.users"]
    assert per_user == pytest.approx(1_039_785 / 204_736, rel=0.25)


def test_few_users_talk_much():
    blocks = draw_blocks(20_000, read_targets(PUBLISHED), seed=3)
    counts = sorted((n for block in blocks for n in block.n_conversations), reverse=True)
    assert sum(counts) == 20_000
    assert sum(counts[: len(counts) // 10]) > 0.4 * 20_000
    assert Counter(counts).most_common(1)[0][0] <= 2
    assert all(sum(block.n_conversations) < 4100 for block in blocks)
    ends = [block.first_user + len(block.n_conversations) for block in blocks]
    assert [0, *ends[:-1]] == [block.first_user for block in blocks]


def test_the_chatbots_toxicity_falls_in_june(large_logs):
    chains = large_logs.released
    update = datetime(2023, 6, 27, tzinfo=UTC)
    before = toxicity([chain for chain in chains if chain[-1].time < update])
    after = toxicity([chain for chain in chains if chain[-1].time >= update])
    fall = {
        role: before[f"table-06.{role}.either"] - after[f"table-06.{role}.either"]
        for role in ("user", "chatbot")
    }
    assert fall["chatbot"] > 2.0
    assert before["table-06.chatbot.either"] > 1.5 * after["table-06.chatbot.either"]


def test_addresses_are_reserved_and_nobodys_twice(small, large):
    for run in (small, large):
        personal = run.json("personal.json")
        assert len(set(personal["ips"])) == len(personal["ips"])
        assert len(set(personal["sessions"])) == len(personal["sessions"])
        met = {}
        for call in (call for call in run.calls() if call.get("headers")):
            ip, *_, proxy = call["headers"]["x-forwarded-for"].split(", ")
            if ip == "unknown":
                continue
            assert any(ipaddress.ip_address(ip) in network for network in RESERVED)
            assert ipaddress.ip_address(proxy) in ipaddress.ip_network("10.0.0.0/8")
            met.setdefault(ip, set()).add(call["session"])
        assert set(met) <= set(personal["ips"])
        assert any(":" in ip for ip in met)
        with maxminddb.open_database(next(run.rawlogs.glob("geoip/*.mmdb"))) as reader:
            assert any(reader.get(ip) is None for ip in met)


def test_addresses_are_one_to_one_up_to_the_last_user():
    users = [*range(3000), *range(500_000, 501_000), *range(MAX_USERS - 1000, MAX_USERS)]
    for place in (0, 7, len(PLACES) - 1):
        found = {address(place, user, number) for user in users for number in range(4)}
        assert len(found) == 4 * len(users)
        for text in found:
            assert str(ipaddress.ip_address(text)) == text


def test_the_database_knows_countries_and_states(tmp_path):
    (tmp_path / "again").mkdir()
    one, two = tmp_path / DATABASE, tmp_path / "again" / DATABASE
    write_database(one)
    write_database(two)
    assert one.read_bytes() == two.read_bytes()
    states = defaultdict(set)
    with maxminddb.open_database(one) as reader:
        assert reader.metadata().database_type == "GeoLite2-City"
        for place, country in enumerate(COUNTRIES):
            for user in range(60):
                found = reader.get(address(place, user, user % 3))
                assert found["country"] == {"iso_code": country.iso, "names": {"en": country.name}}
                for part in found.get("subdivisions", []):
                    states[country.name].add(part["names"]["en"])
        for user in range(60):
            assert reader.get(address(len(PLACES) - 1, user, 0)) is None
        for network, place, _ in networks():
            first = ipaddress.ip_network(network)[0]
            assert reader.get(first)["country"]["names"]["en"] == COUNTRIES[place].name
    assert states == {c.name: {name for _, name in c.states} for c in COUNTRIES}


def test_networks_change_their_state_between_the_databases_and_no_country(large, large_logs):
    places = Places(large.rawlogs / "geoip")
    early, late = datetime(2023, 6, 1, tzinfo=UTC), datetime(2023, 11, 1, tzinfo=UTC)
    moved, states = set(), defaultdict(set)
    for turn in (turn for chain in large_logs.released for turn in chain):
        before, after = (places.record(replace(turn, time=time)) for time in (early, late))
        if before != after:
            assert before["country"] == after["country"]
            moved.add(after["country"]["iso_code"])
            state = places.record(turn)["subdivisions"][0]["iso_code"]
            states[turn.time >= datetime(2023, 10, 3, tzinfo=UTC)].add(state)
    assert moved == {"US", "RU"}
    assert states == {False: {"WA", "SPE"}, True: {"OR", "LEN"}}


def test_languages_and_countries_have_the_published_margins():
    targets = read_targets(PUBLISHED)
    shares = place_shares(targets.countries)
    assert sum(shares) == pytest.approx(1)
    rows = language_rows(shares, targets.languages)
    for name, wanted in targets.languages.items():
        got = sum(share * row[name] for share, row in zip(shares, rows, strict=True))
        assert got == pytest.approx(wanted, abs=1e-4), name
    by_name = {place.name: row for place, row in zip(PLACES, rows, strict=True)}
    assert by_name["Russia"]["Russian"] > 0.4
    assert by_name["France"]["French"] > by_name["Germany"]["French"]


def test_truth_holds_counts_only_and_says_what_was_raised(small):
    truth, personal = small.json("truth.json"), small.json("personal.json")
    text = (small.folder / "truth.json").read_text(encoding="utf-8")
    assert list(truth) == ["seed", "parameters", "realised", "scaled"]
    secrets = [*personal["ips"], *personal["sessions"], personal["salt"]]
    secrets += [planted["value"] for planted in personal["planted"]]
    assert len(personal["planted"]) >= 1
    n_told = sum(secret in text for secret in secrets)
    assert n_told == 0
    assert "table-08.narotica.occurrences" in truth["scaled"]
    assert "table-08.narotica.success" not in truth["scaled"]
    assert set(truth["scaled"]) <= set(truth["realised"])
    assert jailbreak_raise(200) > 1
    assert jailbreak_raise(1_000_000) == 1


def test_true_token_counts_are_those_of_another_counter(tmp_path, tokenizer_json):
    from wildpaper.annotate.tokens.counter import TokenCounter

    run = simulate(tmp_path, n=200, seed=8, tokenizer=tokenizer_json)
    chains = link(run.rawlogs).released
    counter = TokenCounter(tokenizer_json)
    for role, name in (("user", "user"), ("assistant", "chatbot")):
        texts = [text for chain in chains for text in texts_of(chain, role)]
        counts = counter.count(pa.array(texts, pa.string()))
        truth = run.realised
        assert truth[f"table-01.wildchat.{name}-tokens-mean"] == pytest.approx(
            counts.mean(), rel=1e-12
        )
        assert truth[f"table-01.wildchat.{name}-tokens-std"] == pytest.approx(
            counts.std(), rel=1e-9
        )
    hidden = counter.count(pa.array(redacted_texts(run, chains), pa.string()))
    assert truth["simulated.user-tokens-mean.redacted"] == pytest.approx(hidden.mean(), rel=1e-12)
    assert truth["simulated.user-tokens-std.redacted"] == pytest.approx(hidden.std(), rel=1e-9)
    assert "table-01.wildchat.user-tokens-mean" not in simulate(tmp_path / "no").realised


def redacted_texts(run: Run, chains: list[list]) -> list[str]:
    """Return the released user messages with all that is within reach hidden."""
    within = defaultdict(dict)
    for one in run.json("personal.json")["planted"]:
        if one["reach"] == "within":
            within[one["message_sha256"]][one["value"]] = Item(one["kind"], one["value"])
    found = []
    for text in (text for chain in chains for text in texts_of(chain, "user")):
        original = text
        for value, item in within[sha256(original)].items():
            text = text.replace(value, placeholder(item))
        found.append(text)
    return found


def test_labelled_messages_are_labelled_as_they_read(small):
    parts = {part: small.lines(f"labelled/{part}.jsonl") for part in ("train", "assess")}
    for part, rows in parts.items():
        assert len(rows) == (600 if part == "train" else 300)
        for row in rows:
            keys = list(row)
            assert keys == ["text", "role", "language", "insult", "moderation", "jailbreak"]
            found = planted_in(row["text"])
            assert found == (row["insult"], tuple(row["moderation"]))
        insults = sum(row["insult"] for row in rows) / len(rows)
        assert insults == pytest.approx({"train": 0.35, "assess": 0.30}[part], abs=0.1)
        assert len({row["language"] for row in rows}) > 8
    texts = {part: {row["text"] for row in rows} for part, rows in parts.items()}
    n_common = len(texts["train"] & texts["assess"])
    assert n_common < 60, "short messages recur, the corpora do not"


def test_labelled_prompts_are_labelled_as_they_read(small, project):
    shares = read_targets(PUBLISHED).categories
    listed = yaml.safe_load((project / "data/categories.yaml").read_text("utf-8"))["categories"]
    assert [one["slug"] for one in listed] == list(shares)
    texts = {}
    for part, n in (("train", 1200), ("assess", 600)):
        rows = small.lines(f"labelled/prompts-{part}.jsonl")
        counts = Counter(row["category"] for row in rows)
        assert len(rows) == n
        assert set(counts) == set(shares)
        for row in rows:
            assert list(row) == ["text", "category"]
            assert categories_of(row["text"]) == [row["category"]]
        wanted = {name: (share + 1 / 6) / 2 if part == "train" else share
                  for name, share in shares.items()}  # fmt: skip
        for name, share in wanted.items():
            assert counts[name] / n == pytest.approx(share, abs=4 * (share / n) ** 0.5)
        texts[part] = {row["text"] for row in rows}
    assert texts["train"].isdisjoint(texts["assess"])


def test_too_small_and_too_large_studies_are_refused(tmp_path, monkeypatch):
    with pytest.raises(WildpaperError, match="no room"):
        simulate(tmp_path, n=199)
    monkeypatch.setattr("wildpaper.acquire.simulation.population.MAX_USERS", 500)
    with pytest.raises(WildpaperError, match="have addresses"):
        draw_blocks(12_000, read_targets(PUBLISHED), seed=1)


def test_a_published_value_that_is_missing_is_named(tmp_path):
    claims = yaml.safe_load(PUBLISHED.read_text(encoding="utf-8"))["claims"]
    rest = [claim for claim in claims if claim["id"] != "table-08.narotica.users"]
    path = tmp_path / "published.yaml"
    path.write_text(yaml.safe_dump({"claims": rest}), encoding="utf-8")
    with pytest.raises(WildpaperError, match=r"table-08\.narotica\.users"):
        read_targets(path)


def test_comparison_sets_are_written_and_their_truth_is_told(small):
    for name in ("alpaca", "sharegpt"):
        assert small.json(f"{name}/acquired.json")["release"]["simulated"]
        assert small.realised[f"table-01.{name}.conversations"] >= 20
    acquired = small.json("moderation/acquired.json")
    assert acquired["release"]["simulated"]
    for one in acquired["files"]:
        content = (small.folder / "moderation" / one["name"]).read_bytes()
        assert one["sha256"] == sha256(content.decode("utf-8"))
        assert one["n_bytes"] == len(content) > 0
    names = [one["name"] for one in acquired["files"]]
    assert names == ["moderation-alpaca.jsonl", "moderation-sharegpt.jsonl"]
    assert not (small.folder / "dolly").exists()
    assert "table-01.dolly.conversations" not in small.realised
