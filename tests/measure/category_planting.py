"""Data sets whose scores by head and flags by category are known."""

import random
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from planting import Chat, random_chats, write_chats

from wildpaper.schema import DETOXIFY_HEADS, MODERATION_CATEGORIES

SCORES = (0.0, 0.0625, 0.0999, 0.25, 0.9)
LABELLED = {"detoxify": "toxicity", "moderation": "flagged"}
"""{label: what a planted message has if it has the label}."""


@dataclass
class Judged:
    """A data set; `marks` says of each (conversation, position) what its labels hold."""

    name: str
    chats: list[Chat]
    marks: dict[tuple[int, int], dict[str, float | bool | None]]
    paths: dict

    def messages(self):
        """Yield (conversation, message, marks), in order."""
        for i, chat in enumerate(self.chats):
            for position, said in enumerate(chat.messages):
                yield i, said, self.marks[i, position]

    def has(self, said, label: str) -> bool:
        return getattr(said, LABELLED[label]) is not None


def plant(
    folder: Path,
    chats: list[Chat] | None = None,
    name: str = "wildchat",
    seed: int = 1,
    without: tuple[str, ...] = (),
    **write,
) -> Judged:
    """Write a data set with random scores and flags; heads in `without` are null."""
    chats = random_chats(60, seed) if chats is None else chats
    draw = random.Random(seed)
    marks: dict = {}
    for i, chat in enumerate(chats):
        for position, said in enumerate(chat.messages):
            own: dict = {head: draw.choice(SCORES) for head in DETOXIFY_HEADS}
            own |= {"toxicity": said.toxicity} | dict.fromkeys(without)
            own |= {name: draw.random() < 0.1 for name in MODERATION_CATEGORIES}
            marks[i, position] = own | {"flagged": said.flagged}
    paths = write_chats(folder, chats, name, **write)
    rewrite(paths["detoxify"], marks, DETOXIFY_HEADS)
    rewrite(paths["moderation"], marks, MODERATION_CATEGORIES)
    return Judged(name, chats, marks, paths)


def rewrite(files: list[Path], marks: dict, columns: tuple[str, ...]) -> None:
    """Put marks into the columns of label files."""
    for path in files:
        table = pq.read_table(path)
        keys = list(
            zip(table["conversation_id"].to_pylist(), table["position"].to_pylist(), strict=True)
        )
        for name in columns:
            place = table.schema.get_field_index(name)
            field = table.schema.field(place)
            values = pa.array([marks[key][name] for key in keys], field.type)
            table = table.set_column(place, field, values)
        pq.write_table(table, path)


def together(sets: list[Judged], **labelled: list[str]) -> dict:
    """Return the paths of several data sets as `run_measure` takes them.

    `labelled` names the sets that have the labels, as `scored`, `moderated`.
    """
    paths: dict = {"reports": [judged.paths["report"] for judged in sets]}
    for kind in ("conversations", "messages"):
        paths[kind] = [path for judged in sets for path in judged.paths[kind]]
    for kind, option in (("detoxify", "scored"), ("moderation", "moderated")):
        owners = labelled.get(option, [judged.name for judged in sets])
        paths[option] = owners
        paths[kind] = [path for one in sets if one.name in owners for path in one.paths[kind]]
    return paths
