"""The log of all that a judge was sent and wrote: nothing is asked for twice, all can be audited.

It holds the texts of questions and answers, and its folder is for its owner alone.
"""

import hashlib
import json
import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from wildpaper.errors import WildpaperError
from wildpaper.evaluate.chat.client import Messages, Reply
from wildpaper.evaluate.judging.games import Game
from wildpaper.interfaces.appended import AppendedFile, Appending

_LOG = logging.getLogger("wildpaper")

LOG = "judgments.jsonl"
"""The file in the folder of the log."""


@dataclass(frozen=True, slots=True)
class JudgeRequest:
    """What a judge is asked.

    Attributes
    ----------
    judge : str
        The model that is asked for.
    messages : list of dict
        ``{"role", "content"}`` each.
    temperature : float
    max_tokens : int
    repeat : int
        The same is asked again under another number only.
    """

    judge: str
    messages: Messages
    temperature: float
    max_tokens: int
    repeat: int

    @property
    def digest(self) -> str:
        """The SHA-256 that stands for the request in the log, 64 hex digits."""
        about = [self.judge, self.messages, self.temperature, self.max_tokens, self.repeat]
        return hashlib.sha256(json.dumps(about, sort_keys=True).encode()).hexdigest()


class Verdict(NamedTuple):
    """What a judge wrote, and when (day, UTC)."""

    reply: Reply
    date: str


class AuditLog(Appending):
    """The log, open for appending by one process at a time; enter it as a context.

    Parameters
    ----------
    folder : Path
        Made where it is absent, for its owner alone.

    Raises
    ------
    WildpaperError
        On entering: if another process has it open, or it cannot be written.

    Notes
    -----
    A line a verdict: the request with its digest, the verdict's text with what the interface
    said of it, and the game. A verdict is on the disk before the next is waited for. A last
    line that a killed process left unfinished is cut off on entering.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / LOG
        super().__init__(
            AppendedFile(
                self._path,
                holds="The log of the judge",
                taken="Another run asks a judge and writes to this log",
                setting="evaluate.judge.log",
                private=True,
            )
        )

    def read(self, digests: Collection[str]) -> tuple[dict[str, Verdict], int]:
        """Return the verdicts to some requests, and how many lines hold none.

        Raises
        ------
        WildpaperError
            If the log cannot be read.
        """
        found: dict[str, Verdict] = {}
        unreadable: list[int] = []
        try:
            with self._path.open("rb") as lines:
                for number, line in enumerate(lines, start=1):
                    try:
                        digest, verdict = parse_line(line)
                    except (ValueError, KeyError, TypeError, RecursionError):
                        unreadable.append(number)
                        continue
                    if digest in digests:
                        found.setdefault(digest, verdict)
        except OSError as error:
            raise WildpaperError(
                f"Cannot read the log of the judge: {error.strerror}", where=str(self._path)
            ) from error
        if unreadable:
            _LOG.warning(
                "%s, line %s: no verdict; %s such lines are passed over",
                self._path, unreadable[0], len(unreadable),
            )  # fmt: skip
        return found, len(unreadable)

    def add(self, request: JudgeRequest, reply: Reply, game: Game, template: str) -> Verdict:
        """Append a verdict; it is on the disk when this returns.

        Raises
        ------
        WildpaperError
            If it cannot be written.
        """
        verdict = Verdict(reply, datetime.now(UTC).date().isoformat())
        line = {
            "request": request.digest,
            "date": verdict.date,
            "judge": request.judge,
            "template": template,
            "temperature": request.temperature,
            "max_tokens": request.max_tokens,
            "repeat": request.repeat,
            "kind": game.kind,
            "question_id": game.question_id,
            "turn": game.turn,
            "models": list(game.models),
            "swapped": game.swapped,
            "variant": game.variant,
            **reply._asdict(),
            "messages": list(request.messages),
        }
        self._file.add(json.dumps(line, ensure_ascii=False).encode() + b"\n")
        return verdict


def parse_line(line: bytes) -> tuple[str, Verdict]:
    """Return the digest of a request and the verdict.

    Raises
    ------
    ValueError, KeyError, TypeError
        If the line holds none. What they say is not fit for a log.
    """
    raw: dict[str, Any] = json.loads(line)
    reply = Reply(*(raw[name] for name in Reply._fields))
    digest, date = raw["request"], raw["date"]
    texts = (digest, date, reply.text, reply.finish, reply.served)
    counts = (reply.n_tokens_in, reply.n_tokens_out)
    if not all(isinstance(text, str) for text in texts) or not all(
        count is None or (type(count) is int and count >= 0) for count in counts
    ):
        raise ValueError("a field is not allowed")
    return digest, Verdict(reply, date)
