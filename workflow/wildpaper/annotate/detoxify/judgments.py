"""Texts of which it is known whether they are toxic: judged by people, or planted."""

import csv
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from wildpaper.annotate.labelled import read_labelled
from wildpaper.errors import WildpaperError

TEXT, JUDGMENT = "text", "is_toxic"
"""Columns of a file of people's judgments."""

PEOPLE, PLANTED = "people", "planted"
"""Kinds of judgments."""

_MOST_CHARACTERS = 2**31 - 1
_TOXIC = {"toxic": True, "1": True, "true": True, "not toxic": False, "0": False, "false": False}


@dataclass(frozen=True, slots=True)
class Judgments:
    """Judged texts.

    Attributes
    ----------
    texts : list of str
    toxic : list of bool
        The judgment of each.
    kind : str
        `PEOPLE` or `PLANTED`.
    unusable : dict
        {reason: rows that were left out}.
    """

    texts: list[str]
    toxic: list[bool]
    kind: str
    unusable: dict[str, int]


def read_judgments(path: Path) -> Judgments:
    """Read judged texts.

    Parameters
    ----------
    path : Path
        Either CSV with the columns ``text`` and ``is_toxic``, which is ``Toxic``,
        ``Not Toxic``, 1, 0, ``true`` or ``false`` in any case; rows without a text or
        such a judgment are left out and counted. Or JSON lines of the simulator
        (`wildpaper.annotate.labelled`), of which those with an insult are toxic.

    Raises
    ------
    WildpaperError
        If the file cannot be read, a column is missing, or no row can be used; the message
        names rows and never a text.
    """
    if path.suffix.lower() == ".jsonl":
        messages = read_labelled(path)
        texts, toxic = [m.text for m in messages], [m.insult for m in messages]
        return Judgments(texts, toxic, PLANTED, {})
    usable: list[tuple[str, bool]] = []
    unusable: Counter[str] = Counter()
    for text, judgment in _rows(path):
        toxic_or_not = _TOXIC.get(" ".join((judgment or "").casefold().split()))
        reason = _problem(text, judgment, toxic_or_not)
        if reason or text is None or toxic_or_not is None:
            unusable[reason] += 1
        else:
            usable.append((text, toxic_or_not))
    if not usable:
        raise _unreadable(path, "none of its rows has a text and a judgment")
    return Judgments([t for t, _ in usable], [y for _, y in usable], PEOPLE,
                     dict(sorted(unusable.items())))  # fmt: skip


def _problem(text: str | None, judgment: str | None, toxic: bool | None) -> str:
    if not (text or "").strip():
        return "no text"
    if not (judgment or "").strip():
        return "no judgment"
    return "unknown judgment" if toxic is None else ""


def _rows(path: Path) -> Iterator[tuple[str | None, str | None]]:
    """Yield text and judgment of each row, None where the row is too short."""
    csv.field_size_limit(_MOST_CHARACTERS)
    try:
        with path.open(encoding="utf-8-sig", newline="") as handle:
            reader = csv.DictReader(handle)
            missing = [name for name in (TEXT, JUDGMENT) if name not in (reader.fieldnames or ())]
            if missing:
                raise _unreadable(path, f"it lacks the column {missing[0]!r}")
            for row in reader:
                yield row[TEXT], row[JUDGMENT]
    except UnicodeDecodeError as error:
        raise _unreadable(path, f"byte {error.start} of a line is not UTF-8") from None
    except (OSError, csv.Error) as error:
        raise _unreadable(path, f"{type(error).__name__}: {error}") from error


def _unreadable(path: Path, problem: str) -> WildpaperError:
    return WildpaperError(
        f"Cannot read the human labels: {problem}",
        where=str(path),
        hint=f"Give a CSV file in UTF-8 with the columns {TEXT} and {JUDGMENT} (Toxic, Not "
        "Toxic, 1, 0); config key annotate.detoxify.human_labels.",
    )
