"""The history on AWS: one DynamoDB table, written and read item by item, without transactions or indexes.

    pk                       sk      attributes
    the decision's id        body    data (its JSON, by zlib), selected, outcomes, expires_at
    [shard, config, model]   its id  summary (JSON), expires_at

A decision is one body, which is opened, and a summary in every list that shows it: of all decisions, of its
config, of each candidate and model it selected, and of both. So every page is read by key, newest first, however
rare its filter and however long nothing happened. A list is two partitions (the shards), so a page is two queries.
A body is written before its summaries: what is listed can be opened, and a repeated append completes one that
was cut off in between. docs/history.md has the arithmetic. AWS's library is imported on first use.
"""

import json
import time
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from itertools import count
from random import random
from threading import Lock
from typing import Any

import orjson
from ulid import ULID

from pointsman.errors import HistoryUnavailable, SettingsError
from pointsman.history.base import (
    Filter,
    Page,
    Record,
    body_of,
    decode_cursor,
    encode_cursor,
    expiry,
    first_id,
    listed_under,
    no_such_decision,
    served,
    summary_of,
)
from pointsman.history.ids import timestamp
from pointsman.history.prompts import shortened_prompt

TTL_ATTRIBUTE = "expires_at"
# What `create_table` takes besides a name; template.yaml says the same.
TABLE_DEFINITION: dict[str, Any] = {
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "S"},
    ],
    "KeySchema": [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ],
    "BillingMode": "PAY_PER_REQUEST",
}

# Partitions of a list. Another number would need the lists to be written anew.
SHARDS = 2
BODY = "body"
FIRST_ID, LAST_ID = str(ULID.from_int(0)), str(ULID.from_int(2**128 - 1))
# An item may have 409,600 bytes in all; the rest is for outcomes and the attributes beside the data.
MOST_DATA_BYTES = 360_000
MOST_KEY_BYTES = 2048
LIVE = f"attribute_not_exists({TTL_ATTRIBUTE}) OR {TTL_ATTRIBUTE} > :now"

# A request is tried anew after pauses of up to 25, 50, 100, ... ms, but never begun after PATIENCE_S.
TRIES = 7
FIRST_PAUSE_S = 0.025
PATIENCE_S = 3.0
CONNECT_S, READ_S = 1.0, 2.0
THROTTLED = {
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "Throttling",
    "ThrottlingException",
}
_THROTTLED_ADVICE = "it is throttled. Wait, or raise the table's maximum or warm throughput."
_DENIED = "access is denied. Let the role read, query, put and update items of this table."
_CREDENTIALS = "there are no valid AWS credentials, or the clock is wrong. Check the role, the profile and the clock."
_UNREACHABLE = "it cannot be reached. Check the network, the region and POINTSMAN_DYNAMODB_ENDPOINT."
_MEANINGS = {
    **dict.fromkeys(THROTTLED, _THROTTLED_ADVICE),
    "ResourceNotFoundException": "there is no such table here. Deploy the stack, or correct POINTSMAN_TABLE or the "
    "region.",
    "AccessDeniedException": _DENIED,
    "KMSAccessDeniedException": "access to the key that encrypts it is denied. Let the role use that key.",
    **dict.fromkeys(
        (
            "UnrecognizedClientException",
            "ExpiredTokenException",
            "InvalidSignatureException",
            "IncompleteSignatureException",
            "MissingAuthenticationTokenException",
            "InvalidClientTokenId",
            "RequestTimeTooSkewed",
            "NoCredentialsError",
            "PartialCredentialsError",
            "CredentialRetrievalError",
            "ProfileNotFound",
        ),
        _CREDENTIALS,
    ),
    "NoRegionError": "no AWS region is set. Set AWS_REGION.",
    **dict.fromkeys(
        ("EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError", "ConnectionClosedError", "SSLError"),
        _UNREACHABLE,
    ),
}


class _ConditionFailed(Exception):
    """The item is not as the write asks; nothing was written."""


class DynamoHistory:
    """The history in one table. Safe to share between threads; nothing is connected before it is used."""

    def __init__(
        self, table: str, retention_days: int = 0, *, region: str | None = None, endpoint: str | None = None
    ) -> None:
        """Name the table; whether it is there turns out on first use.

        Raises:
            SettingsError: boto3 is not installed.
        """
        if find_spec("boto3") is None:
            raise SettingsError(f"POINTSMAN_TABLE={table!r} needs boto3. Install it with pip install 'pointsman[aws]'.")
        self._table = table
        self._retention_days = retention_days
        self._region, self._endpoint = region, endpoint
        self._lock = Lock()
        self._session: Any = None
        self._client: Any = None

    def append(self, decision: Record) -> None:
        expires_at = expiry(decision["id"], self._retention_days)
        item = {
            **_body_key(decision["id"]),
            "data": {"B": _packed(decision)},
            "selected": {"SS": sorted(set(decision["selected"]))},
            "outcomes": {"M": {}},
            **_expiring(expires_at),
        }
        try:
            self._call("put_item", TableName=self._table, Item=item, ConditionExpression="attribute_not_exists(pk)")
        except _ConditionFailed:
            stored = self._stored(decision["id"])
            if stored is None:  # it expired just now
                return
            decision, expires_at = _unpacked(stored), _expires_at(stored)
        self._write_summaries(decision, expires_at)

    def page(self, limit: int, cursor: str | None = None, where: Filter | None = None) -> Page:
        where = where or Filter()
        low, high = FIRST_ID, LAST_ID
        if cursor is not None:
            high = _before(decode_cursor(cursor))
        if where.until is not None:
            high = min(high, _before(first_id(where.until)))
        if where.since is not None:
            low = first_id(where.since)
        low = max(low, self._oldest())
        found: list[tuple[str, str]] = []
        if low <= high:
            for shard in range(SHARDS):
                found += self._newest(_list_key(shard, where.config, where.model), low, high, limit + 1)
        found.sort(reverse=True)
        calls = [orjson.loads(summary) for _, summary in found[:limit]]
        return Page(calls, encode_cursor(calls[-1]["id"]) if len(found) > limit else None)

    def get(self, decision_id: str) -> dict[str, Any]:
        stored = self._stored(decision_id)
        if stored is None or not self._is_live(decision_id, _expires_at(stored)):
            raise no_such_decision(decision_id)
        return _unpacked(stored)

    def set_outcome(self, decision_id: str, model_id: str, outcome: Record) -> dict[str, Any]:
        if not self._is_live(decision_id, None):
            raise no_such_decision(decision_id)
        if not model_id:  # no attribute can have this name
            served(self.get(decision_id), model_id)
        kept = {**outcome, "model_id": model_id, "ts": timestamp(datetime.now(UTC))}
        try:
            answer = self._call(
                "update_item",
                TableName=self._table,
                Key=_body_key(decision_id),
                UpdateExpression="SET outcomes.#model = :outcome",
                ConditionExpression=f"attribute_exists(pk) AND contains(selected, :model) AND ({LIVE})",
                ExpressionAttributeNames={"#model": model_id},
                ExpressionAttributeValues={
                    ":model": {"S": model_id},
                    ":outcome": {"S": orjson.dumps(kept).decode()},
                    **_now(),
                },
                ReturnValues="ALL_NEW",
            )
        except _ConditionFailed:
            candidate_id = served(self.get(decision_id), model_id)
            if candidate_id != model_id:
                return self.set_outcome(decision_id, candidate_id, outcome)
            # Between the two reads it appeared; when it was asked for, it was not there.
            raise no_such_decision(decision_id) from None
        return _unpacked(answer["Attributes"])

    def connect(self) -> None:
        """Import AWS's library and make a client now, as before a snapshot; otherwise the first use does.

        Raises:
            HistoryUnavailable: the region, the profile or the endpoint makes no sense.
        """
        self._connected()

    def _connected(self) -> Any:
        with self._lock:
            if self._client is not None:
                return self._client
            import boto3
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError

            # Trying again is done here, where the time it takes is known, and not by the client as well.
            config = Config(
                connect_timeout=CONNECT_S,
                read_timeout=READ_S,
                retries={"mode": "standard", "total_max_attempts": 1},
                tcp_keepalive=True,
                max_pool_connections=50,
            )
            try:
                # The session keeps what is slow to load, and credentials that know when they expire.
                self._session = self._session or boto3.session.Session()
                self._client = self._session.client(
                    "dynamodb", region_name=self._region, endpoint_url=self._endpoint, config=config
                )
            except (BotoCoreError, ValueError) as error:
                raise self._unavailable(type(error).__name__, str(error)) from None
            return self._client

    def refresh(self) -> None:
        """Forget every connection, as after a snapshot was restored; the next use makes new ones."""
        self.close()

    def close(self) -> None:
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    def _oldest(self) -> str:
        """The lowest id that is young enough to be shown."""
        if not self._retention_days:
            return FIRST_ID
        return first_id(datetime.fromtimestamp(time.time(), UTC) - timedelta(days=self._retention_days))

    def _is_live(self, decision_id: str, expires_at: int | None) -> bool:
        known = len(decision_id) == len(FIRST_ID) and decision_id >= self._oldest()
        return known and (expires_at is None or expires_at > time.time())

    def _stored(self, decision_id: str) -> Mapping[str, Any] | None:
        """The body item, whether it has expired or not."""
        if len(decision_id) != len(FIRST_ID):
            return None
        answer = self._call("get_item", TableName=self._table, Key=_body_key(decision_id), ConsistentRead=True)
        item: Mapping[str, Any] | None = answer.get("Item")
        return item

    def _newest(self, key: str, low: str, high: str, wanted: int) -> list[tuple[str, str]]:
        """Ids and summaries of one partition of a list from `high` down to `low`, both included."""
        if len(key.encode()) > MOST_KEY_BYTES:
            return []  # nothing could be kept under such a name
        found: list[tuple[str, str]] = []
        more: dict[str, Any] = {"Limit": wanted}
        while True:
            answer = self._call(
                "query",
                TableName=self._table,
                KeyConditionExpression="pk = :pk AND sk BETWEEN :low AND :high",
                FilterExpression=LIVE,
                ExpressionAttributeValues={":pk": {"S": key}, ":low": {"S": low}, ":high": {"S": high}, **_now()},
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

    def _write_summaries(self, decision: Record, expires_at: int | None) -> None:
        shared = {
            "sk": {"S": decision["id"]},
            "summary": {"S": orjson.dumps(summary_of(decision)).decode()},
            **_expiring(expires_at),
        }
        shard = int(ULID.from_str(decision["id"])) % SHARDS
        keys = [
            _list_key(shard, config, model)
            for config in (None, decision["config"])
            for model in (None, *listed_under(decision))
        ]
        left = {self._table: [{"PutRequest": {"Item": {"pk": {"S": key}, **shared}}} for key in keys]}
        for attempt in range(TRIES):
            if attempt:
                _pause(attempt)
            left = self._call("batch_write_item", RequestItems=left).get("UnprocessedItems") or {}
            if not left:
                return
        raise self._unavailable("Throttling", "")

    def _call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """One request, tried anew while that can help. Raises HistoryUnavailable and _ConditionFailed."""
        client = self._connected()
        from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError

        too_late = time.monotonic() + PATIENCE_S
        for attempt in count(1):
            try:
                answer: dict[str, Any] = getattr(client, operation)(**parameters)
                return answer
            except ClientError as error:
                code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
                if code == "ConditionalCheckFailedException":
                    raise _ConditionFailed from None
                status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
                passing = code in THROTTLED or status >= 500
            except BotoCoreError as error:
                code, message = type(error).__name__, str(error)
                passing = isinstance(error, HTTPClientError | ConnectionError)
            if not passing or attempt == TRIES or time.monotonic() > too_late:
                raise self._unavailable(code, message) from None
            _pause(attempt)
        raise AssertionError  # count() has no end

    def _unavailable(self, code: str, message: str) -> HistoryUnavailable:
        meaning = _MEANINGS.get(code, f"AWS says: {code}: {message[:300]}")
        if code == "ValidationException" and "schema" in message:
            meaning = "its keys are not pk and sk, so it is another table. Correct POINTSMAN_TABLE."
        if code == "ValidationException" and "size" in message:
            meaning = "an item may have 400 KB, and this decision has more candidates than fit. Use smaller configs."
        return HistoryUnavailable(f"DynamoDB table {self._table}: {meaning}", final=True)


def _pause(attempt: int) -> None:
    time.sleep(FIRST_PAUSE_S * 2 ** (attempt - 1) * random())


def _body_key(decision_id: str) -> dict[str, Any]:
    return {"pk": {"S": decision_id}, "sk": {"S": BODY}}


def _list_key(shard: int, config: str | None, model: str | None) -> str:
    """The partition of a list; None is any. JSON, so that no name can pass for another."""
    return json.dumps([shard, config, model], ensure_ascii=False, separators=(",", ":"))


def _before(decision_id: str) -> str:
    """The highest id below this one; "" below the lowest."""
    number = int(ULID.from_str(decision_id))
    return str(ULID.from_int(number - 1)) if number else ""


def _now() -> dict[str, Any]:
    return {":now": {"N": str(int(time.time()))}}


def _expiring(expires_at: int | None) -> dict[str, Any]:
    return {} if expires_at is None else {TTL_ATTRIBUTE: {"N": str(expires_at)}}


def _expires_at(item: Mapping[str, Any]) -> int | None:
    return int(item[TTL_ATTRIBUTE]["N"]) if TTL_ATTRIBUTE in item else None


def _packed(decision: Record) -> bytes:
    """The decision as the body keeps it; a prompt that would not fit is cut in its middle until it does."""
    data = zlib.compress(body_of(decision))
    most = len((decision["prompt"] or "").encode())
    while len(data) > MOST_DATA_BYTES and most:
        most //= 2
        prompt = shortened_prompt(decision["prompt"], most) if most else None
        data = zlib.compress(orjson.dumps({**decision, "prompt": prompt}))
    return data


def _unpacked(item: Mapping[str, Any]) -> dict[str, Any]:
    """The decision of a body item, with its outcomes by model."""
    decision: dict[str, Any] = orjson.loads(zlib.decompress(item["data"]["B"]))
    outcomes = [orjson.loads(outcome["S"]) for _, outcome in sorted(item["outcomes"]["M"].items())]
    return {**decision, "outcomes": outcomes}
