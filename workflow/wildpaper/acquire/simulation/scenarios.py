"""What can happen to a conversation in a log, and what linking must make of it.

Each scenario turns a dialogue into calls in the order of the log, and says which chains of
them are conversations and which calls are dropped, for what reason. It follows the
semantics of linking that docs/raw-logs.md states: a call continues the latest call that
nothing continues yet and whose messages are its own without the last exchange, of the same
device and model; a chain whose beginning is missing is dropped.

Beside this stands what truly happened: each call's place on the path that the user ended
with. Of two versions of a turn the later one is on it if the user went on from it, or if
nothing was said after it; the other one was abandoned and has no place.
"""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from wildpaper.acquire.simulation.dialogue import Exchange, Speech, Topic
from wildpaper.acquire.simulation.schedule import DAY, HOUR, MINUTE, SECOND, START, other_model

FAILED, MISSING, EARLY = "failed-call", "missing-turn", "before-start"


@dataclass(slots=True)
class Call:
    """One line of the log: all messages so far and the exchange that is new.

    `path` is its place on the path that the user ended with, None if it was abandoned.
    """

    time: int
    history: list[Exchange]
    exchange: Exchange
    model: str
    address: str
    failed: bool = False
    path: int | None = None
    call_id: str = ""


@dataclass(slots=True)
class Outcome:
    """Calls in the order of the log, the chains that are conversations, calls dropped."""

    calls: list[Call]
    chains: list[list[Call]]
    dropped: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class Setting:
    """What a scenario has to work with; `times` has one entry a turn."""

    rng: random.Random
    dialogue: list[Exchange]
    times: list[int]
    model: str
    address: str
    other_address: str
    speech: Speech
    topic: Topic

    def call(self, turn: int, time: int | None = None) -> Call:
        """Return the plain call of a turn."""
        when = self.times[turn] if time is None else time
        history, exchange = self.dialogue[:turn], self.dialogue[turn]
        return Call(when, history, exchange, self.model, self.address, path=turn)

    def version(self, turn: int, time: int | None = None) -> Call:
        """Return the call of a turn once more, as one that was abandoned."""
        call = self.call(turn, time)
        call.path = None
        return call

    def calls(self) -> list[Call]:
        """Return the plain calls of all turns."""
        return [self.call(turn) for turn in range(len(self.dialogue))]

    def later_turn(self) -> int:
        """Return a turn that is not the first."""
        return 1 + int(self.rng.random() * (len(self.dialogue) - 1))

    def soon_after(self, turn: int) -> int:
        """Return a time between a turn and the next, or within minutes after the last."""
        here = self.times[turn]
        after = self.times[turn + 1] if turn + 1 < len(self.times) else here + 5 * MINUTE
        return here + 1 + int(self.rng.random() * (after - here - 2))

    def new_reply(self, turn: int) -> Exchange:
        """Return the exchange of a turn with another reply."""
        asked, old = self.dialogue[turn].user, self.dialogue[turn].reply
        reply = self.speech.reply(self.rng, self.topic, asked)
        while reply.text == old.text:
            reply = self.speech.reply(self.rng, self.topic, asked)
        return Exchange(asked, reply)

    def new_exchange(self, turn: int) -> Exchange:
        """Return an exchange that differs from that of a turn in the user's message."""
        old = self.dialogue[turn].user.text
        asked = self.speech.user(self.rng, self.topic, turn == 0)
        while asked.text == old:
            asked = self.speech.user(self.rng, self.topic, turn == 0)
        return Exchange(asked, self.speech.reply(self.rng, self.topic, asked))


def _replace(abandoned: list[Call], by: list[Call]) -> None:
    """Let calls take the place of others on the path, from the first of these on."""
    first = abandoned[0].path
    assert first is not None  # noqa: S101 - narrows the type
    for call in abandoned:
        call.path = None
    for place, call in enumerate(by, start=first):
        call.path = place


def plain(setting: Setting) -> Outcome:
    """Let nothing happen."""
    calls = setting.calls()
    return Outcome(calls, [calls])


def retry(setting: Setting) -> Outcome:
    """Let a call fail and be sent again."""
    calls = setting.calls()
    turn = int(setting.rng.random() * len(calls))
    failed = setting.call(turn, setting.times[turn] - SECOND)
    failed.failed = True
    return Outcome([*calls[:turn], failed, *calls[turn:]], [calls], Counter({FAILED: 1}))


def failed_end(setting: Setting) -> Outcome:
    """Let the last call fail, and the user give up."""
    calls = setting.calls()
    last = len(calls) - 1
    asked = setting.new_exchange(last)
    failed = Call(setting.soon_after(last), setting.dialogue, asked, setting.model,
                  setting.address, failed=True)  # fmt: skip
    return Outcome([*calls, failed], [calls], Counter({FAILED: 1}))


def first_logged_twice(setting: Setting) -> Outcome:
    """Log the first call twice: one copy is continued, both are conversations.

    On the path is the copy that is logged last.
    """
    calls, copy = setting.calls(), setting.version(0)
    return Outcome([copy, *calls], [[copy], calls])


def last_logged_twice(setting: Setting) -> Outcome:
    """Log the last call of several twice: the second copy finds nothing to continue.

    On the path is the copy that is logged first.
    """
    calls = setting.calls()
    return Outcome([*calls, setting.version(len(calls) - 1)], [calls], Counter({MISSING: 1}))


def first_regenerated(setting: Setting) -> Outcome:
    """Generate the first reply anew, and go on from the old one: two conversations.

    On the path is the old one; the new one where nothing was said afterwards.
    """
    calls = setting.calls()
    other = setting.version(0, setting.soon_after(0))
    other.exchange = setting.new_reply(0)
    if len(calls) == 1:
        _replace(calls, [other])
    return Outcome([calls[0], other, *calls[1:]], [calls, [other]])


def first_regenerated_continued(setting: Setting) -> Outcome:
    """Generate the first reply anew, and go on from the new one: two conversations.

    On the path is the new one.
    """
    old = setting.version(0)
    setting.dialogue = [setting.new_reply(0), *setting.dialogue[1:]]
    calls = setting.calls()
    calls[0].time = setting.soon_after(0)
    return Outcome([old, *calls], [[old], calls])


def later_regenerated(setting: Setting) -> Outcome:
    """Generate a later reply anew, and go on from the old one: the new one is lost.

    On the path is the old one; the new one where nothing was said afterwards.
    """
    calls, turn = setting.calls(), setting.later_turn()
    other = setting.version(turn, setting.soon_after(turn))
    other.exchange = setting.new_reply(turn)
    if turn == len(calls) - 1:
        _replace(calls[turn:], [other])
    logged = [*calls[: turn + 1], other, *calls[turn + 1 :]]
    return Outcome(logged, [calls], Counter({MISSING: 1}))


def later_regenerated_continued(setting: Setting) -> Outcome:
    """Generate a later reply anew, and go on from it: all that builds on it is lost.

    On the path is the new one.
    """
    turn = min(setting.later_turn(), len(setting.dialogue) - 2)
    kept = setting.calls()[: turn + 1]
    time = setting.soon_after(turn)
    setting.dialogue[turn] = setting.new_reply(turn)
    lost = setting.calls()[turn:]
    lost[0].time = time
    _replace(kept[turn:], lost)
    return Outcome([*kept, *lost], [kept], Counter({MISSING: len(lost)}))


def first_edited(setting: Setting) -> Outcome:
    """Edit the first message at last: a new conversation, and all of the path."""
    calls = setting.calls()
    other = setting.version(0, setting.soon_after(len(calls) - 1))
    other.exchange = setting.new_exchange(0)
    _replace(calls, [other])
    return Outcome([*calls, other], [calls, [other]])


def later_edited(setting: Setting) -> Outcome:
    """Edit a later message at last, though it had been gone on from: the new branch is lost.

    On the path is what stands before the message, then the branch.
    """
    calls, turn = setting.calls(), setting.later_turn()
    time = setting.soon_after(len(calls) - 1)
    branch = setting.version(turn, time)
    branch.exchange = setting.new_exchange(turn)
    lost = [branch]
    if setting.rng.random() < 0.5:
        history = [*branch.history, branch.exchange]
        further = setting.new_exchange(turn)
        lost.append(Call(time + MINUTE, history, further, setting.model, setting.address))
    _replace(calls[turn:], lost)
    return Outcome([*calls, *lost], [calls], Counter({MISSING: len(lost)}))


def address_changed(setting: Setting) -> Outcome:
    """Change the user's address on the way, and at times back again."""
    calls, turn = setting.calls(), setting.later_turn()
    back = turn + 1 + int(setting.rng.random() * 2 * (len(calls) - turn))
    for call in calls[turn:back]:
        call.address = setting.other_address
    return Outcome(calls, [calls])


def model_changed(setting: Setting) -> Outcome:
    """Change the model on the way: what follows is lost."""
    calls, turn = setting.calls(), setting.later_turn()
    model = other_model(setting.rng, setting.model, setting.times[turn])
    for call in calls[turn:]:
        call.model = model
    return Outcome(calls, [calls[:turn]], Counter({MISSING: len(calls) - turn}))


def middle_missing(setting: Setting) -> Outcome:
    """Leave a call in the middle out: what stands before is kept, the rest is lost."""
    calls = setting.calls()
    turn = min(setting.later_turn(), len(calls) - 2)
    kept, lost = calls[:turn], calls[turn + 1 :]
    return Outcome([*kept, *lost], [kept], Counter({MISSING: len(lost)}))


def first_missing(setting: Setting) -> Outcome:
    """Leave the first call out: nothing is kept."""
    lost = setting.calls()[1:]
    return Outcome(lost, [], Counter({MISSING: len(lost)}))


def same_time(setting: Setting) -> Outcome:
    """Let two successive calls bear the same time."""
    turn = setting.later_turn()
    setting.times[turn] = setting.times[turn - 1]
    return plain(setting)


def before_start(setting: Setting) -> Outcome:
    """Let the whole conversation lie before the start of the collection."""
    ahead = HOUR + int(setting.rng.random() * 2 * DAY)
    shift = START - ahead - setting.times[-1]
    setting.times = [time + shift for time in setting.times]
    calls = setting.calls()
    return Outcome(calls, [], Counter({EARLY: len(calls)}))


def across_start(setting: Setting) -> Outcome:
    """Let the conversation begin before the start: the beginning is dropped, the rest is lost."""
    turn = setting.later_turn()
    before, after = setting.times[turn - 1 : turn + 1]
    shift = START - (before + 1 + int(setting.rng.random() * (after - before - 1)))
    setting.times = [time + shift for time in setting.times]
    calls = setting.calls()
    return Outcome(calls, [], Counter({EARLY: turn, MISSING: len(calls) - turn}))


Scenario = Callable[[Setting], Outcome]
