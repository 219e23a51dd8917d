"""Plain text for a terminal: columns side by side, long text wrapped under its column."""

import shutil
import textwrap
from collections.abc import Sequence

_GAP = 2
_NARROWEST = 20


def width() -> int:
    """Return the columns of the terminal, 100 where the output goes elsewhere."""
    return max(shutil.get_terminal_size((100, 24)).columns, 4 * _NARROWEST)


def side_by_side(
    rows: Sequence[tuple[str, ...]], indent: int = 0, numbers: tuple[int, ...] = ()
) -> str:
    """Return rows as aligned columns; what does not fit is wrapped in the last one.

    Parameters
    ----------
    rows : sequence of tuple of str
        All of one length.
    indent : int
        Spaces in front.
    numbers : tuple of int
        Columns that are aligned at the right.
    """
    if not rows:
        return ""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    before = indent + sum(widths[:-1]) + _GAP * (len(widths) - 1)
    room = max(width() - before, _NARROWEST)
    lines = []
    for row in rows:
        cells = [
            cell.rjust(size) if i in numbers else cell.ljust(size)
            for i, (cell, size) in enumerate(zip(row[:-1], widths[:-1], strict=True))
        ]
        last = row[-1].rjust(widths[-1]) if len(row) - 1 in numbers else row[-1]
        first, *more = wrap(last, room) or [""]
        lines.append((" " * indent + (" " * _GAP).join([*cells, first])).rstrip())
        lines += [" " * before + line for line in more]
    return "\n".join(lines)


def wrap(text: str, room: int) -> list[str]:
    """Return a text in lines of a width; words, such as commands and paths, stay whole."""
    return textwrap.wrap(
        text, room, break_long_words=False, break_on_hyphens=False, drop_whitespace=True
    )


def folded(text: str, indent: int = 0, hanging: int = 0) -> str:
    """Return a paragraph of the terminal's width, `hanging` more spaces from its second line on."""
    lines = wrap(text, max(width() - indent - hanging, _NARROWEST))
    return "\n".join(" " * (indent + (hanging if i else 0)) + line for i, line in enumerate(lines))


def command(text: str, indent: int = 0) -> str:
    """Return a command for the shell, continued on further lines where it is too long."""
    lines = wrap(text, max(width() - indent - 4, _NARROWEST))
    gap = " \\\n" + " " * (indent + 2)
    return " " * indent + gap.join(lines)
