"""What a block leaves before it is written to files."""

from dataclasses import dataclass, field

from wildpaper.acquire.simulation.dialogue import Message
from wildpaper.acquire.simulation.oddities import Line
from wildpaper.acquire.simulation.tally import BlockTally
from wildpaper.acquire.simulation.true_calls import TrueCall


@dataclass(slots=True)
class BlockLog:
    """All that a block writes; `overlap` are lines that stand in a second file, too."""

    tally: BlockTally = field(default_factory=BlockTally)
    lines: list[Line] = field(default_factory=list)
    overlap: list[str] = field(default_factory=list)
    consents: list[Line] = field(default_factory=list)
    true_calls: list[TrueCall] = field(default_factory=list)
    moderation: dict[str, str] = field(default_factory=dict)
    wildbench: list[tuple[str, str]] = field(default_factory=list)
    planted: list[dict[str, str]] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)
    released: list[tuple[str, Message]] = field(default_factory=list)
