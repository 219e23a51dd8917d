"""What a run says of the statements that a summary of the paper makes."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

from wildpaper.long_table import Cell
from wildpaper.publish.published import SummaryStatement

Values = dict[str, float]
"""What was obtained, by claim."""
_NUMBER = re.compile(r"(?<![\w.,-])(\d[\d,]*(?:\.\d+)?)(?![\w.,]*-)(%| million)?")
_WEAKEST = ("simulated", "replayed", "recorded", "computed")


@dataclass(frozen=True, slots=True)
class Basis:
    """The claims that a statement rests on, and whether it holds of what was obtained."""

    claims: tuple[str, ...]
    """Patterns of published claims; those of our own are named whole."""
    holds: Callable[[list[float], Values], bool]
    """Of the numbers that the statement names, and of the values obtained."""


def judge_statement(
    statement: SummaryStatement, rows: list[dict[str, Any]], cells: dict[str, Cell]
) -> dict[str, Any]:
    """Return verdict, reason, obtained ("holds" or "does not hold") and route of a statement.

    Parameters
    ----------
    statement : SummaryStatement
    rows : list of dict
        The ledger's rows of all published claims.
    cells : dict of Cell
        What was measured, by claim; a statement may rest on numbers of our own, too.

    Returns
    -------
    dict
        A statement that rests on no number, or on one that was not obtained, is *not-run*; on
        a release that is not the paper's, *not-comparable*. Else it is *reproduced* if it holds
        of what was obtained and *deviates* if not: what the paper itself prints may be another
        thing, as the reason says.
    """
    basis = BASES.get(statement.id)
    if basis is None:
        return {"verdict": "not-run", "reason": f"{statement.adjudication}; rests on no number"}
    behind = [row for row in rows if _among(row["id"], basis.claims)]
    named = [name for name in basis.claims if "*" not in name]
    names = dict.fromkeys([*(row["id"] for row in behind), *named])
    found = {n: cells[n] for n in names if n in cells and cells[n].value is not None}
    missing = [name for name in names if name not in found]
    if missing or not names:
        more = f" and {len(missing) - 1} more" if len(missing) > 1 else ""
        said = f"not obtained: {missing[0]}{more}" if missing else "nothing of it was obtained"
        return {"verdict": "not-run", "reason": f"{statement.adjudication}; {said}"}
    values = {
        name: float(cell.value)
        for name, cell in found.items()
        if isinstance(cell.value, int | float)
    }
    holds = basis.holds(_numbers_of(statement.said), values)
    reason, verdict = statement.adjudication, "reproduced" if holds else "deviates"
    other = [row["reason"] for row in behind if row["verdict"] == "not-comparable"]
    if other:
        reasons = dict.fromkeys(part for text in other for part in text.split("; "))
        verdict, reason = "not-comparable", "; ".join([reason, *reasons])
    routes = {cell.route for cell in found.values()}
    return {
        "obtained": "holds" if holds else "does not hold",
        "verdict": verdict,
        "reason": reason,
        "route": next((route for route in _WEAKEST if route in routes), None),
    }


def _among(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _numbers_of(said: str) -> list[float]:
    """Return the numbers of a sentence, not those in names."""
    scale = {" million": 1e6}
    return [float(n.replace(",", "")) * scale.get(unit, 1) for n, unit in _NUMBER.findall(said)]


def _decimals(value: float) -> int:
    return len(repr(value).partition(".")[2]) if value != int(value) else 0


def _rounds_to(obtained: float, said: float) -> bool:
    return round(obtained, _decimals(said)) == said


def _sum(values: Values, beginning: str) -> float:
    return sum(value for name, value in values.items() if name.startswith(beginning))


def _leading(values: Values, n: int) -> set[str]:
    listed = sorted(values, key=lambda name: -values[name])
    return {name.partition(".")[2] for name in listed[:n]}


def _wildchat_is_highest(ends: tuple[str, ...]) -> Callable[[list[float], Values], bool]:
    def holds(_: list[float], values: Values) -> bool:
        for end in ends:
            column = {name: value for name, value in values.items() if name.endswith(end)}
            highest = [name for name in column if column[name] == max(column.values())]
            if [name.split(".")[1] for name in highest] != ["wildchat"]:
                return False
        return True

    return holds


def _is_above(values: Values, name: str, others: tuple[str, ...]) -> bool:
    return all(values[f"table-09.{name}.average"] > values[f"table-09.{o}.average"] for o in others)


def _wildllama_is_between(_: list[float], values: Values) -> bool:
    own, below, above = "wildllama_7b", ("vicuna_7b", "llama2_chat_7b"), ("gpt35", "gpt4")
    return (
        _is_above(values, own, below)
        and all(_is_above(values, other, (own,)) for other in above)
        and all(
            values[f"table-10.{own}-vs-{o}.win"] > values[f"table-10.{own}-vs-{o}.loss"]
            for o in below
        )
    )


BASES = {
    "seed.size-rounded": Basis(
        ("table-01.wildchat.conversations", "collection.turns-released"),
        lambda said, found: (
            round(found["table-01.wildchat.conversations"], -6) == said[0]
            and found["collection.turns-released"] > said[1]
        ),
    ),
    "seed.conversations": Basis(
        ("table-01.wildchat.conversations", "collection.conversations-section3"),
        lambda said, found: said[0] in found.values(),
    ),
    "seed.users": Basis(
        ("collection.users",), lambda said, found: said[0] == found["collection.users"]
    ),
    "seed.jailmommy": Basis(
        ("table-08.jailmommy.success",),
        lambda said, found: _rounds_to(found["table-08.jailmommy.success"], said[0]),
    ),
    "seed.apis": Basis(
        ("table-02.*",),
        lambda said, found: (
            _rounds_to(_sum(found, "table-02.4"), said[0])
            and _rounds_to(_sum(found, "table-02.3.5"), said[1])
        ),
    ),
    "seed.geography": Basis(
        ("table-03.*",), lambda _, found: _leading(found, 3) == {"united-states", "russia", "china"}
    ),
    "seed.categories": Basis(
        ("table-04.*",),
        lambda _, found: (
            _leading(found, 3)
            == {"assisting-or-creative-writing", "analysis-or-decision-explanation", "coding"}
        ),
    ),
    "seed.languages": Basis(
        ("table-01.wildchat.languages", "table-05.wildchat.*"),
        lambda said, found: (
            found["table-01.wildchat.languages"] == said[0]
            and found["table-05.wildchat.english"]
            == max(value for name, value in found.items() if name.startswith("table-05"))
        ),
    ),
    "seed.longer": Basis(
        ("table-01.*.user-tokens-mean", "table-01.*.chatbot-tokens-mean"),
        _wildchat_is_highest((".user-tokens-mean", ".chatbot-tokens-mean")),
    ),
    "seed.toxic": Basis(("table-07.*",), _wildchat_is_highest((".user", ".chatbot"))),
    "seed.june": Basis(
        ("toxicity.june-update", "own.june-update.user.change", "own.june-update.chatbot.change"),
        lambda _, found: all(value < 0 for value in found.values()),
    ),
    "seed.wildllama": Basis(
        ("table-09.*.average", "table-10.wildllama_7b-vs-*"), _wildllama_is_between
    ),
}
"""By statement; those that rest on no number are absent."""
