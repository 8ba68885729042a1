"""Saying what goes wrong once, and not asking a service that is down with every request.

What always holds: a reason is logged the first time; again only after all was well in between and ten minutes passed.
"""

import logging
import time
from collections.abc import Callable

from pointsman_client.answer import Problem

log = logging.getLogger("pointsman_client")

SAID_AGAIN_AFTER_S = 600.0
# So many failures in a row, and the service is left alone for a while.
FAILURES_BEFORE_REST = 3
MOST_REST_S = 60.0
# What says something of the service and not of the request.
_OF_THE_SERVICE = {"unreachable", "slow", "busy", "failing"}


class Trouble:
    """What went wrong with a service so far."""

    def __init__(self, service: str, rest_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._service, self._rest_s, self._clock = service, rest_s, clock
        self._said: dict[str, float] = {}
        self._silent: set[str] = set()
        self._failures = 0
        self._until = 0.0

    def resting(self) -> bool:
        """Whether the service is left alone now."""
        return self._clock() < self._until

    def well(self) -> None:
        """An answer came that could be used."""
        self._failures = 0
        if self._silent:
            log.info("%s routes again.", self._service)
            self._silent.clear()

    def failed(self, problem: Problem, after_s: float | None = None) -> None:
        """A request goes on with its default; `after_s` is when the service wants to be asked again."""
        self.say(problem.kind, f"requests go on with their default: {problem.detail}")
        if problem.kind not in _OF_THE_SERVICE:
            return
        self._failures += 1
        if self._rest_s and (self._failures >= FAILURES_BEFORE_REST or after_s):
            self._until = self._clock() + min(max(self._rest_s, after_s or 0.0), MOST_REST_S)

    def say(self, kind: str, what: str) -> None:
        """Log something, once."""
        now = self._clock()
        last = self._said.get(kind)
        if kind not in self._silent and (last is None or now - last > SAID_AGAIN_AFTER_S):
            self._said[kind] = now
            log.warning("%s: %s", self._service, what)
        self._silent.add(kind)
