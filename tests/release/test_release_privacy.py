"""Addresses are hashed with a secret, and neither leaves the release stage."""

import hashlib
import hmac
import json
import logging
import os
import pickle

import pyarrow.parquet as pq
import pytest
from rawlog_writing import RELEASE, SALT, Logs, call, chat, consent, release

from wildpaper.errors import WildpaperError
from wildpaper.release.salt import SALT as VARIABLE
from wildpaper.release.salt import SALT_FILE, AddressHasher, read_salt

OWN = RELEASE | {"name": "own", "simulated": False}
SECRET = "5e" * 32


@pytest.fixture(autouse=True)
def no_salt(monkeypatch):
    monkeypatch.delenv(VARIABLE, raising=False)
    monkeypatch.delenv(SALT_FILE, raising=False)


def salt_file(folder, text=SECRET, mode=0o600):
    path = folder / "salt.txt"
    path.write_text(text + "\n", encoding="utf-8")
    path.chmod(mode)
    return path


def hashed(salt, ip="240.0.0.1"):
    return hashlib.sha256(salt + ip.encode()).hexdigest()


@pytest.mark.parametrize(
    ("text", "salt"),
    [(SECRET, bytes.fromhex(SECRET)), ("no hex but long enough ß", "no hex but long enough ß")],
)
def test_own_logs_take_the_salt_of_the_environment(tmp_path, monkeypatch, text, salt):
    monkeypatch.setenv(VARIABLE, text)
    released = release(tmp_path, Logs(chat(0, "Hi.", "Hello."), release=OWN))
    wanted = hashed(salt if isinstance(salt, bytes) else salt.encode())
    assert released.rows("turns")[0]["hashed_ip"] == wanted
    assert released.rows("conversations")[0]["user"] == wanted


def test_own_logs_take_the_salt_of_a_private_file(tmp_path, monkeypatch):
    monkeypatch.setenv(SALT_FILE, str(salt_file(tmp_path)))
    released = release(tmp_path, Logs(chat(0, "Hi.", "Hello."), release=OWN))
    assert released.rows("turns")[0]["hashed_ip"] == hashed(bytes.fromhex(SECRET))


def test_a_simulated_corpus_takes_its_own_salt_whatever_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv(VARIABLE, SECRET)
    released = release(tmp_path, Logs(chat(0, "Hi.", "Hello.")))
    assert released.rows("turns")[0]["hashed_ip"] == hashed(bytes.fromhex(SALT))


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
def test_a_salt_that_others_can_read_is_refused(tmp_path, monkeypatch, mode):
    monkeypatch.setenv(SALT_FILE, str(salt_file(tmp_path, mode=mode)))
    with pytest.raises(WildpaperError, match="Others can read the salt") as caught:
        read_salt(tmp_path / "rawlogs" / "acquired.json", simulated=False)
    assert f"{mode:04o}" in str(caught.value)
    assert "chmod 600" in str(caught.value)


def test_without_a_salt_nothing_is_released(tmp_path):
    """The planted salt of a simulated corpus, which is public, is not for people's logs."""
    with pytest.raises(WildpaperError, match="No salt") as caught:
        release(tmp_path, Logs(chat(0, "Hi.", "Hello."), release=OWN))
    assert VARIABLE in caught.value.hint
    assert SALT_FILE in caught.value.hint
    assert not list(tmp_path.glob("out/**/*"))


@pytest.mark.parametrize("short", ["abcd", "5e" * 15, "fifteen letters"])
def test_a_short_salt_is_refused_and_not_shown(monkeypatch, tmp_path, short):
    monkeypatch.setenv(VARIABLE, short)
    with pytest.raises(WildpaperError, match="shorter than 16 bytes") as caught:
        read_salt(tmp_path / "acquired.json", simulated=False)
    assert short not in str(caught.value)


@pytest.mark.parametrize("personal", [None, "{", "[]", "{}", '{"salt": ""}', '{"salt": 7}'])
def test_a_simulated_corpus_without_its_salt_is_an_error(tmp_path, monkeypatch, personal):
    monkeypatch.setenv(VARIABLE, SECRET)
    if personal is not None:
        (tmp_path / "personal.json").write_text(personal, encoding="utf-8")
    with pytest.raises(WildpaperError, match="simulated corpus is missing"):
        read_salt(tmp_path / "rawlogs" / "acquired.json", simulated=True)


def test_a_missing_file_of_the_salt_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setenv(SALT_FILE, str(tmp_path / "nowhere"))
    with pytest.raises(WildpaperError, match="FileNotFoundError"):
        read_salt(tmp_path / "acquired.json", simulated=False)


def test_another_salt_gives_other_hashes_and_the_same_users():
    ips = [f"240.0.0.{i}" for i in range(50)]
    one, other = ({AddressHasher(salt)(ip) for ip in ips} for salt in (b"1" * 16, b"2" * 16))
    assert len(one) == len(other) == 50
    assert not one & other


def test_the_default_hash_is_that_of_the_paper():
    hasher = AddressHasher(b"1" * 16)
    assert hasher("240.0.0.1") == hashed(b"1" * 16) == hasher("240.0.0.1")
    assert AddressHasher(b"1" * 16, "sha256")("2001:db8::1") == hashed(b"1" * 16, "2001:db8::1")


def test_hmac_takes_the_salt_as_its_key():
    """RFC 4231, test case 2, whose key is shorter than any salt we read."""
    wanted = "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert AddressHasher(b"Jefe", "hmac")("what do ya want for nothing?") == wanted
    other = hmac.new(b"2" * 80, b"240.0.0.1", hashlib.sha256).hexdigest()
    assert AddressHasher(b"2" * 80, kind="hmac")("240.0.0.1") == other


def test_only_hmac_tells_salt_and_address_apart():
    """SHA-256 over both: a salt that ends as an address begins gives the same hash."""
    salt = b"1" * 16
    one, other = ((salt, "240.0.0.1"), (salt + b"2", "40.0.0.1"))
    assert AddressHasher(one[0])(one[1]) == AddressHasher(other[0])(other[1])
    assert AddressHasher(one[0], "hmac")(one[1]) != AddressHasher(other[0], "hmac")(other[1])


@pytest.mark.parametrize(("salt", "kind"), [(b"", "sha256"), (b"", "hmac"), (b"1" * 16, "md5")])
def test_no_salt_and_unknown_hashes_are_refused(salt, kind):
    with pytest.raises(ValueError, match=r"salt|unknown"):
        AddressHasher(salt, kind)


@pytest.mark.parametrize("kind", ["sha256", "hmac"])
def test_a_hasher_does_not_show_or_pass_on_its_salt(kind):
    salt = b"a salt that nobody sees"
    hasher = AddressHasher(salt, kind)
    shown = repr(hasher) + str(hasher) + repr([getattr(hasher, name) for name in hasher.__slots__])
    assert salt.decode() not in shown
    assert salt.hex() not in shown
    with pytest.raises(TypeError):
        pickle.dumps(hasher)


def everything_written(folder):
    """Return all bytes below a folder, and all values of parquet files, uncompressed."""
    contents = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        contents.append(path.read_bytes())
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            contents.append(json.dumps(table.to_pylist(), default=str).encode())
            contents.append(repr(table.schema.metadata).encode())
    return b"\n".join(contents)


def test_no_address_session_or_salt_is_written_or_logged(tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    ips = ("240.77.66.55", "2001:db8::beef", "240.11.22.33")
    sessions = ("cafe" * 8, "feed" * 8, "f00d" * 8)
    calls = [
        *chat(0, "Hi.", "Hello.", "More?", "Yes.", ip=ips[0], session=sessions[0]),
        *chat(9, "Hi.", "Good day.", ip=ips[1], session=sessions[1]),
        call(11, ["Hi.", "Good day.", "And?"], "No.", ip=ips[2], session=sessions[1]),
        call(12, ["Hi.", "Never.", "And?"], "No.", ip=ips[2], session=sessions[2]),
        {**call(13, ["Hi."], "Hm.", ip=ips[2], session=sessions[2]), "time": ips[2]},
    ]
    consents = [line for session in sessions[:2] for line in consent(session)]
    released = release(tmp_path, Logs(calls, consents))
    written = everything_written(released.folder) + caplog.text.encode()
    assert len(released.rows("turns")) == 4
    assert b"Good day." in written
    for secret in (*ips, "10.0.0.7", *sessions, SALT):
        assert secret.encode() not in written
    assert bytes.fromhex(SALT) not in written
    assert SALT not in repr(AddressHasher(bytes.fromhex(SALT)))


def test_a_compressed_log_leaves_nothing_in_the_temporary_folder(tmp_path, monkeypatch):
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    release(tmp_path / "run", Logs(chat(0, "Hi.", "Hello."), packed=True))
    assert os.listdir(scratch) == []
