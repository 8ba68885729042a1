"""The bearer-token authorizer: true for a token of the secret, with its name; false for anything else.

The secret is the document of `pointsman.auth.bearer`, beside `first`: the token that the stack generated, in the clear,
so that a new stack can be called at once. Taking `first` out of the secret revokes it.

A secret that cannot be read or understood is raised, not answered: the gateway says 500, remembers nothing, and
the alarm on errors goes off. The secret is read again after 25 s and the gateway remembers an answer for 30 s, so
a revoked token is refused within a minute.
"""

import json
import os
import random
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import boto3
from aws_lambda_powertools import Logger
from botocore.config import Config
from pointsman.auth.bearer import Access, Document, Entry, check, hash_of, read_document

SECRET_AGE_S = 25.0
SCHEME = "bearer "

logger = Logger()


def connect() -> Any:
    """A client of Secrets Manager that gives up well before the gateway does."""
    config = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 3})
    return boto3.client("secretsmanager", config=config)


secrets = connect()
_read: tuple[float, Document] | None = None


@logger.inject_lambda_context(clear_state=True)
def handler(event: Any, _context: Any) -> dict[str, Any]:
    """The gateway's simple answer: `isAuthorized`, and the token's name as context."""
    found = check(document(), presented(event), datetime.now(UTC))
    if isinstance(found, Access):
        return {"isAuthorized": True, "context": {"name": found.name}}
    logger.info("refused", reason=found.reason, token=found.name)
    return {"isAuthorized": False}


def presented(event: Any) -> str | None:
    """The token of a request: what follows `Bearer` in its one identity source, the header Authorization."""
    sources = event.get("identitySource") if isinstance(event, Mapping) else None
    value = sources[0] if isinstance(sources, list) and sources else None
    if not isinstance(value, str) or value[: len(SCHEME)].lower() != SCHEME:
        return None
    return value[len(SCHEME) :].strip()


def document() -> Document:
    """The tokens of the secret, at most 25 s old by a clock that never jumps."""
    global _read
    now = time.monotonic()
    if _read is None or now - _read[0] > SECRET_AGE_S:
        _read = (now, parsed(secrets.get_secret_value(SecretId=os.environ["TOKENS_SECRET"])["SecretString"]))
    return _read[1]


def parsed(secret: str) -> Document:
    """The document of a secret, with the generated token among the others.

    Raises:
        TokensError: it is not one.
    """
    tokens = read_document(secret)
    first = json.loads(secret).get("first")
    if isinstance(first, str) and first:
        return replace(tokens, entries=(*tokens.entries, Entry("first", hash_of(first))))
    return tokens


def renew() -> None:
    """After a snapshot: forget the secret, and connect and sign anew."""
    global _read, secrets
    random.seed()
    _read, secrets = None, connect()


with suppress(ImportError):  # no SnapStart here: `sam local`, or a test
    from snapshot_restore_py import register_after_restore

    register_after_restore(renew)
