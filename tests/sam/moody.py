"""An AWS that fails on demand: a secret that is there or not, and a table that answers with any error."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

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

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["content-length"]))
            if not self.headers["x-amz-target"].startswith("secretsmanager."):
                self.answer(400, {"__type": f"com.amazonaws.dynamodb.v20120810#{moody.table_error}", "message": "no"})
            elif moody.secret is None:
                self.answer(400, {"__type": "ResourceNotFoundException", "Message": "no such secret"})
            else:
                self.answer(200, {"Name": "TokensSecret", "SecretString": moody.secret})

        def answer(self, status: int, document: dict[str, str]) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-type", "application/x-amz-json-1.1")
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer((host, port), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield moody
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
