"""Deleting decisions on request, and handing out everything of a caller; each leaves a note for the audit.

A note says who did what, when and how many decisions it was; it holds nothing of what they contained.
"""

import hashlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from pointsman.errors import NotFound
from pointsman.history.base import History, check_order, no_such_decision
from pointsman.history.ids import Ids, timestamp

DELETED_AT_ONCE = 100

log = logging.getLogger("pointsman")
_ids = Ids()


@dataclass(frozen=True, slots=True)
class Selection:
    """Which decisions: all that is given must hold. `since` is included, `until` is not."""

    decision_id: str | None = None
    caller: str | None = None
    prompt_sha256: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        """Raise RequestError where nothing could ever fit."""
        check_order(self.since, self.until)

    def __bool__(self) -> bool:
        return any(value is not None for value in self._given().values())

    def _given(self) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    def told(self) -> dict[str, str]:
        """The selection as a note keeps it."""
        given = {name: value for name, value in self._given().items() if value is not None}
        return {name: timestamp(value) if isinstance(value, datetime) else value for name, value in given.items()}

    def of(self, history: History) -> Iterator[dict[str, Any]]:
        """The decisions that it selects, oldest first."""
        if self.decision_id is not None:
            try:
                found = iter([history.get(self.decision_id)])
            except NotFound:
                return
        else:
            found = history.decisions(self.since, self.until)
        for decision in found:
            if self.caller is not None and decision.get("caller") != self.caller:
                continue
            if self.prompt_sha256 is not None and decision.get("prompt_sha256") != self.prompt_sha256:
                continue
            yield decision


def delete(history: History, decision_id: str, by: str | None) -> None:
    """Delete one decision.

    Raises:
        NotFound: there is none of this id.
    """
    if not history.delete([decision_id], note("delete", Selection(decision_id=decision_id), by)):
        raise no_such_decision(decision_id)


def delete_all(history: History, selection: Selection, by: str | None) -> int:
    """Delete every decision that is selected; how many there were. What was cut off can be run again."""
    gone, batch = 0, list[str]()
    # The ids first: nothing is deleted from under a reader.
    ids = [decision["id"] for decision in selection.of(history)]
    for start in range(0, len(ids), DELETED_AT_ONCE):
        batch = ids[start : start + DELETED_AT_ONCE]
        gone += history.delete(batch, note("delete", selection, by))
    if not ids:
        history.note({**note("delete", selection, by), "decisions": 0})
    return gone


def export(history: History, caller: str, by: str | None) -> Iterator[dict[str, Any]]:
    """Every decision of a caller, whole and with its outcomes, oldest first."""
    begun = note("export", Selection(caller=caller), by)
    history.note({**begun, "decisions": None})
    count = 0
    for decision in Selection(caller=caller).of(history):
        count += 1
        yield decision
    history.note({**begun, "decisions": count})


def note(action: str, selection: Selection, by: str | None) -> dict[str, Any]:
    """What the audit keeps of a deletion or an export, and says in the log."""
    now = datetime.now(UTC)
    made = {"id": _ids.next(now), "ts": timestamp(now), "action": action, "selection": selection.told(), "by": by}
    log.warning("history %s of %s by %s", action, made["selection"], by or "a caller without a name")
    return made


def sha256_of(prompt: str) -> str:
    """The hash that a decision keeps of its prompt."""
    return hashlib.sha256(prompt.encode()).hexdigest()
