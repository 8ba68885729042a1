"""Recording a decision so that nothing is lost: retries, and a log line that can be replayed.

A prompt is answered even when the store is gone. What could not be stored is logged whole, as one JSON
line, and `pointsman history replay` appends it later; a decision that is there already stays as it is.
"""

import json
import logging
import random
import time
from collections.abc import Iterable, Iterator
from typing import Any

import orjson
from ulid import ULID

from pointsman.errors import HistoryUnavailable
from pointsman.history.base import History, Record, body_of

TRIES = 3
FIRST_PAUSE_S = 0.02
EVENT = "decision_not_recorded"

log = logging.getLogger("pointsman.history")


def append_or_log(history: History, decision: Record, *, log_prompt: bool = True) -> bool:
    """Append a decision; False, and a replayable log line, where the store refuses it after retries.

    Without `log_prompt` the line lacks the prompt; its sha256 and size stay.
    """
    error: HistoryUnavailable | None = None
    for attempt in range(TRIES):
        if attempt:
            time.sleep(FIRST_PAUSE_S * 4**attempt * random.random())
        try:
            history.append(decision)
            return True
        except HistoryUnavailable as raised:
            error = raised
            if raised.final:
                break
    kept = {**orjson.loads(body_of(decision)), "recorded": False}
    if not log_prompt:
        kept["prompt"] = None
    line = {"event": EVENT, "error": error.detail if error else "", "record": kept}
    log.error(json.dumps(line, ensure_ascii=False))
    return False


def replay(history: History, lines: Iterable[str]) -> Iterator[str]:
    """Append the decisions of log lines, and give the id of each; other lines are passed over.

    A line may carry anything before and after the JSON, such as a logger's timestamp.

    Raises:
        HistoryUnavailable: the store refuses; what was given so far is stored.
    """
    for line in lines:
        found = _record_of(line)
        if found is not None:
            history.append({**found, "recorded": True})
            yield str(found["id"])


def _record_of(line: str) -> dict[str, Any] | None:
    start = line.find('{"event"')
    if start < 0 or EVENT not in line:
        return None
    try:
        document, _ = json.JSONDecoder().raw_decode(line, start)
    except (ValueError, RecursionError):
        return None
    found = document.get("record")
    return found if isinstance(found, dict) and _is_id(found.get("id")) else None


def _is_id(value: object) -> bool:
    try:
        return isinstance(value, str) and bool(ULID.from_str(value))
    except ValueError:
        return False
