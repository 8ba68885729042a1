"""The authorizer: names what it lets in, and fails closed."""

import json
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
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
    let_in = {"isAuthorized": True, "context": {"name": "laptop"}}
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
    assert ask(authorize, "Bearer generated")["context"] == {"name": "first"}
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
