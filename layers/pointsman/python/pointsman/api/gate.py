"""The gate before what takes a processor: a few requests run, some wait in order, and the rest are refused at once.

More threads than processors make every request slower and serve no more of them. With a bounded queue, what is accepted
takes about as long whatever is asked for, and what is refused is refused before it waited.
"""

import asyncio
import os
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from starlette.concurrency import run_in_threadpool

from pointsman.errors import Overloaded

T = TypeVar("T")
# Beside one a processor: while a request waits for the disk, another computes.
MORE_RUNNING = 1


class Gate:
    """Runs functions in threads, a few at a time and in the order in which they came. For one event loop."""

    def __init__(self, waiting: int, running: int | None = None) -> None:
        """`waiting`: how many may wait; `running`: how many may run, by default one more than there are processors."""
        self._waiting = waiting
        self._free = running or _processors() + MORE_RUNNING
        self._queue: deque[asyncio.Future[None]] = deque()

    async def run(self, function: Callable[[], T]) -> T:
        """The function's result, once it had its turn.

        Raises:
            Overloaded: as many wait as may.
        """
        if self._free:
            self._free -= 1
        elif len(self._queue) >= self._waiting:
            raise Overloaded("More requests are waiting than this server can serve. Try again in a second.")
        else:
            await self._turn()
        try:
            return await run_in_threadpool(function)
        finally:
            self._pass_on()

    async def _turn(self) -> None:
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._pass_on()  # it had its turn and does not take it
            raise

    def _pass_on(self) -> None:
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
