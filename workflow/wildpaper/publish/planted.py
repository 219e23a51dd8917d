"""What a simulated run planted, as ``truth.json`` has it, by the claims that should find it."""

from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from wildpaper.errors import WildpaperError
from wildpaper.files import read_json

Value = int | float | str

BY_MESSAGE, MESSAGES = ("table-12.", "table-13."), "percent of messages"
"""Claims whose truth is in this unit; a run may measure them in another one."""

NO_LANGUAGE = "Nolang"
COUNTS = "simulated.user-messages."
AFTER_REDACTION = {
    f"table-01.wildchat.user-tokens-{name}": f"simulated.user-tokens-{name}.redacted"
    for name in ("mean", "std")
}
"""{claim: its truth where what the rules are meant to hide is hidden}."""
CALLS, CONVERSATIONS = "own.release-text.calls.", "own.release-text.conversations."
MONTHS = "own.figure-05-toxicity-by-month."
PROMPTS, OWN_PROMPTS = "table-04.", "own.table-04-prompt-categories."
PROMPT_COUNTS = "simulated.prompt-categories."
LANGUAGE_SHARES = ("own.table-05-languages.", "own.figure-02b-languages.")

_SETTINGS = ("languages.minimum-prompts", "training.*", "toxicity.detoxify-threshold")


@dataclass(frozen=True, slots=True)
class Truth:
    """What was planted, and how often the classifiers of the run err.

    Attributes
    ----------
    realised : dict
        {id of a claim or quantity: value}.
    errors : dict
        As ``annotator-errors.json`` has them: under ``language`` and ``category`` the key
        ``error_high``, under ``detoxify`` and a role ``false_negative_high`` and
        ``false_positive_high``, by head also under ``heads``; ``threshold`` is what toxicity
        had to exceed. Where no prompts were sorted there is no ``category``.
    minimum_prompts : int
        User messages from which on a language counts.
    n_missed, n_false : int
        Planted items that redaction should have hidden and did not, and what it hid although
        nothing was planted there.
    """

    realised: dict[str, Value] = field(default_factory=dict)
    errors: dict[str, Any] = field(default_factory=dict)
    minimum_prompts: int = 1
    n_missed: int = 0
    n_false: int = 0


def read_truth(
    truth: list[Path], errors: list[Path], redaction: list[Path], minimum_prompts: int
) -> Truth:
    """Read ``truth.json``, ``annotator-errors.json`` and ``redaction-truth.json``.

    A run has one of each or none.

    Raises
    ------
    WildpaperError
        If a file has not the form that it should have; names the file.
    """
    realised: dict[str, Value] = {}
    measured: dict[str, Any] = {}
    for path in truth:
        realised |= _section(path, read_json(path), "realised")
    for path in errors:
        content = read_json(path)
        measured = {name: _section(path, content, name) for name in ("language", "detoxify")}
        if "category" in content:
            measured["category"] = _section(path, content, "category")
        if "threshold" in content:
            measured["threshold"] = content["threshold"]
    kinds = [
        kind for path in redaction for kind in _section(path, read_json(path), "kinds").values()
    ]
    n_missed, n_false = (
        sum(kind[side]["n"] - kind[side]["n_found"] for kind in kinds)
        for side in ("recall", "precision")
    )
    return Truth(realised, measured, minimum_prompts, n_missed, n_false)


def _section(path: Path, content: Any, name: str) -> dict[str, Any]:
    found = content.get(name) if isinstance(content, dict) else None
    if not isinstance(found, dict):
        raise WildpaperError(
            f"There is no object {name!r}",
            where=str(path),
            hint="Delete the file and run again: a rule of the workflow writes it.",
        )
    return found


def planted_value(claim: str, truth: Truth) -> Value | None:
    """Return the realised value of a claim; None for settings and what was not planted.

    Most stand in ``truth.json`` under the claim's own id. The number of languages and our
    own shares by language follow from its counts of user messages, shares of categories from
    its counts of first prompts; our own shares by month and our own counts of calls and
    conversations have another id there.
    """
    if any(fnmatchcase(claim, pattern) for pattern in _SETTINGS):
        return None
    if fnmatchcase(claim, "table-01.*.languages"):
        named = named_languages(claim.split(".")[1], truth)
        if named:
            return sum(n >= truth.minimum_prompts for n in named.values())
    if claim.startswith(LANGUAGE_SHARES):
        return _language_share(dataset_of(claim), claim.rpartition(".")[2], truth)
    if claim.startswith((PROMPTS, OWN_PROMPTS)):
        return _prompt_share(claim.removeprefix(PROMPTS).removeprefix(OWN_PROMPTS), truth)
    if claim.startswith(MONTHS):
        month, _, role = claim.removeprefix(MONTHS).partition(".")
        claim = f"simulated.toxic-share.{role}.{month}"
    for start, ledger in ((CALLS, "ledger"), (CONVERSATIONS, "ledger-conversations")):
        if claim.startswith(start):
            claim = f"simulated.{ledger}.{claim.removeprefix(start)}"
    value = truth.realised.get(AFTER_REDACTION.get(claim, claim), truth.realised.get(claim))
    return None if value == "" else value


def dataset_of(claim: str) -> str:
    """Return the data set that a claim on languages is about."""
    return "wildchat" if claim.startswith("own.figure-02b") else claim.split(".")[-2]


def language_counts(dataset: str, truth: Truth) -> dict[str, int]:
    """Return {language: user messages planted} of a data set; empty if that is not known."""
    start = f"{COUNTS}{dataset}."
    found = truth.realised.items()
    return {name.removeprefix(start): int(n) for name, n in found if name.startswith(start)}


def named_languages(dataset: str, truth: Truth) -> dict[str, int]:
    """Return `language_counts` without the messages that have no language."""
    counts = language_counts(dataset, truth)
    return {name: n for name, n in counts.items() if name != NO_LANGUAGE}


def prompt_counts(truth: Truth) -> dict[str, int]:
    """Return {category: first prompts in English planted}; empty if that is not known."""
    found = truth.realised.items()
    return {
        name.removeprefix(PROMPT_COUNTS): int(n)
        for name, n in found
        if name.startswith(PROMPT_COUNTS)
    }


def _prompt_share(category: str, truth: Truth) -> float | None:
    """Return the percentage of a category; None for what else Table 4 tells of a sample."""
    counts = prompt_counts(truth)
    total = sum(counts.values())
    return 100 * counts[category] / total if category in counts and total else None


def _language_share(dataset: str, slug: str, truth: Truth) -> float | None:
    counts = language_counts(dataset, truth)
    found = [n for name, n in counts.items() if name.lower() == slug]
    return 100 * found[0] / sum(counts.values()) if found else None
