"""The bearer-token authorizer: true for a token of the secret, with its name; false for anything else.

The secret is the document of `pointsman.tokens`, beside `first`: the token that the stack generated, in the clear,
so that a new stack can be called at once. Taking `first` out of the secret revokes it.

A secret that cannot be read is raised, not answered: the gateway says 500, remembers nothing, and the alarm on
errors goes off. The secret is read again after 25 s and the gateway remembers an answer for 30 s, so a revoked
token is refused within a minute.
"""

import hashlib
import json
import os
import time
from collections.abc import Mapping
from typing import Any

import boto3
from aws_lambda_powertools import Logger, Tracer
from pointsman import tokens

SECRET_AGE_S = 25.0
SCHEME = "bearer "

logger = Logger()
tracer = Tracer(auto_patch=False)
secrets = boto3.client("secretsmanager")
_read: tuple[float, Mapping[str, Any]] | None = None


@tracer.capture_lambda_handler(capture_response=False)
@logger.inject_lambda_context(clear_state=True)
def handler(event: Mapping[str, Any], _context: Any) -> dict[str, Any]:
    """The gateway's simple answer: `isAuthorized`, and the token's name as context."""
    header = str((event.get("identitySource") or [""])[0])
    presented = header[len(SCHEME) :].strip() if header[: len(SCHEME)].lower() == SCHEME else ""
    name = tokens.check(document(), presented, time.time()) if presented else None
    logger.info("authorized" if name else "refused", token=name)
    return {"isAuthorized": name is not None, "context": {"name": name or ""}}


def document() -> Mapping[str, Any]:
    """The tokens of the secret, at most 25 s old by a clock that never jumps."""
    global _read
    now = time.monotonic()
    if _read is None or now - _read[0] > SECRET_AGE_S:
        _read = (now, parsed(secrets.get_secret_value(SecretId=os.environ["TOKENS_SECRET"])["SecretString"]))
    return _read[1]


def parsed(secret: str) -> Mapping[str, Any]:
    """The document of a secret, with the generated token among the others.

    Raises:
        ValueError: it is not a JSON object.
    """
    document = json.loads(secret)
    if not isinstance(document, dict):
        raise ValueError("The secret of the tokens is not a JSON object. docs/deploy.md says what it holds.")
    first = document.pop("first", None)
    if isinstance(first, str) and first:
        entry = {"name": "first", "sha256": hashlib.sha256(first.encode()).hexdigest()}
        return {**document, "tokens": [*document.get("tokens", []), entry]}
    return document


def renew() -> None:
    """After a snapshot: forget the secret, and connect and sign anew."""
    global _read, secrets
    _read, secrets = None, boto3.client("secretsmanager")


try:
    from snapshot_restore_py import register_after_restore
except ImportError:  # no SnapStart here: `sam local`, or a test
    pass
else:
    register_after_restore(renew)
