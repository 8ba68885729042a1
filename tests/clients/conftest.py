"""What the clients are tested with: the real proxy and SDKs, in an environment of their own (`make clients`)."""

import os
from pathlib import Path

import pytest

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
