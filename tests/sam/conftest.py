"""The real `sam local`, started once for all tests here; they run only where POINTSMAN_SAM=1 asks for them.

`make e2e` installs what they need and runs them. Whatever they start ends with them.
"""

import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest
from pointsman.auth.bearer import Document, Entry, hash_of, write_document

from scripts.sam_local import stack
from scripts.sam_local.engine import WORK, Engine, engine
from tests.sam.moody import Moody, moody_aws

HERE = Path(__file__).parent
PAST = datetime(2026, 1, 1, tzinfo=UTC)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Every test of this folder is marked, and skipped unless it is asked for."""
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.sam)
            if os.environ.get("POINTSMAN_SAM") != "1":
                item.add_marker(pytest.mark.skip(reason="runs containers: make e2e"))


@pytest.fixture(scope="session")
def containers() -> Iterator[Engine]:
    """An engine with the base image, and the stack built."""
    with engine() as running:
        stack.build(running)
        yield running


@pytest.fixture(scope="session")
def aws(containers: Engine) -> Iterator[str]:
    """The URL of an AWS in memory, without a table or a secret."""
    with stack.stand_ins(containers.address) as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def token() -> str:
    """A token that the stack knows as `laptop`."""
    return f"pm_laptop_{'7' * 64}"


@pytest.fixture(scope="session")
def secret(token: str) -> str:
    """A secret with a good token, one that was revoked, and the generated one."""
    good = Entry("laptop", hash_of(token))
    revoked = Entry("laptop", hash_of("revoked-token"), revoked=True)
    expired = Entry("guest", hash_of("expired-token"), expires=PAST)
    text = write_document(Document((good, revoked, expired)))
    return text.rstrip().removesuffix("}") + ', "first": "generated-token"}'


@pytest.fixture(scope="session")
def url(containers: Engine, aws: str, secret: str) -> Iterator[str]:
    """The gateway of a stack in order."""
    stack.create_table(aws)
    stack.create_secret(aws, secret)
    with stack.gateway(containers, aws) as address:
        yield address


@pytest.fixture(scope="session")
def api(url: str, token: str) -> Iterator[httpx.Client]:
    """A client with a good token."""
    with client(url, token) as ready:
        yield ready


@pytest.fixture(scope="session")
def moody(containers: Engine, secret: str) -> Iterator[Moody]:
    """An AWS that fails as it is told."""
    with moody_aws(containers.address, secret) as running:
        yield running


@pytest.fixture(scope="session")
def troubled_url(containers: Engine, moody: Moody) -> Iterator[str]:
    """The gateway of a stack whose AWS is moody."""
    with stack.gateway(containers, moody.url, log=WORK / "troubled.log") as address:
        yield address


@pytest.fixture(scope="session")
def locked_out(troubled_url: str, moody: Moody, secret: str, token: str) -> dict[str, httpx.Response]:
    """What a good token gets while the secret is not in order; asked before any is remembered."""
    answers = {}
    with client(troubled_url, token) as api:
        for trouble, text in (("no secret", None), ("a secret that is no document", "hush")):
            moody.secret = text
            answers[trouble] = api.get("/api/health")
    moody.secret = secret
    return answers


@pytest.fixture(scope="session")
def troubled(troubled_url: str, locked_out: dict[str, httpx.Response], token: str) -> Iterator[httpx.Client]:
    """A client of a stack whose table is moody and whose secret is there again."""
    assert locked_out
    with client(troubled_url, token) as ready:
        yield ready


def client(url: str, token: str | None) -> httpx.Client:
    """A client that waits for cold starts; without a token it sends none."""
    headers = {} if token is None else {"authorization": f"Bearer {token}"}
    return httpx.Client(base_url=url, headers=headers, timeout=120)
