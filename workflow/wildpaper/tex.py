"""Text and numbers as LaTeX source, shared by tables, claims and the paper."""

import math

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "{": r"\{",
    "}": r"\}",
    "$": r"\$",
    "&": r"\&",
    "#": r"\#",
    "%": r"\%",
    "_": r"\_",
    "^": r"\textasciicircum{}",
    "~": r"\textasciitilde{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': r"\textquotedbl{}",
    "`": r"\textasciigrave{}",
    "±": r"$\pm$",
    "–": "--",
    "—": "---",
    "…": r"\ldots{}",
    "×": r"$\times$",
}


def escape(text: str) -> str:
    """Return text as LaTeX source that prints it literally.

    Characters that pdfLaTeX with Latin Modern has no glyph for are shown by their code
    point (``[U+4E2D]``), so that a foreign name never stops the build or vanishes.
    """
    return "".join(_escape_character(c) for c in text)


def _escape_character(character: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    if character in "\n\r\t":
        return " "
    if " " <= character <= "~" or "\u00c0" <= character <= "\u017e":
        return character
    return f"[U+{ord(character):04X}]"


def number(value: float | str | None, decimals: int | None = None) -> str:
    """Return a value as LaTeX source: thousands parted, `decimals` digits after the point.

    Parameters
    ----------
    value : float, int, str or None
        None gives an en dash; a string (a date, a name) is escaped as it is.
    decimals : int, optional
        None prints an integer without and a float with its shortest form.
    """
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return "--"
    if isinstance(value, str):
        return escape(value)
    if decimals is not None:
        text = f"{value:,.{decimals}f}"
    elif float(value).is_integer():
        text = f"{int(value):,}"
    else:
        text = f"{value:,}"
    text = text.replace(",", "{,}")
    return f"$-${text[1:]}" if text.startswith("-") else text


def blank(artifact_id: str, reason: str) -> str:
    """Return the labelled blank that stands where an artifact was not built."""
    return f"\\wpblank{{{escape(artifact_id)}}}{{{escape(reason)}}}%\n"
