"""A DynamoDB table as the stack makes it, for tests; and the account that stands in for a real one."""

from typing import Any

import boto3
from pointsman.history.dynamodb import TABLE_DEFINITION, DynamoHistory

TABLE = "history"
FAKE_ACCOUNT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


def make_table(retention_days: int = 0, endpoint: str | None = None, **definition: Any) -> DynamoHistory:
    """An empty table and the history in it; parts of its definition may be replaced."""
    client = boto3.client("dynamodb", endpoint_url=endpoint)
    client.create_table(TableName=TABLE, **{**TABLE_DEFINITION, **definition})
    client.get_waiter("table_exists").wait(TableName=TABLE, WaiterConfig={"Delay": 1})
    client.close()
    return DynamoHistory(TABLE, retention_days, endpoint=endpoint)
