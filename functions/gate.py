"""What a function checks before its app: that CloudFront sent the request, and that its caller's quota lasts."""

import os
from datetime import UTC, datetime
from hmac import compare_digest
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from pointsman.auth.access import Access
from pointsman.auth.quotas import check_quota
from pointsman.errors import AccessError
from pointsman.history.base import DAY_S

ORIGIN_HEADER = "x-pointsman-origin"

logger = Logger()


def check_origin(request: dict[str, Any]) -> None:
    """Raise AccessError where requests must come by way of CloudFront and this one does not."""
    secret = os.environ.get("ORIGIN_SECRET", "")
    if secret and not compare_digest(secret.encode(), request["headers"].get(ORIGIN_HEADER, "").encode()):
        raise AccessError("This address is closed. Ask at the address of the page; the stack's output ApiUrl has it.")


def check_caller(access: Access) -> None:
    """Count a request of a caller; raises TooManyRequests where its quota of this minute is used up."""
    check_quota(access, count, int(os.environ.get("POINTSMAN_REQUESTS_PER_MINUTE") or 0))


_client: Any = None


def count(name: str, minute: str, quota: int) -> bool:
    """Count in the table, for all copies of all functions; where it cannot be reached, the request is let through."""
    global _client
    try:
        if _client is None:
            config = Config(connect_timeout=1, read_timeout=1, retries={"mode": "standard", "total_max_attempts": 1})
            _client = boto3.client("dynamodb", config=config)
        _client.update_item(
            TableName=os.environ["POINTSMAN_TABLE"],
            Key={"pk": {"S": f"quota#{name}"}, "sk": {"S": minute}},
            UpdateExpression="ADD asked :one SET expires_at = if_not_exists(expires_at, :then)",
            ConditionExpression="attribute_not_exists(asked) OR asked < :quota",
            ExpressionAttributeValues={
                ":one": {"N": "1"},
                ":quota": {"N": str(quota)},
                ":then": {"N": str(_end_of(minute) + DAY_S)},
            },
        )
    except ClientError as error:
        if error.response["Error"]["Code"] == "ConditionalCheckFailedException":
            return False
        logger.error("a request could not be counted and was let through: %s", error)
    except BotoCoreError as error:
        logger.error("a request could not be counted and was let through: %s", error)
    return True


def renew() -> None:
    """After a snapshot: connect anew."""
    global _client
    _client = None


def _end_of(minute: str) -> int:
    return int(datetime.fromisoformat(minute).replace(tzinfo=UTC).timestamp()) + 60
