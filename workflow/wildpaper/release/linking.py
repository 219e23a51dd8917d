"""Link calls into conversations, as the authors of WildChat do.

A call with earlier exchanges continues the call whose messages, reply included, are its
own without the last exchange; both come from the same device and model, and from the same
address if there is such a call. Only a call that nothing continues yet can be continued,
and of several the latest is. So conversations are chains, and a second reply to a message
that was gone on from finds nothing to continue. A chain whose beginning is missing is no
conversation.
"""

from collections import Counter
from dataclasses import dataclass, field

from wildpaper.release.calls import CallTable

NOT_LOGGED = "not-logged"
OTHER_CLIENT = "other-device-or-model"
CONTINUED = "already-continued"


@dataclass(slots=True)
class Linked:
    """Chains of calls in the order of their last calls; a call stands in exactly one.

    Attributes
    ----------
    whole : list of list of int
        Conversations: the first call has no earlier exchange.
    broken : list of list of int
        Chains whose first call continues no known call.
    missing : Counter
        Why, one a broken chain: ``not-logged`` (no earlier call ends so),
        ``other-device-or-model`` (some do, of other devices or models),
        ``already-continued`` (as after a regenerated reply or an edited message).
    n_new_address : int
        Calls that were linked although the address had changed.
    """

    whole: list[list[int]] = field(default_factory=list)
    broken: list[list[int]] = field(default_factory=list)
    missing: Counter[str] = field(default_factory=Counter)
    n_new_address: int = 0


class _Leaves:
    """Calls that something may continue; a call goes when something does."""

    def __init__(self, table: CallTable, order: list[int]) -> None:
        self._table = table
        self._wanted = {table.previous(call) for call in order if table.n_exchanges[call] > 1}
        self._known: set[bytes] = set()
        self._by_client: dict[tuple[bytes, int], list[int]] = {}
        self._by_address: dict[tuple[bytes, int, int], list[int]] = {}
        self._continued = bytearray(len(table))

    def add(self, call: int) -> None:
        table, digest = self._table, self._table.current(call)
        if digest not in self._wanted:
            return
        self._known.add(digest)
        client, address = table.client[call], table.address[call]
        self._by_client.setdefault((digest, client), []).append(call)
        self._by_address.setdefault((digest, client, address), []).append(call)

    def take(self, call: int) -> int | str:
        """Return the call that `call` continues, or why there is none."""
        table, digest = self._table, self._table.previous(call)
        client, address = table.client[call], table.address[call]
        candidates = self._by_client.get((digest, client))
        for leaves in (self._by_address.get((digest, client, address)), candidates):
            while leaves:
                found = leaves.pop()
                if not self._continued[found]:
                    self._continued[found] = True
                    return found
        if candidates is not None:
            return CONTINUED
        return OTHER_CLIENT if digest in self._known else NOT_LOGGED


def link(table: CallTable) -> Linked:
    """Link all calls of a table.

    Calls are taken by time, equal times in the order of files and lines, so that the
    result does not depend on how calls are spread over files unless times are equal.
    """
    order = table.in_time_order()
    leaves, linked = _Leaves(table, order), Linked()
    chain_of: dict[int, list[int]] = {}  # by last call
    broken: set[int] = set()  # by first call
    for call in order:
        chain = [call]
        if table.n_exchanges[call] > 1:
            parent = leaves.take(call)
            if isinstance(parent, int):
                linked.n_new_address += table.address[parent] != table.address[call]
                chain = chain_of.pop(parent)
                chain.append(call)
            else:
                linked.missing[parent] += 1
                broken.add(call)
        chain_of[call] = chain
        leaves.add(call)
    for call in order:
        if call in chain_of:
            chain = chain_of[call]
            (linked.broken if chain[0] in broken else linked.whole).append(chain)
    return linked
