"""The claims ledger as Markdown, for people on a code host."""

import math
from collections import Counter
from typing import Any

_FIXED_FROM = 0.01
VERDICTS = ("reproduced", "deviates", "not-comparable", "not-run")

_MEANING = {
    "reproduced": "the value obtained rounds to the printed one",
    "deviates": "it does not; the reason is given if known",
    "not-comparable": "obtained from other data than the paper's: simulated, another release",
    "not-run": "this run did not obtain it; the reason is given",
}
_TRUTH_MEANING = {
    "missed": "the value obtained is not the planted one, or there is none",
    None: "not judged: this run does not build it, or how often a classifier errs is not known",
    "recovered": "the value obtained is the planted one, within the tolerance",
}
_TRUTH_NOTE = (
    "Planted is what the simulator really put into the data. The tolerance is *exact* where "
    "nothing but planted labels is counted (sums of decimals may differ by one part in 10⁹). "
    "Where a classifier stands between, it is what that classifier's wrong labels can change, "
    "in the unit of the claim; docs/definitions.md has the formulas."
)


def claims_markdown(result: dict[str, Any]) -> str:
    """Return claims.json as a Markdown page: verdicts at a glance, then every claim."""
    claims = result["claims"]
    numbers = [claim for claim in claims if claim["kind"] == "published"]
    lines = [*_head(result), *_at_a_glance(numbers), *_planted(claims)]
    for verdict in VERDICTS[:3]:
        found = [claim for claim in numbers if claim["verdict"] == verdict]
        if found:
            lines += ["", f"## {verdict} ({len(found)})", "", *_table(found)]
    lines += ["", *_by_reason([claim for claim in numbers if claim["verdict"] == "not-run"])]
    own = [claim for claim in claims if claim["kind"] == "own"]
    if own:
        lines += ["", f"## Our own numbers ({len(own)})", "", *_own_table(own)]
    lines += ["", *_statements([claim for claim in claims if claim["kind"] == "summary"])]
    return "\n".join(lines) + "\n"


def _head(result: dict[str, Any]) -> list[str]:
    lines = [f"# Claims of the run `{result['preset']}`", ""]
    for name, title in result["release"].items():
        lines.append(f"- {name}: {title}")
    if not result["release"]:
        lines.append("- no data set in this run")
    if any(claim["route"] == "simulated" for claim in result["claims"]):
        lines += [
            "",
            "**Values of route `simulated` come from invented data; they are no findings.**",
        ]
    return lines


def _at_a_glance(numbers: list[dict[str, Any]]) -> list[str]:
    counts = Counter(claim["verdict"] for claim in numbers)
    head = ["", "## Verdicts on the published values", ""]
    head += ["| verdict | claims | meaning |", "|---|---:|---|"]
    return head + [f"| {name} | {counts[name]} | {_MEANING[name]} |" for name in VERDICTS]


def _planted(claims: list[dict[str, Any]]) -> list[str]:
    """Return the section that compares a simulated run with its planted truth, missed first."""
    planted = [claim for claim in claims if claim.get("truth") is not None]
    if not planted:
        return []
    counts = Counter(claim["truth_verdict"] for claim in planted)
    lines = ["", f"## Planted truth ({len(planted)})", "", "| verdict | claims | meaning |"]
    lines += ["|---|---:|---|"]
    for verdict, meaning in _TRUTH_MEANING.items():
        lines.append(f"| {verdict or 'none'} | {counts[verdict]} | {meaning} |")
    lines += ["", _TRUTH_NOTE, ""]
    lines += ["| claim | planted | obtained | tolerance | verdict | unit |"]
    lines += ["|---|---:|---:|---:|---|---|"]
    order = list(_TRUTH_MEANING)
    for claim in sorted(planted, key=lambda claim: order.index(claim["truth_verdict"])):
        shown = (format_value(claim[key], claim["tolerance"]) for key in ("truth", "obtained"))
        lines.append(
            f"| `{claim['id']}` | {' | '.join(shown)} | {_tolerance(claim['truth_tolerance'])} "
            f"| {claim['truth_verdict'] or 'none'} | {_cell(claim['unit'])} |"
        )
    return lines


def _tolerance(tolerance: float | None) -> str:
    if tolerance is None:
        return "not known"
    return f"± {format_value(tolerance, None)}" if tolerance else "exact"


def _statements(claims: list[dict[str, Any]]) -> list[str]:
    lines = [f"## Statements of the summary ({len(claims)})", ""]
    lines += ["| id | says | in this run | verdict | why |", "|---|---|---|---|---|"]
    for claim in claims:
        said, why = _cell(claim["published"]), _cell(claim["reason"])
        found = claim["obtained"] or ""
        lines.append(f"| `{claim['id']}` | {said} | {found} | {claim['verdict']} | {why} |")
    return lines


def _table(claims: list[dict[str, Any]]) -> list[str]:
    lines = [
        "| claim | where | published | obtained | 95 % interval | unit | route | reason |",
        "|---|---|---:|---:|---|---|---|---|",
    ]
    for claim in claims:
        mark = "" if claim["checked"] else " (unchecked)"
        lines.append(
            f"| `{claim['id']}` | {_cell(claim['where'])} "
            f"| {format_published(claim)}{mark} "
            f"| {format_value(claim['obtained'], claim['tolerance'])} | {format_interval(claim)} "
            f"| {_cell(claim['unit'])} | {claim['route']} | {_cell(claim['reason'])} |"
        )
    return lines


def _own_table(claims: list[dict[str, Any]]) -> list[str]:
    lines = ["| claim | obtained | 95 % interval | unit | route |", "|---|---:|---|---|---|"]
    for claim in claims:
        lines.append(
            f"| `{claim['id']}` | {format_value(claim['obtained'], None)} "
            f"| {format_interval(claim)} | {_cell(claim['unit'])} | {claim['route']} |"
        )
    return lines


def _by_reason(claims: list[dict[str, Any]]) -> list[str]:
    groups: dict[str, list[str]] = {}
    for claim in claims:
        groups.setdefault(claim["reason"], []).append(claim["id"])
    lines = [f"## not-run ({len(claims)})", "", "| reason | claims | ids |", "|---|---:|---|"]
    for reason, ids in groups.items():
        lines.append(f"| {_cell(reason)} | {len(ids)} | {', '.join(f'`{name}`' for name in ids)} |")
    return lines


def format_interval(claim: dict[str, Any]) -> str:
    """Return a claim's 95 % interval as ``low to high``; empty if it has none."""
    if claim["ci_low"] is None:
        return ""
    low, high = (format_value(claim[key], claim["tolerance"]) for key in ("ci_low", "ci_high"))
    return f"{low} to {high}"


def format_value(value: float | str | None, tolerance: float | None) -> str:
    """Return a value with two digits more than the printed one has, so that roundings show.

    Without a tolerance it has four decimals, or four digits where it is very small.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return _cell(value)
    if isinstance(value, int):
        return f"{value:,}"
    if tolerance:
        return f"{value:,.{_decimals(tolerance) + 2}f}"
    small = 0 < abs(value) < _FIXED_FROM
    return f"{value:.4g}" if small else f"{value:,.4f}".rstrip("0").rstrip(".")


def format_published(claim: dict[str, Any]) -> str:
    """Return a claim's published value with the decimals it was printed with."""
    value, tolerance = claim["published"], claim["tolerance"]
    if isinstance(value, str) or value is None or not tolerance:
        return format_value(value, None)
    return f"{value:,.{_decimals(tolerance)}f}"


def _decimals(tolerance: float) -> int:
    """Return the decimals of a printed value, whose last digit's half is the tolerance."""
    return max(0, -math.floor(math.log10(tolerance)) - 1)


def _cell(text: Any) -> str:
    return str(text).replace("|", "\\|").replace("\n", " ")
