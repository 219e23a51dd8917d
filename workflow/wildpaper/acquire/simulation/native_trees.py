"""Simulated message trees in the form of OASST1; a conversation is a path to a leaf."""

import datetime
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from wildpaper.acquire.simulation.native_author import Author, Said

BAD_LINES = ("missing-parent", "non-string-text", "unknown-role", "unparsable-json")
"""Reasons for which a reader shall quarantine a line that `bad_line` writes."""

_REPLIES = ((1, 0.8), (2, 0.15), (3, 0.05))
_QUESTIONS = ((1, 0.85), (2, 0.15))
_SHARE_UNANSWERED = 0.05
_SHARE_DELETED = 0.02
_MOST_TURNS = 20
_FIRST = datetime.datetime(2023, 2, 1, 9, tzinfo=datetime.UTC)
_ROLES = {"user": "prompter", "assistant": "assistant"}
_CODES = {
    "English": "en", "Chinese": "zh", "Russian": "ru", "French": "fr", "Spanish": "es",
    "German": "de", "Portuguese": "pt-BR", "Italian": "it", "Turkish": "tr", "Arabic": "ar",
    "Japanese": "ja", "Korean": "ko", "Polish": "pl", "Vietnamese": "vi",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Where a message stands: who speaks, after which earlier place, in which turn."""

    role: str
    parent: int | None
    turn: int


@dataclass(frozen=True, slots=True)
class Tree:
    """Messages in the order in which they are written, each parent before its children."""

    language: str
    places: list[Place]
    said: list[Said]

    def paths(self) -> list[list[Said]]:
        """Return the conversations: for each leaf, the messages from the root to it."""
        return [[self.said[at] for at in path] for path in _paths(self.places)]


def grow_tree(author: Author, most_paths: int) -> Tree:
    """Return a tree whose paths have, on the mean over all paths, the turns of the set.

    Parameters
    ----------
    author : Author
        Who writes; a large tree gets a language of which much is still missing.
    most_paths : int
        A tree with more paths is dropped and another one grown.
    """
    places, paths = _skeleton(author)
    while len(paths) > most_paths:
        places, paths = _skeleton(author)
    n_user = sum(places[at].role == "user" for path in paths for at in path)
    language, topic = author.begin(n_user)
    author.spoke(language, n_user)
    return Tree(language, places, [author.say(place.role, language, topic) for place in places])


def _skeleton(author: Author) -> tuple[list[Place], list[list[int]]]:
    """Return (places, paths) of a tree.

    A question gets one to three replies or none; a reply is followed up with the
    probability c. The sum over paths of z^turns is then z * a / (1 - b * z) on the
    mean, with b = c * (replies) * (questions), so paths have 1 / (1 - b) turns.
    """
    answered = (1 - _SHARE_UNANSWERED) * _mean(_REPLIES) * _mean(_QUESTIONS)
    followed = (1 - 1 / author.shape.n_turns) / answered
    places: list[Place] = []
    waiting = [Place("user", None, 1)]
    while waiting:
        place, at = waiting.pop(), len(places)
        places.append(place)
        if place.role == "user" and author.rng.random() >= _SHARE_UNANSWERED:
            waiting += [Place("assistant", at, place.turn)] * _draw(author, _REPLIES)
        if place.role == "assistant" and author.rng.random() < followed:
            n = _draw(author, _QUESTIONS) if place.turn < _MOST_TURNS else 0
            waiting += [Place("user", at, place.turn + 1)] * n
    return places, _paths(places)


def _paths(places: list[Place]) -> list[list[int]]:
    parents = {place.parent for place in places}
    found = []
    for leaf in (at for at in range(len(places)) if at not in parents):
        path: list[int] = []
        at: int | None = leaf
        while at is not None:
            path.append(at)
            at = places[at].parent
        found.append(path[::-1])
    return found


def _mean(weights: tuple[tuple[int, float], ...]) -> float:
    return sum(n * weight for n, weight in weights)


def _draw(author: Author, weights: tuple[tuple[int, float], ...]) -> int:
    (n,) = author.rng.choices([n for n, _ in weights], [weight for _, weight in weights])
    return n


def tree_lines(author: Author, tree: Tree, number: int) -> Iterator[dict[str, Any]]:
    """Yield the messages of a tree, with new ids each time it is written."""
    names = [_uuid(author) for _ in tree.places]
    for at, (place, said) in enumerate(zip(tree.places, tree.said, strict=True)):
        parent = None if place.parent is None else names[place.parent]
        when = _FIRST + datetime.timedelta(minutes=number, seconds=at % 60)
        yield _line(author, (names[at], parent, names[0]), _ROLES[place.role], said.text,
                    _CODES[tree.language], when)  # fmt: skip


def bad_line(author: Author, reason: str, number: int) -> dict[str, Any] | bytes:
    """Return a line that stands alone and gives no path."""
    if reason == "unparsable-json":
        return b'{"message_id": '
    name = _uuid(author)
    parent = _uuid(author) if reason == "missing-parent" else None
    role = "moderator" if reason == "unknown-role" else "prompter"
    text = None if reason == "non-string-text" else author.aside()
    when = _FIRST + datetime.timedelta(minutes=number)
    return _line(author, (name, parent, name), role, text, "en", when)


def _line(
    author: Author,
    names: tuple[str, str | None, str],
    role: str,
    text: str | None,
    lang: str,
    when: datetime.datetime,
) -> dict[str, Any]:
    return {
        "message_id": names[0],
        "parent_id": names[1],
        "user_id": _uuid(author),
        "created_date": when.isoformat(),
        "text": text,
        "role": role,
        "lang": lang,
        "review_count": 3,
        "review_result": True,
        "deleted": author.rng.random() < _SHARE_DELETED,
        "rank": None,
        "synthetic": False,
        "model_name": None,
        "detoxify": None,
        "message_tree_id": names[2],
        "tree_state": "ready_for_export",
        "emojis": None,
        "labels": None,
    }


def _uuid(author: Author) -> str:
    return str(uuid.UUID(int=author.rng.getrandbits(128), version=4))
