"""The history on AWS: one DynamoDB table, written and read item by item, without transactions or indexes.

    pk                       sk      attributes
    the decision's id        body    data (its JSON, by zlib), selected, outcomes, expires_at
    [shard, config, model]   its id  summary (JSON), expires_at

Other items are the floor of retention, notes of the audit, and what is remembered for a while (`dynamodb_expiring`).
A decision is one body, which is opened, and a summary in every list that shows it: of all decisions, of its
config, of each candidate and model it selected, and of both. So every page is read by key, newest first, however
rare its filter and however long nothing happened. A list is two partitions (the shards), so a page is two queries.
A body is written before its summaries: what is listed can be opened, and a repeated append completes one that
was cut off in between. docs/history.md has the arithmetic. AWS's library is imported on first use.
"""

import heapq
import time
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Any

import orjson

from pointsman.errors import HistoryUnavailable
from pointsman.history.base import (
    DEADLINE_S,
    FIRST_ID,
    LAST_ID,
    Filter,
    Page,
    Record,
    decode_cursor,
    encode_cursor,
    expiry,
    first_id,
    no_such_decision,
    summary_of,
)
from pointsman.history.dynamodb_expiring import DynamoExpiring
from pointsman.history.dynamodb_items import (
    SHARDS,
    body_key,
    expires_at_of,
    expiring_attribute,
    id_before,
    list_key,
    list_keys,
    now_value,
    packed,
    unpacked,
)
from pointsman.history.dynamodb_table import TABLE_DEFINITION, TRIES, TTL_ATTRIBUTE, ConditionFailed, Table
from pointsman.history.ids import timestamp
from pointsman.history.outcomes import merged, served
from pointsman.history.retention import Retention

__all__ = ["TABLE_DEFINITION", "TTL_ATTRIBUTE", "DynamoHistory"]

MOST_KEY_BYTES = 2048
# Items that are no decision's: the floor of what is shown, and notes of the audit under their ids.
FLOOR_KEY = {"pk": {"S": "retention"}, "sk": {"S": "floor"}}
AUDIT = "audit"
FLOOR_AGE_S = 300.0
LIVE = f"attribute_not_exists({TTL_ATTRIBUTE}) OR {TTL_ATTRIBUTE} > :now"


class DynamoHistory:
    """The history in one table. Safe to share between threads; nothing is connected before it is used."""

    def __init__(
        self,
        table: str,
        retention_days: int = 0,
        *,
        region: str | None = None,
        endpoint: str | None = None,
        deadline_s: float = DEADLINE_S,
    ) -> None:
        """Name the table; whether it is there turns out on first use.

        Raises:
            SettingsError: boto3 is not installed.
        """
        self._table = table
        self._calls = Table(table, deadline_s, region, endpoint)
        self._retention = Retention(retention_days)
        # The id below which retention has hidden everything, for good, and when it was read.
        self._floor: tuple[str, float] | None = None

    def append(self, decision: Record, *, until: float | None = None) -> None:
        until = self._calls.deadline(until)
        expires_at = expiry(decision["id"], self._retention.days)
        item = {
            **body_key(decision["id"]),
            "data": {"B": packed(decision)},
            "selected": {"SS": sorted(set(decision["selected"]))},
            "outcomes": {"M": {}},
            **expiring_attribute(expires_at),
        }
        try:
            self._calls.call("put_item", until, Item=item, ConditionExpression="attribute_not_exists(pk)")
        except ConditionFailed:
            stored = self._stored(decision["id"])
            if stored is None:  # it expired just now
                return
            decision, expires_at = unpacked(stored), expires_at_of(stored)
        self._write_summaries(decision, expires_at, until)

    def page(self, limit: int, cursor: str | None = None, where: Filter | None = None) -> Page:
        where = where or Filter()
        low, high = FIRST_ID, LAST_ID
        if cursor is not None:
            high = id_before(decode_cursor(cursor))
        if where.until is not None:
            high = min(high, id_before(first_id(where.until)))
        if where.since is not None:
            low = first_id(where.since)
        if low <= high:
            low = max(low, self._oldest())
        found: list[tuple[str, str]] = []
        if low <= high:
            for shard in range(SHARDS):
                found += self._newest(list_key(shard, where.config, where.model), low, high, limit + 1)
        found.sort(reverse=True)
        calls = [orjson.loads(summary) for _, summary in found[:limit]]
        return Page(calls, encode_cursor(calls[-1]["id"]) if len(found) > limit else None)

    def get(self, decision_id: str) -> dict[str, Any]:
        stored = self._stored(decision_id)
        if stored is None or not self._is_live(decision_id, expires_at_of(stored)):
            raise no_such_decision(decision_id)
        return unpacked(stored)

    def set_outcome(self, decision_id: str, model_id: str, outcome: Record, *, add: bool = False) -> dict[str, Any]:
        if not self._is_live(decision_id, None):
            raise no_such_decision(decision_id)
        kept = {**outcome, "ts": timestamp(datetime.now(UTC))}
        if model_id and not add:  # no attribute can be called nothing
            try:
                # What most report: the candidate that was selected, in one request.
                return self._keep(
                    decision_id, model_id, kept, "contains(selected, :model)", {":model": {"S": model_id}}
                )
            except ConditionFailed:
                pass
        for _ in range(TRIES):
            stored = self._stored(decision_id)
            if stored is None or not self._is_live(decision_id, expires_at_of(stored)):
                raise no_such_decision(decision_id)
            candidate_id = served(unpacked(stored), model_id)
            before = stored["outcomes"]["M"].get(candidate_id)
            document, condition, values = kept, "attribute_exists(pk)", {}
            if add:
                document = merged(before and orjson.loads(before["S"]), kept)
                condition = "attribute_not_exists(outcomes.#model)"
                if before is not None:
                    condition, values = "outcomes.#model = :before", {":before": before}
            try:
                return self._keep(decision_id, candidate_id, document, condition, values)
            except ConditionFailed:
                continue  # somebody else reported meanwhile, or it is gone
        raise self._calls.unavailable("Throttling", "")

    def _keep(
        self, decision_id: str, candidate_id: str, outcome: Record, condition: str, values: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Write an outcome of a live decision under a condition. Raises ConditionFailed."""
        kept = {**outcome, "model_id": candidate_id}
        answer = self._calls.call(
            "update_item",
            Key=body_key(decision_id),
            UpdateExpression="SET outcomes.#model = :outcome",
            ConditionExpression=f"attribute_exists(pk) AND {condition} AND ({LIVE})",
            ExpressionAttributeNames={"#model": candidate_id},
            ExpressionAttributeValues={":outcome": {"S": orjson.dumps(kept).decode()}, **values, **now_value()},
            ReturnValues="ALL_NEW",
        )
        return unpacked(answer["Attributes"])

    def connect(self) -> None:
        """Import AWS's library and make a client now, as before a snapshot; otherwise the first use does.

        Raises:
            HistoryUnavailable: the region, the profile or the endpoint makes no sense.
        """
        self._calls.connect()

    @property
    def _client(self) -> Any:
        return self._calls.client

    def expiring(self) -> DynamoExpiring:
        """What is remembered for a while, in the same table."""
        return DynamoExpiring(self._calls)

    def refresh(self) -> None:
        """Forget every connection, as after a snapshot was restored; the next use makes new ones."""
        self.close()

    def close(self) -> None:
        self._calls.close()

    def decisions(self, since: datetime | None = None, until: datetime | None = None) -> Iterator[dict[str, Any]]:
        low = max(first_id(since) if since else FIRST_ID, self._oldest())
        for decision_id, _ in self._listed(low, id_before(first_id(until)) if until else LAST_ID):
            stored = self._stored(decision_id)
            if stored is not None and self._is_live(decision_id, expires_at_of(stored)):
                yield unpacked(stored)

    def delete(self, decision_ids: Sequence[str], note: Record) -> int:
        gone = 0
        self.note({**note, "decisions": None})  # so that what is cut off in the middle is known to have begun
        for decision_id in decision_ids:
            gone += self._delete(decision_id)
        self.note({**note, "decisions": gone})
        return gone

    def _delete(self, decision_id: str) -> bool:
        """Delete a decision's items. The list of all decisions comes last: what was cut off is found there again."""
        if len(decision_id) != len(FIRST_ID):
            return False
        stored = self._stored(decision_id)
        decision: Record | None = unpacked(stored) if stored is not None else None
        if decision is None:
            rest = list(self._listed(decision_id, decision_id))
            decision = orjson.loads(rest[0][1]) if rest else None
        if decision is None:
            return False
        of_all, *others = list_keys(decision)
        keys = [{"pk": {"S": key}, "sk": {"S": decision_id}} for key in (*others, of_all)]
        for key in (*keys[:-1], body_key(decision_id), keys[-1]):
            self._calls.call("delete_item", Key=key)
        return True

    def _listed(self, low: str, high: str) -> Iterator[tuple[str, str]]:
        """Ids and summaries of all decisions in these bounds, oldest first, also of those that have expired."""

        def of_shard(shard: int) -> Iterator[tuple[str, str]]:
            more: dict[str, Any] = {}
            while low <= high:
                answer = self._calls.call(
                    "query",
                    KeyConditionExpression="pk = :pk AND sk BETWEEN :low AND :high",
                    ExpressionAttributeValues={
                        ":pk": {"S": list_key(shard, None, None)},
                        ":low": {"S": low},
                        ":high": {"S": high},
                    },
                    ConsistentRead=True,
                    **more,
                )
                yield from ((item["sk"]["S"], item["summary"]["S"]) for item in answer["Items"])
                if "LastEvaluatedKey" not in answer:
                    return
                more = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

        return heapq.merge(*(of_shard(shard) for shard in range(SHARDS)))

    def note(self, note: Record) -> None:
        self._calls.call(
            "update_item",
            Key={"pk": {"S": AUDIT}, "sk": {"S": note["id"]}},
            UpdateExpression="SET note = :note",
            ExpressionAttributeValues={":note": {"S": orjson.dumps(note).decode()}},
        )

    def notes(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        more: dict[str, Any] = {}
        while True:
            answer = self._calls.call(
                "query",
                KeyConditionExpression="pk = :pk",
                ExpressionAttributeValues={":pk": {"S": AUDIT}},
                ScanIndexForward=False,
                **more,
            )
            found += [orjson.loads(item["note"]["S"]) for item in answer["Items"]]
            if "LastEvaluatedKey" not in answer:
                return found
            more = {"ExclusiveStartKey": answer["LastEvaluatedKey"]}

    def purge(self) -> int:
        if not self._retention.trusted():
            return 0
        floor = self._oldest()
        return sum(self._delete(decision_id) for decision_id, _ in self._listed(FIRST_ID, id_before(floor)))

    def probe(self, *, until: float | None = None) -> None:
        """Ask for a write that its condition forbids: it is allowed, and nothing is written."""
        until = self._calls.deadline(until)
        nothing = {"pk": {"S": "probe"}, "sk": {"S": "probe"}}
        condition = {"ConditionExpression": "attribute_exists(pk)"}
        with suppress(ConditionFailed):
            try:
                self._calls.call("put_item", until, Item=nothing, **condition)
            except HistoryUnavailable as error:
                if not error.denied:
                    raise
                # A role that takes outcomes may update and not put.
                update = {"UpdateExpression": "SET probe = :now", "ExpressionAttributeValues": now_value()}
                self._calls.call("update_item", until, Key=nothing, **update, **condition)

    def _oldest(self) -> str:
        """The lowest id that is shown: young enough, and never hidden before."""
        cutoff = self._retention.cutoff()
        if self._floor is None or time.monotonic() - self._floor[1] > FLOOR_AGE_S:
            item = self._calls.call("get_item", Key=FLOOR_KEY).get("Item", {})
            kept = item["floor"]["S"] if "floor" in item else FIRST_ID
            if cutoff > kept and self._retention.trusted():
                with suppress(ConditionFailed):  # another process has raised it further
                    self._calls.call(
                        "update_item",
                        Key=FLOOR_KEY,
                        UpdateExpression="SET floor = :floor",
                        ConditionExpression="attribute_not_exists(floor) OR floor < :floor",
                        ExpressionAttributeValues={":floor": {"S": cutoff}},
                    )
            self._floor = kept, time.monotonic()
        return max(self._floor[0], cutoff)

    def _is_live(self, decision_id: str, expires_at: int | None) -> bool:
        known = len(decision_id) == len(FIRST_ID) and decision_id >= self._oldest()
        return known and (expires_at is None or expires_at > time.time())

    def _stored(self, decision_id: str) -> Mapping[str, Any] | None:
        """The body item, whether it has expired or not."""
        if len(decision_id) != len(FIRST_ID):
            return None
        answer = self._calls.call("get_item", Key=body_key(decision_id), ConsistentRead=True)
        item: Mapping[str, Any] | None = answer.get("Item")
        return item

    def _newest(self, key: str, low: str, high: str, wanted: int) -> list[tuple[str, str]]:
        """Ids and summaries of one partition of a list from `high` down to `low`, both included."""
        if len(key.encode()) > MOST_KEY_BYTES:
            return []  # nothing could be kept under such a name
        found: list[tuple[str, str]] = []
        more: dict[str, Any] = {"Limit": wanted}
        while True:
            answer = self._calls.call(
                "query",
                KeyConditionExpression="pk = :pk AND sk BETWEEN :low AND :high",
                FilterExpression=LIVE,
                ExpressionAttributeValues={":pk": {"S": key}, ":low": {"S": low}, ":high": {"S": high}, **now_value()},
                ScanIndexForward=False,
                ConsistentRead=True,
                **more,
            )
            found += [(item["sk"]["S"], item["summary"]["S"]) for item in answer["Items"]]
            last = answer.get("LastEvaluatedKey")
            if last is None or len(found) >= wanted:
                return found[:wanted]
            # Only what has expired and is not yet deleted makes a page short: pass over it in large steps.
            more = {"ExclusiveStartKey": last}

    def _write_summaries(self, decision: Record, expires_at: int | None, until: float | None = None) -> None:
        shared = {
            "sk": {"S": decision["id"]},
            "summary": {"S": orjson.dumps(summary_of(decision)).decode()},
            **expiring_attribute(expires_at),
        }
        keys = list_keys(decision)
        # Each by a put of its own, side by side: a batch would take the right to delete as well.
        puts = [partial(self._calls.call, "put_item", until, Item={"pk": {"S": key}, **shared}) for key in keys]
        with ThreadPoolExecutor(len(puts)) as threads:
            for done in [threads.submit(put) for put in puts]:
                done.result()
