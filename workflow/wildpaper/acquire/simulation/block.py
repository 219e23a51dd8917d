"""Generate the log of one block of users: plan, write, tally."""

import hashlib
import random
from dataclasses import dataclass, field

from wildpaper.acquire.simulation import log_lines
from wildpaper.acquire.simulation.consents import Session, take_steps
from wildpaper.acquire.simulation.dialogue import Exchange, Message, Speech, Topic, TurnCounts
from wildpaper.acquire.simulation.moderation_answers import answer_line
from wildpaper.acquire.simulation.phenomena import (
    LEAST_MALFORMED,
    MALFORMED,
    Slot,
    plan_consents,
    plan_jailbreaks,
    plan_phenomena,
    plan_reserved,
    quota,
    scenario_of,
)
from wildpaper.acquire.simulation.population import Block, Population, User
from wildpaper.acquire.simulation.scenarios import Outcome, Setting
from wildpaper.acquire.simulation.schedule import (
    DAY,
    END,
    START,
    WINDOWS,
    copied,
    gaps,
    iso,
    models,
    timeline,
)
from wildpaper.acquire.simulation.streams import BLOCK, CONVERSATION, Choice, stream
from wildpaper.acquire.simulation.tally import BlockTally
from wildpaper.acquire.simulation.targets import Targets, jailbreak_raise

WILDBENCH = "wildbench"
_OPENING_CHARACTERS = 50
TELLING_WORDS = 30
"""A reply of so many words is not composed twice by chance."""
N_UNKNOWN_RESERVED = 3
"""Entries of the WildBench list that no conversation matches."""


class Simulator:
    """What all blocks share; made once a process."""

    def __init__(
        self, targets: Targets, n_conversations: int, length_scale: float, seed: int, salt: str
    ) -> None:
        self.targets, self.seed = targets, seed
        self.raised = jailbreak_raise(n_conversations)
        self.population = Population(targets, seed, salt)
        self.speech = Speech(targets, length_scale)
        self.turn_counts = TurnCounts(targets)
        self.models: Choice = models(targets.models)


@dataclass(slots=True)
class _Spoken:
    """A conversation that others copy from."""

    dialogue: list[Exchange]
    times: list[int]
    topic: Topic


@dataclass(slots=True)
class BlockLog:
    """All that a block writes; `lines` and `consents` are (time, line)."""

    tally: BlockTally = field(default_factory=BlockTally)
    lines: list[tuple[int, str]] = field(default_factory=list)
    consents: list[tuple[int, str]] = field(default_factory=list)
    moderation: dict[str, str] = field(default_factory=dict)
    wildbench: list[tuple[str, str]] = field(default_factory=list)
    planted: list[dict[str, str]] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)
    sessions: list[str] = field(default_factory=list)
    released: list[tuple[str, Message]] = field(default_factory=list)


def generate_block(simulator: Simulator, block: Block) -> BlockLog:
    """Generate one block; a pure function of its arguments."""
    rng = stream(simulator.seed, BLOCK, block.index)
    users = [
        simulator.population.user(block.first_user + i, n)
        for i, n in enumerate(block.n_conversations)
    ]
    consents = plan_consents(rng, block.index == 0, users)
    slots = _plan(simulator, rng, block.index == 0, users, consents)
    return _Writer(simulator, rng, consents, users).write(slots, block.index == 0)


def _plan(
    simulator: Simulator, rng: random.Random, first: bool, users: list[User],
    consents: dict[int, str],
) -> list[Slot]:  # fmt: skip
    slots: list[Slot] = []
    for user in users:
        for number in range(user.n_conversations):
            n_turns, model = simulator.turn_counts.draw(rng), simulator.models.draw(rng)
            settled = user.index not in consents
            slots.append(Slot(len(slots), user, number, n_turns, model, settled=settled))
    plan_phenomena(rng, first, slots)
    plan_jailbreaks(rng, first, slots, simulator.targets.jailbreaks, simulator.raised)
    plan_reserved(rng, first, slots, simulator.targets.wildbench)
    return slots


class _Writer:
    """Writes the conversations of a block, sources before their copies."""

    def __init__(
        self, simulator: Simulator, rng: random.Random, consents: dict[int, str], users: list[User]
    ) -> None:
        self._simulator, self._rng, self._consents = simulator, rng, consents
        self._log = BlockLog()
        self._log.addresses = [
            address for user in users for address in (*user.addresses, user.spare)
        ]
        self._log.sessions = [device.session for user in users for device in user.devices]
        self._spoken: dict[int, _Spoken] = {}
        self._first_exchanges: set[tuple[str, str]] = set()
        self._sessions: dict[str, Session] = {}
        self._users = {device.session: user for user in users for device in user.devices}

    def write(self, slots: list[Slot], first_block: bool) -> BlockLog:
        pending = []
        for slot in sorted(slots, key=lambda slot: slot.partner is not None):
            outcome, session = self._converse(slot)
            self._log_calls(slot, outcome, session)
            pending.append((slot, outcome, session))
        self._add_malformed(slots, first_block)
        self._take_steps()
        for slot, outcome, session in pending:
            self._settle(slot, outcome, session)
        if first_block:
            self._log.wildbench += [
                (f"Nobody asked this, {number}", iso(START)) for number in range(N_UNKNOWN_RESERVED)
            ]
        self._log.lines.sort(key=lambda line: line[0])
        self._log.consents.sort(key=lambda line: line[0])
        return self._log

    def _converse(self, slot: Slot) -> tuple[Outcome, Session]:
        """Return what happens in a slot, and its session."""
        simulator, user = self._simulator, slot.user
        rng = stream(simulator.seed, CONVERSATION, user.index, slot.number)
        partner = self._spoken.get(slot.partner.place) if slot.partner else None
        times = self._times(rng, slot, partner)
        language = simulator.population.conversation_language(rng, user)
        others = simulator.population.languages[user.place]
        topic = simulator.speech.topic(rng, language, user.toxicity, times[0], others)
        if partner is not None and slot.phenomenon != "same-moment":
            topic = partner.topic
        dialogue = self._dialogue(rng, slot, topic, partner)
        if slot.phenomenon == "source":
            self._spoken[slot.place] = _Spoken(dialogue, times, topic)
        at = int(rng.random() ** 2 * len(user.addresses))
        session = self._session(rng, slot)
        setting = Setting(
            rng, dialogue, times, slot.model, user.addresses[at], user.spare,
            simulator.speech, topic,
        )  # fmt: skip
        return scenario_of(slot.phenomenon)(setting), session

    def _times(self, rng: random.Random, slot: Slot, partner: _Spoken | None) -> list[int]:
        pauses = gaps(rng, slot.n_turns - 1)
        window = WINDOWS[slot.model]
        if slot.phenomenon == "long-pause":
            pauses[int(rng.random() * len(pauses))] += DAY + int(rng.random() * 12 * DAY)
        if slot.copies and partner is not None:
            return copied(rng, window, partner.times[-1], pauses)
        times = timeline(rng, window, pauses)
        shift = 0
        if slot.phenomenon == "first-moment":
            shift = START - times[0]
        elif slot.phenomenon == "last-moment":
            shift = END - 1 - times[-1]
        elif slot.phenomenon == "same-moment" and partner is not None:
            shift = partner.times[-1] - times[-1]
        return [time + shift for time in times]

    def _dialogue(
        self, rng: random.Random, slot: Slot, topic: Topic, partner: _Spoken | None
    ) -> list[Exchange]:
        """Return what is said.

        No two conversations of a block begin with the same exchange by chance. Where
        something happens to a conversation its first reply is long enough to be like no
        other of the study, or a call whose parent is lost could find another one.
        """
        if slot.copies and partner is not None:
            return list(partner.dialogue)
        speech = self._simulator.speech
        least = 0 if slot.phenomenon == "plain" else TELLING_WORDS
        families = tuple(slot.families)
        dialogue = speech.dialogue(rng, topic, slot.n_turns, families, least)
        if slot.opens_alike and partner is not None:
            asked = partner.dialogue[0].user
            dialogue[0] = Exchange(asked, speech.reply(rng, topic, asked, least))
        first = dialogue[0]
        while (key := (first.user.text, first.reply.text)) in self._first_exchanges:
            first.reply = speech.reply(rng, topic, first.user, TELLING_WORDS)
        self._first_exchanges.add(key)
        return dialogue

    def _session(self, rng: random.Random, slot: Slot) -> Session:
        device = slot.user.devices[int(rng.random() * len(slot.user.devices))]
        if slot.phenomenon in ("copy-own", "same-opening-own", "source"):
            device = slot.user.devices[0]
        known = self._sessions.get(device.session)
        if known is None:
            known = Session(device, slot.user.addresses[0], END, 0)
            self._sessions[device.session] = known
        return known

    def _log_calls(self, slot: Slot, outcome: Outcome, session: Session) -> None:
        rng = stream(self._simulator.seed, CONVERSATION, slot.user.index, 1 << 30 | slot.number)
        history = log_lines.History()
        for call in outcome.calls:
            line = log_lines.call_line(rng, session.device, call, history)
            self._log.lines.append((call.time, line))
            session.first, session.last = (
                min(session.first, call.time),
                max(session.last, call.time),
            )
            if not call.failed:
                self._remember(call.exchange, call.time, session)
        counts = self._log.tally.tally.counts
        counts["lines"] += len(outcome.calls)
        counts[f"phenomenon.{slot.phenomenon}"] += 1

    def _remember(self, exchange: Exchange, time: int, session: Session) -> None:
        """Store the moderation answers of an exchange, and what is personal in it."""
        for message in (exchange.user, exchange.reply):
            if message.text and message.text not in self._log.moderation:
                self._log.moderation[message.text] = answer_line(message.text, message.moderation)
        for kind, value in exchange.user.personal:
            self._log.planted.append({
                "kind": kind, "value": value, "language": exchange.user.language,
                "time": iso(time), "session": session.device.session,
                "message_sha256": hashlib.sha256(exchange.user.text.encode()).hexdigest(),
            })  # fmt: skip

    def _add_malformed(self, slots: list[Slot], first_block: bool) -> None:
        settled = [slot for slot in slots if slot.settled]
        speech, rng = self._simulator.speech, self._rng
        for kind, rate in MALFORMED.items():
            wanted = quota(rng, first_block, rate, len(slots), LEAST_MALFORMED)
            for _ in range(wanted if settled else 0):
                user = settled[int(rng.random() * len(settled))].user
                time = timeline(rng, WINDOWS["gpt-3.5-turbo-0613"], [])[0]
                others = self._simulator.population.languages[user.place]
                topic = speech.topic(rng, user.language, user.toxicity, time, others)
                (exchange,) = speech.dialogue(rng, topic, 1)
                line = log_lines.malformed_line(
                    rng, kind, user.devices[0], user.addresses[0], time, "gpt-3.5-turbo-0613",
                    exchange,
                )  # fmt: skip
                self._log.lines.append((time, line))
                self._log.tally.tally.counts["lines"] += 1
                self._log.tally.drop(log_lines.MALFORMED_REASONS[kind], 1)

    def _take_steps(self) -> None:
        for name, session in self._sessions.items():
            kind = self._consents.get(self._users[name].index, "")
            self._log.tally.tally.counts[f"phenomenon.consent-{kind or 'full'}"] += 1
            self._log.consents += take_steps(self._rng, session, kind)

    def _settle(self, slot: Slot, outcome: Outcome, session: Session) -> None:
        """Tally which chains are released, and why the others are not."""
        tally = self._log.tally
        for reason, n_calls in outcome.dropped.items():
            tally.drop(reason, n_calls)
        for chain in outcome.chains:
            objection = session.objection(chain[0].time)
            if not objection and slot.reserved:
                objection = WILDBENCH
                opening = chain[0].exchange.user.text[:_OPENING_CHARACTERS]
                self._log.wildbench.append((opening, iso(chain[-1].time)))
            if objection:
                tally.drop(objection, len(chain), 1)
                continue
            tally.release(chain, slot.user.place)
            for call in chain:
                self._log.released.append(("user", call.exchange.user))
                self._log.released.append(("chatbot", call.exchange.reply))
