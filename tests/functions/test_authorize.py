"""The authorizer: names what it lets in, and fails closed."""

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from pointsman.auth.access import SCOPES
from pointsman.auth.bearer import Document, issue, revoke, write_document
from pointsman.errors import TokensError

from tests.functions.conftest import Context, Import


@pytest.fixture
def secret(start: Import) -> Any:
    """Keeps a text as the secret."""
    assert callable(start)
    client = boto3.client("secretsmanager")
    client.create_secret(Name="tokens", SecretString='{"tokens": []}')
    return lambda text: client.put_secret_value(SecretId="tokens", SecretString=text)


def ask(authorize: Any, header: object) -> Any:
    return authorize.handler({"version": "2.0", "identitySource": [header]}, Context())


def test_a_good_token_is_let_in_by_its_name(start: Import, secret: Any) -> None:
    token, entry = issue("laptop")
    secret(write_document(Document((entry,))))
    authorize = start("authorize.app")
    let_in = {"isAuthorized": True, "context": {"name": "laptop", "scopes": "read report route"}}
    assert ask(authorize, f"Bearer {token}") == let_in
    assert ask(authorize, f"bearer  {token} ") == let_in


@pytest.mark.usefixtures("secret")
@pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer x", "Basic x", "x", "Bearer \udcff", None, 7])
def test_anything_else_is_refused(start: Import, header: object) -> None:
    assert ask(start("authorize.app"), header) == {"isAuthorized": False}


@pytest.mark.usefixtures("secret")
@pytest.mark.parametrize("odd", [{}, None, [], {"identitySource": []}, {"identitySource": "Bearer x"}, {"Records": []}])
def test_an_event_that_is_no_request_is_refused(start: Import, odd: object) -> None:
    assert start("authorize.app").handler(odd, Context()) == {"isAuthorized": False}


def test_the_generated_token_is_good_until_a_document_replaces_it(start: Import, secret: Any) -> None:
    secret(json.dumps({"tokens": [], "first": "generated"}))
    authorize = start("authorize.app")
    assert ask(authorize, "Bearer generated")["context"] == {"name": "first", "scopes": "read:all report route"}
    secret(write_document(Document()))
    authorize.renew()
    assert ask(authorize, "Bearer generated") == {"isAuthorized": False}


def test_a_revoked_token_is_refused_once_the_secret_is_25_seconds_old(
    start: Import, secret: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    token, entry = issue("laptop")
    secret(write_document(Document((entry,))))
    authorize = start("authorize.app")
    monotonic = 1000.0
    monkeypatch.setattr(authorize.time, "monotonic", lambda: monotonic)
    assert ask(authorize, f"Bearer {token}")["isAuthorized"]
    secret(write_document(revoke(Document((entry,)), "laptop")))
    monotonic += 24
    assert ask(authorize, f"Bearer {token}")["isAuthorized"]
    monotonic += 2
    assert not ask(authorize, f"Bearer {token}")["isAuthorized"]


def test_a_secret_that_cannot_be_read_is_raised_so_that_nothing_is_remembered(start: Import) -> None:
    authorize = start("authorize.app")
    with pytest.raises(ClientError, match="ResourceNotFound"):
        ask(authorize, "Bearer x")


@pytest.mark.parametrize("text", ["hush", "[]", '{"tokens": 1}', '{"first": "generated"}'])
def test_a_secret_that_is_no_document_is_raised(start: Import, secret: Any, text: str) -> None:
    secret(text)
    with pytest.raises(TokensError):
        ask(start("authorize.app"), "Bearer generated")


class Outage:
    """A Secrets Manager that fails with an error of one's choice."""

    def __init__(self, error: Exception) -> None:
        self.error, self.asked = error, 0

    def get_secret_value(self, **_: Any) -> Any:
        self.asked += 1
        raise self.error


def failing(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "out"}}, "GetSecretValue")


@pytest.mark.parametrize(
    "error",
    [
        failing("InternalServiceError"),
        failing("ThrottlingException"),
        EndpointConnectionError(endpoint_url="https://x"),
    ],
)
def test_an_outage_of_the_secret_is_bridged_for_an_hour_and_no_longer(
    start: Import, secret: Any, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    token, entry = issue("laptop")
    secret(write_document(Document((entry,))))
    authorize = start("authorize.app")
    monotonic = 1000.0
    monkeypatch.setattr(authorize.time, "monotonic", lambda: monotonic)
    assert ask(authorize, f"Bearer {token}")["isAuthorized"]
    outage = Outage(error)
    there = authorize.secrets
    monkeypatch.setattr(authorize, "secrets", outage)
    monotonic += 26
    for _ in range(3):
        assert ask(authorize, f"Bearer {token}")["isAuthorized"]
        assert not ask(authorize, "Bearer other")["isAuthorized"]
    assert outage.asked == 1  # not for every request: each would wait for it
    monotonic = 1000.0 + 3599
    assert ask(authorize, f"Bearer {token}")["isAuthorized"]
    monotonic += 27
    with pytest.raises(type(error)):
        ask(authorize, f"Bearer {token}")
    with pytest.raises(type(error)):  # what was forgotten stays forgotten
        ask(authorize, f"Bearer {token}")
    monkeypatch.setattr(authorize, "secrets", there)
    assert ask(authorize, f"Bearer {token}")["isAuthorized"]


@pytest.mark.parametrize("code", ["ResourceNotFoundException", "AccessDeniedException"])
def test_a_secret_that_was_taken_away_lets_nobody_in_at_once(
    start: Import, secret: Any, monkeypatch: pytest.MonkeyPatch, code: str
) -> None:
    token, entry = issue("laptop")
    secret(write_document(Document((entry,))))
    authorize = start("authorize.app")
    monotonic = 1000.0
    monkeypatch.setattr(authorize.time, "monotonic", lambda: monotonic)
    assert ask(authorize, f"Bearer {token}")["isAuthorized"]
    monkeypatch.setattr(authorize, "secrets", Outage(failing(code)))
    monotonic += 26
    for _ in range(2):
        with pytest.raises(ClientError):
            ask(authorize, f"Bearer {token}")


def test_scopes_and_quota_go_on_to_the_functions(start: Import, secret: Any) -> None:
    token, entry = issue("ci", scopes=["route", "report"], per_minute=30)
    secret(write_document(Document((entry,))))
    context = ask(start("authorize.app"), f"Bearer {token}")["context"]
    assert context == {"name": "ci", "scopes": "report route", "per_minute": 30}
    access = start("shared").access_in({"requestContext": {"authorizer": {"lambda": context}}})
    assert (access.name, access.scopes, access.per_minute) == ("ci", {"route", "report"}, 30)


@pytest.mark.parametrize(
    ("authorizer", "name", "may"),
    [
        ({"lambda": {"name": "old"}}, "old", ["route", "read", "read:all", "report"]),
        ({"lambda": {"name": "ci", "scopes": ""}}, "ci", []),
        ({"jwt": {"claims": {"sub": "me"}}}, "me", ["route", "read", "read:all", "report"]),
        ({"jwt": {"claims": {"sub": "me", "scope": "openid pointsman/route"}}}, "me", ["route"]),
        ({"iam": {"userArn": "arn:x"}}, "arn:x", ["route", "read", "read:all", "report", "admin"]),
    ],
)
def test_every_way_in_says_what_its_caller_may_do(start: Import, authorizer: Any, name: str, may: list[str]) -> None:
    access = start("shared").access_in({"requestContext": {"authorizer": authorizer}})
    assert access.name == name
    assert [scope for scope in SCOPES if access.may(scope)] == may
