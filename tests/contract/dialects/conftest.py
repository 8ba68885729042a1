"""The whole app around the fake embedder, with a registry as a gateway's operator would write it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient
from pointsman.api import create_app
from pointsman.history.sqlite import SqliteHistory
from pointsman.registry import Registry, load_registry
from pointsman.router import Router
from pointsman.routing.sessions import sessions_of
from pointsman.settings import load_settings

from tests.conftest import WriteRegistry, model_yaml
from tests.fakes import FakeEmbedder, fake_artifact

STRONG = """aliases: [strong]
gateway_names: {bedrock: acme.strong-v1, openrouter: acme-labs/strong}
input_modalities: [text, image, file]
supports: {tools: true, json: true}
default_effort: low
efforts:
  low: {request: {reasoning_effort: low}}
  high: {request: {reasoning_effort: high}}
"""
WEAK = "supports: {tools: false}\n"
CACHED = "cached_input_cost_per_1k: {cached:f}\n"

AUTO = """name: auto
description: all
models: [acme/strong, acme/middle, acme/weak]
efforts: all
default_model: acme/middle
"""
KONG = """name: kong
description: what the gateway has
models: [acme/strong, acme/weak]
efforts: all
targets: {acme/strong@low: strong, acme/weak: weak}
default_model: acme/weak
"""
BARE = "name: bare\ndescription: no default\nmodels: [acme/strong, acme/weak]\n"
NAMED = "name: named\ndescription: their names\nmodels: [acme/strong, acme/weak]\nnames: bedrock\n"
ALWAYS = "name: always\ndescription: stays\nmodels: [acme/strong, acme/middle, acme/weak]\nsticky: always\n"


@pytest.fixture
def registry(write_registry: WriteRegistry) -> Registry:
    return load_registry(
        write_registry(
            {
                "strong.yaml": model_yaml("acme/strong", 0.01, 95, more=STRONG + CACHED.format(cached=0.001)),
                "middle.yaml": model_yaml("acme/middle", 0.001, 70, more=CACHED.format(cached=0.0001)),
                "weak.yaml": model_yaml("acme/weak", 0.0001, 40, more=WEAK + CACHED.format(cached=0.00001)),
            },
            {
                "auto.yaml": AUTO,
                "kong.yaml": KONG,
                "bare.yaml": BARE,
                "named.yaml": NAMED,
                "always.yaml": ALWAYS,
            },
        )
    )


MakeClient = Callable[..., TestClient]


@pytest.fixture
def make_client(registry: Registry, history: SqliteHistory) -> Iterator[MakeClient]:
    """Makes a client of an app; settings may be given."""
    made: list[TestClient] = []

    def make(**settings: Any) -> TestClient:
        artifact, found = fake_artifact(), load_settings(**settings)
        sessions = sessions_of(history.expiring(), found)
        router = Router(registry, artifact, FakeEmbedder(), history, found, None, sessions)
        app = create_app(registry, artifact.manifest, artifact.digest, router=router, history=history)
        client = TestClient(app, raise_server_exceptions=False)
        client.__enter__()
        made.append(client)
        return client

    yield make
    for client in made:
        client.__exit__()


@pytest.fixture
def client(make_client: MakeClient) -> TestClient:
    return make_client()
