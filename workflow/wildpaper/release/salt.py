"""The secret behind hashed addresses: where it comes from, and that it goes nowhere."""

import hashlib
import hmac
import json
import os
import stat
from pathlib import Path
from typing import Any, Literal

from wildpaper.errors import WildpaperError
from wildpaper.files import read_json

SALT = "WILDPAPER_IP_SALT"
SALT_FILE = "WILDPAPER_IP_SALT_FILE"
_MINIMUM_BYTES = 16
_MAKE_ONE = (
    f"Make one with: python -c 'import secrets; print(secrets.token_hex(32))'. Set {SALT} to it, "
    f"or {SALT_FILE} to a file that holds it and that only you can read (chmod 600)."
)


class AddressHasher:
    """Hash addresses with a secret salt, which no representation of this object shows.

    Parameters
    ----------
    salt : bytes
        Without it the hash of an address can be found by trying all addresses.
    kind : str
        ``sha256``: SHA-256 over the salt and the address, as the authors do; ``hmac``:
        HMAC-SHA-256 (RFC 2104) with the salt as key.

    Raises
    ------
    ValueError
        If the salt is empty or the kind unknown.
    """

    __slots__ = ("_digest",)

    def __init__(self, salt: bytes, kind: Literal["sha256", "hmac"] = "sha256") -> None:
        if not salt:
            raise ValueError("an empty salt hides nothing")
        if kind not in ("sha256", "hmac"):
            raise ValueError(f"unknown hash of addresses: {kind!r}")
        keyed = kind == "hmac"
        self._digest: Any = hmac.new(salt, digestmod="sha256") if keyed else hashlib.sha256(salt)

    def __call__(self, address: str) -> str:
        """Return the hash of an address, as 64 hex digits."""
        digest = self._digest.copy()
        digest.update(address.encode("utf-8", "surrogatepass"))
        return str(digest.hexdigest())


def read_salt(acquired: Path, simulated: bool) -> bytes:
    """Return the salt for the addresses of raw logs.

    Parameters
    ----------
    acquired : Path
        ``rawlogs/acquired.json``.
    simulated : bool
        A simulated corpus brings its own salt in ``personal.json``, one folder up, and
        takes no other, so that its release is the same on every machine. Logs of people
        take theirs from the environment only.

    Raises
    ------
    WildpaperError
        If there is no salt, it is shorter than 16 bytes, or others can read its file.
    """
    if simulated:
        return _planted_salt(acquired.parent.parent / "personal.json")
    if text := os.environ.get(SALT, "").strip():
        return _as_bytes(text, f"environment variable {SALT}")
    if name := os.environ.get(SALT_FILE, "").strip():
        return _salt_in(Path(name))
    raise WildpaperError("No salt to hash the addresses with", hint=_MAKE_ONE)


def _planted_salt(path: Path) -> bytes:
    try:
        personal: Any = read_json(path)
    except (OSError, UnicodeError, json.JSONDecodeError):
        personal = None
    salt = personal.get("salt") if isinstance(personal, dict) else None
    if not isinstance(salt, str) or not salt:
        raise WildpaperError(
            "The salt of the simulated corpus is missing",
            where=f"{path}, key salt",
            hint="Delete the folder of the simulated corpus and run again; it is made anew.",
        )
    return _decode(salt)


def _salt_in(path: Path) -> bytes:
    where = f"the file that {SALT_FILE} names"
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode & 0o077:
            raise WildpaperError(
                f"Others can read the salt: its file has mode {mode:04o}",
                where=where,
                hint="Run chmod 600 on it.",
            )
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeError) as error:
        raise WildpaperError(
            f"The salt cannot be read ({type(error).__name__})", where=where, hint=_MAKE_ONE
        ) from None
    return _as_bytes(text, where)


def _as_bytes(text: str, where: str) -> bytes:
    salt = _decode(text)
    if len(salt) < _MINIMUM_BYTES:
        raise WildpaperError(
            f"The salt is shorter than {_MINIMUM_BYTES} bytes", where=where, hint=_MAKE_ONE
        )
    return salt


def _decode(text: str) -> bytes:
    """Return the bytes that hex digits stand for, and those of any other text as UTF-8."""
    try:
        return bytes.fromhex(text)
    except ValueError:
        return text.encode("utf-8", "surrogateescape")
