"""Rows of the canonical tables for linked conversations."""

from pathlib import Path
from typing import Any

from wildpaper.errors import WildpaperError
from wildpaper.ingest.normalise import remove_surrogates
from wildpaper.ingest.records import Message
from wildpaper.ingest.wildchat import conversation_hash
from wildpaper.release.calls import Call, CallTable, parse_call
from wildpaper.release.geography import Geography
from wildpaper.release.modes import mode
from wildpaper.release.rawlog_files import LineStore, moment
from wildpaper.release.salt import AddressHasher

Row = dict[str, Any]


class LinkedRows:
    """Makes the rows of one conversation after the other, and counts.

    The texts of a conversation all stand in its last call, which is read again.
    """

    def __init__(
        self, table: CallTable, store: LineStore, hasher: AddressHasher, geography: Geography
    ) -> None:
        self._table, self._store, self._geography = table, store, geography
        self._hasher = hasher
        self._hashed: dict[int, str] = {}
        self._seen: set[str] = set()
        self._users: set[str] = set()
        self.n_conversations = self.n_turns = self.n_messages = 0
        self._n_surrogates = self._n_located = 0

    def of(self, number: int, chain: list[int]) -> tuple[Row, list[Row], list[Row]]:
        """Return the rows of a conversation, of its messages and of its turns.

        Turns are identified by their place among all turns of the release.
        """
        turns = [self._turn(number, i, call) for i, call in enumerate(chain)]
        messages = self._messages(number, chain)
        listed = [Message(row["role"], row["text"]) for row in messages]
        source_id = conversation_hash(listed)
        user = mode(turn["hashed_ip"] for turn in turns)
        conversation: Row = {
            "dataset": "rawlogs",
            "conversation_id": number,
            "source_id": source_id,
            "model": self._text(self._table.models.values[self._table.model[chain[-1]]]),
            "language": None,
            "country": mode(turn["country"] for turn in turns),
            "state": mode(turn["state"] for turn in turns),
            "user": user,
            "timestamp": turns[-1]["timestamp"],
            "n_turns": len(turns),
            "n_messages": len(messages),
            "toxic": None,
            "redacted": None,
            "duplicate": source_id in self._seen,
        }
        self._seen.add(source_id)
        self._users.add(user)
        self.n_conversations += 1
        self.n_turns += len(turns)
        self.n_messages += len(messages)
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

    def _turn(self, number: int, turn: int, call: int) -> Row:
        table = self._table
        address = table.address[call]
        if address not in self._hashed:
            self._hashed[address] = self._hasher(table.addresses.values[address])
        user_agent, accept_language = table.headers.values[table.header[call]]
        country, state = self._geography.locate(
            table.addresses.values[address], table.time_us[call]
        )
        self._n_located += country is not None
        return {
            "conversation_id": number,
            "turn": turn,
            "turn_identifier": self.n_turns + turn,
            "timestamp": moment(table.time_us[call]),
            "hashed_ip": self._hashed[address],
            "country": country,
            "state": state,
            "user_agent": user_agent and self._text(user_agent),
            "accept_language": accept_language and self._text(accept_language),
        }

    def _messages(self, number: int, chain: list[int]) -> list[Row]:
        last = self._last_call(chain)
        return [
            {
                "conversation_id": number,
                "position": position,
                "turn": position // 2,
                "role": role,
                "text": self._text(content),
                "timestamp": moment(self._table.time_us[chain[position // 2]])
                if role == "assistant"
                else None,
            }
            for position, (role, content) in enumerate(last.messages)
        ]

    def _last_call(self, chain: list[int]) -> Call:
        file, place = self._table.file[chain[-1]], self._table.place[chain[-1]]
        call = parse_call(self._store.again(file, place))
        if not isinstance(call, Call) or len(call.messages) != 2 * len(chain):
            path: Path = self._store.paths[file]
            raise WildpaperError(
                "A raw log changed while it was read",
                where=str(path),
                hint="Run again when nothing writes to it.",
            )
        return call

    def _text(self, text: str) -> str:
        cleaned, n_removed = remove_surrogates(text)
        self._n_surrogates += n_removed
        return cleaned
