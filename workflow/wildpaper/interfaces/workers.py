"""Work that waits for an interface, several items at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

_T = TypeVar("_T")


async def share(items: Iterable[_T], work: Callable[[_T], Awaitable[None]], n_workers: int) -> None:
    """Do the work for each item, `n_workers` at a time; items are taken when it is their turn.

    The first error ends all of it.
    """
    left = iter(items)

    async def take() -> None:
        for item in left:
            await work(item)

    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(n_workers):
                group.create_task(take())
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
