"""An AWS that fails on demand: a secret that is there or not, and a table that answers with any error."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from scripts.harness.http_server import Answering, listening
from scripts.sam_local.stack import free_port


@dataclass
class Moody:
    """What it answers next. `table_error` is an error code of DynamoDB; `secret` None is none."""

    url: str
    secret: str | None
    table_error: str = "ThrottlingException"


@contextmanager
def moody_aws(address: str, secret: str) -> Iterator[Moody]:
    """It runs for the block, where containers find it."""
    host = "127.0.0.1" if address == "host.docker.internal" else address
    port = free_port(host)
    moody = Moody(f"http://{address}:{port}", secret)

    class Handler(Answering):
        def post(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            if not self.headers["x-amz-target"].startswith("secretsmanager."):
                self.say(400, {"__type": f"com.amazonaws.dynamodb.v20120810#{moody.table_error}", "message": "no"})
            elif moody.secret is None:
                self.say(400, {"__type": "ResourceNotFoundException", "Message": "no such secret"})
            else:
                self.say(200, {"Name": "TokensSecret", "SecretString": moody.secret})

        def say(self, status: int, document: dict[str, str]) -> None:
            self.answer(status, "application/x-amz-json-1.1", json.dumps(document).encode())

    with listening(Handler, host, port):
        yield moody
