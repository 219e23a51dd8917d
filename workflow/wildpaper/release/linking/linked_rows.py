"""Rows of the canonical tables for linked conversations."""

from functools import lru_cache
from typing import Any

from wildpaper.ingest.normalise import remove_surrogates
from wildpaper.release.geography import Geography
from wildpaper.release.linking.call_runs import to_text
from wildpaper.release.linking.link_seen import SeenHashes
from wildpaper.release.linking.link_texts import ROLES, Texts, Turn
from wildpaper.release.linking.rawlog_files import moment
from wildpaper.release.modes import mode
from wildpaper.release.salt import AddressHasher

Row = dict[str, Any]
_KNOWN_ADDRESSES = 100_000


class LinkedRows:
    """Makes the rows of one conversation after the other, and counts."""

    def __init__(self, hasher: AddressHasher, geography: Geography) -> None:
        self._geography = geography
        self._hashed = lru_cache(maxsize=_KNOWN_ADDRESSES)(hasher)
        self._seen, self._users = SeenHashes(), SeenHashes()
        self.n_conversations = self.n_turns = self.n_messages = 0
        self._n_surrogates = self._n_located = 0

    def of(self, chain: list[Turn], said: Texts) -> tuple[Row, list[Row], list[Row]]:
        """Return the rows of a conversation, of its messages and of its turns.

        Turns are identified by their place among all turns of the release.
        """
        number = chain[0].conversation
        turns = [self._turn(one) for one in chain]
        messages = _messages(chain, said.texts)
        user = mode(turn["hashed_ip"] for turn in turns)
        conversation: Row = {
            "dataset": "rawlogs",
            "conversation_id": number,
            "source_id": said.source_id,
            "model": self._text(to_text(chain[-1].model)),
            "language": None,
            "country": mode(turn["country"] for turn in turns),
            "state": mode(turn["state"] for turn in turns),
            "user": user,
            "timestamp": turns[-1]["timestamp"],
            "n_turns": len(turns),
            "n_messages": len(messages),
            "toxic": None,
            "redacted": None,
            "duplicate": not self._seen.add(bytes.fromhex(said.source_id)),
        }
        self._users.add(bytes.fromhex(user)[:16])
        self.n_conversations += 1
        self.n_turns += len(turns)
        self.n_messages += len(messages)
        self._n_surrogates += said.n_surrogates
        return conversation, messages, turns

    def places(self) -> dict[str, int]:
        """Return how many turns have a country and how many have none."""
        return {
            "n_turns_located": self._n_located,
            "n_turns_unknown": self.n_turns - self._n_located,
        }

    def report(self) -> dict[str, int]:
        """Return how much was written."""
        return {
            "n_conversations": self.n_conversations,
            "n_turns": self.n_turns,
            "n_messages": self.n_messages,
            "n_users": len(self._users),
            "n_surrogates_removed": self._n_surrogates,
        }

    def _turn(self, one: Turn) -> Row:
        address = to_text(one.address)
        country, state = self._geography.locate(address, one.time_us)
        self._n_located += country is not None
        return {
            "conversation_id": one.conversation,
            "turn": one.turn,
            "turn_identifier": self.n_turns + one.turn,
            "timestamp": moment(one.time_us),
            "hashed_ip": self._hashed(address),
            "country": country,
            "state": state,
            "user_agent": self._header(one.user_agent),
            "accept_language": self._header(one.accept_language),
        }

    def _header(self, value: bytes | None) -> str | None:
        return None if value is None else self._text(to_text(value))

    def _text(self, text: str) -> str:
        cleaned, n_removed = remove_surrogates(text)
        self._n_surrogates += n_removed
        return cleaned


def _messages(chain: list[Turn], texts: list[str]) -> list[Row]:
    """Return the rows of messages; a reply has the time of its call."""
    return [
        {
            "conversation_id": chain[0].conversation,
            "position": position,
            "turn": position // 2,
            "role": ROLES[position % 2],
            "text": text,
            "timestamp": moment(chain[position // 2].time_us) if position % 2 else None,
        }
        for position, text in enumerate(texts)
    ]
