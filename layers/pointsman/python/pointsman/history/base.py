"""What a history store promises, and what all of them share: summaries, filters, cursors.

Decisions are plain JSON mappings here. They are listed newest first by id (a ULID), so a cursor is a place
in time: decisions that arrive while someone pages never shift what comes after it.
"""

import base64
import binascii
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import orjson
from ulid import ULID

from pointsman.decision import Serialized
from pointsman.errors import Fault, InvalidCursor, NotFound, RequestError
from pointsman.history.expiring import Expiring

Record = Mapping[str, Any]
PREVIEW_CHARACTERS = 160
DAY_S = 86_400
# One deadline an operation: waiting for a connection, for locks, and for tries anew.
DEADLINE_S = 1.0
FIRST_ID, LAST_ID = str(ULID.from_int(0)), str(ULID.from_int(2**128 - 1))


@dataclass(frozen=True, slots=True)
class Filter:
    """Which decisions a page lists; `since` is included, `until` is not."""

    config: str | None = None
    model: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def __post_init__(self) -> None:
        """Raise RequestError where nothing could ever fit."""
        check_order(self.since, self.until)


def check_order(since: datetime | None, until: datetime | None) -> None:
    """Raise RequestError where a stretch of time ends before it begins."""
    if since is not None and until is not None and _utc(since) > _utc(until):
        message = f"before since, {since.isoformat()}"
        remedy = "Exchange the two, or leave one out."
        raise RequestError(f"until: {message}. {remedy}", [Fault("until", message, remedy, until.isoformat())])


def _utc(instant: datetime) -> datetime:
    return instant if instant.tzinfo is not None else instant.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Page:
    """Summaries, newest first, and the cursor of the next page; None at the end."""

    calls: Sequence[Record]
    next: str | None


class History(Protocol):
    """A store of decisions. Every method raises HistoryUnavailable where the store cannot be used."""

    def append(self, decision: Record, *, until: float | None = None) -> None:
        """Keep a decision; it is durable when this returns. An id that is there already changes nothing.

        `until`, by the monotonic clock, is when to give up; None is the store's own deadline from now on.
        """

    def page(self, limit: int, cursor: str | None = None, where: Filter | None = None) -> Page:
        """At most `limit` summaries from `cursor` on. Raises InvalidCursor."""

    def get(self, decision_id: str) -> dict[str, Any]:
        """The whole decision with its `outcomes`. Raises NotFound."""

    def set_outcome(self, decision_id: str, model_id: str, outcome: Record, *, add: bool = False) -> dict[str, Any]:
        """Keep what happened with a candidate; the last one of it stands. Returns the decision.

        `model_id` is a candidate's or a model's, as `outcomes.served` reads it. With `add`, what was known of it stays
        where the outcome says nothing.

        Raises:
            NotFound: there is no such decision.
            UnknownModel: it was never a candidate of the decision.
        """

    def decisions(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[dict[str, Any]]:
        """Every whole decision with its outcomes, oldest first; `since` is included, `until` is not."""

    def delete(self, decision_ids: Sequence[str], note: Record) -> int:
        """Delete decisions with their outcomes, and keep the note with their number; how many were there."""

    def note(self, note: Record) -> None:
        """Keep a note of what was done, for the audit; one of the same id is replaced."""

    def notes(self) -> list[dict[str, Any]]:
        """What was noted, newest first."""

    def purge(self) -> int:
        """Delete what is too old to be shown; how many went."""

    def probe(self, *, until: float | None = None) -> None:
        """Write something and forget it: raises HistoryUnavailable where a decision could not be kept."""

    def expiring(self) -> Expiring:
        """A store beside it of what is remembered for a while, such as sessions."""

    def close(self) -> None:
        """Let go of the store."""


def summary_of(decision: Record) -> dict[str, Any]:
    """What a list shows of a decision; a few hundred bytes."""
    kept = ("id", "ts", "caller", "config", "selected", "expected_quality", "cost", "reason", "strongest")
    prompt = decision["prompt"]
    preview = None if prompt is None else " ".join(prompt[: PREVIEW_CHARACTERS * 4].split())
    return {
        **{name: decision[name] for name in kept},
        "prompt_preview": preview and preview[:PREVIEW_CHARACTERS],
    }


def body_of(decision: Record) -> bytes:
    """The decision as JSON; one that was serialized already is not serialized again."""
    return decision.json if isinstance(decision, Serialized) else orjson.dumps(decision)


def listed_under(decision: Record) -> list[str]:
    """The names whose lists show a decision: what it selected, and the models of what it selected."""
    selected = decision["selected"]
    return list(dict.fromkeys((*selected, *(model_of(candidate_id) for candidate_id in selected))))


def model_of(candidate_id: str) -> str:
    """The model of a candidate: `model` of `model@effort`."""
    return candidate_id.partition("@")[0]


def no_such_decision(decision_id: str) -> NotFound:
    """The error for an id that is not there."""
    return NotFound(f"There is no decision {decision_id[:64]!r}. It may have expired, or never existed.")


def encode_cursor(decision_id: str) -> str:
    """The cursor of the page that starts behind this decision."""
    document = json.dumps({"v": 1, "before": decision_id}, separators=(",", ":"))
    return base64.urlsafe_b64encode(document.encode()).decode()


def decode_cursor(cursor: str) -> str:
    """The id behind which a page starts.

    Raises:
        InvalidCursor: `encode_cursor` did not make it.
    """
    try:
        before = json.loads(base64.urlsafe_b64decode(cursor))["before"]
        if isinstance(before, str) and encode_cursor(str(ULID.from_str(before))) == cursor:
            return before
    except (ValueError, binascii.Error, TypeError, KeyError, RecursionError):
        pass
    raise InvalidCursor(f"cursor: {cursor[:64]!r} was not made by this API. Use the `next` of a page, or leave it out.")


def expiry(decision_id: str, retention_days: int) -> int | None:
    """When a decision expires, in seconds since 1970, counted from when it was made; None is never."""
    return ULID.from_str(decision_id).milliseconds // 1000 + retention_days * DAY_S if retention_days else None


def first_id(instant: datetime) -> str:
    """The lowest id that a decision of this instant can have; an instant without a zone is UTC."""
    instant = instant if instant.tzinfo else instant.replace(tzinfo=UTC)
    milliseconds = max(0, int(instant.timestamp() * 1000))
    return str(ULID.from_int(milliseconds << 80))
