"""The bearer-token authorizer: true for a token of the secret, with its name; false for anything else.

The secret is the document of `pointsman.auth.bearer`, beside `first`: the token that the stack generated, in the clear,
so that a new stack can be called at once. Taking `first` out of the secret revokes it.

The secret is read again after 25 s and the gateway remembers an answer for 30 s, so a revoked token is refused within a
minute. While Secrets Manager cannot answer, what was read last goes on for an hour, and so may a token that was revoked
meanwhile. A secret that is not there, may not be read or cannot be understood is raised at once, not answered: the
gateway says 500, remembers nothing, and the alarm on errors goes off.
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
from botocore.exceptions import BotoCoreError, ClientError
from pointsman.auth.access import Access
from pointsman.auth.bearer import Document, Entry, check, hash_of, read_document
from pointsman.auth.http import bearer_of

SECRET_AGE_S = 25.0
# How long an outage of Secrets Manager is bridged.
OUTAGE_S = 3_600.0
# What only the operator can mend: nobody is let in until then.
OPERATORS = {"ResourceNotFoundException", "AccessDeniedException", "DecryptionFailure", "InvalidRequestException"}

logger = Logger()


def connect() -> Any:
    """A client of Secrets Manager that gives up well before the gateway does."""
    config = Config(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 3})
    return boto3.client("secretsmanager", config=config)


secrets = connect()
# When the secret was last asked for, when it was last read, and what it held.
_asked: float = 0.0
_read: tuple[float, Document] | None = None


@logger.inject_lambda_context(clear_state=True)
def handler(event: Any, _context: Any) -> dict[str, Any]:
    """The gateway's simple answer: `isAuthorized`, and the token's name and rights as context."""
    found = check(document(), presented(event), datetime.now(UTC))
    if isinstance(found, Access):
        context: dict[str, Any] = {"name": found.name, "scopes": " ".join(sorted(found.scopes))}
        if found.per_minute is not None:
            context["per_minute"] = found.per_minute
        return {"isAuthorized": True, "context": context}
    logger.info("refused", reason=found.reason, token=found.name)
    return {"isAuthorized": False}


def presented(event: Any) -> str | None:
    """The token of a request: what follows `Bearer` in its one identity source, the header Authorization."""
    sources = event.get("identitySource") if isinstance(event, Mapping) else None
    return bearer_of(sources[0] if isinstance(sources, list) and sources else None)


def document() -> Document:
    """The tokens of the secret: at most 25 s old by a clock that never jumps, in an outage at most an hour."""
    global _asked, _read
    now = time.monotonic()
    if _read is None or now - _asked > SECRET_AGE_S:
        _asked = now
        try:
            _read = (now, parsed(secrets.get_secret_value(SecretId=os.environ["TOKENS_SECRET"])["SecretString"]))
        except (BotoCoreError, ClientError) as error:
            if _read is None or now - _read[0] > OUTAGE_S or is_operators(error):
                _read = None
                raise
            logger.error("the secret cannot be read; the tokens of before go on", age_s=round(now - _read[0]))
        except Exception:
            _read = None
            raise
    return _read[1]


def is_operators(error: Exception) -> bool:
    """Whether an error of Secrets Manager is no outage, but something that the operator did or must do."""
    return isinstance(error, ClientError) and error.response["Error"]["Code"] in OPERATORS


def parsed(secret: str) -> Document:
    """The document of a secret, with the generated token among the others.

    Raises:
        TokensError: it is not one.
    """
    tokens = read_document(secret)
    first = json.loads(secret.removeprefix("\ufeff")).get("first")
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
