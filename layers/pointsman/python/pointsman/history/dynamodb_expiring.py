"""What is remembered for a while, as items of the history's table: one request to read, one to write.

pk   sk        attributes
key  expiring  value, expires_at (the table's time to live)
"""

import time
from typing import Any

from pointsman.history.dynamodb_table import TTL_ATTRIBUTE, ConditionFailed, Table

SORT_KEY = "expiring"
# Nobody waits longer than this for a session, but for a request that is under way.
PATIENCE_S = 0.1


class DynamoExpiring:
    """The items of a table that expire. Safe to share between threads."""

    def __init__(self, table: Table) -> None:
        """Use the history's own connection."""
        self._table = table

    def get(self, key: str) -> bytes | None:
        answer = self._table.call("get_item", time.monotonic() + PATIENCE_S, Key=_key(key), ConsistentRead=True)
        item: dict[str, Any] = answer.get("Item") or {}
        if not item or float(item[TTL_ATTRIBUTE]["N"]) <= time.time():
            return None
        return bytes(item["value"]["B"])

    def put(self, key: str, value: bytes, ttl_s: int) -> None:
        self._table.call("put_item", time.monotonic() + PATIENCE_S, Item=_item(key, value, ttl_s))

    def add(self, key: str, value: bytes, ttl_s: int) -> bytes | None:
        try:
            self._table.call(
                "put_item",
                time.monotonic() + PATIENCE_S,
                Item=_item(key, value, ttl_s),
                ConditionExpression=f"attribute_not_exists(pk) OR {TTL_ATTRIBUTE} <= :now",
                ExpressionAttributeValues={":now": {"N": str(int(time.time()))}},
            )
        except ConditionFailed:
            return self.get(key)
        return None

    def close(self) -> None:
        """The connection is the history's."""


def _key(key: str) -> dict[str, Any]:
    return {"pk": {"S": key}, "sk": {"S": SORT_KEY}}


def _item(key: str, value: bytes, ttl_s: int) -> dict[str, Any]:
    expires_at = int(time.time()) + ttl_s
    return {**_key(key), "value": {"B": value}, TTL_ATTRIBUTE: {"N": str(expires_at)}}
