"""Browsers of the simulated users, as their headers name them."""

import random

_WINDOWS = "Mozilla/5.0 (Windows NT 10.0; Win64; x64)"
_MAC = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7)"
_LINUX = "Mozilla/5.0 (X11; Linux x86_64)"
_ANDROID = "Mozilla/5.0 (Linux; Android 10; K)"
_KHTML = "AppleWebKit/537.36 (KHTML, like Gecko)"
_VERSIONS = (112, 113, 114, 116, 119, 121, 123)

USER_AGENTS = (
    *(f"{system} {_KHTML} Chrome/{version}.0.0.0 Safari/537.36"
      for version in _VERSIONS for system in (_WINDOWS, _MAC, _LINUX)),
    *(f"{_WINDOWS} {_KHTML} Chrome/{version}.0.0.0 Safari/537.36 Edg/{version}.0.0.0"
      for version in _VERSIONS),
    *(f"{_ANDROID} {_KHTML} Chrome/{version}.0.0.0 Mobile Safari/537.36"
      for version in _VERSIONS),
    *(f"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{version}.0) Gecko/20100101 "
      f"Firefox/{version}.0" for version in _VERSIONS),
    *(f"Mozilla/5.0 (iPhone; CPU iPhone OS {major}_{minor} like Mac OS X) "
      f"AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{major}.{minor} Mobile/15E148 "
      "Safari/604.1" for major in (16, 17) for minor in (1, 3, 4)),
    *(f"{_MAC} AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{version} Safari/605.1.15"
      for version in ("16.4", "17.1", "17.4")),
)  # fmt: skip

_CODES = {
    "English": "en", "Chinese": "zh", "Russian": "ru", "French": "fr", "Spanish": "es",
    "German": "de", "Portuguese": "pt", "Italian": "it", "Turkish": "tr", "Arabic": "ar",
    "Japanese": "ja", "Korean": "ko", "Polish": "pl", "Vietnamese": "vi",
}  # fmt: skip


def user_agent(rng: random.Random) -> str:
    """Return the user agent of a device."""
    return USER_AGENTS[int(rng.random() * len(USER_AGENTS))]


def accept_language(rng: random.Random, language: str, iso: str) -> str:
    """Return the languages that a browser asks for; `iso` is the country, or empty."""
    code = _CODES[language] if rng.random() < 0.85 else "en"
    first = f"{code}-{iso}" if iso and rng.random() < 0.8 else code
    rest = "" if code == "en" else ",en-US;q=0.8,en;q=0.7"
    return f"{first},{code};q=0.9{rest}" if first != code else f"{code}{rest}"
