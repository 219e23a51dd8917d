"""Processes that do not run the main script again."""

import multiprocessing
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import Any

from wildpaper.errors import WildpaperError


@contextmanager
def without_main() -> Iterator[None]:
    """Start processes that do not run the main script again.

    Under Snakemake that is the script of the job itself: it would start once more.
    """
    main = sys.modules["__main__"]
    hidden = {name: getattr(main, name) for name in ("__file__", "__spec__") if hasattr(main, name)}
    try:
        for name in hidden:
            setattr(main, name, None)
        yield
    finally:
        for name, value in hidden.items():
            setattr(main, name, value)


Submit = Callable[..., Future[Any]]
"""Begins ``function(*values)`` in another process."""


@contextmanager
def worker_pool(
    n_workers: int, begin: Callable[..., None], given: tuple[Any, ...]
) -> Iterator[Submit]:
    """Yield what submits work to new processes; each begins with ``begin(*given)``.

    Work that has not begun when the block is left is forgotten.

    Raises
    ------
    WildpaperError
        If a process was killed.
    """
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(n_workers, context, begin, given)

    def submit(function: Callable[..., Any], *values: Any) -> Future[Any]:
        with without_main():
            return pool.submit(function, *values)

    try:
        yield submit
    except BrokenProcessPool:
        raise WildpaperError(
            "A process was ended from outside",
            hint="Most often memory ran out: run with fewer workers.",
        ) from None
    finally:
        pool.shutdown(cancel_futures=True)
