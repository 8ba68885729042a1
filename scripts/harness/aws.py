"""What stands in for AWS in tests: moto in this process, dynalite beside it, and the table as the stack makes it."""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from uuid import uuid4

from boto3.session import Session
from botocore.awsrequest import AWSResponse
from pointsman.history.dynamodb import TABLE_DEFINITION, DynamoHistory

DYNALITE = Path(__file__).resolve().parents[2] / "build/dynalite/node_modules/dynalite"
DYNALITE_SERVER = """
const server = require(process.argv[1])({createTableMs: 0, deleteTableMs: 0});
server.listen(0, '127.0.0.1', () => console.log(server.address().port));
"""
FAKE_ACCOUNT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@cache
def _session() -> Session:
    """One for all tables: it keeps AWS's descriptions of itself, which take most of a second to load."""
    return Session()


def make_table(
    retention_days: int = 0, endpoint: str | None = None, name: str | None = None, **definition: Any
) -> DynamoHistory:
    """The history in a new, empty table; parts of its definition may be replaced."""
    name = name or f"history-{uuid4().hex}"
    # A crowded machine answers late; what is late for AWS has tests of its own.
    history = DynamoHistory(name, retention_days, endpoint=endpoint, deadline_s=30.0)
    history._calls._session = _session()
    history.connect()
    history._client.create_table(TableName=name, **{**TABLE_DEFINITION, **definition})
    soon = {"Delay": 0.02, "MaxAttempts": 500}
    history._client.get_waiter("table_exists").wait(TableName=name, WaiterConfig=soon)
    return history


@contextmanager
def serving_dynalite() -> Iterator[str]:
    """The address of a dynalite that runs for the block."""
    node = shutil.which("node")
    assert node is not None
    process = subprocess.Popen([node, "-e", DYNALITE_SERVER, str(DYNALITE)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.terminate()
        process.wait(timeout=30)
        if process.stdout is not None:
            process.stdout.close()


class Calls:
    """The requests of a history, counted; `answers` may give some of them an error in place of the table's answer."""

    def __init__(self, history: DynamoHistory) -> None:
        self.made: list[str] = []
        self.answers: Callable[[str], tuple[int, str] | None] = lambda _: None
        history.connect()
        history._client.meta.events.register("before-call.dynamodb", self._calling)

    def _calling(self, model: Any, **_: Any) -> tuple[Any, dict[str, Any]] | None:
        self.made.append(model.name)
        error = self.answers(model.name)
        if error is None:
            return None
        status, code = error
        http = AWSResponse("", status, {}, None)
        return http, {
            "Error": {"Code": code, "Message": "simulated"},
            "ResponseMetadata": {"HTTPStatusCode": status, "RetryAttempts": 0},
        }
