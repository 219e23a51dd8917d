"""An axis of months: month i lies between i and i + 1."""

import calendar

from matplotlib.axes import Axes


def label_months(axes: Axes, months: list[str], most_labels: int) -> None:
    """Name months below the axis, the year with the first and with each new one.

    Parameters
    ----------
    axes : Axes
    months : list of str
        ``YYYY-MM``, without a break.
    most_labels : int
        Of more months only every second, third, ... is named.
    """
    step = -(-len(months) // most_labels)
    ticks = range(0, len(months), step)
    labels = []
    for i in ticks:
        year, month = months[i].split("-")
        new_year = i == 0 or int(month) <= step
        labels.append(calendar.month_abbr[int(month)] + (f"\n{year}" if new_year else ""))
    axes.set_xticks([i + 0.5 for i in ticks], labels)
    axes.set_xlim(0, len(months))
