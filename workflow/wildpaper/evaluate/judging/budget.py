"""What asking a judge takes and may cost, before and while it is asked."""

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass

from wildpaper.errors import WildpaperError
from wildpaper.evaluate.chat.client import about_tokens
from wildpaper.evaluate.judging.log import JudgeRequest

_LOG = logging.getLogger("wildpaper")

_SLACK_USD = 1e-9


@dataclass(frozen=True, slots=True)
class Limits:
    """What a run may ask for; the keys of the configuration of the same names."""

    requests_per_minute: int
    tokens_per_minute: int
    usd_per_million_in: float
    usd_per_million_out: float
    most_requests: int
    most_usd: float

    def usd(self, n_tokens_in: int, n_tokens_out: int) -> float:
        """Return the price of tokens that are read and written."""
        millions = n_tokens_in * self.usd_per_million_in + n_tokens_out * self.usd_per_million_out
        return millions / 1e6

    def most_for(self, request: JudgeRequest) -> float:
        """Return what a request costs, in US dollars, if its verdict is as long as allowed."""
        return self.usd(about_tokens(request.messages), request.max_tokens)


@dataclass(frozen=True, slots=True)
class Estimate:
    """What all requests take if nothing fails; minutes at least, tokens of verdicts at most."""

    n_requests: int
    n_tokens_in: int
    most_tokens_out: int
    minutes: float
    most_usd: float


def estimate(requests: Iterable[JudgeRequest], limits: Limits) -> Estimate:
    """Return what requests take: tokens are estimated, one for four bytes, requests counted."""
    listed = list(requests)
    n_in = sum(about_tokens(request.messages) for request in listed)
    n_out = sum(request.max_tokens for request in listed)
    minutes = len(listed) / limits.requests_per_minute
    if limits.tokens_per_minute:
        minutes = max(minutes, (n_in + n_out) / limits.tokens_per_minute)
    return Estimate(len(listed), n_in, n_out, minutes, limits.usd(n_in, n_out))


def refuse_excess(wanted: Estimate, limits: Limits) -> None:
    """Log the estimate; stop where it exceeds a hard limit.

    Raises
    ------
    WildpaperError
        If there are more requests, or they may cost more, than allowed.
    """
    _LOG.info(
        "To ask the judge: %s requests, about %s tokens in, at most %s tokens out; at most "
        "%.2f USD, at least %.1f min",
        f"{wanted.n_requests:,}", f"{wanted.n_tokens_in:,}", f"{wanted.most_tokens_out:,}",
        wanted.most_usd, wanted.minutes,
    )  # fmt: skip
    if wanted.n_requests > limits.most_requests:
        raise WildpaperError(
            f"The judge is to be sent {wanted.n_requests:,} requests, "
            f"{limits.most_requests:,} are allowed; nothing was asked",
            where="evaluate.judge.most_requests",
            hint="Raise the limit if these answers may leave the machine, or name the folder "
            "that has their verdicts (evaluate.judge.log).",
        )
    if wanted.most_usd > limits.most_usd + _SLACK_USD:
        raise WildpaperError(
            f"Asking the judge may cost {wanted.most_usd:.2f} USD, {limits.most_usd:.2f} are "
            "allowed; nothing was asked",
            where="evaluate.judge.most_usd",
            hint="Raise the limit, lower evaluate.judge.max_tokens, or correct the prices "
            "(evaluate.judge.usd_per_million_in and _out).",
        )


class Budget:
    """The money of a run: what was spent, and what the requests under way may cost.

    Parameters
    ----------
    limits : Limits

    Attributes
    ----------
    n_tokens_in, n_tokens_out : int
        Tokens of all that was answered.
    exhausted : bool
        Whether a request was not sent because it might exceed the limit.
    """

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._under_way: list[float] = []
        self._changed = asyncio.Condition()
        self.n_tokens_in = self.n_tokens_out = 0
        self.exhausted = False

    @property
    def usd(self) -> float:
        """What was spent."""
        return self._limits.usd(self.n_tokens_in, self.n_tokens_out)

    async def reserve(self, request: JudgeRequest) -> bool:
        """Say whether a request may be sent; wait while that depends on those under way."""
        most = self._limits.most_for(request)
        async with self._changed:
            while not self.exhausted and self._exceeds(most):
                if not self._under_way:
                    self.exhausted = True
                    break
                await self._changed.wait()
            if not self.exhausted:
                self._under_way.append(most)
            self._changed.notify_all()
            return not self.exhausted

    def _exceeds(self, most: float) -> bool:
        wanted = self.usd + sum(self._under_way) + most
        return wanted > self._limits.most_usd + _SLACK_USD

    async def settle(self, request: JudgeRequest, n_tokens_in: int, n_tokens_out: int) -> None:
        """Count what a request took that was let through; 0 where it got no answer."""
        async with self._changed:
            self._under_way.remove(self._limits.most_for(request))
            self.n_tokens_in += n_tokens_in
            self.n_tokens_out += n_tokens_out
            self._changed.notify_all()
