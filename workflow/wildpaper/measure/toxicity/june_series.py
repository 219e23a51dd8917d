"""Turns by user and day: what the test of the update of June is taken over."""

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

from wildpaper.measure.months import IS_GPT35
from wildpaper.measure.shards import OpenedDataset

Integers = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

DAY_US = 86_400_000_000
_EPOCH = date(1970, 1, 1)

# A turn counts if the user message and the reply that follows it are both judged. It belongs
# to the day of the reply; where that has no time, to the day of the conversation.
_TURNS = f"""
WITH answered AS (
    SELECT q.conversation_id, q.cluster, q."either" AS asked, r."either" AS replied,
           epoch_us(coalesce(m.timestamp, q.timestamp)) // {DAY_US} AS day
    FROM judged q
    JOIN judged r ON r.conversation_id = q.conversation_id AND r.position = q.position + 1
    JOIN messages m ON m.conversation_id = r.conversation_id AND m.position = r.position
    WHERE q.role = 'user' AND r.role = 'assistant'
      AND q."either" IS NOT NULL AND r."either" IS NOT NULL
)
SELECT a.cluster, a.day, coalesce({IS_GPT35}, false) AS gpt35, count(*) AS n,
       count(*) FILTER (asked) AS "user", count(*) FILTER (replied) AS chatbot
FROM answered a JOIN conversations c USING (conversation_id)
WHERE a.day IS NOT NULL
GROUP BY ALL ORDER BY a.day, a.cluster, gpt35
"""  # noqa: S608 - no text of a user in it


@dataclass(frozen=True, slots=True)
class Turns:
    """Counts of turns, one row a user and day; several rows of one are summed.

    Attributes
    ----------
    cluster, day : ndarray of int64, shape (n_rows,)
        Number of the user; days since 1970.
    n, user, chatbot : ndarray of int64, shape (n_rows,)
        Turns; those whose user message is flagged; those whose reply is.
    gpt35 : ndarray of bool, shape (n_rows,)
        Whether a GPT-3.5 model answered.
    """

    cluster: Integers
    day: Integers
    n: Integers
    user: Integers
    chatbot: Integers
    gpt35: Flags

    def where(self, kept: Flags) -> "Turns":
        """Return some of the rows; `kept` has shape (n_rows,)."""
        counts = (self.n[kept], self.user[kept], self.chatbot[kept])
        return Turns(self.cluster[kept], self.day[kept], *counts, self.gpt35[kept])

    def on_both_sides(self, date: int) -> Flags:
        """Say of each row if its user has turns before a date and from it on."""
        early = self.day < date
        both = np.intersect1d(self.cluster[early], self.cluster[~early])
        return np.isin(self.cluster, both)

    def flagged(self, outcome: str) -> Integers:
        """Return the sums of an outcome by row.

        Parameters
        ----------
        outcome : str
            `user`, `chatbot`, or `difference`: flagged replies less flagged user messages.
        """
        sums = {"user": self.user, "chatbot": self.chatbot}
        return sums[outcome] if outcome in sums else self.chatbot - self.user


def read_turns(opened: OpenedDataset) -> Turns:
    """Return the judged turns of a data set that has the table `judged`."""
    found = opened.connection.execute(_TURNS).fetchnumpy()
    cluster, day, n, user, chatbot = (
        np.asarray(found[key], np.int64) for key in ("cluster", "day", "n", "user", "chatbot")
    )
    return Turns(cluster, day, n, user, chatbot, np.asarray(found["gpt35"], np.bool_))


def number_of(day: date) -> int:
    """Return the days since 1970."""
    return (day - _EPOCH).days


def iso_of(number: int) -> str:
    """Return a day, given since 1970, as ``YYYY-MM-DD``."""
    return (_EPOCH + timedelta(days=number)).isoformat()
