"""What the clients are tested with: the real proxy and SDKs, in an environment of their own (`make clients`)."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from scripts.harness.serving import serving
from tests.conftest import ROOT

ENVIRONMENT = ROOT / "build/clients"


@pytest.fixture(scope="session")
def clients_python() -> Path:
    """The Python that has the SDKs; POINTSMAN_REQUIRE_CLIENTS says that it must be there."""
    if not (ENVIRONMENT / ".installed").exists():
        message = "the SDKs are not installed: make clients"
        if os.environ.get("POINTSMAN_REQUIRE_CLIENTS") == "1":
            pytest.fail(f"{message}, and POINTSMAN_REQUIRE_CLIENTS=1")
        pytest.skip(message)
    return ENVIRONMENT / "bin/python"


@pytest.fixture(scope="session")
def pointsman(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a real `pointsman serve` with the default artifact and registry."""
    with serving("--db", str(tmp_path_factory.mktemp("served") / "history.db")) as server:
        yield server.url
