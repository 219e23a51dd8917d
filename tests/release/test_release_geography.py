"""Places come from the database that was current, and a damaged one is an error."""

import logging
import random
from datetime import datetime

import maxminddb
import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet
from rawlog_writing import START, Logs, call, consent, release

from wildpaper.errors import WildpaperError
from wildpaper.release import geography
from wildpaper.release.geography import Geography

DAY = 86_400


def write_database(path, records, kind="GeoLite2-City", version=6):
    writer = MMDBWriter(
        ip_version=version, ipv4_compatible=version == 6, database_type=kind
    )  # fmt: skip
    for network, (country, *states) in records.items():
        record = {
            "country": {"names": {"en": country, "de": "Anderswo"}},
            "subdivisions": [{"names": {"en": state}} for state in states],
        }
        writer.insert_network(IPSet([network]), record)
    writer.to_db_file(str(path))
    return path, path.name


@pytest.fixture
def databases(tmp_path):
    return [
        write_database(
            tmp_path / f"GeoLite2-City_{date}.mmdb",
            {"240.1.0.0/16": (f"Land {date}", "Big", f"Small {date}"), "2001:db8::/33": ("Sea",)},
        )
        for date in ("20230410", "20230412", "20230401")
    ]


def places(released):
    return [(row["country"], row["state"]) for row in released.rows("turns")]


def release_calls(folder, databases, *calls):
    return release(folder, Logs(list(calls), databases=databases))


def one(day, ip, microsecond=0):
    """Return a call in April 2023, a moment after the day's beginning or before it."""
    seconds = (datetime(2023, 4, day, tzinfo=START.tzinfo) - START).total_seconds() - DAY
    return call(seconds + microsecond / 1e6, ["Hi."], "Hello.", ip=ip)


def test_the_newest_database_not_after_the_turn_is_asked(tmp_path, databases):
    calls = [
        one(9, "240.1.2.3"), one(10, "240.1.2.3", -1), one(10, "240.1.2.3"),
        one(12, "240.1.2.3", -1), one(12, "240.1.2.3"), one(30, "240.1.2.3"),
    ]  # fmt: skip
    logs = Logs(calls, consent(agree=-9 * DAY, publish=-9 * DAY), databases=databases)
    dates = ["20230401", "20230401", "20230410", "20230410", "20230412", "20230412"]
    released = release(tmp_path, logs)
    assert places(released) == [(f"Land {date}", f"Small {date}") for date in dates]
    assert released.report["geography"]["databases"] == sorted(name for _, name in databases)


def test_before_all_databases_the_oldest_is_asked(databases):
    places = Geography([path for path, _ in databases])
    assert places.locate("240.1.2.3", 0) == ("Land 20230401", "Small 20230401")


@pytest.mark.parametrize(
    "ip", ["240.2.0.1", "2001:db8:8000::1", "", "unknown", "240.1.2.3:80", "240.1.2", "240.1.02.3",
           "fe80::1%eth0", "::", "1" * 400],
)  # fmt: skip
def test_an_address_that_is_not_found_has_no_place(databases, ip):
    assert Geography([path for path, _ in databases]).locate(ip, 0) == (None, None)


def test_an_unknown_place_is_counted(tmp_path, databases):
    released = release_calls(tmp_path, databases, one(11, "240.2.0.1"))
    assert places(released) == [(None, None)]
    assert released.report["geography"]["n_turns_unknown"] == 1


@pytest.mark.parametrize("version", [4, 6])
def test_an_address_of_ipv4_in_the_form_of_ipv6_is_where_it_is(tmp_path, version):
    path, _ = write_database(tmp_path / "City.mmdb", {"240.1.0.0/16": ("Land",)}, version=version)
    found = [Geography([path]).locate(ip, 0) for ip in ("240.1.2.3", "::ffff:240.1.2.3")]
    assert found == [("Land", None), ("Land", None)]
    assert Geography([path]).locate("2001:db8::5", 0) == (None, None)


def test_a_country_without_states(tmp_path, databases):
    released = release_calls(tmp_path, databases, one(11, "2001:db8::5"))
    assert places(released) == [("Sea", None)]
    assert released.report["geography"]["n_turns_located"] == 1


def test_country_and_state_of_a_conversation_are_separate_modes(tmp_path, databases):
    texts = ["Hi.", "Hello.", "And?", "Yes.", "And?", "Yes.", "So?", "Yes."]
    ips = ["240.1.0.1", "240.9.0.1", "2001:db8::5", "2001:db8::5"]
    start = one(11, "")["time"]
    calls = []
    for i, ip in enumerate(ips):
        calls.append(call(0, texts[: 2 * i + 1], texts[2 * i + 1], ip=ip))
        calls[-1]["time"] = start.replace(".000000", f".{i:06d}")
    released = release(tmp_path, Logs(calls, consent(agree=-9), databases=databases))
    (found,) = released.rows("conversations")
    assert (found["country"], found["state"]) == ("Sea", None)


def test_without_databases_places_are_unknown(tmp_path):
    released = release_calls(tmp_path, [], one(11, "240.1.2.3"))
    assert places(released) == [(None, None)]


def test_a_database_without_a_date_in_its_name_counts_from_when_it_was_built(tmp_path, databases):
    path, _ = write_database(tmp_path / "City-99999999-20231345.mmdb", {"240.0.0.0/4": ("New",)})
    both = Geography([path, databases[0][0]])
    assert both.names == ["GeoLite2-City_20230410.mmdb", "City-99999999-20231345.mmdb"]


def test_of_two_databases_of_one_date_the_last_by_name_is_asked(tmp_path):
    names = ("b_20230404.mmdb", "a_2023-04-04.mmdb", "c_20230404.mmdb")
    paths = [write_database(tmp_path / n, {"240.0.0.0/4": (n[0],)})[0] for n in names]
    for listed in (paths, paths[::-1]):
        found = Geography(listed)
        assert found.names == sorted(names)
        assert found.locate("240.1.2.3", 2**60) == ("c", None)


def test_a_database_of_the_future_answers_for_nothing_earlier(tmp_path, databases):
    path, _ = write_database(tmp_path / "City_20991231.mmdb", {"240.0.0.0/4": ("Future",)})
    now = int(datetime(2026, 1, 1, tzinfo=START.tzinfo).timestamp() * 1e6)
    both = Geography([path, databases[1][0]])
    assert both.locate("240.1.2.3", now)[0] == "Land 20230412"
    assert both.locate("240.1.2.3", 0)[0] == "Land 20230412"
    assert both.locate("240.1.2.3", 2**52)[0] == "Future"
    assert Geography([path]).locate("240.1.2.3", now)[0] == "Future"


@pytest.mark.parametrize(
    ("name", "year"),
    [("x_20230230.mmdb", None), ("x_00000000.mmdb", None), ("20220101-20230101.mmdb", 2022),
     ("x_20231345_20220101.mmdb", 2022), ("x_1202201015.mmdb", None)],
)  # fmt: skip
def test_what_is_no_date_in_a_name_is_passed_over(tmp_path, name, year):
    path, _ = write_database(tmp_path / name, {"240.0.0.0/4": ("X",)})
    late, _ = write_database(tmp_path / "y_20220102.mmdb", {"240.0.0.0/4": ("Y",)})
    assert Geography([late, path]).names[0] == (name if year else "y_20220102.mmdb")


def test_what_is_remembered_is_bounded_and_changes_nothing(databases, monkeypatch):
    """Read with room for two addresses and for all, in an order that pushes them out."""
    rng = random.Random(3)
    asked = [
        (f"240.{rng.randrange(3)}.2.{rng.randrange(9)}", rng.choice((0, 2**51))) for _ in range(500)
    ]
    paths = [path for path, _ in databases]
    roomy = Geography(paths)
    monkeypatch.setattr(geography, "_MOST_KNOWN", 2)
    narrow = Geography(paths)
    assert [roomy.locate(*one) for one in asked] == [narrow.locate(*one) for one in asked]
    assert narrow._known.cache_info().currsize == 2
    assert roomy._known.cache_info().hits > 400


@pytest.mark.parametrize(
    "record",
    ["text", 7, ["country"], {}, {"country": "X"}, {"country": {"names": "X"}},
     {"country": {"names": {"de": "X"}}}, {"country": {"names": {"en": 7}}},
     {"subdivisions": {"names": {"en": "X"}}}, {"subdivisions": []}, {"subdivisions": ["X"]}],
)  # fmt: skip
def test_a_record_of_another_shape_is_no_place(tmp_path, record):
    writer = MMDBWriter(database_type="City")
    writer.insert_network(IPSet(["240.0.0.0/4"]), record)
    writer.to_db_file(str(tmp_path / "City.mmdb"))
    assert Geography([tmp_path / "City.mmdb"]).locate("240.1.2.3", 0) == (None, None)


def test_a_database_of_something_else_is_refused(tmp_path):
    path, name = write_database(tmp_path / "GeoLite2-ASN.mmdb", {"240.0.0.0/4": ("X",)}, "ASN")
    with pytest.raises(WildpaperError, match="type is 'ASN'") as caught:
        Geography([path])
    assert name in str(caught.value)


@pytest.mark.realdata
def test_a_real_database_knows_england(tmp_path, realdata):
    path = realdata / "geoip" / "GeoLite2-City-Test.mmdb"
    assert Geography([path]).locate("81.2.69.142", 0) == ("United Kingdom", "England")
    assert Geography([path]).locate("::ffff:81.2.69.142", 0) == ("United Kingdom", "England")
    database = (path, "GeoLite2-City_20230404.mmdb")
    released = release_calls(tmp_path, [database], one(11, "81.2.69.142"))
    assert places(released) == [("United Kingdom", "England")]


@pytest.mark.realdata
def test_a_real_database_of_countries_knows_no_states(realdata):
    path = realdata / "geoip" / "GeoLite2-Country-Test.mmdb"
    assert Geography([path]).locate("81.2.69.160", 0) == ("United Kingdom", None)


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "when"),
    [
        ("GeoIP2-City-Test-Broken-Double-Format.mmdb", "at a lookup"),
        ("GeoIP2-City-Test-Invalid-Node-Count.mmdb", "when it was opened"),
    ],
)
def test_a_damaged_real_database_is_a_clear_error(tmp_path, realdata, caplog, name, when):
    caplog.set_level(logging.DEBUG)
    database = (realdata / "geoip" / name, name)
    with pytest.raises(WildpaperError, match=when) as caught:
        release_calls(tmp_path, [database], one(11, "81.2.69.142"))
    assert name in str(caught.value)
    assert caught.value.hint
    assert "81.2.69.142" not in str(caught.value) + caplog.text
    assert caught.value.__suppress_context__
    assert not list(tmp_path.glob("out/**/*.parquet"))


@pytest.mark.realdata
def test_no_damage_to_a_database_ends_in_anything_but_places_or_a_clear_error(tmp_path, realdata):
    """Bytes changed and ends cut off at random; by the reader in Python, as C crashes at some."""
    whole = (realdata / "geoip" / "GeoLite2-City-Test.mmdb").read_bytes()
    rng, errors = random.Random(8), []
    for i in range(150):
        data = bytearray(whole)
        for _ in range(rng.choice((20, 200))):
            data[rng.randrange(len(data))] = rng.randrange(256)
        path = tmp_path / f"{i}.mmdb"
        path.write_bytes(data[: rng.randrange(len(data))] if i % 4 == 0 else data)
        try:
            found = Geography([path])
            assert type(found._databases[0][3]).__module__ == "maxminddb.reader"
            for ip in ("81.2.69.142", "2.125.160.216", "2001:218::1"):
                country, state = found.locate(ip, 0)
                assert {type(country), type(state)} <= {str, type(None)}
        except WildpaperError as error:
            errors.append(str(error))
            assert str(path) in errors[-1]
    assert any("at a lookup" in error for error in errors)
    assert any("when it was opened" in error for error in errors)
    assert len(errors) < 150


def test_text_that_is_no_utf8_in_a_database_is_damage_and_not_an_unknown_place(tmp_path):
    path, _ = write_database(tmp_path / "City.mmdb", {"240.0.0.0/4": ("Landmark",)})
    path.write_bytes(path.read_bytes().replace(b"Landmark", b"Land\xff\xffrk"))
    assert maxminddb.open_database(path, maxminddb.MODE_MMAP).get("1.1.1.1") is None
    with pytest.raises(WildpaperError, match="at a lookup"):
        Geography([path]).locate("240.1.2.3", 0)


def test_a_file_that_is_no_database_is_a_clear_error(tmp_path):
    path = tmp_path / "City_20230404.mmdb"
    path.write_bytes(b"not a database")
    with pytest.raises(WildpaperError, match="when it was opened"):
        Geography([path])
