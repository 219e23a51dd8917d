"""Executed notebooks as text that loads nothing: no script, no address of another host."""

import re
from dataclasses import dataclass
from html import escape
from html.parser import HTMLParser
from pathlib import Path

_DROPPED = ("script", "noscript", "iframe", "object")
_DROPPED_EMPTY = ("link", "base", "embed")
_REMOTE_CSS = re.compile(r"@import[^;]*;?|url\(\s*['\"]?(?!\s*['\"]?(?:data:|#))[^)]*\)", re.I)
_LOADING = ("src", "srcset", "poster", "data", "background", "href", "xlink:href", "action",
            "formaction", "ping")  # fmt: skip
_SHARED_FROM = 2_000


@dataclass(frozen=True, slots=True)
class Notebook:
    """A notebook: its name, title and HTML; `{{style:n}}` stands for the n-th shared style."""

    name: str
    title: str
    html: str


def read_notebooks(paths: list[Path]) -> tuple[list[Notebook], list[str]]:
    """Return the notebooks that are there, and the style sheets that they share."""
    styles: dict[str, int] = {}
    found = []
    for path in paths:
        if path.is_file():
            stripper = _Stripper(styles)
            stripper.feed(path.read_text(encoding="utf-8"))
            stripper.close()
            title = " ".join("".join(stripper.heading).replace("¶", "").split())
            found.append(Notebook(path.stem, title or path.stem, "".join(stripper.kept)))
    return found, list(styles)


def strip_remote(text: str) -> str:
    """Return HTML without scripts and without anything that would be loaded."""
    stripper = _Stripper({}, shared_from=len(text) + 1)
    stripper.feed(text)
    stripper.close()
    return "".join(stripper.kept)


class _Stripper(HTMLParser):
    """Writes HTML again, tag by tag, without what would load or run."""

    def __init__(self, styles: dict[str, int], shared_from: int = _SHARED_FROM) -> None:
        super().__init__(convert_charrefs=False)
        self.kept: list[str] = []
        self.heading: list[str] = []
        self._styles = styles
        self._shared_from = shared_from
        self._dropping = ""
        self._in_style = False
        self._heading = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._dropping or tag in _DROPPED:
            self._dropping = self._dropping or tag
            return
        refresh = tag == "meta" and any(name == "http-equiv" for name, _ in attrs)
        if tag in _DROPPED_EMPTY or refresh:
            return
        self._in_style = tag == "style"
        if tag == "h1":
            self._heading += 1
        self.kept.append(f"<{tag}{''.join(_attribute(tag, *item) for item in attrs)}>")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        before = len(self.kept)
        if tag in _DROPPED:
            return
        self.handle_starttag(tag, attrs)
        if len(self.kept) > before:
            self.kept[-1] = f"{self.kept[-1][:-1]}/>"

    def handle_endtag(self, tag: str) -> None:
        if self._dropping:
            self._dropping = "" if tag == self._dropping else self._dropping
            return
        self._in_style = False
        if tag == "h1":
            self._heading += 1
        self.kept.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        if self._dropping:
            return
        if self._in_style:
            data = _REMOTE_CSS.sub("", data)
            if len(data) >= self._shared_from:
                data = f"{{{{style:{self._styles.setdefault(data, len(self._styles))}}}}}"
        elif self._heading == 1:
            self.heading.append(data)
        self.kept.append(data)

    def handle_entityref(self, name: str) -> None:
        self._keep(f"&{name};")

    def handle_charref(self, name: str) -> None:
        self._keep(f"&#{name};")

    def handle_decl(self, decl: str) -> None:
        self._keep(f"<!{decl}>")

    def _keep(self, text: str) -> None:
        if not self._dropping:
            self.kept.append(text)


def _attribute(tag: str, name: str, value: str | None) -> str:
    """Return an attribute as text; nothing for one that runs something or loads from elsewhere.

    A link that a reader may follow stays, and opens a window of its own.
    """
    if name.startswith("on") or name in ("srcdoc", "target", "rel"):
        return ""
    if value is None:
        return f" {name}"
    inside = value.strip().lower().startswith(("data:", "#"))
    if tag == "a" and name == "href" and value.strip().lower().startswith(("http://", "https://")):
        return f' href="{escape(value)}" target="_blank" rel="noopener noreferrer"'
    if name in _LOADING and not inside:
        return ""
    if name == "style":
        value = _REMOTE_CSS.sub("", value)
    return f' {name}="{escape(value)}"'
