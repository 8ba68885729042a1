"""The real server for the browser: `pointsman serve` on a free port with an empty history."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.serving import serving


@pytest.fixture(scope="session")
def server_url(artifact_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running server."""
    database = tmp_path_factory.mktemp("served") / "history.db"
    with serving("--db", str(database), "--artifact", str(artifact_folder)) as server:
        yield server.url
