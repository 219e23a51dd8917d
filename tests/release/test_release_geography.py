"""Places come from the database that was current, and a damaged one is an error."""

from datetime import datetime

import pytest
from mmdb_writer import MMDBWriter
from netaddr import IPSet
from rawlog_writing import START, Logs, call, consent, release

from wildpaper.errors import WildpaperError
from wildpaper.release.geography import Geography

DAY = 86_400


def write_database(path, records, kind="GeoLite2-City"):
    writer = MMDBWriter(ip_version=6, ipv4_compatible=True, database_type=kind)
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
    "ip", ["240.2.0.1", "2001:db8:8000::1", "unknown", "240.1.2.3:80", "240.1.2", "fe80::1%eth0"]
)
def test_an_address_that_is_not_found_has_no_place(tmp_path, databases, ip):
    released = release_calls(tmp_path, databases, one(11, ip))
    assert places(released) == [(None, None)]
    assert released.report["geography"]["n_turns_unknown"] == 1


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


def test_a_database_of_something_else_is_refused(tmp_path):
    path, name = write_database(tmp_path / "GeoLite2-ASN.mmdb", {"240.0.0.0/4": ("X",)}, "ASN")
    with pytest.raises(WildpaperError, match="type is 'ASN'") as caught:
        Geography([path])
    assert name in str(caught.value)


@pytest.mark.realdata
def test_a_real_database_knows_england(tmp_path, realdata):
    database = (realdata / "geoip" / "GeoLite2-City-Test.mmdb", "GeoLite2-City_20230404.mmdb")
    released = release_calls(tmp_path, [database], one(11, "81.2.69.142"))
    assert places(released) == [("United Kingdom", "England")]


@pytest.mark.realdata
@pytest.mark.parametrize(
    ("name", "when"),
    [
        ("GeoIP2-City-Test-Broken-Double-Format.mmdb", "at a lookup"),
        ("GeoIP2-City-Test-Invalid-Node-Count.mmdb", "when it was opened"),
    ],
)
def test_a_damaged_real_database_is_a_clear_error(tmp_path, realdata, name, when):
    database = (realdata / "geoip" / name, name)
    with pytest.raises(WildpaperError, match=when) as caught:
        release_calls(tmp_path, [database], one(11, "81.2.69.142"))
    assert name in str(caught.value)
    assert "81.2.69.142" not in str(caught.value)
    assert caught.value.__suppress_context__
    assert not list(tmp_path.glob("out/**/*.parquet"))


def test_a_file_that_is_no_database_is_a_clear_error(tmp_path):
    path = tmp_path / "City_20230404.mmdb"
    path.write_bytes(b"not a database")
    with pytest.raises(WildpaperError, match="when it was opened"):
        Geography([path])
