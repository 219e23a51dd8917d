"""Countries of the simulated users: states, languages, shares beyond Table 3."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Country:
    """One country; `languages` weigh what its users write beside English.

    `rest` is its weight among the countries that Table 3 does not print.
    """

    slug: str
    name: str
    iso: str
    states: tuple[tuple[str, str], ...]
    languages: tuple[tuple[str, float], ...] = ()
    rest: float = 0.0


UNLOCATED_SHARE = 0.01
"""Users whose addresses no database knows."""


def _country(
    name: str, iso: str, states: str, languages: str = "", rest: float = 0.0
) -> Country:  # fmt: skip
    """Read ``"CA California, TX Texas"`` and ``"Spanish 0.2"``."""
    parts = [part.strip().partition(" ") for part in states.split(",")]
    spoken = [item.strip().rpartition(" ") for item in languages.split(",") if item.strip()]
    return Country(
        name.lower().replace(" ", "-"),
        name,
        iso,
        tuple((code, title) for code, _, title in parts),
        tuple((language, float(weight)) for language, _, weight in spoken),
        rest,
    )


COUNTRIES = (
    _country("United States", "US", "CA California, TX Texas, NY New York, WA Washington",
             "Spanish 0.05, Chinese 0.05"),
    _country("Russia", "RU", "MOW Moscow, SPE St.-Petersburg, SVE Sverdlovsk Oblast",
             "Russian 3"),
    _country("China", "CN", "BJ Beijing, SH Shanghai, GD Guangdong, ZJ Zhejiang", "Chinese 3"),
    _country("Hong Kong", "HK", "HCW Central and Western District, KYT Yau Tsim Mong",
             "Chinese 1.5"),
    _country("United Kingdom", "GB", "ENG England, SCT Scotland, WLS Wales"),
    _country("Germany", "DE", "BE Berlin, BY Bavaria, HE Hesse", "German 1, Turkish 0.05"),
    _country("France", "FR", "IDF Paris, ARA Auvergne-Rhone-Alpes, OCC Occitanie",
             "French 3, Arabic 0.1"),
    _country("Japan", "JP", "13 Tokyo, 27 Osaka, 14 Kanagawa", "Japanese 2"),
    _country("Canada", "CA", "ON Ontario, QC Quebec, BC British Columbia", "French 0.3"),
    _country("India", "IN", "MH Maharashtra, KA Karnataka, DL Delhi", "", 4.0),
    _country("Brazil", "BR", "SP Sao Paulo, RJ Rio de Janeiro", "Portuguese 2", 3.2),
    _country("Ukraine", "UA", "30 Kyiv City, 63 Kharkiv", "Russian 1", 2.2),
    _country("Vietnam", "VN", "HN Hanoi, SG Ho Chi Minh", "Vietnamese 2", 2.2),
    _country("Italy", "IT", "25 Lombardy, 62 Lazio, 72 Campania", "Italian 2", 2.4),
    _country("Spain", "ES", "MD Madrid, CT Catalonia", "Spanish 2", 2.0),
    _country("Turkey", "TR", "34 Istanbul, 06 Ankara", "Turkish 2", 2.2),
    _country("Poland", "PL", "14 Mazovia, 12 Lesser Poland", "Polish 2", 1.8),
    _country("South Korea", "KR", "11 Seoul, 26 Busan", "Korean 2", 1.8),
    _country("Taiwan", "TW", "TPE Taipei City, TXG Taichung City", "Chinese 2", 1.6),
    _country("Singapore", "SG", "01 Central Singapore, 03 North West", "Chinese 0.3", 1.4),
    _country("Egypt", "EG", "C Cairo Governorate, ALX Alexandria", "Arabic 2", 1.6),
    _country("Morocco", "MA", "06 Casablanca-Settat, 04 Rabat-Sale-Kenitra",
             "Arabic 1.5, French 1", 1.2),
    _country("Saudi Arabia", "SA", "01 Riyadh Region, 02 Mecca Region", "Arabic 2", 0.8),
    _country("Mexico", "MX", "CMX Mexico City, JAL Jalisco", "Spanish 2", 1.4),
    _country("Argentina", "AR", "C Buenos Aires F.D., X Cordoba", "Spanish 2", 0.8),
    _country("Netherlands", "NL", "NH North Holland, ZH South Holland", "German 0.05", 1.2),
    _country("Australia", "AU", "NSW New South Wales, VIC Victoria", "", 1.4),
    _country("Philippines", "PH", "00 Metro Manila, 40 Calabarzon", "", 1.6),
    _country("Kazakhstan", "KZ", "75 Almaty, 71 Astana", "Russian 1.5", 0.8),
    _country("Austria", "AT", "9 Vienna, 6 Styria", "German 1", 0.5),
    _country("Portugal", "PT", "11 Lisbon, 13 Porto", "Portuguese 2", 0.6),
)  # fmt: skip
"""Those of Table 3 first, in its order; names as GeoLite2 has them in English."""

UNLOCATED = Country("", "", "", (), (), 0.0)
"""Stands for the users whose addresses no database knows."""

PLACES = (*COUNTRIES, UNLOCATED)


def place_shares(printed: dict[str, float]) -> list[float]:
    """Return the share of users of each of `PLACES`; `printed` is Table 3 by slug."""
    left = 1.0 - sum(printed.values()) - UNLOCATED_SHARE
    weights = sum(country.rest for country in COUNTRIES)
    shares = [
        printed[country.slug] if country.slug in printed else left * country.rest / weights
        for country in COUNTRIES
    ]
    return [*shares, UNLOCATED_SHARE]


_ENGLISH = 1.0
_ANY = 0.004
_ROUNDS = 300


def language_rows(shares: list[float], languages: dict[str, float]) -> list[dict[str, float]]:
    """Return, for each of `PLACES`, how its users' messages spread over the languages.

    The joint table is that with the shares of Table 3 and of Table 5 as its margins that
    is nearest to the weights of `Country.languages` (iterative proportional fitting).
    """
    table = [
        {name: dict(place.languages).get(name, _ENGLISH if name == "English" else _ANY)
         for name in languages}
        for place in PLACES
    ]  # fmt: skip
    for _ in range(_ROUNDS):
        for name, share in languages.items():
            total = sum(row[name] for row in table)
            for row in table:
                row[name] *= share / total
        for row, share in zip(table, shares, strict=True):
            total = sum(row.values())
            for name in row:
                row[name] *= share / total
    return [
        {name: x / share for name, x in row.items()}
        for row, share in zip(table, shares, strict=True)
    ]
