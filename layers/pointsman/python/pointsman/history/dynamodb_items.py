"""What the items of the DynamoDB history look like: their keys, and a decision as its body keeps it."""

import json
import time
import zlib
from collections.abc import Mapping
from typing import Any

import orjson
from ulid import ULID

from pointsman.history.base import Record, body_of, listed_under
from pointsman.history.dynamodb_table import TTL_ATTRIBUTE
from pointsman.history.prompts import shortened_prompt

# Partitions of a list. Another number would need the lists to be written anew.
SHARDS = 2
BODY = "body"
# An item may have 409,600 bytes in all; the rest is for outcomes and the attributes beside the data.
MOST_DATA_BYTES = 360_000


def body_key(decision_id: str) -> dict[str, Any]:
    return {"pk": {"S": decision_id}, "sk": {"S": BODY}}


def list_key(shard: int, config: str | None, model: str | None) -> str:
    """The partition of a list; None is any. JSON, so that no name can pass for another."""
    return json.dumps([shard, config, model], ensure_ascii=False, separators=(",", ":"))


def list_keys(decision: Record) -> list[str]:
    """The partitions that list a decision; that of all decisions is the first."""
    shard = int(ULID.from_str(decision["id"])) % SHARDS
    return [
        list_key(shard, config, model)
        for config in (None, decision["config"])
        for model in (None, *listed_under(decision))
    ]


def id_before(decision_id: str) -> str:
    """The highest id below this one; "" below the lowest."""
    number = int(ULID.from_str(decision_id))
    return str(ULID.from_int(number - 1)) if number else ""


def now_value() -> dict[str, Any]:
    return {":now": {"N": str(int(time.time()))}}


def expiring_attribute(expires_at: int | None) -> dict[str, Any]:
    return {} if expires_at is None else {TTL_ATTRIBUTE: {"N": str(expires_at)}}


def expires_at_of(item: Mapping[str, Any]) -> int | None:
    return int(item[TTL_ATTRIBUTE]["N"]) if TTL_ATTRIBUTE in item else None


def packed(decision: Record) -> bytes:
    """The decision as the body keeps it; a prompt that would not fit is cut in its middle until it does."""
    data = zlib.compress(body_of(decision))
    most = len((decision["prompt"] or "").encode())
    while len(data) > MOST_DATA_BYTES and most:
        most //= 2
        prompt = shortened_prompt(decision["prompt"], most) if most else None
        data = zlib.compress(orjson.dumps({**decision, "prompt": prompt}))
    return data


def unpacked(item: Mapping[str, Any]) -> dict[str, Any]:
    """The decision of a body item, with its outcomes by model."""
    decision: dict[str, Any] = orjson.loads(zlib.decompress(item["data"]["B"]))
    outcomes = [orjson.loads(outcome["S"]) for _, outcome in sorted(item["outcomes"]["M"].items())]
    return {**decision, "outcomes": outcomes}
