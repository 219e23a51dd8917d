r"""Claims as LaTeX macros: every number of the prose comes from here.

One line of ``numbers.tex`` per claim, read by ``paper/wildpaper.sty``::

    \wpdefclaim{id}{obtained}{published}{interval}{verdict}{route}{unit}

and one ``\wpdefcount{key}{n}`` for each count that the report states about itself.
An empty argument means that there is no such value.
"""

import math
import re
from collections import Counter
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

from wildpaper.errors import WildpaperError
from wildpaper.files import read_json, write_text
from wildpaper.tex import escape

Value = float | int | str | bool | None

_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:+-]*")
_DATE = re.compile(r"\d{4}-\d\d(-\d\d)?")
_FIELDS = (
    *("id", "kind", "where", "unit", "published", "obtained", "ci_low", "ci_high"),
    *("tolerance", "verdict", "reason", "route", "artifact"),
)
_VERDICTS = ("reproduced", "deviates", "not-comparable", "not-run")
_MAX_DECIMALS = 6
_NARROW_UNITS = 10
_MOST_LOST = 0.1
"""Share of a value that rounding may take away."""


@dataclass(frozen=True)
class PrintedClaim:
    """One claim ready for print: values are LaTeX source, the other fields plain text.

    An empty string stands for a value that does not exist.
    """

    id: str
    kind: str
    where: str
    unit: str
    checked: bool
    published: str
    obtained: str
    interval: str
    truth: str
    truth_tolerance: str
    verdict: str
    truth_verdict: str
    route: str
    reason: str
    artifact: str


def decimals_of(published: Value, tolerance: float | None) -> int | None:
    """Return how many digits after the point the published value was printed with.

    The tolerance is half a unit of the last printed digit, so it knows of zeros at the
    end (12.50) that the value has lost; a wider tolerance never hides a digit.

    Returns
    -------
    int or None
        None where the published value is not a number.
    """
    if published is None or isinstance(published, str | bool):
        return None
    exponent = Decimal(repr(published)).as_tuple().exponent
    digits = max(0, -exponent) if isinstance(exponent, int) else 0
    if tolerance:
        digits = max(digits, round(-Decimal(repr(2 * tolerance)).log10()))
    return min(digits, _MAX_DECIMALS)


def format_value(value: Value, decimals: int | None = None) -> str:
    r"""Return a value as LaTeX source; empty where there is none.

    Parameters
    ----------
    value : float, int, str, bool or None
        Strings are escaped. Very small numbers become ``\wpsci{mantissa}{exponent}``.
    decimals : int, optional
        Digits after the point, halves rounded up. None chooses for our own numbers:
        integers as they are, otherwise two digits, or three significant ones below 1.
    """
    if value is None or value != value:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, str):
        return rf"\mbox{{{value}}}" if _DATE.fullmatch(value) else escape(value)
    exact = Decimal(repr(value))
    if not exact.is_finite():
        return r"\ensuremath{\infty}" if exact > 0 else r"\wpminus\ensuremath{\infty}"
    if decimals is None:
        decimals = _own_decimals(exact)
    if exact and abs(exact) < Decimal("0.001") and decimals >= 4:
        return _scientific(exact)
    rounded = exact.quantize(Decimal(1).scaleb(-decimals), rounding=ROUND_HALF_UP)
    text = f"{abs(rounded):,f}".replace(",", "{,}")
    return rf"\wpminus{{}}{text}" if rounded < 0 else text


def _own_decimals(exact: Decimal) -> int:
    if exact == exact.to_integral_value():
        return 0
    return min(_MAX_DECIMALS, max(2, 2 - exact.adjusted()))


def _scientific(exact: Decimal) -> str:
    exponent = exact.adjusted()
    mantissa = f"{exact.scaleb(-exponent):.2f}".rstrip("0").rstrip(".")
    sign = r"\wpminus{}" if mantissa.startswith("-") else ""
    return rf"{sign}\wpsci{{{mantissa.lstrip('-')}}}{{{exponent}}}"


def _interval(claim: dict[str, Any], decimals: int | None) -> str:
    """Return both ends, one digit finer where the interval is narrow for the rounding."""
    low, high = claim["ci_low"], claim["ci_high"]
    if low is None or high is None:
        return ""
    if decimals is not None and (high - low) * 10**decimals < _NARROW_UNITS:
        decimals += 1
    return rf"[{format_value(low, decimals)}, {format_value(high, decimals)}]"


def _tolerance(tolerance: float | None, decimals: int | None) -> str:
    """Return a tolerance, rounded like its value unless that makes it nothing; empty for 0."""
    if not tolerance:
        return ""
    nothing = decimals is not None and tolerance < 0.5 * 10**-decimals
    return format_value(tolerance, None if nothing else decimals)


def _enough(value: Value, decimals: int | None) -> int | None:
    """Return the decimals to print: our own where the published ones would distort a value."""
    if isinstance(value, int | float) and decimals is not None and math.isfinite(value):
        lost = abs(round(value, decimals) - value)
        return None if lost > _MOST_LOST * abs(value) else decimals
    return decimals


def print_claim(claim: dict[str, Any]) -> PrintedClaim:
    """Round one claim of claims.json the way its published value was printed."""
    decimals = decimals_of(claim["published"], claim["tolerance"])
    return PrintedClaim(
        id=claim["id"],
        kind=claim["kind"],
        where=claim["where"] or "",
        unit=claim["unit"] or "",
        checked=bool(claim.get("checked", True)),
        published=format_value(claim["published"], decimals),
        obtained=format_value(claim["obtained"], _enough(claim["obtained"], decimals)),
        interval=_interval(claim, decimals),
        truth=format_value(claim.get("truth"), decimals),
        truth_tolerance=_tolerance(claim.get("truth_tolerance"), decimals),
        verdict=claim["verdict"] or "",
        truth_verdict=claim.get("truth_verdict") or "",
        route=claim["route"] or "",
        reason=claim["reason"] or "",
        artifact=claim["artifact"] or "",
    )


def read_printed(claims: Path) -> list[PrintedClaim]:
    """Read claims.json and return its claims ready for print, in the order of the file.

    Raises
    ------
    WildpaperError
        A claim lacks a field, or an id occurs twice.
    """
    printed: dict[str, PrintedClaim] = {}
    for position, claim in enumerate(read_json(claims)["claims"]):
        missing = [field for field in _FIELDS if field not in claim]
        if missing:
            raise WildpaperError(
                f"A claim lacks the field(s) {', '.join(missing)}.",
                where=f"{claims}: claim {position} ({claim.get('id', 'without id')})",
                hint="Build claims.json again with the rule of the publish stage.",
            )
        if claim["id"] in printed:
            raise WildpaperError(
                f"The claim {claim['id']!r} occurs twice.",
                where=str(claims),
                hint="Give one of the two another id.",
            )
        printed[claim["id"]] = print_claim(claim)
    return list(printed.values())


def _counts(printed: list[PrintedClaim]) -> dict[str, int]:
    published = [claim for claim in printed if claim.kind == "published"]
    kinds = Counter(claim.kind for claim in printed)
    verdicts = Counter(claim.verdict for claim in published)
    truths = Counter(claim.truth_verdict for claim in printed)
    return {
        "all": len(printed),
        **{kind: kinds[kind] for kind in ("published", "summary", "own")},
        **{verdict: verdicts[verdict] for verdict in _VERDICTS},
        "obtained": sum(bool(claim.obtained) for claim in published),
        "unchecked": sum(not claim.checked for claim in published),
        **{verdict: truths[verdict] for verdict in ("recovered", "missed")},
    }


def write_numbers(claims: Path, numbers: Path) -> None:
    """Write numbers.tex: a macro for every claim and for every count of verdicts.

    Parameters
    ----------
    claims : Path
        claims.json of the run.
    numbers : Path
        The LaTeX file to write, atomically.

    Raises
    ------
    WildpaperError
        An id holds a character that cannot stand in a LaTeX control sequence.
    """
    printed = read_printed(claims)
    lines = [f"% Written from {claims.name} by wildpaper; do not edit."]
    for claim in printed:
        if not _ID.fullmatch(claim.id):
            raise WildpaperError(
                f"The claim id {claim.id!r} cannot be a LaTeX macro.",
                where=str(claims),
                hint="Use letters, digits and . _ : + - only.",
            )
        values = (claim.obtained, claim.published, claim.interval, claim.verdict, claim.route)
        arguments = "".join(f"{{{value}}}" for value in (*values, escape(claim.unit)))
        lines.append(rf"\wpdefclaim{{{claim.id}}}{arguments}")
    counts = _counts(printed)
    lines += [rf"\wpdefcount{{{key}}}{{{n:,}}}" for key, n in counts.items()]
    planted = counts["recovered"] + counts["missed"] > 0
    lines.append(rf"\newif\ifwpplanted\wpplanted{'true' if planted else 'false'}")
    write_text(numbers, "\n".join(lines) + "\n")
