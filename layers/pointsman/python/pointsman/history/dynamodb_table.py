"""One DynamoDB table as the history asks it: a client, tries anew within a deadline, and errors in words.

AWS's library is imported on first use. A request ends by the deadline of the operation that it belongs to: waiting for
a connection and for an answer take half of it each at most, and nothing slow is tried anew in the second half.
"""

import time
from importlib.util import find_spec
from itertools import count
from random import random
from threading import Lock
from typing import Any

from pointsman.errors import HistoryUnavailable, SettingsError

TTL_ATTRIBUTE = "expires_at"
# What `create_table` takes besides a name; template.yaml says the same.
TABLE_DEFINITION: dict[str, Any] = {
    "AttributeDefinitions": [
        {"AttributeName": "pk", "AttributeType": "S"},
        {"AttributeName": "sk", "AttributeType": "S"},
    ],
    "KeySchema": [
        {"AttributeName": "pk", "KeyType": "HASH"},
        {"AttributeName": "sk", "KeyType": "RANGE"},
    ],
    "BillingMode": "PAY_PER_REQUEST",
}

# A request is tried anew after pauses of up to 25, 50, 100, ... ms, but never begun after its deadline.
TRIES = 7
FIRST_PAUSE_S = 0.025
THROTTLED = {
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "Throttling",
    "ThrottlingException",
}
_THROTTLED_ADVICE = "it is throttled. Wait, or raise the table's maximum or warm throughput."
_DENIED = "access is denied. Let the role read, query, put and update items of this table."
_CREDENTIALS = "there are no valid AWS credentials, or the clock is wrong. Check the role, the profile and the clock."
_UNREACHABLE = "it cannot be reached. Check the network, the region and POINTSMAN_DYNAMODB_ENDPOINT."
_MEANINGS = {
    **dict.fromkeys(THROTTLED, _THROTTLED_ADVICE),
    "ResourceNotFoundException": "there is no such table here. Deploy the stack, or correct POINTSMAN_TABLE or the "
    "region.",
    "AccessDeniedException": _DENIED,
    "KMSAccessDeniedException": "access to the key that encrypts it is denied. Let the role use that key.",
    **dict.fromkeys(
        (
            "UnrecognizedClientException",
            "ExpiredTokenException",
            "InvalidSignatureException",
            "IncompleteSignatureException",
            "MissingAuthenticationTokenException",
            "InvalidClientTokenId",
            "RequestTimeTooSkewed",
            "NoCredentialsError",
            "PartialCredentialsError",
            "CredentialRetrievalError",
            "ProfileNotFound",
        ),
        _CREDENTIALS,
    ),
    "NoRegionError": "no AWS region is set. Set AWS_REGION.",
    **dict.fromkeys(
        ("EndpointConnectionError", "ConnectTimeoutError", "ReadTimeoutError", "ConnectionClosedError", "SSLError"),
        _UNREACHABLE,
    ),
}


class ConditionFailed(Exception):
    """The item is not as the write asks; nothing was written."""


class Table:
    """A table by its name. Safe to share between threads; nothing is connected before it is used."""

    def __init__(self, name: str, deadline_s: float, region: str | None, endpoint: str | None) -> None:
        """Name the table; whether it is there turns out on first use.

        Raises:
            SettingsError: boto3 is not installed.
        """
        if find_spec("boto3") is None:
            raise SettingsError(f"POINTSMAN_TABLE={name!r} needs boto3. Install it with pip install 'pointsman[aws]'.")
        self.name = name
        self._deadline_s = deadline_s
        self._region, self._endpoint = region, endpoint
        self._lock = Lock()
        self._session: Any = None
        self.client: Any = None

    def connect(self) -> Any:
        """The client, made now if there is none.

        Raises:
            HistoryUnavailable: the region, the profile or the endpoint makes no sense.
        """
        with self._lock:
            if self.client is not None:
                return self.client
            import boto3
            from botocore.config import Config
            from botocore.exceptions import BotoCoreError

            # Trying again is done here, where the time it takes is known, and not by the client as well.
            config = Config(
                connect_timeout=self._deadline_s / 2,
                read_timeout=self._deadline_s / 2,
                retries={"mode": "standard", "total_max_attempts": 1},
                tcp_keepalive=True,
                max_pool_connections=50,
            )
            try:
                # The session keeps what is slow to load, and credentials that know when they expire.
                self._session = self._session or boto3.session.Session()
                self.client = self._session.client(
                    "dynamodb", region_name=self._region, endpoint_url=self._endpoint, config=config
                )
            except (BotoCoreError, ValueError) as error:
                raise self.unavailable(type(error).__name__, str(error)) from None
            return self.client

    def close(self) -> None:
        """Forget every connection; the next use makes new ones."""
        with self._lock:
            client, self.client = self.client, None
        if client is not None:
            client.close()

    def deadline(self, until: float | None = None) -> float:
        """When an operation that begins now gives up, by the monotonic clock."""
        return time.monotonic() + self._deadline_s if until is None else until

    def call(self, operation: str, until: float | None = None, **parameters: Any) -> dict[str, Any]:
        """One request, tried anew while that can help. Raises HistoryUnavailable and ConditionFailed."""
        client = self.connect()
        parameters["TableName"] = self.name
        from botocore.exceptions import BotoCoreError, ClientError, ConnectionError, HTTPClientError

        too_late = self.deadline(until)
        for attempt in count(1):
            try:
                answer: dict[str, Any] = getattr(client, operation)(**parameters)
                return answer
            except ClientError as error:
                code, message = error.response["Error"]["Code"], error.response["Error"].get("Message", "")
                if code == "ConditionalCheckFailedException":
                    raise ConditionFailed from None
                status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
                passing, slow = code in THROTTLED or status >= 500, False
            except BotoCoreError as error:
                code, message = type(error).__name__, str(error)
                passing, slow = isinstance(error, HTTPClientError | ConnectionError), True
            # What waited in vain may do so again, for half of the time that there was.
            latest = too_late - self._deadline_s / 2 if slow else too_late
            if not passing or attempt == TRIES or time.monotonic() > latest:
                raise self.unavailable(code, message) from None
            pause(attempt)
        raise AssertionError  # count() has no end

    def unavailable(self, code: str, message: str) -> HistoryUnavailable:
        """What AWS said, in the operator's words."""
        meaning = _MEANINGS.get(code, f"AWS says: {code}: {message[:300]}")
        if code == "ValidationException" and "schema" in message:
            meaning = "its keys are not pk and sk, so it is another table. Correct POINTSMAN_TABLE."
        if code == "ValidationException" and "size" in message:
            meaning = "an item may have 400 KB, and this decision has more candidates than fit. Use smaller configs."
        denied = code == "AccessDeniedException"
        return HistoryUnavailable(f"DynamoDB table {self.name}: {meaning}", final=True, denied=denied)


def pause(attempt: int) -> None:
    """Wait before the next try: up to 25 ms, 50 ms, 100 ms, ..."""
    time.sleep(FIRST_PAUSE_S * 2 ** (attempt - 1) * random())
