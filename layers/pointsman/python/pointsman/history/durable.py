"""Recording a decision so that nothing is lost and nobody waits: a deadline, a log line to replay, a breaker.

A prompt is answered even when the store is gone. What could not be stored within the deadline is logged whole, as one
JSON line (or several, where one would be longer than logs take), and `pointsman history replay` appends it later.
After failures in a row a recorder asks the store no more: it logs at once, while a thread of its own tries the store
until it answers.
"""

import base64
import json
import logging
import random
import threading
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from pointsman.errors import HistoryUnavailable
from pointsman.history.base import DEADLINE_S, History, Record, body_of
from pointsman.history.expiring import Expiring, MemoryExpiring
from pointsman.history.ids import timestamp

TRIES = 3
FIRST_PAUSE_S = 0.02
FAILURES = 3
PROBE_AFTER_S, PROBE_AT_MOST_S = 1.0, 30.0
EVENT = "decision_not_recorded"
PART = "decision_not_recorded_part"
# CloudWatch takes 262,144 bytes a line, and whatever wraps a line escapes its quotes.
MOST_LINE_BYTES = 130_000
PART_BYTES = 120_000

log = logging.getLogger("pointsman.history")


def append_or_log(
    history: History, decision: Record, *, log_prompt: bool = True, deadline_s: float = DEADLINE_S
) -> bool:
    """Append a decision; False, and replayable log lines, where the store has not taken it by the deadline.

    Without `log_prompt` the lines lack the prompt; its sha256 and size stay.
    """
    error = _append(history, decision, time.monotonic() + deadline_s)
    if error is not None:
        log_decision(decision, error.detail, log_prompt=log_prompt)
    return error is None


def _append(history: History, decision: Record, until: float) -> HistoryUnavailable | None:
    """What the store said at last, or None where it took the decision."""
    for attempt in range(TRIES):
        try:
            history.append(decision, until=until)
            return None
        except HistoryUnavailable as raised:
            error = raised
        pause = FIRST_PAUSE_S * 4 ** (attempt + 1) * random.random()
        if error.final or time.monotonic() + pause > until:
            break
        time.sleep(pause)
    return error


def log_decision(decision: Record, error: str, *, log_prompt: bool) -> None:
    """Write a decision to the log, so that it can be replayed."""
    kept = {**orjson.loads(body_of(decision)), "recorded": False}
    if not log_prompt:
        kept["prompt"] = None
    for line in log_lines(kept, error):
        log.error(line)


def log_lines(record: dict[str, Any], error: str) -> Iterator[str]:
    """The lines of a record: one that people can read, or parts of its compressed JSON where that is too long."""
    line = json.dumps({"event": EVENT, "error": error, "record": record}, ensure_ascii=False)
    if len(line.encode()) <= MOST_LINE_BYTES:
        yield line
        return
    data = base64.b64encode(zlib.compress(orjson.dumps(record))).decode()
    parts = [data[start : start + PART_BYTES] for start in range(0, len(data), PART_BYTES)]
    for number, part in enumerate(parts, start=1):
        about = {"event": PART, "id": record["id"], "part": number, "parts": len(parts), "error": error}
        yield json.dumps({**about, "data": part}, ensure_ascii=False)


@dataclass(frozen=True, slots=True)
class RecorderState:
    """How recording goes: whether the store is asked, the last append that worked, and the last failure."""

    recording: bool
    last_append: str | None
    failure: str | None
    told: str | None = None  # of the failure, to anyone


class Recorder:
    """Records the decisions of a process in one store. Safe to share between threads."""

    def __init__(self, history: History, *, log_prompt: bool = True, deadline_s: float = DEADLINE_S) -> None:
        self.history = history
        self._log_prompt = log_prompt
        self._deadline_s = deadline_s
        self._lock = threading.Lock()
        self._failures = 0
        self._failure: str | None = None
        self._told: str | None = None
        self._last_append: str | None = None
        self._asking: threading.Thread | None = None
        self._closed = threading.Event()

    def record(self, decision: Record, patience_s: float | None = None) -> bool:
        """Keep a decision; False where it is in the log instead. Returns by the deadline, or within `patience_s`."""
        if self._asking is not None:
            log_decision(decision, self._failure or "", log_prompt=self._log_prompt)
            return False
        patience_s = self._deadline_s if patience_s is None else min(patience_s, self._deadline_s)
        error = _append(self.history, decision, time.monotonic() + patience_s)
        with self._lock:
            if error is None:
                self._failures, self._failure, self._told = 0, None, None
                self._last_append = timestamp(datetime.now(UTC))
                return True
            self._failures += 1
            self._failure, self._told = error.detail, error.told
            if self._failures >= FAILURES and self._asking is None:
                self._asking = threading.Thread(target=self._ask, name="history", daemon=True)
                self._asking.start()
                log.warning("the history is not asked until it answers again: %s", error.detail)
        log_decision(decision, error.detail, log_prompt=self._log_prompt)
        return False

    def state(self) -> RecorderState:
        """How recording goes; waits for nothing."""
        return RecorderState(self._failure is None, self._last_append, self._failure, self._told)

    def close(self) -> None:
        """End the thread that asks, if there is one; the store stays open."""
        self._closed.set()
        asking = self._asking
        if asking is not None:
            asking.join(2 * self._deadline_s)

    def _ask(self) -> None:
        """Try the store, less and less often, until it can be written."""
        pause = PROBE_AFTER_S
        while not self._closed.wait(pause):
            try:
                self.history.probe(until=time.monotonic() + self._deadline_s)
            except HistoryUnavailable as error:
                self._failure, self._told = error.detail, error.told
                pause = min(2 * pause, PROBE_AT_MOST_S)
                continue
            with self._lock:
                self._failures, self._failure, self._told, self._asking = 0, None, None, None
            log.warning("the history answers again")
            return


class Unopened:
    """The history that could not be opened: prompts are answered all the same, and every decision goes to the log."""

    def __init__(self, error: HistoryUnavailable) -> None:
        self._error = error

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise HistoryUnavailable(self._error.detail, final=True, restart=True)

    append = probe = page = get = set_outcome = decisions = delete = note = notes = purge = _refuse

    def expiring(self) -> Expiring:
        """What is remembered for a while is remembered by this process."""
        return MemoryExpiring()

    def close(self) -> None:
        """There is nothing to let go of."""
