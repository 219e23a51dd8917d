"""Generate the log of one block of users: plan, write, tally."""

import hashlib
import random
from dataclasses import dataclass, replace

from wildpaper.acquire.simulation import log_lines
from wildpaper.acquire.simulation.block_log import BlockLog
from wildpaper.acquire.simulation.consents import Session
from wildpaper.acquire.simulation.dialogue import Exchange, Speech, Topic, TurnCounts
from wildpaper.acquire.simulation.moderation_answers import answer_line
from wildpaper.acquire.simulation.oddities import (
    DUPLICATE,
    Line,
    malformed_lines,
    overlapping,
    repeated_ids,
)
from wildpaper.acquire.simulation.phenomena import (
    ONE_WITHDRAWN,
    Slot,
    plan_consents,
    plan_jailbreaks,
    plan_mentions,
    plan_phenomena,
    plan_reserved,
    plan_shared,
    scenario_of,
)
from wildpaper.acquire.simulation.population import Block, Population, User
from wildpaper.acquire.simulation.scenarios import Call, Outcome, Setting
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
from wildpaper.acquire.simulation.sessions import Sessions
from wildpaper.acquire.simulation.streams import BLOCK, CONVERSATION, Choice, stream
from wildpaper.acquire.simulation.targets import Targets, jailbreak_raise
from wildpaper.acquire.simulation.true_calls import true_calls

WILDBENCH, MINORS = "wildbench", "sexual-minors"
_OPENING_CHARACTERS = 50
TELLING_WORDS = 30
"""A reply of so many words is not composed twice by chance."""
PASSED_ON = "English"
"""Language of the conversations that begin with a prompt passed on."""
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


def generate_block(simulator: Simulator, block: Block) -> BlockLog:
    """Generate one block; a pure function of its arguments."""
    rng = stream(simulator.seed, BLOCK, block.index)
    users = [
        simulator.population.user(block.first_user + i, n)
        for i, n in enumerate(block.n_conversations)
    ]
    consents = plan_consents(rng, block.index == 0, users)
    users = [_with_two_devices(user, consents) for user in users]
    slots = _plan(simulator, rng, block.index == 0, users, consents)
    writer = _Writer(simulator, rng, Sessions(users, consents), block.first_conversation)
    log = writer.write(slots, block.index == 0)
    log.addresses = [address for user in users for address in (*user.addresses, user.spare)]
    log.sessions = [device.session for user in users for device in user.devices]
    return log


def _with_two_devices(user: User, consents: dict[int, str]) -> User:
    """Return a user, with two devices if one of two sessions shall withdraw."""
    if consents.get(user.index) != ONE_WITHDRAWN:
        return user
    return replace(user, devices=(user.devices[0], user.spare_device))


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
    plan_shared(rng, first, slots)
    plan_reserved(rng, first, slots, simulator.targets.wildbench)
    plan_mentions(rng, first, slots)
    return slots


class _Writer:
    """Writes the conversations of a block, sources before their copies."""

    def __init__(
        self, simulator: Simulator, rng: random.Random, sessions: Sessions, first_conversation: int
    ) -> None:
        self._simulator, self._rng, self._sessions = simulator, rng, sessions
        self._first_conversation = first_conversation
        self._log = BlockLog()
        self._spoken: dict[int, _Spoken] = {}
        self._first_exchanges: set[tuple[str, str]] = set()
        self._answered: list[Line] = []
        self._plain: dict[int, Call] = {}

    def write(self, slots: list[Slot], first_block: bool) -> BlockLog:
        pending = []
        for slot in sorted(slots, key=lambda slot: slot.partner is not None):
            outcome, session = self._converse(slot)
            self._log_calls(slot, outcome, session)
            pending.append((slot, outcome, session))
        self._add_oddities(slots, first_block)
        steps, counts = self._sessions.take_steps(self._rng)
        self._log.consents = sorted(steps, key=lambda step: step[0])
        self._log.tally.tally.counts.update(counts)
        for slot, outcome, session in pending:
            self._settle(slot, outcome, session)
        if first_block:
            self._log.wildbench += [
                (f"Nobody asked this, {number}", iso(START)) for number in range(N_UNKNOWN_RESERVED)
            ]
        self._log.true_calls.sort(key=lambda row: row[0])
        self._log.lines.sort(key=lambda line: line[0])
        return self._log

    def _converse(self, slot: Slot) -> tuple[Outcome, Session]:
        """Return what happens in a slot, and its session."""
        simulator, user = self._simulator, slot.user
        rng = stream(simulator.seed, CONVERSATION, user.index, slot.number)
        partner = self._spoken.get(slot.partner.place) if slot.partner else None
        times = self._times(rng, slot, partner)
        language = simulator.population.conversation_language(rng, user)
        if slot.families:
            language = PASSED_ON
        others = simulator.population.languages[user.place]
        topic = simulator.speech.topic(rng, language, user.toxicity, times[0], others)
        if partner is not None and slot.phenomenon != "same-moment":
            topic = partner.topic
        dialogue = self._dialogue(rng, slot, topic, partner)
        if slot.phenomenon == "source":
            self._spoken[slot.place] = _Spoken(dialogue, times, topic)
        address, session = self._sessions.address(rng, slot), self._sessions.session(rng, slot)
        setting = Setting(
            rng, dialogue, times, slot.model, address, user.spare,
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
        dialogue = speech.dialogue(rng, topic, slot.n_turns, families, least, slot.mention)
        if slot.phenomenon == "minors-flag":
            dialogue[int(rng.random() * slot.n_turns)].user = speech.minors(rng, topic)
        if slot.opens_alike and partner is not None:
            asked = partner.dialogue[0].user
            dialogue[0] = Exchange(asked, speech.reply(rng, topic, asked, least))
        first = dialogue[0]
        while (key := (first.user.text, first.reply.text)) in self._first_exchanges:
            first.reply = speech.reply(rng, topic, first.user, TELLING_WORDS)
        self._first_exchanges.add(key)
        return dialogue

    def _log_calls(self, slot: Slot, outcome: Outcome, session: Session) -> None:
        rng = stream(self._simulator.seed, CONVERSATION, slot.user.index, 1 << 30 | slot.number)
        history = log_lines.History()
        for call in outcome.calls:
            call.call_id = "" if call.failed else log_lines.call_id(rng)
            line = log_lines.call_line(rng, session.device, call, history)
            self._log.lines.append((call.time, line))
            self._sessions.note(session, call)
            if not call.failed:
                self._answered.append((call.time, line))
                self._remember(call.exchange, call.time, session)
        if slot.settled and slot.phenomenon == "plain":
            self._plain[slot.place] = outcome.calls[0]
        number = self._first_conversation + slot.place
        self._log.true_calls += true_calls(number, slot.phenomenon, outcome.calls)
        counts = self._log.tally.tally.counts
        counts["lines"] += len(outcome.calls)
        counts[f"phenomenon.{slot.phenomenon}"] += 1

    def _remember(self, exchange: Exchange, time: int, session: Session) -> None:
        """Store the moderation answers of an exchange, and what is personal in it."""
        for message in (exchange.user, exchange.reply):
            if message.text and message.text not in self._log.moderation:
                self._log.moderation[message.text] = answer_line(
                    message.text, message.moderation + message.answered
                )
        for item in exchange.user.personal:
            self._log.planted.append({
                "kind": item.kind, "value": item.value, "language": exchange.user.language,
                "time": iso(time), "session": session.device.session,
                "message_sha256": hashlib.sha256(exchange.user.text.encode()).hexdigest(),
                "reach": item.reach,
            })  # fmt: skip

    def _speak(self, rng: random.Random, user: User, time: int) -> Exchange:
        speech = self._simulator.speech
        others = self._simulator.population.languages[user.place]
        topic = speech.topic(rng, user.language, user.toxicity, time, others)
        return speech.dialogue(rng, topic, 1)[0]

    def _add_oddities(self, slots: list[Slot], first_block: bool) -> None:
        log, tally = self._log, self._log.tally
        if first_block:
            log.overlap = overlapping(self._rng, self._answered)
        odd = malformed_lines(self._rng, first_block, slots, self._speak)
        again = repeated_ids(self._rng, first_block, slots, self._plain, self._speak)
        odd += [(DUPLICATE, line) for line in again]
        for reason, line in odd:
            log.lines.append(line)
            tally.drop(reason, 1)
        tally.drop(DUPLICATE, len(log.overlap))
        tally.tally.counts["lines"] += len(odd) + len(log.overlap)

    def _settle(self, slot: Slot, outcome: Outcome, session: Session) -> None:
        """Tally which chains are released, and why the others are not."""
        tally = self._log.tally
        for reason, n_calls in outcome.dropped.items():
            tally.drop(reason, n_calls)
        for chain in outcome.chains:
            objection = self._sessions.objection(session, chain)
            if not objection and slot.reserved:
                objection = WILDBENCH
                opening = chain[0].exchange.user.text[:_OPENING_CHARACTERS]
                self._log.wildbench.append((opening, iso(chain[-1].time)))
            if not objection and any(call.exchange.user.answered for call in chain):
                objection = MINORS
            if objection:
                tally.drop(objection, len(chain), 1)
                continue
            tally.release(chain, slot.user.place)
            for call in chain:
                self._log.released.append(("user", call.exchange.user))
                self._log.released.append(("chatbot", call.exchange.reply))
