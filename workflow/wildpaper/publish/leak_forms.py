r"""Normal forms of bytes in which the escapes of file formats hide nothing.

A value and the file that it may stand in are brought to the same form, so that it does
not matter whether a file holds it plainly, as JSON (``\u00e9``, ``\"``), LaTeX (``\_``,
``[U+4E2D]``), HTML (``&#64;``), a Python representation, or broken over lines. Forms are
not for reading: letters are in lower case, and some characters are gone.
"""

import html
import re

_ROUNDS = 4
_ESCAPE = re.compile(
    rb"\\+(?:u([dD][89abAB][0-9a-fA-F]{2})\\+u([dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|x([0-9a-fA-F]{2})"
    rb"|(textbackslash)(?![a-zA-Z])(?:\{\})?"
    rb"|(?:textasciicircum|textasciitilde|textless|textgreater|textbar"
    rb"|textquotedbl|textasciigrave|pm|times|ldots)(?![a-zA-Z])|[nrtbfv])"
)
_CODE_POINT = re.compile(rb"\[U\+([0-9A-F]{4,6})\]")
_ENTITY = re.compile(rb"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z][a-zA-Z0-9]{1,31});")
_PUNCTUATION = re.compile(
    rb"\xe2\x80[\x80-\xaf]|\xc2[\xa0\xad\xb1]|\xc3\x97|\xe3\x80\x80|\xef\xbb\xbf"
)
_TO_SPACE = bytes.maketrans(b"\\{}\n\r\t", b"      ")
_DROPPED = b"\\{}\"'`^~<>|$-" + bytes(range(0x21))


def spaced(data: bytes) -> bytes:
    """Return UTF-8 bytes without escapes, in lower case, white space as single bytes."""
    for _ in range(_ROUNDS):
        plain = data
        if b"\\" in plain:
            plain = _ESCAPE.sub(_unescaped, plain)
        if b"[U+" in plain:
            plain = _CODE_POINT.sub(lambda match: _character(match[1]), plain)
        if b"&" in plain:
            plain = _ENTITY.sub(_entity, plain)
        if plain == data:
            break
        data = plain
    return data.translate(_TO_SPACE).lower()


def squeezed(plain: bytes) -> bytes:
    """Return what `spaced` gave without white space, quotes, dashes and the like."""
    return _PUNCTUATION.sub(b"", plain).translate(None, _DROPPED)


def _unescaped(match: re.Match[bytes]) -> bytes:
    high, low, *single, backslash = match.groups()
    if backslash is not None:  # what it escapes is looked at in the next round
        return b"\\"
    if high is not None:
        code = 0x10000 + ((int(high, 16) - 0xD800) << 10) + (int(low, 16) - 0xDC00)
        return chr(code).encode()
    digits = next((found for found in single if found is not None), None)
    return b" " if digits is None else _character(digits)


def _character(digits: bytes) -> bytes:
    code = int(digits, 16)
    return chr(code).encode("utf-8", "ignore") if code <= 0x10FFFF else b""


def _entity(match: re.Match[bytes]) -> bytes:
    return html.unescape(match[0].decode("ascii")).encode("utf-8", "ignore")
