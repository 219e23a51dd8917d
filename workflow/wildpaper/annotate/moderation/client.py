"""Requests to a moderation interface: lists of texts, an answer to each.

No error or log line holds what was sent (texts, key) or what the interface wrote back.
"""

from datetime import UTC, datetime
from typing import Any

from wildpaper.annotate.moderation.answers import Answer, read_reply
from wildpaper.annotate.moderation.plan import about_tokens
from wildpaper.interfaces.endpoint import Endpoint, Pace, open_endpoint
from wildpaper.interfaces.poster import Poster


def open_moderation(url: str) -> Endpoint:
    """Check the address of a moderation interface and read the key from the environment.

    Raises
    ------
    WildpaperError
        See `open_endpoint`.
    """
    return open_endpoint(
        url,
        called="moderation interface",
        setting="annotate.moderation.endpoint",
        model_setting="annotate.moderation.model",
        instead="set annotate.moderation.ask to false and name a folder of stored answers",
    )


class Client(Poster):
    """Asks an interface about lists of texts; enter it as an asynchronous context.

    Parameters
    ----------
    endpoint : Endpoint
        Where, and with which key.
    model : str
        Model to ask for.
    pace : Pace
        Shared by all requests.
    concurrency, timeout_s, attempts
        See `Poster`.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        model: str,
        pace: Pace,
        *,
        concurrency: int,
        timeout_s: float,
        attempts: int,
    ) -> None:
        self.model = model
        super().__init__(
            endpoint, pace, concurrency=concurrency, timeout_s=timeout_s, attempts=attempts
        )

    async def ask(self, texts: list[str]) -> list[Answer]:
        """Return the answers to some texts, in their order.

        Raises
        ------
        UnansweredError
            If patience is at an end, or the interface does not take these texts together.
        WildpaperError
            If asking on is of no use: no access, or too many requests unanswered in a row.
        """
        key = self.endpoint.key

        def read(body: Any) -> list[Answer]:
            date = datetime.now(UTC).date().isoformat()
            found = read_reply(body, len(texts), self.model, date)
            if key and key in found[0].served:
                raise ValueError("an echo of the key")
            return found

        return await self.post(
            {"model": self.model, "input": texts},
            sum(about_tokens(text) for text in texts),
            read,
            divisible=len(texts) > 1,
        )
