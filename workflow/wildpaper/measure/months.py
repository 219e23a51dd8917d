"""Months of a collection, and the longest run of them in which something is absent."""

MONTH = "strftime(make_timestamp(epoch_us({time})), '%Y-%m')"
"""SQL: the month of a time in UTC, for example 2023-04, whatever the machine's time zone."""

DATE = "strftime(make_timestamp(epoch_us({time})), '%Y-%m-%d')"
"""SQL: the date of a time in UTC."""

IS_GPT4 = "starts_with(model, 'gpt-4')"
IS_GPT35 = "starts_with(model, 'gpt-3.5')"


def months_between(first: str, last: str) -> list[str]:
    """Return the months from first to last, both included, as ``YYYY-MM``."""
    start, end = _number(first), _number(last)
    return [f"{n // 12:04d}-{n % 12 + 1:02d}" for n in range(start, end + 1)]


def longest_gap(present: set[str], first: str, last: str) -> tuple[str, str] | None:
    """Return first and last month of the longest run of months that are not present.

    Parameters
    ----------
    present : set of str
        Months in which there is something.
    first, last : str
        The months to look at, both included.

    Returns
    -------
    (str, str) or None
        Among equally long runs the earliest; None where no month is absent.
    """
    best: list[str] = []
    run: list[str] = []
    for month in months_between(first, last):
        run = [] if month in present else [*run, month]
        if len(run) > len(best):
            best = run
    return (best[0], best[-1]) if best else None


def _number(month: str) -> int:
    year, _, of_year = month.partition("-")
    return 12 * int(year) + int(of_year) - 1
