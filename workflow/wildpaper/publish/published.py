"""The published values (``data/published.yaml``)."""

from fnmatch import fnmatchcase
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from wildpaper.errors import WildpaperError
from wildpaper.yaml_text import parse_yaml, parse_yaml_strings

Value = int | float | str


class PublishedClaim(BaseModel):
    """One number of the paper, and where it stands."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    where: str
    dataset: str
    value: Value
    unit: str
    checked: bool
    note: str = ""
    tolerance: float | None = None
    """Wider than half a unit of the last digit only with a reason in `note`."""
    decimals: int | None
    """Digits after the point as printed; negative for 2e3; None for dates and words."""


class SummaryStatement(BaseModel):
    """A statement of the summary that the project started from, and how it fares."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: str
    said: str
    adjudication: str


def load_published(path: Path) -> tuple[list[PublishedClaim], list[SummaryStatement]]:
    """Read published claims and summary statements.

    Raises
    ------
    WildpaperError
        If the file breaks its model, an id occurs twice, or a wider tolerance has no reason.
    """
    try:
        text = path.read_text(encoding="utf-8")
        raw = parse_yaml(text)
        printed = parse_yaml_strings(text)
        precision = [(rule["ids"], rule["decimals"]) for rule in raw["precision"]]
        claims = [
            PublishedClaim.model_validate({**item, "decimals": _decimals(digits, precision)})
            for item, digits in zip(raw["claims"], printed["claims"], strict=True)
        ]
        summary = [SummaryStatement.model_validate(item) for item in raw["summary"]]
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise WildpaperError(f"Invalid published values: {error}", where=str(path)) from error
    ids = [claim.id for claim in claims] + [statement.id for statement in summary]
    twice = sorted({name for name in ids if ids.count(name) > 1})
    if twice:
        raise WildpaperError(f"Ids occur twice: {twice}", where=str(path))
    for claim in claims:
        if claim.tolerance is not None and not claim.note:
            raise WildpaperError(
                f"Claim {claim.id!r} widens its tolerance without a reason",
                where=str(path),
                hint="Give the reason in its note.",
            )
    return claims, summary


def tolerance_of(claim: PublishedClaim) -> float | None:
    """Return half a unit of the published value's last digit; None for dates and words.

    "Reproduced" then means "rounds to what was printed". A tolerance written in
    published.yaml takes its place.
    """
    if claim.tolerance is not None or claim.decimals is None:
        return claim.tolerance
    return float(f"5e{-claim.decimals - 1}")


def _decimals(printed: dict[str, str], precision: list[tuple[str, int]]) -> int | None:
    """Return the decimals of a value: by the rule for its column, else as it is written."""
    for pattern, decimals in precision:
        if fnmatchcase(printed["id"], pattern):
            return decimals
    try:
        float(printed["value"])
    except ValueError:
        return None
    mantissa, _, exponent = printed["value"].lower().partition("e")
    return len(mantissa.partition(".")[2]) - (int(exponent) if exponent else 0)
