"""Progress with rate and time left, for anything that takes more than a few seconds."""

import logging
import time

_LOG = logging.getLogger("wildpaper")


class Progress:
    """Log how far a piece of work is, how fast it goes and how long it still takes.

    Parameters
    ----------
    what : str
        The work, as a noun phrase (``"alpaca, shard 0: tokens"``).
    total : int or None
        How many units there are; None where that is not known.
    unit : str
        The unit in the plural (``"messages"``, ``"bytes"``).
    every_s : float
        Seconds between two lines.

    Notes
    -----
    Lines go to the logger ``wildpaper``: a line each `every_s` seconds reads well in a
    log file and among the lines of parallel jobs, where a redrawn bar does not.
    """

    def __init__(self, what: str, total: int | None, unit: str, every_s: float = 5.0) -> None:
        self.what, self.total, self.unit, self.every_s = what, total, unit, every_s
        self.done = 0
        self._start = self._last = time.monotonic()
        self._done_at_start = 0

    def resume_from(self, done: int) -> None:
        """Say that `done` units were there before this run; they do not count for the rate."""
        self.done = self._done_at_start = done

    def advance(self, n: int) -> None:
        """Count `n` more units and log a line if it is time for one."""
        self.done += n
        now = time.monotonic()
        if now - self._last >= self.every_s:
            self._last = now
            _LOG.info("%s", self.line(now - self._start))

    def line(self, elapsed_s: float) -> str:
        """Return the progress line for `elapsed_s` seconds of work."""
        rate = (self.done - self._done_at_start) / max(elapsed_s, 1e-9)
        if self.total is None:
            return f"{self.what}: {self.done:,} {self.unit}, {self._rate(rate)}"
        share = 100 * self.done / self.total if self.total else 100.0
        left_s = max(self.total - self.done, 0) / rate if rate > 0 else float("inf")
        eta = "unknown" if left_s == float("inf") else _clock(left_s)
        return (
            f"{self.what}: {self.done:,} of {self.total:,} {self.unit} ({share:.0f} %), "
            f"{self._rate(rate)}, {eta} left"
        )

    def _rate(self, rate: float) -> str:
        """Return a rate in units a second, a minute where it is slow."""
        if 0 < rate < 1:
            return f"{60 * rate:,.1f} {self.unit}/min"
        return f"{rate:,.0f} {self.unit}/s"


def _clock(seconds: float) -> str:
    """Return seconds as ``1:02:03`` or ``2:03``."""
    minutes, second = divmod(round(seconds), 60)
    hour, minute = divmod(minutes, 60)
    return f"{hour}:{minute:02d}:{second:02d}" if hour else f"{minute}:{second:02d}"
