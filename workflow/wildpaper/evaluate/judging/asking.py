"""Send a judge what it has not been sent, within a budget, and put its verdicts into the log."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from wildpaper.errors import WildpaperError
from wildpaper.evaluate.chat.client import ChatClient, about_tokens
from wildpaper.evaluate.judging.budget import Budget, Limits
from wildpaper.evaluate.judging.games import Game
from wildpaper.evaluate.judging.log import AuditLog, JudgeRequest, Verdict
from wildpaper.interfaces.endpoint import Endpoint, Pace, open_endpoint
from wildpaper.interfaces.patience import UnansweredError
from wildpaper.interfaces.workers import share
from wildpaper.progress import Progress


class Wanted(NamedTuple):
    """A game and what the judge is sent for it."""

    game: Game
    template: str
    request: JudgeRequest
    digest: str
    lacks_reference: bool


@dataclass
class Tally:
    """What became of the requests; `failed` says of each that has no answer which game it is."""

    n_asked: int = 0
    attempts: dict[str, int] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)


def open_judge(endpoint: str, key_variable: str) -> Endpoint:
    """Check the address of a judge and read the key from the environment.

    Raises
    ------
    WildpaperError
        See `open_endpoint`.
    """
    return open_endpoint(
        endpoint,
        called="judge",
        setting="evaluate.judge.endpoint",
        model_setting="evaluate.judge.model",
        key_variable=key_variable,
        instead="set evaluate.judge.kind to likelihood or replay",
    )


class Asking:
    """One run: sends what is missing, and puts each verdict into the log as it comes.

    Parameters
    ----------
    missing : list of Wanted
        Each request once.
    log : AuditLog
        Open.
    budget : Budget
    tally : Tally
        To fill in.
    verdicts : dict
        {digest of a request: verdict}, to fill in.
    """

    def __init__(
        self,
        missing: list[Wanted],
        log: AuditLog,
        budget: Budget,
        tally: Tally,
        verdicts: dict[str, Verdict],
    ) -> None:
        self._missing, self._log, self._budget = missing, log, budget
        self._tally, self._verdicts = tally, verdicts
        self._progress = Progress("verdicts of the judge", len(missing), "requests")

    async def run(
        self, place: Endpoint, judge: str, limits: Limits, options: dict[str, Any]
    ) -> None:
        """Send all that is missing.

        Parameters
        ----------
        place : Endpoint
        judge : str
            The model to ask for.
        limits : Limits
        options : dict
            ``concurrency``, ``timeout_s`` and ``attempts``, see `ChatClient`.

        Raises
        ------
        WildpaperError
            If asking on is of no use. Requests without an answer are in the tally.
        """
        pace = Pace(limits.requests_per_minute, limits.tokens_per_minute)
        async with ChatClient(place, judge, pace, **options) as self._client:
            await share(self._missing, self._ask, options["concurrency"])
            self._tally.attempts = dict(sorted(self._client.counts.items()))

    async def _ask(self, one: Wanted) -> None:
        request = one.request
        if not await self._budget.reserve(request):
            return
        n_in = n_out = 0
        try:
            reply = await self._client.ask(
                request.messages, temperature=request.temperature, max_tokens=request.max_tokens
            )
            n_in = (
                about_tokens(request.messages) if reply.n_tokens_in is None else reply.n_tokens_in
            )
            written = [{"role": "assistant", "content": reply.text}]
            n_out = about_tokens(written) if reply.n_tokens_out is None else reply.n_tokens_out
            self._verdicts[one.digest] = self._log.add(request, reply, one.game, one.template)
            self._tally.n_asked += 1
        except UnansweredError as error:
            self._tally.failed.append(f"question {one.game.question_id}: {error.reason}")
        finally:
            await self._budget.settle(request, n_in, n_out)
        self._progress.advance(1)


def refuse_unfinished(tally: Tally, budget: Budget, n_missing: int, place: Endpoint) -> None:
    """Raise if not all requests have an answer, because of the budget or otherwise."""
    n_left = n_missing - tally.n_asked
    kept = "All verdicts that came are in the log. Run again: only the others are asked for"
    if budget.exhausted:
        raise WildpaperError(
            f"{budget.usd:.4f} USD are spent, and the next request might exceed the limit; "
            f"{n_left:,} of {n_missing:,} verdicts are missing",
            where="evaluate.judge.most_usd",
            hint=f"{kept}, and the limit is for each run.",
        )
    if tally.failed:
        raise WildpaperError(
            f"{n_left:,} of {n_missing:,} requests to the judge have no answer, the first: "
            f"{tally.failed[0]}",
            where=place.url,
            hint=f"{kept}.",
        )


def spent(tally: Tally, budget: Budget) -> dict[str, Any]:
    """Return what this run asked for and what it took."""
    return {
        "asked": tally.n_asked,
        "attempts": tally.attempts,
        "tokens_in": budget.n_tokens_in,
        "tokens_out": budget.n_tokens_out,
        "usd": round(budget.usd, 6),
    }
